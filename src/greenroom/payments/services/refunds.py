"""Giving money back."""

from datetime import datetime, timedelta

from django.db import transaction

from greenroom.core import audit
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.faults import fault_point
from greenroom.core.money import Money, total
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import GatewayRejectedError, RefundSnapshot
from greenroom.jobs import services as jobs
from greenroom.payments import gateways, queries, rules
from greenroom.payments.errors import NotRefundableError
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.services.attempts import SITE_KEY, lock_attempt, lock_attempts, our_metadata
from greenroom.payments.services.ledger import post_refund, post_refund_reversal
from greenroom.payments.types import AttemptState, RefundCause, RefundRequestState

SEND = "payments.send_refund"
REPORT_FAILED = "payments.report_failed_refund"
_REQUEST_KEY = "refund_request"
# No call to a gateway lasts this long: what its list does not show by then was not executed.
_SURELY_ANSWERED = timedelta(minutes=10)


def request_refund(*, attempt_id: int, amount: Money, cause: RefundCause, actor: Actor, now: datetime) -> RefundRequest:
    """Ask for part or all of one attempt's money back, in the caller's transaction, and plan the call.

    Locks the attempt. Not idempotent by itself: two calls are two refunds, as far as money is left.
    Raises: NotRefundableError.
    """
    with transaction.atomic():
        attempt = lock_attempt(attempt_id)
        left = queries.refundable(attempt)
        if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
            raise NotRefundableError
        return ask_back(attempt, amount, cause, actor=actor, now=now)


def refund_order(
    *, order_ref: str, amount: Money, cause: RefundCause, actor: Actor, now: datetime
) -> list[RefundRequest]:
    """Ask for part of what an order's payments brought back, the oldest payment first; as `request_refund` does.

    Raises: NotRefundableError, and then nothing was asked for.
    """
    with transaction.atomic():
        left_by_attempt = _money_left(order_ref, amount.currency)
        if not 0 < amount.minor <= total([left for _, left in left_by_attempt], amount.currency).minor:
            raise NotRefundableError
        requests, missing = [], amount
        for attempt, left in left_by_attempt:
            part = Money(min(left.minor, missing.minor), amount.currency)
            if part.minor:
                requests.append(ask_back(attempt, part, cause, actor=actor, now=now))
                missing -= part
        return requests


def refund_in_full(*, order_ref: str, cause: RefundCause, actor: Actor, now: datetime) -> list[RefundRequest]:
    """Ask for everything back that was captured for an order and not asked back yet, in the caller's transaction.

    Locks the order's attempts. A second call finds nothing left and returns an empty list.
    """
    with transaction.atomic():
        return [
            ask_back(attempt, left, cause, actor=actor, now=now)
            for attempt, left in _money_left(order_ref, currency=None)
        ]


def retry_refund(*, refund_id: int, actor: Actor, now: datetime) -> RefundRequest:
    """Try a refund that failed once more, with a new key.

    Locks the attempt. Raises: NotRefundableError when it has not failed, or when the money was given back otherwise.
    """
    with unit_of_work():
        refund = _lock_refund(refund_id)
        left = queries.refundable(refund.attempt)
        if refund.state not in rules.LOST_REFUNDS or refund.amount.minor > left.minor:
            raise NotRefundableError
        refund.refund_ref, refund.sent_at, refund.last_error = None, None, ""
        _take_new_key(refund, refund.try_no + 1)
        _move(refund, RefundRequestState.REQUESTED, actor=actor, now=now)
        _plan_send(refund, now)
        return refund


def send_refund(*, refund_id: int, now: datetime) -> RefundRequest:
    """Send a requested refund to the gateway and apply its answer; one that was answered stays as it is.

    Must run outside transactions. A repeat looks in the gateway's own list first; what is not there is sent with the
    same key, and after ten minutes with a new one, because a key may keep an error for a day.
    Raises: GatewayConflictError, GatewayUnavailableError.
    """
    refuse_network_in_transaction()
    refund = RefundRequest.objects.select_related("attempt").get(pk=refund_id)
    if refund.state != RefundRequestState.REQUESTED:
        return refund
    payment_ref = str(refund.attempt.payment_ref)
    found = _find_sent(refund, payment_ref) if refund.sent_at else None
    if found is None:
        refund = _note_sending(refund_id, now)
        try:
            found = gateways.current().refund(
                payment_ref, refund.amount, idempotency_key=str(refund.idempotency_key), metadata=_metadata(refund)
            )
        except GatewayRejectedError as error:
            return _note_refused(refund_id, str(error), now)
        fault_point("payments.refund_sent")
    return apply_refund_snapshot(refund_id=refund_id, snapshot=found, now=now)


def apply_refund_snapshot(*, refund_id: int, snapshot: RefundSnapshot, now: datetime) -> RefundRequest:
    """Move a refund to where the gateway says it is, with its ledger entries, in one transaction.

    Locks attempt, then refund. A refund that had succeeded and failed later is booked back and reported. News about
    an earlier try changes nothing.
    """
    with unit_of_work():
        refund = _lock_refund(refund_id)
        refund.refund_ref = refund.refund_ref or snapshot.refund_ref
        before = RefundRequestState(refund.state)
        state = rules.next_refund_state(before, RefundRequestState(snapshot.state.value))
        if state is None or refund.refund_ref != snapshot.refund_ref:
            RefundRequest.objects.filter(pk=refund_id).update(checked_at=now)
            return refund
        refund.last_error = snapshot.problem[:500]
        _move(refund, state, actor=SYSTEM, now=now)
        if state is RefundRequestState.SUCCEEDED:
            post_refund(refund, now=now)
        elif before is RefundRequestState.SUCCEEDED:
            post_refund_reversal(refund, now=now)
        return refund


