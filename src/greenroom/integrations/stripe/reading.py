"""From Stripe's objects, as plain dictionaries, to the values of the protocol.

Each function raises KeyError, TypeError, AttributeError or ValueError for an object that is not what it should be.
"""

from collections.abc import Mapping
from typing import Any

from greenroom.core.money import Money
from greenroom.integrations.stripe.amounts import from_stripe
from greenroom.integrations.stripe.protocol import (
    CheckoutHandle,
    PaymentSnapshot,
    PayState,
    RefundSnapshot,
    RefundState,
)

Thing = Mapping[str, Any]

# What the payment behind a session that was sent off says of a method that settles later.
_STATE_OF_PAYMENT = {
    "requires_action": PayState.REQUIRES_ACTION,
    "requires_payment_method": PayState.FAILED,
    "canceled": PayState.DEAD,
}


def handle_of(session: Thing) -> CheckoutHandle:
    """Return the reference and the address of a new session."""
    return CheckoutHandle(gateway_ref=str(session["id"]), pay_url=_text(session["url"]))


def payment_of(session: Thing) -> PaymentSnapshot:
    """Return the truth about a session whose `payment_intent` and its `latest_charge` are expanded.

    Money counts when the payment says so, not when the session is called complete: a debit settles days later
    (docs.stripe.com/payments/checkout/fulfill-orders).
    """
    payment: Thing = session["payment_intent"] or {}
    state = _state(session, payment)
    currency = payment.get("currency") or session["currency"]
    asked = from_stripe(session["amount_total"], session["currency"])
    charge: Thing = payment.get("latest_charge") or {}
    metadata = session["metadata"] or {}
    return PaymentSnapshot(
        gateway_ref=str(session["id"]),
        payment_ref=str(payment.get("id") or ""),
        state=state,
        amount=from_stripe(payment["amount_received"], currency) if state is PayState.PAID else asked,
        refunded=from_stripe(charge.get("amount_refunded") or 0, currency),
        is_test=not session["livemode"],
        order_ref=str(metadata.get("order_ref", "")),
        attempt_ref=str(metadata.get("attempt_ref", "")),
        problem="" if state is PayState.PAID else _problem(payment),
    )


def refund_of(refund: Thing) -> RefundSnapshot:
    """Return the truth about a refund. A status that Stripe adds later is one that moves: it is asked after again."""
    status = str(refund["status"])
    return RefundSnapshot(
        refund_ref=str(refund["id"]),
        payment_ref=_ref(refund["payment_intent"]),
        amount=_amount(refund),
        state=RefundState(status) if status in set(RefundState) else RefundState.PENDING,
        metadata={str(name): str(value) for name, value in (refund["metadata"] or {}).items()},
        problem=str(refund.get("failure_reason") or refund.get("pending_reason") or ""),
    )


def _state(session: Thing, payment: Thing) -> PayState:
    if payment.get("status") == "succeeded":
        return PayState.PAID
    if session["status"] == "expired":
        return PayState.DEAD
    if session["status"] == "open":
        return PayState.REQUIRES_ACTION if payment.get("status") == "requires_action" else PayState.OPEN
    return _STATE_OF_PAYMENT.get(payment.get("status", ""), PayState.PROCESSING)


def _problem(payment: Thing) -> str:
    error = payment.get("last_payment_error") or {}
    return str(error.get("decline_code") or error.get("code") or "")


def _amount(thing: Thing) -> Money:
    return from_stripe(thing["amount"], thing["currency"])


def _ref(value: object) -> str:
    """Return a reference, also when the object itself was expanded in its place."""
    return str(value["id"]) if isinstance(value, Mapping) else str(value or "")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("The address is missing.")
    return value
