"""Do our rows say what a gateway lists? Object by object, and what they come to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import (
    DisputeSnapshot,
    Moved,
    PaymentSnapshot,
    RefundSnapshot,
    RefundState,
)
from greenroom.notifications.display import money
from greenroom.payments.models import Dispute, PaymentAttempt, RefundRequest
from greenroom.payments.rules import LOST_REFUNDS
from greenroom.payments.types import Finding, MoneyRule, RefundRequestState


@dataclass(frozen=True, slots=True)
class Difference:
    """What a gateway lists and our rows do not say, and the attempt it is of; None when no attempt knows it."""

    finding: Finding
    attempt_id: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """Our rows of what a gateway lists, by the gateway's references; an attempt also by its own."""

    attempts: dict[str, PaymentAttempt]
    refunds: dict[str, RefundRequest]
    disputes: dict[str, Dispute]


def differences(code: str, moved: Moved) -> list[Difference]:
    """Return where our rows do not say what the gateway with this code lists; three queries, however much it is."""
    known = _known(code, moved)
    found = [
        *(_of_payment(known, one) for one in moved.payments),
        *(_of_refund(known, one) for one in moved.refunds),
        *(_of_dispute(known, one) for one in moved.disputes),
    ]
    return [one for one in found if one is not None]


def sums_apart(code: str, moved: Moved) -> list[Finding]:
    """Return the currencies in which our rows of the same objects do not come to what the gateway says.

    Each sum is what arrived, less what went back, less what banks took and did not return.
    """
    theirs, ours = Counter[str](), Counter[str]()
    for amount in _amounts_there(moved):
        theirs[amount.currency] += amount.minor
    for amount in _amounts_here(_known(code, moved), moved):
        ours[amount.currency] += amount.minor
    words = "Of what moved in the last days the gateway has {}, and our rows say {}."
    return [
        Finding(
            MoneyRule.GATEWAY_SUMS,
            "",
            words.format(money(Money(theirs[currency], currency)), money(Money(ours[currency], currency))),
        )
        for currency in sorted({*theirs, *ours})
        if theirs[currency] != ours[currency]
    ]


def _known(code: str, moved: Moved) -> Known:
    paid = {one.payment_ref for one in moved.payments}
    touched = {one.payment_ref for one in moved.refunds} | {one.payment_ref for one in moved.disputes}
    names = {one.attempt_ref for one in moved.payments}
    attempts = PaymentAttempt.objects.filter(gateway=code).filter(Q(payment_ref__in=paid | touched) | Q(ref__in=names))
    refunds = RefundRequest.objects.filter(refund_ref__in=[one.refund_ref for one in moved.refunds])
    disputes = Dispute.objects.filter(dispute_ref__in=[one.dispute_ref for one in moved.disputes])
    by_name: dict[str, PaymentAttempt] = {}
    for attempt in attempts:
        by_name[attempt.ref] = attempt
        if attempt.payment_ref:
            by_name[attempt.payment_ref] = attempt
    return Known(
        by_name,
        {str(one.refund_ref): one for one in refunds},
        {one.dispute_ref: one for one in disputes},
    )


def _of_payment(known: Known, seen: PaymentSnapshot) -> Difference | None:
    attempt = known.attempts.get(seen.payment_ref) or known.attempts.get(seen.attempt_ref)
    there = f"Payment {seen.payment_ref}: {money(seen.amount)} arrived at the gateway"
    if attempt is None:
        return _differs(None, seen.order_ref, f"{there}, and no attempt here knows of it.")
    if attempt.payment_ref != seen.payment_ref or attempt.captured != seen.amount:
        return _differs(attempt, attempt.order_ref, f"{there}, and here {money(attempt.captured)}.")
    if seen.fee in {None, attempt.fee}:
        return None
    kept = f"Payment {seen.payment_ref}: the gateway kept {_fee_words(seen.fee)} of it"
    return _differs(attempt, attempt.order_ref, f"{kept}, and here that is {_fee_words(attempt.fee)}.")


def _of_refund(known: Known, seen: RefundSnapshot) -> Difference | None:
    attempt, row = known.attempts.get(seen.payment_ref), known.refunds.get(seen.refund_ref)
    there = f"Refund {seen.refund_ref}: {money(seen.amount)}, {seen.state} at the gateway"
    if row is None and RefundRequestState(seen.state.value) in LOST_REFUNDS:
        return None  # nothing went back by it
    if attempt is None:
        return _differs(None, "", f"{there}, of payment {seen.payment_ref}, which no attempt here knows.")
    if row is None:
        return _differs(attempt, attempt.order_ref, f"{there}, and not known here.")
    if row.state == seen.state.value and row.amount == seen.amount:
        return None
    return _differs(attempt, attempt.order_ref, f"{there}, and {money(row.amount)}, {row.state} here.")


def _of_dispute(known: Known, seen: DisputeSnapshot) -> Difference | None:
    attempt, row = known.attempts.get(seen.payment_ref), known.disputes.get(seen.dispute_ref)
    fee_there = seen.fee if seen.fee and seen.fee.minor else None
    there = (seen.amount, str(seen.status), seen.withdrawn.minor, seen.reinstated.minor, fee_there)
    words = f"Dispute {seen.dispute_ref}: {_dispute_words(*there)} at the gateway"
    if attempt is None:
        return _differs(None, "", f"{words}, of payment {seen.payment_ref}, which no attempt here knows.")
    if row is None:
        return _differs(attempt, attempt.order_ref, f"{words}, and not known here.")
    # A fee that the gateway does not tell is no difference.
    fee_here = Money(row.fee_minor, row.fee_currency) if row.fee_minor and seen.fee else None
    here = (row.amount, row.status, row.withdrawn_minor, row.reinstated_minor, fee_here)
    if here == there:
        return None
    return _differs(attempt, attempt.order_ref, f"{words}, and {_dispute_words(*here)} here.")


def _dispute_words(amount: Money, status: str, taken: int, returned: int, fee: Money | None) -> str:
    moved = f"{money(Money(taken, amount.currency))} taken, {money(Money(returned, amount.currency))} returned"
    return f"{money(amount)}, {status}, {moved}, fee {_fee_words(fee)}"


def _fee_words(fee: Money | None) -> str:
    return money(fee) if fee else "not known"


def _differs(attempt: PaymentAttempt | None, order_ref: str, words: str) -> Difference:
    return Difference(Finding(MoneyRule.GATEWAY_KNOWN, order_ref, words), attempt.pk if attempt else None)


def _amounts_there(moved: Moved) -> Iterable[Money]:
    yield from (one.amount for one in moved.payments)
    yield from (-one.amount for one in moved.refunds if one.state is RefundState.SUCCEEDED)
    yield from (one.reinstated - one.withdrawn for one in moved.disputes)


def _amounts_here(known: Known, moved: Moved) -> Iterable[Money]:
    paid = [known.attempts[one.payment_ref] for one in moved.payments if one.payment_ref in known.attempts]
    yield from (one.captured for one in paid)
    yield from (-one.amount for one in known.refunds.values() if one.state == RefundRequestState.SUCCEEDED)
    for one in known.disputes.values():
        yield Money(one.reinstated_minor - one.withdrawn_minor, one.currency)
