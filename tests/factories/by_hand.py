"""Payments by hand: a method, what is being paid by it, and the steps that people take."""

from datetime import datetime, timedelta
from typing import Any

from tests.bookings.steps import ADMIN, GUEST, describe, fresh, hold
from tests.payments.factories import store_attempt

from greenroom.bookings import services
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.manual import rows
from greenroom.integrations.manual.models import ManualPayment, ManualRefund, PayMethod, Proof
from greenroom.integrations.manual.proofs import ProofFile
from greenroom.orders import services as orders
from greenroom.orders.models import Order
from greenroom.orders.types import ReturnAddresses
from greenroom.payments import services as payments
from greenroom.payments.models import PaymentAttempt

PAGE = "http://localhost:8000/checkout/x/by-hand/"


def make_method(title: str = "Bank transfer", **values: Any) -> PayMethod:
    """Make a method that gives a day to pay, and about which staff decide."""
    known: dict[str, Any] = {"instructions": "Account 123", "hours_to_pay": 24, "created_at": clock.now(), **values}
    return PayMethod.objects.create(title=title, **known)


def start_by_hand(booking: Booking, method: PayMethod) -> Booking:
    """Choose to pay by hand."""
    addresses = ReturnAddresses("http://localhost:8000/ok/", "http://localhost:8000/back/", PAGE)
    services.start_payment(
        booking=booking, addresses=addresses, actor=GUEST, now=clock.now(), method=f"method-{method.pk}"
    )
    return fresh(booking)


def awaited(offer: Offer, method: PayMethod, **values: Any) -> Booking:
    """Hold a time, say who books, and choose to pay by hand."""
    return start_by_hand(describe(hold(offer, **values)), method)


def payment_of(thing: Booking | Order) -> ManualPayment:
    """Return the latest payment by hand of a booking or purchase."""
    order = thing if isinstance(thing, Order) else thing.order
    assert order is not None
    return ManualPayment.objects.filter(order_ref=order.ref).latest("pk")


def attempt_of(thing: Booking | Order) -> PaymentAttempt:
    """Return the attempt of that payment."""
    return PaymentAttempt.objects.get(gateway_ref=payment_of(thing).ref)


def hand_in(thing: Booking | Order, proof: ProofFile | None = None, note: str = "") -> None:
    """Say as the buyer that it was paid."""
    orders.hand_in_payment(ref=payment_of(thing).ref, note=note, proof=proof, actor=GUEST, now=clock.now())


def approve(thing: Booking | Order, received: Money) -> None:
    """Say as staff what arrived."""
    orders.approve_payment(ref=payment_of(thing).ref, received=received, actor=ADMIN, now=clock.now())


def refuse(thing: Booking | Order, reason: str = "Not there") -> None:
    """Say as staff that nothing arrived."""
    orders.refuse_payment(ref=payment_of(thing).ref, reason=reason, actor=ADMIN, now=clock.now())


def answer_refund(problem: str = "") -> ManualRefund:
    """Say as staff that the one refund was sent, or why it cannot be."""
    with unit_of_work():
        ref = ManualRefund.objects.get().ref
        return payments.decide_refund(refund_ref=ref, problem=problem, actor=ADMIN, now=clock.now())


def store_payment(coach: Coach, method: PayMethod | None, *, now: datetime, **values: Any) -> ManualPayment:
    """Store a payment of an order of a coach, of which somebody said an hour ago that they paid."""
    order = Order.objects.create(
        coach=coach,
        name="Ann Guest",
        email="ann@example.org",
        currency="EUR",
        total_minor=5000,
        policy=[],
        created_at=now,
    )
    ref, amount = f"man_{order.ref}", {"amount_minor": 5000, "currency": "EUR"}
    attempt = store_attempt(
        now=now, order_ref=order.ref, state="processing", gateway="manual", gateway_ref=ref, **amount
    )
    known: dict[str, Any] = {
        "idempotency_key": attempt.idempotency_key,
        "params_hash": "",
        "method": method,
        "code": rows.new_code(),
        "order_ref": order.ref,
        "attempt_ref": attempt.ref,
        "is_test": True,
        "page_url": PAGE,
        "created_at": now,
        "expires_at": now + timedelta(days=1),
        "handed_in_at": now - timedelta(hours=1),
        **amount,
        **values,
    }
    return ManualPayment.objects.create(ref=ref, **known)


def store_refund(payment: ManualPayment, *, now: datetime) -> ManualRefund:
    """Store a refund of a whole payment, which has arrived, that is to be sent."""
    money = {"received_minor": payment.amount_minor, "received_currency": payment.currency, "received_at": now}
    ManualPayment.objects.filter(pk=payment.pk).update(**money)
    return rows.make_refund(payment.ref, payment.amount, {}, key=f"r:{payment.pk}", now=now)


def store_proof(payment: ManualPayment, *, now: datetime) -> Proof:
    """Store a picture that was sent as a proof."""
    content = b"\x89PNG\r\n\x1a\n" + b"0" * 10
    return Proof.objects.create(payment=payment, kind="png", content=content, size=len(content), created_at=now)
