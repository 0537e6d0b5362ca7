"""A person's own grant, by which the bot may bring them into the server."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from greenroom.accounts.models import DiscordIdentity
from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.errors import DiscordError, TokenRevoked
from greenroom.integrations.discord.types import Tokens
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError
from greenroom.rooms.models import TokenRefresh

JOIN_SCOPE = "guilds.join"
REFRESH_WITHIN = timedelta(hours=24)
# Longer than the trade can take; a process that died during one is not waited for any longer.
_REFRESH_LASTS = timedelta(seconds=60)
_POLL = timedelta(seconds=2)


def fresh_access_token(identity_id: int, connection: Connection) -> str | None:
    """Return an access token that may bring a person into the server, or None when they never allowed it.

    One with less than a day left is traded first: under a claim, so that two processes never use up the same
    refresh token, and the new pair is saved before it is used.
    Raises: TokenRevoked (the grant is forgotten: they must link again), NotYetError, DiscordError.
    """
    now = clock.now()
    identity = DiscordIdentity.objects.filter(pk=identity_id).first()
    if identity is None or not identity.access_token or JOIN_SCOPE not in identity.scopes.split():
        return None
    if not _is_ageing(identity, now):
        return identity.access_token
    old = _claim(identity_id, now)
    if old is None:
        raise NotYetError(now + _POLL, "Another process renews this person's link.")
    return _trade(identity_id, old, connection)


def forget_grant(identity_id: int, access_token: str) -> None:
    """Drop a pair that Discord no longer accepts, unless the person linked again meanwhile. Locks the identity."""
    with unit_of_work():
        mine = _locked(identity_id).first()
        if mine is None or mine.access_token != access_token:
            return
        mine.access_token = mine.refresh_token = mine.scopes = ""
        mine.token_expires_at = None
        mine.save(update_fields=["access_token", "refresh_token", "scopes", "token_expires_at"])


def _is_ageing(identity: DiscordIdentity, now: datetime) -> bool:
    return identity.token_expires_at is not None and identity.token_expires_at <= now + REFRESH_WITHIN


def _claim(identity_id: int, now: datetime) -> DiscordIdentity | None:
    """Claim the trade of this person's refresh token, or return None while somebody else is at it."""
    with unit_of_work():
        identity = _locked(identity_id).get()
        claim, is_mine = TokenRefresh.objects.get_or_create(identity=identity, defaults={"started_at": now})
        if not is_mine and claim.started_at > now - _REFRESH_LASTS:
            return None
        claim.started_at = now
        claim.save(update_fields=["started_at"])
        return identity


def _trade(identity_id: int, old: DiscordIdentity, connection: Connection) -> str:
    try:
        tokens = connection.sign_in.refresh(old.refresh_token)
    except DiscordError as error:
        if isinstance(error, TokenRevoked):
            forget_grant(identity_id, old.access_token)
        TokenRefresh.objects.filter(identity_id=identity_id).delete()
        raise
    fault_point("rooms.after_refresh")
    return _save(identity_id, old.refresh_token, tokens)


def _save(identity_id: int, old_refresh_token: str, tokens: Tokens) -> str:
    """Save the new pair, unless the person linked again during the trade: then theirs is newer."""
    with unit_of_work():
        identity = _locked(identity_id).get()
        if identity.refresh_token == old_refresh_token:
            identity.access_token, identity.refresh_token = tokens.access_token, tokens.refresh_token
            identity.token_expires_at = clock.now() + tokens.expires_in
            identity.scopes = " ".join(sorted(tokens.scopes))
            identity.save(update_fields=["access_token", "refresh_token", "token_expires_at", "scopes"])
        TokenRefresh.objects.filter(identity=identity).delete()
        return identity.access_token


def _locked(identity_id: int) -> QuerySet[DiscordIdentity]:
    return DiscordIdentity.objects.select_for_update(no_key=True).filter(pk=identity_id)
