"""Events that are worked on again, in any order, change nothing."""

import json
from datetime import timedelta

import pytest
from tests.factories.bookings import make_coach
from tests.factories.clock import SettableClock
from tests.factories.traffic import Traffic, standing

from greenroom.integrations.stripe.sandbox.models import Event
from greenroom.payments.models import Dispute, GatewayEvent, PaymentAttempt, RefundRequest

ORDERS = 32
TYPES = {
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.payment_failed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
}


@pytest.mark.usefixtures("transactional_db", "gateway", "handlers")
def test_hundreds_of_events_in_random_order_twice_change_nothing(frozen_clock: SettableClock) -> None:
    traffic = Traffic(make_coach(), frozen_clock, seed=20260302)
    traffic.make(ORDERS)
    assert set(GatewayEvent.objects.values_list("type", flat=True)) == TYPES
    assert set(PaymentAttempt.objects.values_list("state", flat=True)) == {"paid", "failed", "dead"}
    assert set(RefundRequest.objects.values_list("state", flat=True)) == {"succeeded", "failed"}
    assert len(set(Dispute.objects.values_list("status", flat=True))) > 3
    # The same things told once more, as events of their own that nobody has seen.
    for number, event in enumerate(Event.objects.order_by("pk")):
        traffic.tell(json.loads(event.body), name=f"evt_again_{number}")
    traffic.hear()
    events = list(GatewayEvent.objects.values_list("pk", flat=True))
    before = standing()
    frozen_clock.advance(timedelta(minutes=1))

    for _ in range(2):
        traffic.replay(events)
        traffic.hear()

    assert len(events) >= 200
    assert standing() == before
    assert not GatewayEvent.objects.exclude(state__in=["processed", "ignored"]).exists()
