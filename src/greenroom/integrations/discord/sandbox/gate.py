"""The door of the simulated API: who asks, how often, which fault strikes, and how a refusal is written.

Every request passes here in the same order: is the sandbox on, is the caller known, is it one too many, does a
fault strike, then the handler. A handler that changes something runs in one transaction with the guild locked.
Cookies and sessions play no part.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from greenroom.core.errors import BusyError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.sandbox import faults, parsing, strikes
from greenroom.integrations.discord.sandbox.access import access
from greenroom.integrations.discord.sandbox.errors import (
    ApiError,
    LimitedError,
    OAuthError,
    forbidden,
    not_found,
    unauthorized,
)
from greenroom.integrations.discord.sandbox.models import SandboxAuthorization, SandboxGuild
from greenroom.integrations.discord.sandbox.permissions import Standing
from greenroom.integrations.discord.sandbox.ratelimit import WINDOWS
from greenroom.integrations.discord.sandbox.services import oauth
from greenroom.integrations.discord.sandbox.services.guild import bot_id, ensure_guild, lock_guild
from greenroom.integrations.discord.sandbox.standing import find_standing

MAX_REASON = 512

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's answer; without a body it is 204."""

    body: object = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """Write it as HTTP."""
        if self.body is None:
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        return JsonResponse(self.body, status=self.status, safe=False, headers=dict(self.headers))


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose sender is known: our bot, or a person by a bearer token."""

    request: HttpRequest
    guild: SandboxGuild
    authorization: SandboxAuthorization | None = None

    @property
    def bot(self) -> Standing:
        """The bot's standing in the guild. Raises: ApiError 50001 when it was put out."""
        standing = find_standing(self.guild, bot_id())
        if standing is None:
            raise forbidden(DiscordCode.MISSING_ACCESS)
        return standing

    @property
    def body(self) -> dict[str, object]:
        """The JSON object sent. Raises: ApiError."""
        return parsing.json_object(content_of(self.request))

    @property
    def reason(self) -> str:
        """The audit log reason, decoded."""
        text = unquote(self.request.headers.get("X-Audit-Log-Reason", "")).replace("\0", "")
        return text[:MAX_REASON]

    def require_membership(self) -> None:
        """Refuse when the bot was put out of the guild. Raises: ApiError 50001."""
        if not self.guild.members.filter(user_id=bot_id()).exists():
            raise forbidden(DiscordCode.MISSING_ACCESS)

    def require_guild(self, guild_id: int) -> SandboxGuild:
        """Return the guild if it is the one there is. Raises: ApiError 10004."""
        if guild_id != self.guild.pk:
            raise not_found(DiscordCode.UNKNOWN_GUILD)
        return self.guild


Handler = Callable[..., Reply]


def endpoint(route: str, *, allows_people: bool = False, **handlers: Handler) -> View:
    """Build the view of one API path: a handler per method, called with the Call and the path's ids as keywords."""

    @csrf_exempt
    def view(request: HttpRequest, **raw_ids: str) -> HttpResponse:
        def answer() -> HttpResponse:
            handler = handlers.get(request.method or "")
            if handler is None:
                raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, DiscordCode.GENERAL, "405: Method Not Allowed")
            ids = {name: parsing.snowflake(value, name) for name, value in raw_ids.items()}
            call = authenticate(request, allows_people=allows_people)
            method = str(request.method)
            return guarded(f"{method} {route}", ids, lambda: _perform(handler, call, ids))

        return speak(answer)

    return view


def speak(answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Give an answer, or write the refusal it raises. Raises: Http404 when the sandbox is off."""
    if not settings.SANDBOX_ENABLED:
        raise Http404
    try:
        return answer()
    except ApiError as error:
        return JsonResponse(error.body, status=error.status)
    except OAuthError as error:
        return JsonResponse(error.body, status=error.status)
    except LimitedError as error:
        return strikes.limited(error.retry_after, "global" if error.is_global else "user")
    except BusyError:
        body = {"message": "API resource is currently overloaded.", "code": int(DiscordCode.OVERLOADED)}
        return JsonResponse(body, status=HTTPStatus.SERVICE_UNAVAILABLE)


def guarded(route: str, ids: Mapping[str, int], perform: Callable[[], HttpResponse]) -> HttpResponse:
    """Count the request, let a fault strike, perform it; every answer carries the rate limit headers.

    Raises: LimitedError.
    """
    headers = WINDOWS.count(route, next(iter(ids.values()), 0))
    fault = faults.take_fault(has_channel="channel_id" in ids)
    response = strikes.strike_before(fault, ids)
    if response is None:
        # A refusal is written here, so that it too gets the headers and the fault that strikes afterwards.
        response = strikes.strike_after(fault, speak(perform))
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def authenticate(request: HttpRequest, *, allows_people: bool) -> Call:
    """Tell who asks. Raises: ApiError 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bot" and hmac.compare_digest(token.encode(), access().bot_token.encode()):
        return Call(request, ensure_guild())
    if scheme == "Bearer" and allows_people:
        authorization = oauth.find_authorization(token)
        if authorization is not None:
            return Call(request, ensure_guild(), authorization)
    raise unauthorized()


def content_of(request: HttpRequest) -> bytes:
    """Read the body. Raises: ApiError 413 for more than the server takes."""
    try:
        return request.body
    except RequestDataTooBig:
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, DiscordCode.GENERAL, "413: Payload Too Large") from None


def _perform(handler: Handler, call: Call, ids: Mapping[str, int]) -> HttpResponse:
    if call.request.method == "GET":
        return handler(call, **ids).response()
    with unit_of_work():
        lock_guild()
        return handler(call, **ids).response()
