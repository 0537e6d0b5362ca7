"""Taking over what the gateway says: the one way in which an attempt becomes paid, failed or dead."""

from datetime import datetime

from django.db.models import Sum

from greenroom.core.actors import SYSTEM
from greenroom.core.faults import fault_point
from greenroom.core.money import Money
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import PaymentSnapshot
from greenroom.jobs import services as jobs
from greenroom.payments import gateways, queries, rules
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services.attempts import lock_attempts, mark_closing, move
from greenroom.payments.services.ledger import post_capture, post_fee
from greenroom.payments.services.refunds import REPORT_MISMATCH, adopt_refunds, ask_back, mismatch_key
from greenroom.payments.types import AttemptState, RefundCause, Terms


def sync_attempt(*, attempt_id: int, now: datetime, gateway_ref: str | None = None) -> PaymentAttempt:
    """Fetch an attempt's truth, apply it, and take over refunds that we do not know yet.

    Must run outside transactions; safe to call at any time, twice and in any order. `gateway_ref` is used when the
    attempt has none yet, because the answer that would have brought it was lost.
    Raises: GatewayRejectedError, GatewayUnavailableError; LookupError when there is no reference to ask for.
    """
    refuse_network_in_transaction()
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    ref = attempt.gateway_ref or gateway_ref
    if not ref:
        raise LookupError("The gateway's reference of this attempt is not known yet.")
    snapshot = gateways.get(attempt.gateway).fetch(ref)
    fault_point("payments.checkout_fetched")
    attempt = apply_snapshot(attempt_id=attempt_id, snapshot=snapshot, now=now)
    if attempt.captured_minor and _known_refunds(attempt) != snapshot.refunded:
        adopt_refunds(attempt, now=now)
    return attempt


def apply_snapshot(*, attempt_id: int, snapshot: PaymentSnapshot, now: datetime) -> PaymentAttempt:
    """Move an attempt to where the gateway says it is, and write everything that follows, in one transaction.

    Locks the attempts of the order by primary key. `paid` is never left again; an older snapshot changes nothing.
    Money that does not fit what was agreed is booked, reported and sent back, and never counts as paid. A second
    payment of the same order is sent back. What matters to the order plans `orders.settle`.
    """
    with unit_of_work():
        order_ref = PaymentAttempt.objects.values_list("order_ref", flat=True).get(pk=attempt_id)
        attempts = lock_attempts(order_ref)
        attempt = next(one for one in attempts if one.pk == attempt_id)
        others = [one for one in attempts if one.pk != attempt_id]
        state = rules.next_state(AttemptState(attempt.state), AttemptState(snapshot.state.value))
        if state is None or attempt.mismatch:
            PaymentAttempt.objects.filter(pk=attempt_id).update(checked_at=now)
            _take_fee(attempt, snapshot, now)
            return attempt
        attempt.gateway_ref = attempt.gateway_ref or snapshot.gateway_ref
        attempt.payment_ref = attempt.payment_ref or snapshot.payment_ref or None
        attempt.problem = snapshot.problem[:200]
        if state is AttemptState.PAID:
            _take_money(attempt, others, snapshot, now)
            _take_fee(attempt, snapshot, now)
        else:
            move(attempt, state, now=now)
        return attempt


def _take_fee(attempt: PaymentAttempt, snapshot: PaymentSnapshot, now: datetime) -> None:
    """Keep and book what the gateway keeps of a locked attempt's money, the first time it is known."""
    if snapshot.fee is None or attempt.fee is not None or not attempt.captured_minor:
        return
    attempt.fee_minor, attempt.fee_currency = snapshot.fee.minor, snapshot.fee.currency
    attempt.save(update_fields=["fee_minor", "fee_currency"])
    post_fee(attempt, snapshot.fee, now=now)


def _take_money(
    attempt: PaymentAttempt, others: list[PaymentAttempt], snapshot: PaymentSnapshot, now: datetime
) -> None:
    attempt.captured_minor, attempt.captured_currency = snapshot.amount.minor, snapshot.amount.currency
    agreed = Terms(attempt.amount, attempt.is_test, attempt.ref)
    seen = Terms(snapshot.amount, snapshot.is_test, snapshot.attempt_ref)
    attempt.mismatch = rules.mismatch(agreed, seen)[:300]
    attempt.paid_at = now
    if attempt.mismatch:
        _send_wrong_money_back(attempt, now)
        return
    move(attempt, AttemptState.PAID, now=now)
    post_capture(attempt, now=now)
    if any(other.state == AttemptState.PAID and queries.refundable(other).minor > 0 for other in others):
        ask_back(attempt, attempt.captured, RefundCause.PAID_TWICE, actor=SYSTEM, now=now)
    for other in others:
        if other.is_live:
            mark_closing(other, now=now)


def _send_wrong_money_back(attempt: PaymentAttempt, now: datetime) -> None:
    move(attempt, AttemptState.FAILED, now=now)
    if attempt.captured.minor > 0:
        post_capture(attempt, now=now)
        ask_back(attempt, attempt.captured, RefundCause.WRONG_PAYMENT, actor=SYSTEM, now=now)
    jobs.plan(kind=REPORT_MISMATCH, key=mismatch_key(attempt), due_at=now, now=now, payload={"attempt_id": attempt.pk})


def _known_refunds(attempt: PaymentAttempt) -> Money:
    known = attempt.refunds.exclude(state__in=rules.LOST_REFUNDS).filter(refund_ref__isnull=False)
    return Money(known.aggregate(minor=Sum("amount_minor"))["minor"] or 0, attempt.captured.currency)
