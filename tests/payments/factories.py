"""Attempts, snapshots and payments made on the sandbox's page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from greenroom.core.ids import new_ref
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import CheckoutLine, PaymentSnapshot, PayState
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.jobs.models import Job
from greenroom.payments import gateways, services
from greenroom.payments.models import LedgerEntry, PaymentAttempt
from greenroom.payments.types import NewPayment

ORDER = "order-1"
GOOD_CARD = "4242424242424242"
PRICE = Money(8000, "EUR")
PAY_TIME = timedelta(minutes=32)


def open_one(
    *, now: datetime, order_ref: str = ORDER, total: Money = PRICE, expires_at: datetime | None = None, **changes: Any
) -> PaymentAttempt:
    """Open an attempt for one call."""
    words = {
        "email": "sam@example.org",
        "success_url": "http://localhost:8000/booking/confirmed/b1/",
        "cancel_url": "http://localhost:8000/checkout/b1/",
        **changes,
    }
    wish = NewPayment(
        gateway=gateways.hosted().code,
        order_ref=order_ref,
        total=total,
        lines=[CheckoutLine("Deep-dive session, 60 minutes", total)],
        expires_at=expires_at or now + PAY_TIME,
        **words,
    )
    return services.open_attempt(wish, now=now)


def store_attempt(*, now: datetime, order_ref: str = ORDER, state: str = "open", **changes: Any) -> PaymentAttempt:
    """Store an attempt as it is after the gateway answered, without any gateway."""
    ref = new_ref()
    values: dict[str, Any] = {
        "ref": ref,
        "order_ref": order_ref,
        "seq": PaymentAttempt.objects.filter(order_ref=order_ref).count() + 1,
        "gateway": "sandbox",
        "idempotency_key": f"att:{ref}",
        "params_hash": "0" * 64,
        "request": {"lines": [], "email": "", "success_url": "", "cancel_url": ""},
        "gateway_ref": None if state == "created" else f"cs_test_{ref}",
        "amount_minor": PRICE.minor,
        "currency": PRICE.currency,
        "state": state,
        "is_test": True,
        "expires_at": now + PAY_TIME,
        "created_at": now,
        "changed_at": now,
        "checked_at": now,
        **changes,
    }
    return PaymentAttempt.objects.create(**values)


def snapshot_of(attempt: PaymentAttempt, state: PayState, **changes: Any) -> PaymentSnapshot:
    """Return what a gateway would say of an attempt in this state."""
    snapshot = PaymentSnapshot(
        gateway_ref=attempt.gateway_ref or f"cs_test_{attempt.ref}",
        payment_ref=f"pi_{attempt.ref}",
        state=state,
        amount=attempt.amount,
        refunded=Money(0, attempt.currency),
        is_test=True,
        order_ref=attempt.order_ref,
        attempt_ref=attempt.ref,
    )
    return replace(snapshot, **changes)


def pay_attempt(
    *, now: datetime, order_ref: str = ORDER, card: str = GOOD_CARD, total: Money = PRICE
) -> PaymentAttempt:
    """Open an attempt, pay it on its page, and take the gateway's word for it, without callbacks."""
    attempt = open_one(now=now, order_ref=order_ref, total=total)
    checkouts.pay_by_card(str(attempt.gateway_ref), card, now=now)
    return services.sync_attempt(attempt_id=attempt.pk, now=now)


def checkout_of(attempt: PaymentAttempt) -> Checkout:
    """Return the gateway's side of an attempt."""
    return Checkout.objects.get(ref=attempt.gateway_ref)


def ledger(kind: str | None = None) -> list[tuple[str, int, str, str]]:
    """Return the ledger as (account, amount, currency, kind), in the order written; fees only when asked for."""
    rows = LedgerEntry.objects.order_by("pk").values_list("account", "amount_minor", "currency", "kind")
    return [row for row in rows if row[3] == kind or (kind is None and not row[3].endswith("fee"))]


def job_keys(kinds: Sequence[str]) -> list[str]:
    """Return the keys of the due rows of these kinds, in the order planned."""
    return list(Job.objects.filter(kind__in=kinds, state="due").order_by("pk").values_list("key", flat=True))
