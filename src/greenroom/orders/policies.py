"""What a cancellation policy says, in plain words: the one place for every page and mail. Pure.

A policy on its own speaks of hours before the start. With a session it names the dates, in the reader's zone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from greenroom.catalog.types import RefundTier
from greenroom.notifications.display import Viewer, duration, moment_short
from greenroom.notifications.display import money as amount_words
from greenroom.orders.rules import ALL_PERCENT, capped_tiers
from greenroom.payments.types import OrderMoney

_COACH = "If the coach cancels or does not come, everything comes back."


def policy_sentences(tiers: Sequence[RefundTier]) -> list[str]:
    """Say what comes back until how long before, where no session is chosen yet."""
    steps = capped_tiers(tiers, ALL_PERCENT)
    sentences = [f"{_back(tier.percent)} comes back if you cancel {_by(tier.notice)}." for tier in steps]
    after = "After that nothing is refunded." if sentences else "If you cancel, nothing is refunded."
    return [*sentences, f"{after} {_COACH}"]


def short_words(tiers: Sequence[RefundTier]) -> str:
    """Say a policy in one line, as a coach chooses it."""
    steps = capped_tiers(tiers, ALL_PERCENT)
    if not steps:
        return "nothing comes back when a student cancels"
    return ", ".join(f"{_back(tier.percent).lower()} back until {_before(tier.notice)}" for tier in steps)


def steps_ahead(tiers: Sequence[RefundTier], *, starts_at: datetime, now: datetime) -> list[tuple[int, datetime]]:
    """Return what comes back until when, percent and instant (inclusive), as far as that is still to come."""
    deadlines = [(tier.percent, starts_at - tier.notice) for tier in capped_tiers(tiers, ALL_PERCENT)]
    return [(percent, until) for percent, until in deadlines if now <= until]


def dated_sentences(tiers: Sequence[RefundTier], *, starts_at: datetime, now: datetime, viewer: Viewer) -> list[str]:
    """Say what cancelling the session at `starts_at` brings back from `now` on, with the dates in the viewer's zone."""
    steps = capped_tiers(tiers, ALL_PERCENT)
    if not steps:
        return ["If you cancel, nothing is refunded."]
    ahead = steps_ahead(tiers, starts_at=starts_at, now=now)
    if not ahead:
        ended = moment_short(starts_at - steps[-1].notice, viewer)
        return [f"If you cancel now, nothing is refunded: that was possible until {ended}."]
    sentences = [
        f"{_back(percent)} comes back if you cancel by {moment_short(until, viewer)}." for percent, until in ahead
    ]
    return [*sentences, "After that nothing is refunded."]


def dated_policy(tiers: Sequence[RefundTier], *, starts_at: datetime, now: datetime, viewer: Viewer) -> list[str]:
    """Say both: what comes back when the student cancels, with the dates, and when the coach fails."""
    return [*dated_sentences(tiers, starts_at=starts_at, now=now, viewer=viewer), _COACH]


def already_words(money: OrderMoney) -> str:
    """Say why nothing goes back any more of what was paid; "" when something is left."""
    if not money.captured.minor or money.left.minor:
        return ""
    if money.charged_back.minor:
        return (
            f"Your bank already gave you {amount_words(money.charged_back)} of this payment, so nothing more goes back."
        )
    return "What you paid went back already."


def _back(percent: int) -> str:
    return "Everything" if percent == ALL_PERCENT else f"{percent} %"


def _by(notice: timedelta) -> str:
    return f"at least {_before(notice)}" if notice else "before the start"


def _before(notice: timedelta) -> str:
    return f"{duration(notice)} before" if notice else "the start"
