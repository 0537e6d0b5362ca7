"""What can go wrong with a call to Discord, sorted by what the caller must do next.

A call that returns is done. Every error but `OutcomeUnknown` means: certainly not done. `OutcomeUnknown` means that
Discord may have done it, and only looking (a GET) can tell. `RetryableError`s may be tried later as they are;
`PermanentError`s need another request or a human first.
"""

from datetime import timedelta
from enum import StrEnum

from greenroom.core.errors import GreenroomError


class Scope(StrEnum):
    """Who is limited: this bot on a route, this bot everywhere, a resource, this host, or we limit ourselves."""

    USER = "user"
    GLOBAL = "global"
    SHARED = "shared"
    CLOUDFLARE = "cloudflare"
    PACING = "pacing"
    INVALID_REQUESTS = "invalid_requests"


class Cap(StrEnum):
    """Which of Discord's caps is reached."""

    ROLES = "roles"
    CHANNELS = "channels"
    CATEGORY = "category"
    OVERWRITES = "overwrites"


class DiscordError(GreenroomError):
    """Any failed call to Discord; never raised as such.

    `message` is for the person it concerns, `detail` for the operator. Neither holds a token.
    """

    code = "discord_error"
    message = "Discord did not answer as expected. We will try again."

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail

    def __str__(self) -> str:
        """Return what a log line needs."""
        return f"{self.code}: {self.detail}"


class RetryableError(DiscordError):
    """The same request may succeed later."""

    code = "discord_retryable"


class RateLimited(RetryableError):  # noqa: N818 -- reads as what happened, like its siblings
    """Not done: the wait is longer than the caller's budget. Try again after `retry_after`."""

    code = "discord_rate_limited"
    message = "Discord asks us to slow down. We will try again shortly."

    def __init__(self, retry_after: timedelta, scope: Scope, *, discord_code: int | None = None) -> None:
        super().__init__(f"limited ({scope}) for {retry_after.total_seconds():.3f} s")
        self.retry_after = retry_after
        self.scope = scope
        self.discord_code = discord_code


class Unavailable(RetryableError):  # noqa: N818 -- reads as what happened
    """Certainly not done: never sent, refused before it was read, or a read that brought nothing."""

    code = "discord_unavailable"
    message = "Discord cannot be reached at the moment. We will try again."


class OutcomeUnknown(RetryableError):  # noqa: N818 -- reads as what happened
    """May have been done: sent, and no answer that says so. Look before you send it again."""

    code = "discord_outcome_unknown"
    message = "Discord did not say whether it worked. We are checking."


class PermanentError(DiscordError):
    """Not done, and the same request will be refused again. `discord_code` is the body's code, if it had one."""

    code = "discord_refused"
    message = "Discord refused this."

    def __init__(self, detail: str, *, discord_code: int | None = None) -> None:
        super().__init__(detail if discord_code is None else f"{detail} (code {discord_code})")
        self.discord_code = discord_code


class Unauthorized(PermanentError):  # noqa: N818 -- reads as what happened
    """The bot token is dead for everybody; nothing is sent until the operator sets a new one."""

    code = "discord_bot_token_dead"
    message = "The connection to Discord is broken. The operator has to set a new bot token."


class TokenRevoked(PermanentError):  # noqa: N818 -- reads as what happened
    """One person's OAuth2 grant (code, access or refresh token) no longer holds: they must link again."""

    code = "discord_link_revoked"
    message = "The link to your Discord account no longer works. Please connect it again."


class Forbidden(PermanentError):  # noqa: N818 -- reads as what happened
    """Discord understood and refuses: a missing permission, a ban, closed direct messages (see the code)."""

    code = "discord_forbidden"


class NotFound(PermanentError):  # noqa: N818 -- reads as what happened
    """The object named by the code (10003 channel, 10007 member, ...) does not exist."""

    code = "discord_not_found"
    message = "Discord does not know this any more."


class BadRequest(PermanentError):  # noqa: N818 -- reads as what happened
    """The request itself is wrong; `discord_field` is the first field Discord complains about, dotted."""

    code = "discord_bad_request"

    def __init__(self, detail: str, *, discord_code: int | None = None, discord_field: str | None = None) -> None:
        detail = detail if discord_field is None else f"{detail}: {discord_field}"
        super().__init__(detail, discord_code=discord_code)
        self.discord_field = discord_field


class CapacityReached(PermanentError):  # noqa: N818 -- reads as what happened
    """A cap is reached; another guild, category or mode may still have room."""

    code = "discord_capacity_reached"
    message = "The Discord server is full."

    def __init__(self, cap: Cap, *, discord_code: int) -> None:
        super().__init__(f"cap reached: {cap}", discord_code=discord_code)
        self.cap = cap
