"""Disputes at the gateway: an inquiry that moves no money, a dispute that takes it, and how the bank decides."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.stripe.protocol import DisputeStatus, GatewayRejectedError, PayState
from greenroom.integrations.stripe.sandbox.checkouts import captured, quarters
from greenroom.integrations.stripe.sandbox.events import dispute_object, emit, new_id
from greenroom.integrations.stripe.sandbox.models import Checkout, Dispute
from greenroom.integrations.stripe.sandbox.refunds import charged_back, refunded

_ANSWER_WITHIN = timedelta(days=7)
_FEE_QUARTERS = 60
_INQUIRIES = frozenset({DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeStatus.WARNING_UNDER_REVIEW})
_DISPUTES = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})


def is_inquiry(dispute: Dispute) -> bool:
    """Tell whether the bank only asks or asked."""
    return dispute.status in {*_INQUIRIES, DisputeStatus.WARNING_CLOSED}


def is_open(dispute: Dispute) -> bool:
    """Tell whether it is not decided yet."""
    return dispute.status in {*_INQUIRIES, *_DISPUTES}


def fee(dispute: Dispute) -> Money | None:
    """Return what the gateway charges for a dispute, also for one that is won; None while no money was taken."""
    return quarters(_FEE_QUARTERS, captured(dispute.checkout).currency) if dispute.withdrawn_minor else None


def raise_dispute(checkout_ref: str, *, is_inquiry: bool, now: datetime) -> Dispute:
    """Let the cardholder dispute what is left of a payment, or only ask about it. Locks the checkout.

    A dispute takes the money at once, an inquiry takes nothing. Raises: GatewayRejectedError when nothing was paid,
    nothing is left, or a dispute is open.
    """
    with unit_of_work():
        checkout = Checkout.objects.select_for_update(no_key=True).filter(ref=checkout_ref).first()
        if checkout is None or checkout.state != PayState.PAID:
            raise GatewayRejectedError("400: there is no such payment to dispute.")
        left = captured(checkout) - refunded(checkout) - charged_back(checkout)
        if left.minor <= 0 or any(is_open(one) for one in checkout.disputes.all()):
            raise GatewayRejectedError("400: nothing is left of this payment, or it is disputed already.")
        dispute = Dispute(
            ref=new_id("du"),
            checkout=checkout,
            amount_minor=left.minor,
            status=DisputeStatus.WARNING_NEEDS_RESPONSE if is_inquiry else DisputeStatus.NEEDS_RESPONSE,
            reason="fraudulent",
            withdrawn_minor=0 if is_inquiry else left.minor,
            evidence_due_at=now + _ANSWER_WITHIN,
            created_at=now,
        )
        dispute.save()
        emit("charge.dispute.created", dispute_object(dispute), now=now)
        if not is_inquiry:
            emit("charge.dispute.funds_withdrawn", dispute_object(dispute), now=now)
    return dispute


def answer(dispute: Dispute, now: datetime) -> None:
    """Take the shop's evidence: the bank looks at it."""
    dispute.status = DisputeStatus.WARNING_UNDER_REVIEW if dispute.status in _INQUIRIES else DisputeStatus.UNDER_REVIEW
    dispute.save(update_fields=["status"])
    emit("charge.dispute.updated", dispute_object(dispute), now=now)


def escalate(dispute: Dispute, now: datetime) -> None:
    """Make a dispute of an inquiry: now the money is taken."""
    dispute.status, dispute.withdrawn_minor = DisputeStatus.NEEDS_RESPONSE, dispute.amount_minor
    dispute.save(update_fields=["status", "withdrawn_minor"])
    emit("charge.dispute.updated", dispute_object(dispute), now=now)
    emit("charge.dispute.funds_withdrawn", dispute_object(dispute), now=now)


def close(dispute: Dispute, now: datetime) -> None:
    """End an inquiry without more."""
    _close(dispute, DisputeStatus.WARNING_CLOSED, now)


def win(dispute: Dispute, now: datetime) -> None:
    """Decide for the shop: the money comes back."""
    dispute.reinstated_minor = dispute.withdrawn_minor
    _close(dispute, DisputeStatus.WON, now)
    emit("charge.dispute.funds_reinstated", dispute_object(dispute), now=now)


def lose(dispute: Dispute, now: datetime) -> None:
    """Decide for the cardholder: the money stays with the bank."""
    _close(dispute, DisputeStatus.LOST, now)


def _close(dispute: Dispute, status: DisputeStatus, now: datetime) -> None:
    dispute.status = status
    dispute.save(update_fields=["status", "reinstated_minor"])
    emit("charge.dispute.closed", dispute_object(dispute), now=now)


Step = Callable[[Dispute, datetime], None]
# What may be done about an open dispute: name -> (the words on the console's button, what it does).
INQUIRY_STEPS: Mapping[str, tuple[str, Step]] = {
    "answer": ("Answer", answer),
    "escalate": ("Make it a dispute", escalate),
    "close": ("Close the inquiry", close),
}
DISPUTE_STEPS: Mapping[str, tuple[str, Step]] = {
    "answer": ("Answer", answer),
    "win": ("Decide: won", win),
    "lose": ("Decide: lost", lose),
}


def steps_of(dispute: Dispute) -> Mapping[str, tuple[str, Step]]:
    """Return what may be done about a dispute now; nothing once it is decided."""
    if dispute.status in _INQUIRIES:
        return INQUIRY_STEPS
    return DISPUTE_STEPS if dispute.status in _DISPUTES else {}


def take_step(dispute_ref: str, step: str, *, now: datetime) -> Dispute:
    """Do one of `steps_of`, with its events, in one transaction. Locks the checkout, as refunds do.

    Raises: GatewayRejectedError when there is no such dispute or it cannot take this step.
    """
    with unit_of_work():
        checkouts = Checkout.objects.select_for_update(no_key=True).filter(disputes__ref=dispute_ref)
        checkout = checkouts.first()
        dispute = Dispute.objects.select_related("checkout").filter(checkout=checkout, ref=dispute_ref).first()
        steps = steps_of(dispute) if dispute else {}
        if dispute is None or step not in steps:
            raise GatewayRejectedError("400: this dispute cannot take that step.")
        steps[step][1](dispute, now)
    return dispute
