"""Giving and taking the right to use something. Everything here runs in the caller's transaction."""

from datetime import datetime

from greenroom.accounts.models import User
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.entitlements.models import Entitlement
from greenroom.entitlements.types import Thing


def grant(
    *, user: User, thing: Thing, source: str, actor: Actor, now: datetime, ends_at: datetime | None = None
) -> Entitlement:
    """Let somebody use a thing from `now` until `ends_at` (aware UTC, excluded), because of `source`.

    A source gives once: a second call changes nothing, but gives back what was revoked. Locks the row of the source.
    """
    values = {"user": user, "kind": thing.kind, "thing_pk": thing.pk, "granted_at": now, "ends_at": ends_at}
    row, made = Entitlement.objects.select_for_update(no_key=True).get_or_create(source=source, defaults=values)
    if not made and row.revoked_at is None:
        return row
    if not made:
        row.revoked_at, row.revoked_reason = None, ""
        row.save(update_fields=["revoked_at", "revoked_reason"])
    action = "entitlement.grant" if made else "entitlement.restore"
    audit.record(actor=actor, action=action, target=row, now=now, after={"source": source})
    return row


def revoke(*, source: str, reason: str, actor: Actor, now: datetime) -> None:
    """Take back what `source` gave, and keep why in plain words. A second call changes nothing. Locks the row."""
    row = Entitlement.objects.select_for_update(no_key=True).filter(source=source, revoked_at__isnull=True).first()
    if row is None:
        return
    row.revoked_at, row.revoked_reason = now, reason
    row.save(update_fields=["revoked_at", "revoked_reason"])
    audit.record(actor=actor, action="entitlement.revoke", target=row, now=now, after={"source": source}, reason=reason)
