"""Writing the audit log."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import models

from greenroom.core.actors import Actor
from greenroom.core.models import AuditEntry

AuditValue = str | int | bool | None

_road: ContextVar[str] = ContextVar("road", default="")


@contextmanager
def on_road(road: str) -> Iterator[None]:
    """Let every entry that is written meanwhile say by which road the change was learned of.

    `road` is a frozen word of at most forty characters. The entries stand or fall with the changes themselves, which
    a row written beside them would not.
    """
    token = _road.set(road)
    try:
        yield
    finally:
        _road.reset(token)


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
        road=_road.get(),
    )
