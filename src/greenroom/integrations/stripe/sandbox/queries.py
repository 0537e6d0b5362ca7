"""What the console and tests from outside may know of the gateway."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from django.db.models import Q, Sum

from greenroom.integrations.stripe.protocol import PayState, RefundState
from greenroom.integrations.stripe.sandbox.checkouts import pay_url, state_at
from greenroom.integrations.stripe.sandbox.disputes import steps_of
from greenroom.integrations.stripe.sandbox.models import Checkout


@dataclass(frozen=True, slots=True)
class Disputable:
    """A paid checkout, how its latest dispute stands ("" without one), and what can be done: (step, words)."""

    ref: str
    order: str
    dispute_ref: str
    status: str
    steps: list[tuple[str, str]]


class PaymentState(TypedDict):
    """One checkout: `refunded_minor` counts what has really arrived back."""

    ref: str
    order: str
    status: str
    amount_minor: int
    refunded_minor: int
    currency: str
    pay_url: str


def payment_states(*, now: datetime) -> list[PaymentState]:
    """Return every checkout, oldest first."""
    arrived = Sum("refunds__amount_minor", filter=Q(refunds__state=RefundState.SUCCEEDED))
    return [
        PaymentState(
            ref=checkout.ref,
            order=checkout.metadata["order_ref"],
            status=state_at(checkout, now),
            amount_minor=checkout.amount_minor,
            refunded_minor=checkout.refunded_minor or 0,
            currency=checkout.currency,
            pay_url=pay_url(checkout.ref),
        )
        for checkout in Checkout.objects.annotate(refunded_minor=arrived).order_by("pk")
    ]


def disputable_payments(*, limit: int) -> list[Disputable]:
    """Return the payments that can be, or were, disputed, the latest first; two queries."""
    paid = Checkout.objects.filter(state=PayState.PAID).prefetch_related("disputes").order_by("-pk")
    return [_disputable(checkout) for checkout in paid[:limit]]


def _disputable(checkout: Checkout) -> Disputable:
    latest = max(checkout.disputes.all(), key=lambda dispute: dispute.pk, default=None)
    steps = [(name, words) for name, (words, _take) in steps_of(latest).items()] if latest else []
    return Disputable(
        ref=checkout.ref,
        order=checkout.metadata["order_ref"],
        dispute_ref=latest.ref if latest else "",
        status=latest.status if latest else "",
        steps=steps or [("inquire", "Raise an inquiry"), ("dispute", "Dispute it")],
    )
