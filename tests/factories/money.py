"""Orders whose money moves: paid, given back, and given back in vain, as a gateway would tell it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from greenroom.coaches.models import Coach
from greenroom.core.actors import SYSTEM
from greenroom.core.ids import new_ref
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import PaymentSnapshot, PayState, RefundSnapshot, RefundState
from greenroom.orders.models import Document, Order
from greenroom.orders.queries import movements_to_document
from greenroom.orders.services import create_order, issue_document
from greenroom.orders.types import LineKind, NewLine, NewOrder
from greenroom.payments import services
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.types import RefundCause


def make_order(
    coach: Coach,
    *,
    now: datetime,
    minor: int = 8000,
    currency: str = "EUR",
    name: str = "Ann Buyer",
    email: str = "ann@example.org",
    title: str = "A call, 60 minutes",
    is_test: bool = False,
) -> Order:
    """Make an order over one line, for real money unless told otherwise, whatever the tests' own settings say."""
    line = NewLine(LineKind.CALL, title, Money(minor, currency))
    order = create_order(NewOrder(coach.pk, name, email, currency, (line,), ()), now=now)
    Order.objects.filter(pk=order.pk).update(is_test=is_test)
    order.is_test = is_test
    return order


def open_attempt_of(order: Order, *, now: datetime) -> PaymentAttempt:
    """Store an attempt to pay an order, as it is while the buyer looks at the gateway's page."""
    ref = new_ref()
    return PaymentAttempt.objects.create(
        ref=ref,
        order_ref=order.ref,
        seq=PaymentAttempt.objects.filter(order_ref=order.ref).count() + 1,
        gateway="sandbox",
        idempotency_key=f"att:{ref}",
        params_hash="0" * 64,
        request={"lines": [], "email": "", "success_url": "", "cancel_url": ""},
        gateway_ref=f"cs_test_{ref}",
        amount_minor=order.total_minor,
        currency=order.currency,
        state="open",
        is_test=order.is_test,
        expires_at=now + timedelta(minutes=32),
        created_at=now,
        changed_at=now,
        checked_at=now,
    )


def arrive(attempt: PaymentAttempt, *, now: datetime, **changes: Any) -> PaymentAttempt:
    """Let an attempt's money arrive, as agreed unless `changes` say what the gateway shows instead."""
    snapshot = PaymentSnapshot(
        gateway_ref=str(attempt.gateway_ref),
        payment_ref=f"pi_{attempt.ref}",
        state=PayState.PAID,
        amount=attempt.amount,
        refunded=Money(0, attempt.currency),
        is_test=attempt.is_test,
        order_ref=attempt.order_ref,
        attempt_ref=attempt.ref,
    )
    return services.apply_snapshot(attempt_id=attempt.pk, snapshot=replace(snapshot, **changes), now=now)


def pay(order: Order, *, now: datetime, **changes: Any) -> PaymentAttempt:
    """Pay an order."""
    return arrive(open_attempt_of(order, now=now), now=now, **changes)


def ask_back(attempt: PaymentAttempt, minor: int, *, now: datetime) -> RefundRequest:
    """Ask for some of an attempt's money back; nothing moved yet."""
    amount = Money(minor, attempt.captured.currency)
    return services.request_refund(attempt_id=attempt.pk, amount=amount, cause=RefundCause.STAFF, actor=SYSTEM, now=now)


def answer_refund(refund: RefundRequest, state: RefundState, *, now: datetime) -> RefundRequest:
    """Let the gateway say how a refund stands."""
    refund.refresh_from_db()
    snapshot = RefundSnapshot(
        refund_ref=refund.refund_ref or f"re_{refund.pk}_{refund.try_no}",
        payment_ref=str(refund.attempt.payment_ref),
        amount=refund.amount,
        state=state,
        metadata={},
    )
    return services.apply_refund_snapshot(refund_id=refund.pk, snapshot=snapshot, now=now)


def give_back(attempt: PaymentAttempt, minor: int, *, now: datetime) -> RefundRequest:
    """Give some of an attempt's money back."""
    return answer_refund(ask_back(attempt, minor, now=now), RefundState.SUCCEEDED, now=now)


def issue_all(*, now: datetime) -> list[Document]:
    """Issue every document that is due, in the order in which the money moved."""
    entry_ids = list(movements_to_document().values_list("pk", flat=True))
    issued = [issue_document(entry_id=entry_id, now=now) for entry_id in entry_ids]
    return [document for document in issued if document is not None]
