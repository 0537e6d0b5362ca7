"""Linking a person's Discord account: authorization code with PKCE (RFC 6749, RFC 7636), form-encoded.

The bodies of these calls hold secrets and are never logged; neither are codes, which travel in no address of ours.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import BoundedSemaphore
from urllib.parse import urlencode

from greenroom.integrations.discord import reading
from greenroom.integrations.discord.client import read_answer
from greenroom.integrations.discord.errors import RateLimited, Scope
from greenroom.integrations.discord.permissions import BOT_INVITE
from greenroom.integrations.discord.protocol import ORDINARY, CallOptions
from greenroom.integrations.discord.sender import Request, Sender
from greenroom.integrations.discord.transport import Answer
from greenroom.integrations.discord.types import DiscordUser, Tokens

_WHEN_FULL = timedelta(seconds=1)
_FORM = "application/x-www-form-urlencoded"
# These calls are made while a person waits, in the threads that also serve the embedded sandbox (16 in the demo):
# were all of them waiting for an answer, none would be left to give it.
MOST_AT_ONCE = 8
_VERIFIER_BYTES = 48  # 64 characters; RFC 7636 asks for 43 to 128


@dataclass(frozen=True, slots=True)
class OAuthApplication:
    """The application as registered at Discord; `redirect_uri` must equal the registered one exactly."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    authorize_url: str


def bot_invite_url(authorize_url: str, client_id: str, guild_id: str) -> str:
    """Return the page on which the owner of a server lets the bot in, with exactly what it needs (`BOT_INVITE`).

    Opened once more, it gives the bot what it lacks (Discord's documentation, bot authorization flow).
    """
    query = {"client_id": client_id, "scope": "bot", "permissions": int(BOT_INVITE), "guild_id": guild_id}
    return f"{authorize_url}?{urlencode(query)}"


def new_code_verifier() -> str:
    """Return a fresh PKCE verifier with 384 random bits."""
    return secrets.token_urlsafe(_VERIFIER_BYTES)


def code_challenge(code_verifier: str) -> str:
    """Hash a verifier the S256 way: what may be seen by everybody on the consent page's address."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


class DiscordOAuth:
    """A `DiscordSignIn` on one `Sender`. See the protocol for what each call does and raises."""

    def __init__(self, sender: Sender, application: OAuthApplication, *, most_at_once: int = MOST_AT_ONCE) -> None:
        self._sender = sender
        self._places = BoundedSemaphore(most_at_once)
        self._application = application
        pair = f"{application.client_id}:{application.client_secret}".encode()
        self._authorization = "Basic " + base64.b64encode(pair).decode("ascii")

    def __repr__(self) -> str:
        return f"DiscordOAuth({self._sender!r}, client_id={self._application.client_id}, client_secret=***)"

    def authorize_url(self, *, state: str, code_verifier: str, scopes: Sequence[str]) -> str:
        """Build the consent page's address."""
        query = {
            "response_type": "code",
            "client_id": self._application.client_id,
            "redirect_uri": self._application.redirect_uri,
            "scope": " ".join(scopes),
            "state": state,
            "code_challenge": code_challenge(code_verifier),
            "code_challenge_method": "S256",
        }
        return f"{self._application.authorize_url}?{urlencode(query)}"

    def exchange_code(self, code: str, *, code_verifier: str, options: CallOptions = ORDINARY) -> Tokens:
        """Trade a code for tokens, once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._application.redirect_uri,
            "code_verifier": code_verifier,
        }
        return self._tokens(form, options)

    def refresh(self, refresh_token: str, options: CallOptions = ORDINARY) -> Tokens:
        """Trade a refresh token for a new pair."""
        return self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token}, options)

    def revoke(self, token: str, options: CallOptions = ORDINARY) -> None:
        """End the whole authorisation that a token belongs to."""
        self._send(self._form_request("/oauth2/token/revoke", {"token": token}, options))

    def user_of(self, access_token: str, options: CallOptions = ORDINARY) -> DiscordUser:
        """Tell whose access token this is."""
        request = Request("GET", "/users/@me", authorization=f"Bearer {access_token}", is_bot=False, options=options)
        return read_answer(request, self._send(request), reading.user)

    def _tokens(self, form: dict[str, str], options: CallOptions) -> Tokens:
        request = self._form_request("/oauth2/token", form, options)
        return read_answer(request, self._send(request), reading.tokens)

    def _send(self, request: Request) -> Answer:
        if not self._places.acquire(blocking=False):
            raise RateLimited(_WHEN_FULL, Scope.PACING)
        try:
            return self._sender.send(request)
        finally:
            self._places.release()

    def _form_request(self, template: str, form: dict[str, str], options: CallOptions) -> Request:
        return Request(
            "POST",
            template,
            content=urlencode(form).encode(),
            content_type=_FORM,
            authorization=self._authorization,
            is_bot=False,
            options=options,
        )
