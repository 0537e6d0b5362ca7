"""The consent page: a person says who they are in the simulated Discord, and whether they allow it."""

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from greenroom.core.errors import GreenroomError, InvalidInputError
from greenroom.integrations.discord.sandbox.access import access
from greenroom.integrations.discord.sandbox.models import SandboxUser
from greenroom.integrations.discord.sandbox.queries import people
from greenroom.integrations.discord.sandbox.services import oauth
from greenroom.integrations.discord.sandbox.services.guild import create_user, ensure_guild, find_user

# Letters, digits and "-._~": 43 of them encode a SHA-256 digest (RFC 7636, 4.2).
_CHALLENGE_LENGTH = 43
_MAX_STATE = 512
_EXPLAINED = {
    "identify": "see your name on Discord",
    "email": "see your e-mail address",
    "guilds": "see which servers you are in",
    "guilds.join": "add you to its server",
}


class BrokenRequestError(Exception):
    """The request names another application or address, so nobody may be sent anywhere."""


class RefusedRequestError(Exception):
    """The request is ours, but asks for something we do not do; the application is told (RFC 6749, 4.1.2.1)."""


@csrf_exempt  # no cookie says who one is here: that is what the page asks
@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    if not settings.SANDBOX_ENABLED:
        raise Http404
    ensure_guild()
    try:
        _check_application(request)
        asked = _read(request)
    except BrokenRequestError as error:
        context = {"problem": str(error)}
        return render(request, "discord_sandbox/broken.html", context, status=HTTPStatus.BAD_REQUEST)
    except RefusedRequestError as error:
        return _send_back(request, error=str(error))
    if request.method != "POST":
        return _page(request, asked)
    if request.POST.get("decision") != "allow":
        return _send_back(request, error="access_denied")
    try:
        user = _chosen_user(request)
    except GreenroomError as error:
        return _page(request, asked, problem=error.message)
    return _send_back(request, code=oauth.grant_code(user, asked))


def _check_application(request: HttpRequest) -> None:
    if request.GET.get("client_id") != access().client_id:
        raise BrokenRequestError("The application that sent you here is not known.")
    if request.GET.get("redirect_uri") != access().redirect_uri:
        raise BrokenRequestError("The address to return to is not the one that was registered.")


def _read(request: HttpRequest) -> oauth.AuthorizationRequest:
    query = request.GET
    scopes = tuple(dict.fromkeys(query.get("scope", "").split()))
    challenge = query.get("code_challenge", "")
    if query.get("response_type") != "code":
        raise RefusedRequestError("unsupported_response_type")
    if not scopes or not oauth.KNOWN_SCOPES.issuperset(scopes):
        raise RefusedRequestError("invalid_scope")
    if query.get("code_challenge_method") != "S256" or not _is_challenge(challenge):
        raise RefusedRequestError("invalid_request")
    return oauth.AuthorizationRequest(access().redirect_uri, scopes, challenge)


def _is_challenge(text: str) -> bool:
    return len(text) == _CHALLENGE_LENGTH and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()


def _chosen_user(request: HttpRequest) -> SandboxUser:
    """Return who the person says they are, making a new account when they typed a name. Raises: GreenroomError."""
    name = request.POST.get("new_name", "").strip()
    if name:
        return create_user(name)
    chosen = request.POST.get("user", "")
    if not chosen.isascii() or not chosen.isdecimal() or chosen == str(access().client_id):
        raise InvalidInputError("Choose who you are, or type a name for a new account.", field="user")
    return find_user(min(int(chosen[:19]), 2**63 - 1))


def _page(request: HttpRequest, asked: oauth.AuthorizationRequest, problem: str = "") -> HttpResponse:
    context = {
        "people": [person for person in people() if not person.is_bot],
        "scopes": [_EXPLAINED[scope] for scope in asked.scopes],
        "chosen": request.POST.get("user", ""),
        "new_name": request.POST.get("new_name", ""),
        "problem": problem,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return render(request, "discord_sandbox/authorize.html", context, status=status)


def _send_back(request: HttpRequest, **answer: str) -> HttpResponse:
    """Redirect to the application with the code or error, and the state it gave us, as it is."""
    if "state" in request.GET:
        answer["state"] = request.GET["state"][:_MAX_STATE]
    target = access().redirect_uri
    joint = "&" if urlsplit(target).query else "?"
    return HttpResponseRedirect(f"{target}{joint}{urlencode(answer)}")
