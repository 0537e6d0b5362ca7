"""From Stripe's objects, as plain dictionaries, to the values of the protocol.

Each function raises KeyError, TypeError, AttributeError or ValueError for an object that is not what it should be.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from greenroom.core.money import Money, total
from greenroom.integrations.stripe.amounts import from_stripe
from greenroom.integrations.stripe.protocol import (
    CheckoutHandle,
    DisputeSnapshot,
    PaymentSnapshot,
    PayState,
    RefundSnapshot,
    RefundState,
)

Thing = Mapping[str, Any]
T = TypeVar("T")
_INQUIRY = "warning_"

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
        fee=_fee([charge.get("balance_transaction")]),
    )


def arrival_of(payment: Thing, metadata: Mapping[str, str]) -> PaymentSnapshot | None:
    """Return the truth about a payment, None unless it came and carries `metadata`.

    Its `latest_charge` is expanded, with the `balance_transaction` that knows the fee. A payment does not name its
    session.
    """
    if payment["status"] != "succeeded" or not _carries(payment, metadata):
        return None
    charge: Thing = payment["latest_charge"] or {}
    return PaymentSnapshot(
        gateway_ref="",
        payment_ref=str(payment["id"]),
        state=PayState.PAID,
        amount=from_stripe(payment["amount_received"], payment["currency"]),
        refunded=from_stripe(charge.get("amount_refunded") or 0, payment["currency"]),
        is_test=not payment["livemode"],
        order_ref=str(payment["metadata"].get("order_ref", "")),
        attempt_ref=str(payment["metadata"].get("attempt_ref", "")),
        fee=_fee([charge.get("balance_transaction")]),
    )


def of_site(thing: Thing, metadata: Mapping[str, str], read: Callable[[Thing], T]) -> T | None:
    """Read a refund or dispute whose `payment_intent` is expanded; None unless that payment carries `metadata`."""
    return read(thing) if _carries(thing["payment_intent"] or {}, metadata) else None


def _carries(payment: Thing, metadata: Mapping[str, str]) -> bool:
    carried = payment.get("metadata") or {}
    return all(carried.get(name) == value for name, value in metadata.items())


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


def dispute_of(dispute: Thing) -> DisputeSnapshot:
    """Return the truth about a dispute.

    Its balance transactions are in the currency in which the account is paid out. Where that is another one than the
    payment's, the whole disputed amount counts as moved, because Stripe disputes a charge in one piece.
    """
    amount, status = _amount(dispute), str(dispute["status"])
    moves = [(one["amount"], one["currency"]) for one in dispute["balance_transactions"] or ()]
    due_by = (dispute.get("evidence_details") or {}).get("due_by")
    is_asked = status.endswith("needs_response")
    return DisputeSnapshot(
        dispute_ref=str(dispute["id"]),
        payment_ref=_ref(dispute["payment_intent"]),
        amount=amount,
        status=status,
        is_inquiry=status.startswith(_INQUIRY),
        withdrawn=_moved([(-number, currency) for number, currency in moves], amount),
        reinstated=_moved(moves, amount),
        reason=str(dispute.get("reason") or ""),
        opened_at=_instant(dispute["created"]),
        evidence_due_at=_instant(due_by) if due_by and is_asked else None,
        fee=_fee(dispute["balance_transactions"] or ()),
    )


def _moved(moves: Sequence[tuple[int, str]], amount: Money) -> Money:
    """Add up what went one way: the moves above zero."""
    gone = [from_stripe(number, currency) for number, currency in moves if number > 0]
    if any(one.currency != amount.currency for one in gone):
        return amount
    return total(gone, amount.currency)


def _fee(transactions: Sequence[object]) -> Money | None:
    """Add up the fees of balance transactions; None while there is none, or it is only named and not told.

    They are in the account's own currency. One that our units cannot say is left unknown: it is no reason to refuse
    the payment.
    """
    told = [one for one in transactions if isinstance(one, Mapping)]
    if not told:
        return None
    with suppress(ValueError):
        fees = [from_stripe(one["fee"], one["currency"]) for one in told]
        return total(fees, fees[0].currency)
    return None


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(seconds), tz=UTC)


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
