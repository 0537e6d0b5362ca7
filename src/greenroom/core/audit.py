"""Writing the audit log."""

from collections.abc import Mapping
from datetime import datetime

from django.db import models

from greenroom.core.actors import Actor
from greenroom.core.models import AuditEntry

AuditValue = str | int | bool | None


def record(
    *,
    actor: Actor,
    action: str,
    target: models.Model,
    now: datetime,
    before: Mapping[str, AuditValue] | None = None,
    after: Mapping[str, AuditValue] | None = None,
    reason: str = "",
) -> None:
    """Append one entry in the caller's transaction, so that a change and its record stand or fall together.

    `action` is a frozen word such as `booking.cancel`. Values never hold secrets, tokens or card data.
    """
    AuditEntry.objects.create(
        at=now,
        actor_kind=actor.kind,
        actor_user_id=actor.user_id,
        actor_address=actor.address or None,
        action=action,
        object_kind=target._meta.label_lower,
        object_id=target.pk,
        before=dict(before or {}),
        after=dict(after or {}),
        reason=reason,
    )
