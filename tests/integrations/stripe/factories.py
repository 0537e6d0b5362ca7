"""Requests to a gateway, and checkouts of the sandbox."""

import json
from datetime import datetime, timedelta
from typing import Any

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import CheckoutLine, CheckoutRequest, PaymentGateway
from greenroom.integrations.stripe.sandbox.models import Checkout, Event

PRICE = Money(8000, "EUR")


def make_request(now: datetime, **changes: Any) -> CheckoutRequest:
    """Ask for one call at 80 euros."""
    values: dict[str, Any] = {
        "attempt_ref": "attempt-1",
        "order_ref": "order-1",
        "total": PRICE,
        "lines": [CheckoutLine("Deep-dive session", PRICE)],
        "email": "sam@example.org",
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/checkout",
        "expires_at": now + timedelta(minutes=32),
        "metadata": {"greenroom_site": "https://shop.example"},
        **changes,
    }
    return CheckoutRequest(**values)


def make_checkout(gateway: PaymentGateway, now: datetime, key: str = "att:1", **changes: Any) -> Checkout:
    """Make a checkout through the gateway and return its row."""
    handle = gateway.create_checkout(make_request(now, **changes), idempotency_key=key)
    return Checkout.objects.get(ref=handle.gateway_ref)


def event_types() -> list[str]:
    """Return the types of every event, oldest first."""
    return list(Event.objects.order_by("pk").values_list("type", flat=True))


def objects_of(event_type: str) -> list[dict[str, Any]]:
    """Return what the events of a type are about, as sent."""
    bodies = Event.objects.filter(type=event_type).order_by("pk").values_list("body", flat=True)
    return [json.loads(body)["data"]["object"] for body in bodies]
