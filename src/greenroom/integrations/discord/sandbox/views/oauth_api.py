"""The token endpoints: form-encoded, with the application's credentials in the header or the form."""

import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt

from greenroom.integrations.discord.sandbox.errors import OAuthError
from greenroom.integrations.discord.sandbox.gate import content_of, guarded, speak
from greenroom.integrations.discord.sandbox.services import oauth

_FORM = "application/x-www-form-urlencoded"


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    return speak(lambda: _answer(request, "oauth2/token", _issue))


@csrf_exempt
def revoke(request: HttpRequest) -> HttpResponse:
    return speak(lambda: _answer(request, "oauth2/token/revoke", _revoke))


def _answer(request: HttpRequest, route: str, perform: Callable[[QueryDict], HttpResponse]) -> HttpResponse:
    form = _form(request)
    if not oauth.is_client(*_credentials(request, form)):
        raise OAuthError("invalid_client", "Unknown application.", status=HTTPStatus.UNAUTHORIZED)
    return guarded(f"POST {route}", {}, lambda: perform(form))


def _issue(form: QueryDict) -> HttpResponse:
    match form.get("grant_type"):
        case "authorization_code":
            issued = oauth.exchange_code(
                code=form.get("code", ""),
                redirect_uri=form.get("redirect_uri", ""),
                code_verifier=form.get("code_verifier", ""),
            )
        case "refresh_token":
            issued = oauth.refresh_tokens(form.get("refresh_token", ""))
        case _:
            raise OAuthError("unsupported_grant_type", "Unsupported grant type.")
    return JsonResponse(
        {
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": int(oauth.TOKEN_LIFETIME.total_seconds()),
            "refresh_token": issued.refresh_token,
            "scope": issued.scopes,
        },
        headers={"Cache-Control": "no-store"},
    )


def _revoke(form: QueryDict) -> HttpResponse:
    oauth.revoke_token(form.get("token", ""))
    return JsonResponse({})


def _form(request: HttpRequest) -> QueryDict:
    if request.method != "POST":
        raise OAuthError("invalid_request", "Use POST.", status=HTTPStatus.METHOD_NOT_ALLOWED)
    if request.content_type != _FORM:
        raise OAuthError("invalid_request", f"Use {_FORM}.")
    return QueryDict(content_of(request))


def _credentials(request: HttpRequest, form: QueryDict) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return client_id, client_secret
