"""Refunds at the gateway: made, and finished later for the cards that say so."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Sum

from greenroom.core.currencies import step_minor
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.stripe.protocol import DisputeStatus, GatewayRejectedError, PayState, RefundState
from greenroom.integrations.stripe.sandbox.cards import Behaviour
from greenroom.integrations.stripe.sandbox.checkouts import captured
from greenroom.integrations.stripe.sandbox.events import emit, new_id, refund_object
from greenroom.integrations.stripe.sandbox.faults import strikes
from greenroom.integrations.stripe.sandbox.models import Checkout, Refund
from greenroom.jobs import services as jobs

FINISH = "stripe_sandbox.finish_refund"
_TAKES = timedelta(minutes=1)
_BOUNCED = "lost_or_stolen_card"
_TAKING = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)
_UNDER_WAY = (RefundState.PENDING, RefundState.REQUIRES_ACTION, RefundState.SUCCEEDED)


def refunded(checkout: Checkout) -> Money:
    """Return what was given back or is on its way back."""
    sums = checkout.refunds.filter(state__in=_UNDER_WAY).aggregate(minor=Sum("amount_minor"))
    return Money(sums["minor"] or 0, captured(checkout).currency)


def charged_back(checkout: Checkout) -> Money:
    """Return what lost disputes took."""
    lost = checkout.disputes.filter(status=DisputeStatus.LOST)
    return Money(lost.aggregate(minor=Sum("withdrawn_minor"))["minor"] or 0, captured(checkout).currency)


def make_refund(payment_ref: str, amount: Money, metadata: Mapping[str, str], *, now: datetime) -> Refund:
    """Give money back in the caller's transaction; locks the checkout.

    Raises: GatewayRejectedError when nothing was paid, more is asked for than is left, or the payment is disputed: an
    inquiry does not keep money from going back.
    """
    checkout = Checkout.objects.select_for_update(no_key=True).filter(payment_ref=payment_ref).first()
    if checkout is None or checkout.state != PayState.PAID:
        raise GatewayRejectedError("400: there is no such payment to refund.")
    if checkout.disputes.filter(status__in=_TAKING).exists():
        raise GatewayRejectedError("400: charge_disputed: this payment is disputed and cannot be refunded.")
    left = captured(checkout) - refunded(checkout) - charged_back(checkout)
    if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
        raise GatewayRejectedError("400: the refund is greater than what is left of the payment.")
    if amount.minor % step_minor(amount.currency):
        raise GatewayRejectedError("400: amounts of this currency must end in a zero.")
    refund = Refund.objects.create(
        ref=new_id("re"),
        checkout=checkout,
        amount_minor=amount.minor,
        state=_first_state(checkout),
        metadata=dict(metadata),
        created_at=now,
    )
    if refund.state == RefundState.FAILED:
        refund.problem = _BOUNCED
        refund.save(update_fields=["problem"])
    elif checkout.behaviour in {Behaviour.REFUND_PENDS, Behaviour.REFUND_FAILS_LATER}:
        key = f"{FINISH}:{refund.pk}"
        jobs.plan(kind=FINISH, key=key, due_at=now + _TAKES, now=now, payload={"refund_id": refund.pk})
    emit("refund.created", refund_object(refund), now=now)
    return refund


def finish_refund(refund_id: int, *, now: datetime) -> None:
    """Bring a refund to its end as its card says; a second call does nothing."""
    with unit_of_work():
        refund = (
            Refund.objects.select_for_update(no_key=True, of=("self",)).select_related("checkout").get(pk=refund_id)
        )
        if refund.state == RefundState.PENDING:
            refund.state = RefundState.SUCCEEDED
        elif refund.state == RefundState.SUCCEEDED and refund.checkout.behaviour == Behaviour.REFUND_FAILS_LATER:
            refund.state, refund.problem = RefundState.FAILED, _BOUNCED
        else:
            return
        refund.save(update_fields=["state", "problem"])
        event_type = "refund.failed" if refund.state == RefundState.FAILED else "refund.updated"
        emit(event_type, refund_object(refund), now=now)


def _first_state(checkout: Checkout) -> RefundState:
    if strikes("refund_fails"):
        return RefundState.FAILED
    return RefundState.PENDING if checkout.behaviour == Behaviour.REFUND_PENDS else RefundState.SUCCEEDED
