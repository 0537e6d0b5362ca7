"""The authorization server: consent, codes, tokens. Secrets are kept as SHA-256 digests only (they are random)."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from greenroom.core import clock
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.sandbox.access import access
from greenroom.integrations.discord.sandbox.errors import OAuthError
from greenroom.integrations.discord.sandbox.models import (
    SandboxAuthorization,
    SandboxCode,
    SandboxTokenPair,
    SandboxUser,
)

# Measured nowhere; RFC 6749, 4.1.2 asks for ten minutes at most. Short, so that a stalled flow is noticed.
CODE_LIFETIME = timedelta(seconds=60)
TOKEN_LIFETIME = timedelta(seconds=604_800)
KNOWN_SCOPES = frozenset({"identify", "email", "guilds", "guilds.join"})


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the consent page was asked for, checked."""

    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """A fresh pair in clear, shown once."""

    access_token: str
    refresh_token: str
    scopes: str


def grant_code(user: SandboxUser, request: AuthorizationRequest) -> str:
    """Record a person's consent and return the code that proves it, good once within a minute."""
    code = secrets.token_urlsafe(24)
    with unit_of_work():
        authorization = SandboxAuthorization.objects.create(user=user, scopes=" ".join(request.scopes))
        SandboxCode.objects.create(
            digest=_digest(code),
            authorization=authorization,
            redirect_uri=request.redirect_uri,
            challenge=request.challenge,
            expires_at=clock.now() + CODE_LIFETIME,
        )
    return code


def exchange_code(*, code: str, redirect_uri: str, code_verifier: str) -> IssuedTokens:
    """Trade a code for tokens. Locks the code's row: of two calls at once one finds it gone. Raises: OAuthError."""
    with unit_of_work():
        codes = SandboxCode.objects.select_related("authorization").select_for_update(of=("self",))
        found = codes.filter(digest=_digest(code)).first()
        if found is None or found.expires_at <= clock.now():
            raise OAuthError("invalid_grant", 'Invalid "code" in request.')
        if found.redirect_uri != redirect_uri:
            raise OAuthError("invalid_grant", 'Invalid "redirect_uri" in request.')
        if not _proves(code_verifier, found.challenge):
            raise OAuthError("invalid_grant", 'Invalid "code_verifier" in request.')
        found.delete()
        return _issue(found.authorization)


def refresh_tokens(refresh_token: str) -> IssuedTokens:
    """Trade a refresh token for a new pair. Locks the old pair, which is dead at once. Raises: OAuthError."""
    with unit_of_work():
        pairs = SandboxTokenPair.objects.select_related("authorization").select_for_update(of=("self",))
        pair = pairs.filter(refresh_digest=_digest(refresh_token)).first()
        if pair is None:
            raise OAuthError("invalid_grant", 'Invalid "refresh_token" in request.')
        pair.delete()
        return _issue(pair.authorization)


def revoke_token(token: str) -> None:
    """End the whole authorisation a token belongs to; unknown tokens are none of our business (RFC 7009, 2.2)."""
    digest = _digest(token)
    with unit_of_work():
        pairs = SandboxTokenPair.objects.filter(access_digest=digest) | SandboxTokenPair.objects.filter(
            refresh_digest=digest
        )
        SandboxAuthorization.objects.filter(pk__in=list(pairs.values_list("authorization_id", flat=True))).delete()


def find_authorization(access_token: str) -> SandboxAuthorization | None:
    """Return what a live access token stands for, or None."""
    pair = (
        SandboxTokenPair.objects.select_related("authorization__user")
        .filter(access_digest=_digest(access_token), expires_at__gt=clock.now())
        .first()
    )
    return None if pair is None else pair.authorization


def is_client(client_id: str, client_secret: str) -> bool:
    """Check the application's credentials in constant time."""
    given = f"{client_id}:{client_secret}".encode("utf-8", "surrogatepass")
    known = f"{access().client_id}:{access().client_secret}".encode()
    return hmac.compare_digest(given, known)


def _issue(authorization: SandboxAuthorization) -> IssuedTokens:
    access_token, refresh_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    SandboxTokenPair.objects.create(
        authorization=authorization,
        access_digest=_digest(access_token),
        refresh_digest=_digest(refresh_token),
        expires_at=clock.now() + TOKEN_LIFETIME,
    )
    return IssuedTokens(access_token, refresh_token, authorization.scopes)


def _proves(code_verifier: str, challenge: str) -> bool:
    """Check a PKCE verifier against its S256 challenge (RFC 7636, 4.6)."""
    digest = hashlib.sha256(code_verifier.encode("utf-8", "surrogatepass")).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    return hmac.compare_digest(computed.encode(), challenge.encode())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
