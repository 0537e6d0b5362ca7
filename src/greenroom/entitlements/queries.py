"""Asking what somebody may use."""

from datetime import datetime

from django.db.models import Q, QuerySet

from greenroom.entitlements.models import Entitlement
from greenroom.entitlements.types import Thing


def entitlements_of(user_id: int, *, now: datetime) -> QuerySet[Entitlement]:
    """Return what somebody may use at `now`, the latest first; a thing may come twice, for two reasons."""
    return _holding(Entitlement.objects.filter(user_id=user_id), now).order_by("-granted_at", "-pk")


def find_entitlement(user_id: int, thing: Thing, *, now: datetime) -> Entitlement | None:
    """Return why somebody may use a thing at `now`, since and until when; None when they may not."""
    return entitlements_of(user_id, now=now).filter(kind=thing.kind, thing_pk=thing.pk).first()


def find_by_source(source: str, *, now: datetime) -> Entitlement | None:
    """Return what a source gave, if it can be used at `now`."""
    return _holding(Entitlement.objects.filter(source=source), now).first()


def _holding(rows: QuerySet[Entitlement], now: datetime) -> QuerySet[Entitlement]:
    held = rows.filter(granted_at__lte=now, revoked_at__isnull=True)
    return held.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now))
