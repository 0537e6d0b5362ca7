"""Sending refunds to the gateway, so that each is executed at most once."""

from datetime import datetime, timedelta

from greenroom.core.actors import SYSTEM
from greenroom.core.faults import fault_point
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import GatewayRejectedError, RefundSnapshot
from greenroom.payments import gateways, queries, rules
from greenroom.payments.models import RefundRequest
from greenroom.payments.services.attempts import our_metadata
from greenroom.payments.services.disputes import learn_disputes
from greenroom.payments.services.refunds import (
    REQUEST_KEY,
    apply_refund_snapshot,
    hold,
    is_ours,
    lock_refund,
    move_refund,
    take_new_key,
)
from greenroom.payments.types import RefundRequestState

# No call to a gateway lasts this long: what its list does not show by then was not executed.
_SURELY_ANSWERED = timedelta(minutes=10)


def send_refund(*, refund_id: int, now: datetime) -> RefundRequest:
    """Send a requested refund to the gateway and apply its answer; one that was answered or is held stays as it is.

    Must run outside transactions. A repeat looks in the gateway's own list first; what is not there is sent with the
    same key, and after ten minutes with a new one, because a key may keep an error for a day. Of a payment that is
    disputed nothing is sent: the refund is held, also when only the gateway knew of the dispute and refused.
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
        if refund.state != RefundRequestState.REQUESTED:
            return refund
        try:
            found = gateways.get(refund.attempt.gateway).refund(
                payment_ref, refund.amount, idempotency_key=str(refund.idempotency_key), metadata=_metadata(refund)
            )
        except GatewayRejectedError as error:
            learn_disputes(refund.attempt, now=now)
            return _note_refused(refund_id, str(error), now)
        fault_point("payments.refund_sent")
    return apply_refund_snapshot(refund_id=refund_id, snapshot=found, now=now)


def _find_sent(refund: RefundRequest, payment_ref: str) -> RefundSnapshot | None:
    for snapshot in gateways.get(refund.attempt.gateway).list_refunds(payment_ref):
        is_this = is_ours(snapshot) and snapshot.metadata[REQUEST_KEY] == str(refund.pk)
        if is_this and RefundRequestState(snapshot.state.value) not in rules.LOST_REFUNDS:
            return snapshot
    return None


def _note_sending(refund_id: int, now: datetime) -> RefundRequest:
    with unit_of_work():
        refund = lock_refund(refund_id)
        if _held_by_dispute(refund, now):
            return refund
        if refund.sent_at and now - refund.sent_at > _SURELY_ANSWERED:
            take_new_key(refund, refund.try_no + 1)
            refund.sent_at = now
        refund.sent_at = refund.sent_at or now
        refund.save(update_fields=["try_no", "idempotency_key", "sent_at"])
    fault_point("payments.refund_stored")
    return refund


def _note_refused(refund_id: int, problem: str, now: datetime) -> RefundRequest:
    with unit_of_work():
        refund = lock_refund(refund_id)
        if not _held_by_dispute(refund, now) and refund.state == RefundRequestState.REQUESTED:
            refund.last_error = problem[:500]
            move_refund(refund, RefundRequestState.FAILED, actor=SYSTEM, now=now)
    return refund


def _held_by_dispute(refund: RefundRequest, now: datetime) -> bool:
    """Hold a locked refund that is still to be sent while a dispute is open; tell whether one is."""
    dispute = queries.find_blocking_dispute(refund.attempt)
    if dispute is None:
        return False
    if refund.state == RefundRequestState.REQUESTED:
        hold(refund, dispute, actor=SYSTEM, now=now)
    return True


def _metadata(refund: RefundRequest) -> dict[str, str]:
    return {**our_metadata(), REQUEST_KEY: str(refund.pk)}
