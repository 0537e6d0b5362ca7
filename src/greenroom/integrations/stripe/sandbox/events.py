"""Events: what happened, told to Greenroom's webhook over HTTP, signed, until it is accepted."""

import json
import secrets
from datetime import datetime, timedelta

import httpx
from django.conf import settings
from django.db.models import F

from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.sandbox.faults import strikes
from greenroom.integrations.stripe.sandbox.models import Checkout, Dispute, Event, Refund
from greenroom.jobs import services as jobs

DELIVER = "stripe_sandbox.deliver_event"
GIVES_UP_AFTER = timedelta(days=3)  # as Stripe does: docs.stripe.com/webhooks
_LATE = timedelta(minutes=5)
_OVERTAKEN = timedelta(seconds=20)
_TIMEOUT_SECONDS = 10.0
_SKEW = timedelta(hours=1)
_PAYMENT_STATUS = {"paid": "paid"}
_SESSION_STATUS = {"open": "open", "requires_action": "open", "dead": "expired"}


class DeliveryError(Exception):
    """The webhook was not reached or did not answer with 2xx."""


def new_id(prefix: str) -> str:
    """Return a reference in the vendor's form: a prefix and 128 random bits."""
    return f"{prefix}_{secrets.token_hex(16)}"


def checkout_object(checkout: Checkout) -> dict[str, object]:
    """Return a checkout as the vendor prints it."""
    return {
        "id": checkout.ref,
        "object": "checkout.session",
        "amount_total": checkout.amount_minor,
        "currency": checkout.currency.lower(),
        "livemode": False,
        "metadata": checkout.metadata,
        "payment_intent": checkout.payment_ref,
        "payment_status": _PAYMENT_STATUS.get(checkout.state, "unpaid"),
        "status": _SESSION_STATUS.get(checkout.state, "complete"),
    }


def payment_object(checkout: Checkout) -> dict[str, object]:
    """Return the payment behind a checkout as the vendor prints it."""
    return {
        "id": checkout.payment_ref,
        "object": "payment_intent",
        "amount": checkout.amount_minor,
        "amount_received": checkout.captured_minor,
        "currency": (checkout.captured_currency or checkout.currency).lower(),
        "last_payment_error": {"code": checkout.problem} if checkout.problem else None,
        "livemode": False,
        "metadata": checkout.metadata,
    }


def refund_object(refund: Refund) -> dict[str, object]:
    """Return a refund as the vendor prints it."""
    return {
        "id": refund.ref,
        "object": "refund",
        "amount": refund.amount_minor,
        "currency": refund.checkout.captured_currency.lower(),
        "failure_reason": refund.problem or None,
        "metadata": refund.metadata,
        "payment_intent": refund.checkout.payment_ref,
        "status": refund.state,
    }


def dispute_object(dispute: Dispute) -> dict[str, object]:
    """Return a dispute as the vendor prints it; its metadata is its own and says nothing of the payment's."""
    currency = dispute.checkout.captured_currency.lower()
    moved = [("dispute", -dispute.withdrawn_minor), ("dispute_reversal", dispute.reinstated_minor)]
    return {
        "id": dispute.ref,
        "object": "dispute",
        "amount": dispute.amount_minor,
        "balance_transactions": [
            {"object": "balance_transaction", "amount": minor, "currency": currency, "reporting_category": category}
            for category, minor in moved
            if minor
        ],
        "created": int(dispute.created_at.timestamp()),
        "currency": currency,
        "evidence_details": {"due_by": int(dispute.evidence_due_at.timestamp())},
        "is_charge_refundable": dispute.status.startswith("warning_"),
        "livemode": False,
        "metadata": {},
        "payment_intent": dispute.checkout.payment_ref,
        "reason": dispute.reason,
        "status": dispute.status,
    }


def emit(event_type: str, thing: dict[str, object], *, now: datetime) -> None:
    """Record an event in the caller's transaction and plan its callback, with the armed callback faults."""
    ref = new_id("evt")
    body = {
        "id": ref,
        "object": "event",
        "created": int(now.timestamp()),
        "data": {"object": thing},
        "livemode": False,
        "type": event_type,
    }
    event = Event.objects.create(ref=ref, type=event_type, body=json.dumps(body), created_at=now)
    if strikes("callback_dropped"):
        return
    due_at = now + (_LATE if strikes("callback_delayed") else timedelta())
    due_at += _OVERTAKEN if strikes("callback_reordered") else timedelta()
    for copy in range(2 if strikes("callback_duplicated") else 1):
        payload = {"event_id": event.pk}
        jobs.plan(kind=DELIVER, key=f"{DELIVER}:{event.pk}:{copy}", due_at=due_at, now=now, payload=payload)


def deliver(event: Event, *, now: datetime) -> None:
    """Send one event to the webhook, signed with the time of this try.

    Writes the count of tries, and the time of the first success. Never follows a redirect or a proxy setting.
    Raises: DeliveryError when the event was not accepted.
    """
    refuse_network_in_transaction()
    body = event.body.encode()
    headers = {"Content-Type": "application/json", signature.HEADER: _header(body, now)}
    Event.objects.filter(pk=event.pk).update(tries=F("tries") + 1)
    url = f"http://127.0.0.1:{settings.ENVIRONMENT.port}/api/webhooks/stripe"
    try:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, follow_redirects=False) as client:
            answer = client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise DeliveryError(f"The webhook was not reached: {type(error).__name__}.") from error
    if not answer.is_success:
        raise DeliveryError(f"The webhook answered {answer.status_code}.")
    Event.objects.filter(pk=event.pk, delivered_at__isnull=True).update(delivered_at=now)


def _header(body: bytes, now: datetime) -> str:
    at = now
    if strikes("callback_stale_timestamp"):
        at -= _SKEW
    if strikes("callback_future_timestamp"):
        at += _SKEW
    secret = settings.ENVIRONMENT.stripe_webhook_secrets[0]
    if strikes("callback_bad_signature"):
        secret = f"not-{secret}"
    return signature.sign(body, secret=secret, at=at)