def adopt_refunds(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Take over the refunds of a payment that we do not know: made at the gateway itself, or answers that were lost.

    Must run outside transactions. Raises: GatewayUnavailableError.
    """
    for snapshot in gateways.current().list_refunds(str(attempt.payment_ref)):
        known = RefundRequest.objects.filter(refund_ref=snapshot.refund_ref).first()
        if known is None:
            known = _adopt(attempt, snapshot, now)
        if known is not None:
            apply_refund_snapshot(refund_id=known.pk, snapshot=snapshot, now=now)


def ask_back(
    attempt: PaymentAttempt, amount: Money, cause: RefundCause, *, actor: Actor, now: datetime
) -> RefundRequest:
    """Write a refund of a locked attempt and plan its call, in the caller's transaction."""
    refund = _store(attempt, amount, cause, now)
    _take_new_key(refund, 1)
    _move(refund, RefundRequestState.REQUESTED, actor=actor, now=now)
    _plan_send(refund, now)
    return refund


def _store(attempt: PaymentAttempt, amount: Money, cause: RefundCause, now: datetime) -> RefundRequest:
    return RefundRequest.objects.create(
        attempt=attempt,
        amount_minor=amount.minor,
        currency=amount.currency,
        cause=cause,
        state=RefundRequestState.REQUESTED,
        created_at=now,
        changed_at=now,
        checked_at=now,
    )


def _money_left(order_ref: str, currency: str | None) -> list[tuple[PaymentAttempt, Money]]:
    paid = [one for one in lock_attempts(order_ref) if one.state == AttemptState.PAID]
    amounts = [(attempt, queries.refundable(attempt)) for attempt in paid]
    return [(one, left) for one, left in amounts if left.minor > 0 and currency in {None, left.currency}]


def _lock_refund(refund_id: int) -> RefundRequest:
    attempt = lock_attempt(RefundRequest.objects.values_list("attempt_id", flat=True).get(pk=refund_id))
    refund = RefundRequest.objects.select_for_update(no_key=True).get(pk=refund_id)
    refund.attempt = attempt
    return refund


def _take_new_key(refund: RefundRequest, try_no: int) -> None:
    refund.try_no = try_no
    refund.idempotency_key = f"refund:{refund.pk}:{try_no}"


def _move(refund: RefundRequest, state: RefundRequestState, *, actor: Actor, now: datetime) -> None:
    before = refund.state
    refund.state, refund.changed_at, refund.checked_at = state, now, now
    refund.save()
    audit.record(
        actor=actor,
        action=f"refund.{state}",
        target=refund,
        now=now,
        before={"state": before},
        after={"state": state, "amount_minor": refund.amount_minor, "currency": refund.currency},
        reason=refund.last_error or refund.cause,
    )
    if state in rules.LOST_REFUNDS:
        key = f"{REPORT_FAILED}:{refund.pk}:{refund.try_no}"
        jobs.plan(kind=REPORT_FAILED, key=key, due_at=now, now=now, payload={"refund_id": refund.pk})


def _plan_send(refund: RefundRequest, now: datetime) -> None:
    key = f"{SEND}:{refund.pk}:{refund.try_no}"
    jobs.plan(kind=SEND, key=key, due_at=now, now=now, payload={"refund_id": refund.pk})


def _metadata(refund: RefundRequest) -> dict[str, str]:
    return {**our_metadata(), _REQUEST_KEY: str(refund.pk)}


def _is_ours(snapshot: RefundSnapshot) -> bool:
    return snapshot.metadata.get(SITE_KEY) == our_metadata()[SITE_KEY] and _REQUEST_KEY in snapshot.metadata


def _find_sent(refund: RefundRequest, payment_ref: str) -> RefundSnapshot | None:
    for snapshot in gateways.current().list_refunds(payment_ref):
        is_this = _is_ours(snapshot) and snapshot.metadata[_REQUEST_KEY] == str(refund.pk)
        if is_this and RefundRequestState(snapshot.state.value) not in rules.LOST_REFUNDS:
            return snapshot
    return None


def _note_sending(refund_id: int, now: datetime) -> RefundRequest:
    with unit_of_work():
        refund = _lock_refund(refund_id)
        if refund.sent_at and now - refund.sent_at > _SURELY_ANSWERED:
            _take_new_key(refund, refund.try_no + 1)
            refund.sent_at = now
        refund.sent_at = refund.sent_at or now
        refund.save(update_fields=["try_no", "idempotency_key", "sent_at"])
    fault_point("payments.refund_stored")
    return refund


def _note_refused(refund_id: int, problem: str, now: datetime) -> RefundRequest:
    with unit_of_work():
        refund = _lock_refund(refund_id)
        if refund.state == RefundRequestState.REQUESTED:
            refund.last_error = problem[:500]
            _move(refund, RefundRequestState.FAILED, actor=SYSTEM, now=now)
    return refund


def _adopt(attempt: PaymentAttempt, snapshot: RefundSnapshot, now: datetime) -> RefundRequest | None:
    """Return the row for a refund we do not know by its reference; None when there is nothing to follow."""
    if RefundRequestState(snapshot.state.value) in rules.LOST_REFUNDS:
        return None
    if _is_ours(snapshot):
        mine = RefundRequest.objects.filter(attempt=attempt, pk=int(snapshot.metadata[_REQUEST_KEY]))
        return mine.filter(state=RefundRequestState.REQUESTED).first()
    with unit_of_work():
        refund = _store(lock_attempt(attempt.pk), snapshot.amount, RefundCause.MADE_AT_GATEWAY, now)
        refund.refund_ref = snapshot.refund_ref
        refund.save(update_fields=["refund_ref"])
    return refund
