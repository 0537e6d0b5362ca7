"""Rate limits that hold for every process and both databases: one row and one atomic UPDATE a try."""

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When

from greenroom.core.errors import RateLimitedError
from greenroom.core.models import RateBucket


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` uses of one key in each window of `window`; the window starts at the first use."""

    name: str
    limit: int
    window: timedelta


def take(rate: RateLimit, who: str, *, now: datetime) -> None:
    """Use one of `who`'s tries.

    Writes one row. `who` (an address, an e-mail) is stored only as an HMAC. Safe under concurrency: the
    condition and the count are one statement.
    Raises: RateLimitedError with the seconds until the window ends, when no try is left.
    """
    key = _key(rate, who)
    if _use(rate, key, now):
        return
    try:
        with transaction.atomic():
            RateBucket.objects.create(key=key, used=1, window_ends_at=now + rate.window)
    except IntegrityError:
        if not _use(rate, key, now):
            raise RateLimitedError(_seconds_left(key, now)) from None


def forget(rate: RateLimit, who: str) -> None:
    """Give all of `who`'s tries back, as after a successful sign-in."""
    RateBucket.objects.filter(key=_key(rate, who)).delete()


def _use(rate: RateLimit, key: str, now: datetime) -> bool:
    over = Q(window_ends_at__lte=now)
    updated = RateBucket.objects.filter(over | Q(used__lt=rate.limit), key=key).update(
        used=Case(When(over, then=Value(1)), default=F("used") + 1),
        window_ends_at=Case(When(over, then=Value(now + rate.window)), default=F("window_ends_at")),
    )
    return updated == 1


def _seconds_left(key: str, now: datetime) -> int:
    ends_at = RateBucket.objects.filter(key=key).values_list("window_ends_at", flat=True).first()
    return max(1, math.ceil((ends_at - now).total_seconds())) if ends_at else 1


def _key(rate: RateLimit, who: str) -> str:
    digest = hmac.new(settings.SECRET_KEY.encode(), f"{rate.name}:{who}".encode(), hashlib.sha256)
    return digest.hexdigest()
