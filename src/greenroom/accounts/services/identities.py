"""Who owns which Discord account, and ending it."""

from datetime import datetime

from greenroom.accounts.models import DiscordIdentity, Revocation, User
from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.types import DiscordUser, Tokens
from greenroom.jobs import services as jobs

REVOKE = "accounts.revoke_link"
ANNOUNCE = "bookings.discord_linked"


def unlink(*, user: User, now: datetime) -> bool:
    """Forget a user's Discord account and plan the end of its authorisation. Returns whether there was one.

    Locks the user, then the identity, which is deleted: bookings that used it are without one. The user's bookings
    and sessions are looked at again by a job. A second call does nothing.
    """
    with unit_of_work():
        lock_user(user.pk)
        identity = DiscordIdentity.objects.select_for_update(no_key=True).filter(user=user).first()
        if identity is None:
            return False
        key = f"{ANNOUNCE}:unlink:{identity.pk}"
        forget(identity, user=user, now=now)
        plan_announcement(user_id=user.pk, key=key, now=now)
    return True


def lock_user(user_id: int) -> User:
    """Lock a user's row, so that two links of one person come one after the other."""
    return User.objects.select_for_update(no_key=True).get(pk=user_id)


def lock_identity(discord_user: DiscordUser) -> DiscordIdentity:
    """Return the locked row of a Discord account; makes it when nobody linked that account before."""
    key = str(discord_user.id)
    DiscordIdentity.objects.get_or_create(discord_user_id=key, defaults={"username": discord_user.username[:100]})
    return DiscordIdentity.objects.select_for_update(no_key=True).get(discord_user_id=key)


def adopt(identity: DiscordIdentity, *, user: User, now: datetime) -> None:
    """Make a locked identity the user's own; the one they had before is forgotten. Runs in the caller's transaction."""
    former = DiscordIdentity.objects.select_for_update(no_key=True).filter(user=user).exclude(pk=identity.pk).first()
    if former is not None:
        forget(former, user=user, now=now)
    if identity.user_id != user.pk:
        identity.user = user
        identity.save(update_fields=["user"])
        _record(user, "discord.link", identity, now)


def keep_grant(identity: DiscordIdentity, discord_user: DiscordUser, tokens: Tokens, *, now: datetime) -> None:
    """Write what Discord has just granted: the newest tokens of an account are the only ones kept."""
    identity.username = discord_user.username[:100]
    identity.access_token = tokens.access_token
    identity.refresh_token = tokens.refresh_token
    identity.token_expires_at = now + tokens.expires_in
    identity.scopes = " ".join(sorted(tokens.scopes))[:200]
    identity.linked_at = now
    identity.save(
        update_fields=["username", "access_token", "refresh_token", "token_expires_at", "scopes", "linked_at"]
    )


def forget(identity: DiscordIdentity, *, user: User, now: datetime) -> None:
    """Delete a locked identity and plan the end of its authorisation. Runs in the caller's transaction."""
    _record(user, "discord.unlink", identity, now)
    plan_revocation(identity.discord_user_id, identity.refresh_token or identity.access_token, now=now)
    identity.delete()


def plan_revocation(discord_user_id: str, token: str, *, now: datetime) -> None:
    """Plan the end of an authorisation; without a token there is none that we could end."""
    if not token:
        return
    row = Revocation.objects.create(discord_user_id=discord_user_id, token=token, created_at=now)
    jobs.plan(kind=REVOKE, key=f"{REVOKE}:{row.pk}", due_at=now, now=now, payload={"revocation_id": row.pk})


def plan_announcement(*, user_id: int, key: str, now: datetime) -> None:
    """Have a user's sessions looked at again, because their Discord account is another one now, or none."""
    jobs.plan(kind=ANNOUNCE, key=key, due_at=now, now=now, payload={"user_id": user_id})


def _record(user: User, action: str, identity: DiscordIdentity, now: datetime) -> None:
    actor = Actor(ActorKind.STUDENT, user.pk)
    audit.record(
        actor=actor, action=action, target=identity, now=now, after={"discord_user_id": identity.discord_user_id}
    )
