"""Decisions about payments from known values: no database, no clock, no gateway."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import DisputeStatus
from greenroom.payments.types import AttemptState, DisputeStand, RefundRequestState, Terms

_A, _R = AttemptState, RefundRequestState

LIVE = frozenset({_A.CREATED, _A.OPEN, _A.REQUIRES_ACTION, _A.PROCESSING})
UNSETTLED_REFUNDS = frozenset({_R.PENDING, _R.REQUIRES_ACTION})
# What can be tried again: nothing went back by it.
RETRIABLE_REFUNDS = frozenset({_R.FAILED, _R.CANCELED, _R.DROPPED})
LOST_REFUNDS = RETRIABLE_REFUNDS | {_R.SPLIT}
# Refunds that need a person: the money is still here, and should not be.
TROUBLED_REFUNDS = frozenset({_R.FAILED, _R.CANCELED})
# Refunds about which no gateway was heard, though a call whose answer was lost may have executed them.
UNHEARD_REFUNDS = frozenset({_R.HELD, _R.REQUESTED, _R.DROPPED, _R.SPLIT})
_SEEN_REFUNDS = (_R.PENDING, _R.REQUIRES_ACTION, _R.SUCCEEDED, _R.FAILED, _R.CANCELED)

# What is seen at the gateway moves an attempt forward only. `paid` is the end: what happens to the money afterwards
# are refunds. Money may still arrive for an attempt that was given up (a late callback, a slow bank), so `failed` and
# `dead` lead to `paid`. A question of the bank that was answered badly, and a
# proof that a person refused, lead back to `open`: neither involves money.
TRANSITIONS: frozenset[tuple[AttemptState, AttemptState]] = frozenset(
    {
        *((_A.CREATED, seen) for seen in AttemptState if seen is not _A.CREATED),
        *((_A.OPEN, seen) for seen in (_A.REQUIRES_ACTION, _A.PROCESSING, _A.PAID, _A.FAILED, _A.DEAD)),
        *((_A.REQUIRES_ACTION, seen) for seen in (_A.OPEN, _A.PROCESSING, _A.PAID, _A.FAILED, _A.DEAD)),
        *((_A.PROCESSING, seen) for seen in (_A.OPEN, _A.PAID, _A.FAILED, _A.DEAD)),
        (_A.FAILED, _A.PAID),
        (_A.DEAD, _A.PAID),
    }
)

REFUND_TRANSITIONS: frozenset[tuple[RefundRequestState, RefundRequestState]] = frozenset(
    {
        *((unheard, seen) for unheard in UNHEARD_REFUNDS for seen in _SEEN_REFUNDS),
        *((_R.PENDING, seen) for seen in (_R.REQUIRES_ACTION, _R.SUCCEEDED, _R.FAILED, _R.CANCELED)),
        *((_R.REQUIRES_ACTION, seen) for seen in (_R.PENDING, _R.SUCCEEDED, _R.FAILED, _R.CANCELED)),
        # A bank may return money days after it accepted it (docs.stripe.com/refunds, "Failed refunds").
        (_R.SUCCEEDED, _R.FAILED),
    }
)

_D = DisputeStatus
_CLOSED_DISPUTES = frozenset({_D.WARNING_CLOSED, _D.WON, _D.LOST, _D.PREVENTED})
_OPEN_DISPUTES = (_D.WARNING_NEEDS_RESPONSE, _D.WARNING_UNDER_REVIEW, _D.NEEDS_RESPONSE, _D.UNDER_REVIEW)
_DISPUTE_ORDER: dict[str, int] = {
    **{status: place for place, status in enumerate(_OPEN_DISPUTES)},
    **dict.fromkeys(_CLOSED_DISPUTES, len(_OPEN_DISPUTES)),
}


def take_lines(lines: Sequence[Sequence[int]], minor: int) -> tuple[list[list[int]], list[list[int]]]:
    """Part what is for each line, pairs of number and minor units, into the first so many minor units and the rest."""
    taken, rest = [], []
    for number, amount in lines:
        part = min(amount, minor)
        minor -= part
        taken += [[number, part]] if part else []
        rest += [[number, amount - part]] if amount > part else []
    return taken, rest


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


def refundable(
    captured: Money, requests: Iterable[tuple[RefundRequestState, Money]], charged_back: Iterable[Money] = ()
) -> Money:
    """Return what is left to give back: captured, less every refund that has not failed and what banks took.

    Never below zero, though both we and a bank may have given the same money back.
    """
    left = captured
    for state, amount in requests:
        if state not in LOST_REFUNDS:
            left -= amount
    for amount in charged_back:
        left -= amount
    return Money(max(left.minor, 0), left.currency)


# Of a dispute that was decided: docs.stripe.com/api/disputes/object, "status".
_APPEAL = "appeal_"


def is_closed(status: str) -> bool:
    """Tell whether a dispute is over; a status that is not known yet is not."""
    return status in _CLOSED_DISPUTES


def blocks_refunds(*, status: str, is_inquiry: bool) -> bool:
    """Tell whether nothing may be refunded while a dispute stands like this.

    An inquiry blocks nothing: no money is with the bank, and a refund is what ends most inquiries.
    """
    return not is_inquiry and not is_closed(status)


def charged_back(known: DisputeStand) -> int:
    """Return what a bank took for good in a dispute, in minor units; 0 while it is open and once it is won.

    A lost one took what it was about, also while the gateway does not show yet that the money left.
    """
    if not is_closed(known.status) or known.status == DisputeStatus.WON:
        return 0
    taken = max(known.amount_minor, known.withdrawn_minor) if known.status == DisputeStatus.LOST else 0
    return max(max(taken, known.withdrawn_minor) - known.reinstated_minor, 0)


def is_newer(known: DisputeStand, seen: DisputeStand) -> bool:
    """Tell whether `seen` tells more of the same dispute than `known`, so that an older look changes nothing.

    What was withdrawn and reinstated only ever grows: whoever saw more of it looked later, and whoever saw less looked
    earlier. Between equals the status decides; a dispute that is over stays over, but for an appeal, of which an older
    look is put right by the next one. Words that are not known have no place in the order: they may follow, and be
    followed by, anything open.
    """
    moved = (seen.withdrawn_minor - known.withdrawn_minor, seen.reinstated_minor - known.reinstated_minor)
    if min(moved) < 0 or known == seen:
        return False
    if max(moved) > 0:
        return True
    if is_closed(known.status):
        return seen.status.startswith(_APPEAL)
    before, after = _DISPUTE_ORDER.get(known.status), _DISPUTE_ORDER.get(seen.status)
    return before is None or after is None or after >= before


def _words(amount: Money) -> str:
    return f"{Decimal(amount.minor).scaleb(-amount.exponent)} {amount.currency}"
