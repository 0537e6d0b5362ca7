"""Payments, refunds and disputes of an order, each as it stands now, in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from greenroom.core.money import Money
from greenroom.integrations.manual.gateway import MANUAL
from greenroom.integrations.stripe.protocol import DisputeStatus
from greenroom.notifications.display import money
from greenroom.payments.types import AttemptState, RefundCause, RefundRequestState
from greenroom.web.ops.queries import OrderFile

PAYMENTS = {
    AttemptState.CREATED: "no page yet",
    AttemptState.OPEN: "can be paid",
    AttemptState.REQUIRES_ACTION: "the bank asks the payer",
    AttemptState.PROCESSING: "on its way",
    AttemptState.PAID: "paid",
    AttemptState.FAILED: "failed",
    AttemptState.DEAD: "ended unpaid",
}
REFUNDS = {
    RefundRequestState.HELD: "waits for the end of a dispute",
    RefundRequestState.REQUESTED: "about to be sent",
    RefundRequestState.PENDING: "on its way",
    RefundRequestState.REQUIRES_ACTION: "needs the payer to do something",
    RefundRequestState.SUCCEEDED: "sent",
    RefundRequestState.FAILED: "failed",
    RefundRequestState.CANCELED: "cancelled at the gateway",
    RefundRequestState.DROPPED: "dropped",
    RefundRequestState.SPLIT: "split in two",
}
CAUSES = {
    RefundCause.STUDENT_CANCELLED: "The student cancelled",
    RefundCause.COACH_CANCELLED: "The coach cancelled",
    RefundCause.NOT_FULFILLED: "The session could not take place",
    RefundCause.PAID_TWICE: "It was paid twice",
    RefundCause.WRONG_PAYMENT: "The payment did not fit the order",
    RefundCause.STAFF: "By staff",
    RefundCause.MADE_AT_GATEWAY: "Made at the gateway",
}
DISPUTES: dict[str, str] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: "the bank asks, and wants an answer",
    DisputeStatus.WARNING_UNDER_REVIEW: "the bank reads the answer",
    DisputeStatus.WARNING_CLOSED: "closed, no money moved",
    DisputeStatus.NEEDS_RESPONSE: "the bank has the money and wants an answer",
    DisputeStatus.UNDER_REVIEW: "the bank has the money and decides",
    DisputeStatus.WON: "won",
    DisputeStatus.LOST: "lost, the money is gone",
    DisputeStatus.PREVENTED: "prevented",
}


@dataclass(frozen=True, slots=True)
class Movement:
    """One payment, refund or dispute: how it stands, how much it is about, what else is known, until when to answer."""

    title: str
    amount: Money
    details: list[str]
    answer_by: datetime | None = None


def movements_of(file: OrderFile) -> Iterator[Movement]:
    """Yield every payment, then every refund, then every dispute of an order, each kind oldest first."""
    for attempt in file.attempts:
        fee = f"fee {money(attempt.fee)}" if attempt.fee else ""
        way = "by hand" if attempt.gateway == MANUAL else attempt.gateway
        details = [way, attempt.payment_ref or "", fee, attempt.mismatch, attempt.problem]
        title = f"Payment {attempt.seq}: {PAYMENTS[AttemptState(attempt.state)]}"
        yield Movement(title, attempt.amount, [one for one in details if one])
    for refund in file.refunds:
        details = [CAUSES[RefundCause(refund.cause)], refund.reason, refund.refund_ref or "", refund.last_error]
        title = f"Refund: {REFUNDS[RefundRequestState(refund.state)]}"
        yield Movement(title, refund.amount, [one for one in details if one])
    for dispute in file.disputes:
        kind = "Inquiry" if dispute.is_inquiry else "Dispute"
        title = f"{kind}: {DISPUTES.get(dispute.status) or dispute.status.replace('_', ' ')}"
        answer_by = None if dispute.closed_at else dispute.evidence_due_at
        details = [dispute.reason.replace("_", " "), dispute.dispute_ref]
        yield Movement(title, dispute.amount, [one for one in details if one], answer_by)
