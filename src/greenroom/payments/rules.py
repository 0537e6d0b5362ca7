"""Decisions about payments from known values: no database, no clock, no gateway."""

from collections.abc import Iterable

from greenroom.core.money import Money
from greenroom.payments.types import AttemptState, RefundRequestState, Terms

_A, _R = AttemptState, RefundRequestState

LIVE = frozenset({_A.CREATED, _A.OPEN, _A.REQUIRES_ACTION, _A.PROCESSING})
UNSETTLED_REFUNDS = frozenset({_R.PENDING, _R.REQUIRES_ACTION})
LOST_REFUNDS = frozenset({_R.FAILED, _R.CANCELED})

# What is seen at the gateway moves an attempt forward only. `paid` is the end: what happens to the money afterwards
# are refunds. Money may still arrive for an attempt that was given up (a late callback, a slow bank), so `failed` and
# `dead` lead to `paid`. A question of the bank that was answered badly leads back to `open`: neither involves money.
TRANSITIONS: frozenset[tuple[AttemptState, AttemptState]] = frozenset(
    {
        *((_A.CREATED, seen) for seen in AttemptState if seen is not _A.CREATED),
        *((_A.OPEN, seen) for seen in (_A.REQUIRES_ACTION, _A.PROCESSING, _A.PAID, _A.FAILED, _A.DEAD)),
        *((_A.REQUIRES_ACTION, seen) for seen in (_A.OPEN, _A.PROCESSING, _A.PAID, _A.FAILED, _A.DEAD)),
        *((_A.PROCESSING, seen) for seen in (_A.PAID, _A.FAILED, _A.DEAD)),
        (_A.FAILED, _A.PAID),
        (_A.DEAD, _A.PAID),
    }
)

REFUND_TRANSITIONS: frozenset[tuple[RefundRequestState, RefundRequestState]] = frozenset(
    {
        *((_R.REQUESTED, seen) for seen in RefundRequestState if seen is not _R.REQUESTED),
        *((_R.PENDING, seen) for seen in (_R.REQUIRES_ACTION, _R.SUCCEEDED, _R.FAILED, _R.CANCELED)),
        *((_R.REQUIRES_ACTION, seen) for seen in (_R.PENDING, _R.SUCCEEDED, _R.FAILED, _R.CANCELED)),
        # A bank may return money days after it accepted it (docs.stripe.com/refunds, "Failed refunds").
        (_R.SUCCEEDED, _R.FAILED),
    }
)


def next_state(current: AttemptState, seen: AttemptState) -> AttemptState | None:
    """Return where an attempt goes when the gateway shows `seen`, or None when it stays."""
    return seen if (current, seen) in TRANSITIONS else None


def next_refund_state(current: RefundRequestState, seen: RefundRequestState) -> RefundRequestState | None:
    """Return where a refund goes when the gateway shows `seen`, or None when it stays."""
    return seen if (current, seen) in REFUND_TRANSITIONS else None


def matters_to_order(state: AttemptState) -> bool:
    """Tell whether an order must look again when an attempt reaches this state."""
    return state in {_A.PROCESSING, _A.PAID, _A.FAILED, _A.DEAD}


def mismatch(agreed: Terms, seen: Terms) -> str:
    """Return in plain words how money that arrived differs from what was agreed; empty when it fits."""
    found = []
    if seen.amount != agreed.amount:
        found.append(f"{_words(seen.amount)} arrived instead of {_words(agreed.amount)}")
    if seen.is_test is not agreed.is_test:
        found.append("play money arrived" if seen.is_test else "real money arrived for a test order")
    if seen.attempt_ref != agreed.attempt_ref:
        found.append(f"it names another attempt ({seen.attempt_ref[:40]})")
    return "; ".join(found)


def refundable(captured: Money, requests: Iterable[tuple[RefundRequestState, Money]]) -> Money:
    """Return what is left to give back: captured, less every refund that has not failed."""
    left = captured
    for state, amount in requests:
        if state not in LOST_REFUNDS:
            left -= amount
    return left


def _words(amount: Money) -> str:
    return f"{amount.minor} {amount.currency} (minor units)"
