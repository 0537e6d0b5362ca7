"""What goes back when something is cancelled: pure decisions."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from greenroom.catalog.types import RefundTier
from greenroom.core.money import Money

ALL_PERCENT = 100
_BASIS_POINTS_PER_PERCENT = 100


def refund_percent(tiers: Sequence[RefundTier], *, starts_at: datetime, now: datetime) -> int:
    """Return the share that goes back when the session at `starts_at` is cancelled at `now`; both aware.

    The longest notice that is still kept decides, to the very instant; below every tier nothing goes back.
    """
    kept = [tier for tier in tiers if now <= starts_at - tier.notice]
    return max(kept, key=lambda tier: tier.notice).percent if kept else 0


def capped_tiers(tiers: Sequence[RefundTier], percent: int) -> tuple[RefundTier, ...]:
    """Return a policy of which nothing gives more than `percent` back, the longest notice first.

    Tiers that give nothing are left out, and of those that give the same the one that is open longest counts.
    """
    shortest: dict[int, timedelta] = {}
    for tier in tiers:
        back = min(tier.percent, percent)
        if back:
            shortest[back] = min(tier.notice, shortest.get(back, tier.notice))
    kept = [RefundTier(notice, back) for back, notice in shortest.items()]
    return tuple(sorted(kept, key=lambda tier: -tier.notice))


def refund_due(paid: Money, percent: int) -> Money:
    """Return `percent` of what was paid, rounded half up to the minor unit."""
    return paid.share(percent * _BASIS_POINTS_PER_PERCENT)
