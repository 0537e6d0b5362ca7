"""What the console and tests from outside may know of the gateway."""

from datetime import datetime
from typing import TypedDict

from django.db.models import Q, Sum

from greenroom.integrations.stripe.protocol import RefundState
from greenroom.integrations.stripe.sandbox.checkouts import pay_url, state_at
from greenroom.integrations.stripe.sandbox.models import Checkout


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
