"""Refusals in Discord's words and numbers; the gate turns them into answers."""

from http import HTTPStatus

from greenroom.integrations.discord.codes import DiscordCode


class ApiError(Exception):
    """A refusal with its status, code and sentence; `extra` goes into the JSON body as it is."""

    def __init__(self, status: int, code: int, message: str, **extra: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"message": message, "code": int(code), **extra}


class LimitedError(Exception):
    """Too many requests: try again after so many seconds."""

    def __init__(self, retry_after: float, *, is_global: bool = False) -> None:
        super().__init__("You are being rate limited.")
        self.retry_after = retry_after
        self.is_global = is_global


class OAuthError(Exception):
    """A refusal of the token endpoint, in the words of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, *, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


_NOT_FOUND = {
    DiscordCode.UNKNOWN_CHANNEL: "Unknown Channel",
    DiscordCode.UNKNOWN_GUILD: "Unknown Guild",
    DiscordCode.UNKNOWN_MEMBER: "Unknown Member",
    DiscordCode.UNKNOWN_OVERWRITE: "Unknown Overwrite",
    DiscordCode.UNKNOWN_ROLE: "Unknown Role",
    DiscordCode.UNKNOWN_USER: "Unknown User",
    DiscordCode.UNKNOWN_VOICE_STATE: "Unknown Voice State",
}
_FORBIDDEN = {
    DiscordCode.BANNED: "The user is banned from this guild.",
    DiscordCode.MISSING_ACCESS: "Missing Access",
    DiscordCode.CANNOT_MESSAGE_USER: "Cannot send messages to this user",
    DiscordCode.LACKS_PERMISSION: "Missing Permissions",
    DiscordCode.INVALID_USER_TOKEN: "Invalid OAuth2 access token",
    DiscordCode.MISSING_SCOPE: "Missing required OAuth2 scope",
    DiscordCode.NO_MUTUAL_GUILD: "Cannot send messages to this user due to having no mutual guilds",
}
_BAD_REQUEST = {
    DiscordCode.TOO_MANY_ROLES: "Maximum number of guild roles reached (250)",
    DiscordCode.TOO_MANY_CHANNELS: "Maximum number of guild channels reached (500)",
    DiscordCode.TOO_MANY_OVERWRITES: "Maximum number of permission overwrites reached (1000)",
    DiscordCode.NOT_IN_VOICE: "Target user is not connected to voice.",
}


def not_found(code: DiscordCode) -> ApiError:
    """Say that an object does not exist."""
    return ApiError(HTTPStatus.NOT_FOUND, code, _NOT_FOUND[code])


def forbidden(code: DiscordCode) -> ApiError:
    """Say that something may not be done."""
    return ApiError(HTTPStatus.FORBIDDEN, code, _FORBIDDEN[code])


def bad_request(code: DiscordCode) -> ApiError:
    """Say that a cap is reached or the state does not fit."""
    return ApiError(HTTPStatus.BAD_REQUEST, code, _BAD_REQUEST[code])


def invalid_form(field: str, code: str, message: str) -> ApiError:
    """Say which field is wrong; `field` is dotted, as in `permission_overwrites.0.allow`."""
    errors: dict[str, object] = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(field.split(".")):
        errors = {name: errors}
    return ApiError(HTTPStatus.BAD_REQUEST, DiscordCode.INVALID_FORM, "Invalid Form Body", errors=errors)


def unauthorized() -> ApiError:
    """Say that the token is no good."""
    return ApiError(HTTPStatus.UNAUTHORIZED, DiscordCode.GENERAL, "401: Unauthorized")
