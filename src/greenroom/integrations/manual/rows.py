"""Payments by hand, row by row. What changes one locks it, in the caller's transaction or in one of its own."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from greenroom.core.ids import new_ref
from greenroom.core.money import Money
from greenroom.integrations.manual.models import ManualPayment, ManualRefund, PayMethod
from greenroom.integrations.stripe.protocol import CheckoutRequest, GatewayRejectedError, PayState, RefundState

# Without those that are read as another: people copy it by hand.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 8


def new_code() -> str:
    """Return something short to write on a transfer; 30 letters to the power of 8."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))


def state_at(payment: ManualPayment, now: datetime) -> PayState:
    """Tell how far a payment has come. Money that arrived counts whenever it did."""
    if payment.received_at is not None:
        return PayState.PAID
    if payment.ended_at is not None:
        return PayState.DEAD
    if payment.handed_in_at is not None:
        return PayState.DEAD if payment.answer_by and now >= payment.answer_by else PayState.PROCESSING
    return PayState.OPEN if now < payment.expires_at else PayState.DEAD


def lock_payment(ref: str) -> ManualPayment:
    """Lock a payment and return it as it is now. Raises: ManualPayment.DoesNotExist."""
    return ManualPayment.objects.select_for_update(no_key=True).get(ref=ref)


def make_payment(request: CheckoutRequest, *, key: str, is_test: bool, now: datetime) -> ManualPayment:
    """Make a payment once per key. Raises: GatewayRejectedError."""
    wanted, digest = request.by_hand, _hash_of(request)
    known = ManualPayment.objects.filter(idempotency_key=key).first()
    if known is None:
        method = PayMethod.objects.filter(pk=wanted.method_id, is_active=True).first() if wanted else None
        if wanted is None or method is None:
            raise GatewayRejectedError("This way to pay is not offered any more.")
        if request.expires_at <= now:
            raise GatewayRejectedError("The time to pay is over.")
        row = ManualPayment(
            ref=f"man_{new_ref()}",
            idempotency_key=key,
            params_hash=digest,
            method=method,
            code=new_code(),
            order_ref=request.order_ref,
            attempt_ref=request.attempt_ref,
            amount_minor=request.total.minor,
            currency=request.total.currency,
            is_test=is_test,
            page_url=wanted.page_url,
            tz=wanted.tz,
            created_at=now,
            expires_at=request.expires_at,
            answer_by=wanted.answer_by,
        )
        # Another call with the same key may store its row first: both go on with that one.
        ManualPayment.objects.bulk_create([row], ignore_conflicts=True)
        known = ManualPayment.objects.get(idempotency_key=key)
    if known.params_hash != digest:
        raise GatewayRejectedError("The same key was used with other parameters.")
    return known


def _hash_of(request: CheckoutRequest) -> str:
    method = request.by_hand.method_id if request.by_hand else None
    words = [request.attempt_ref, request.total.minor, request.total.currency, method, request.expires_at.isoformat()]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def end_if_over(ref: str, *, now: datetime, even_if_open: bool) -> ManualPayment:
    """Write down that a payment is over once its time is, and when it is still open if that is asked for.

    From then on nobody can say any more that they paid, whatever their clock says. Whoever said so before is waited
    for. Locks the payment.
    """
    with transaction.atomic():
        payment = lock_payment(ref)
        state = state_at(payment, now)
        is_over = state is PayState.DEAD or (even_if_open and state is PayState.OPEN)
        if is_over and payment.ended_at is None:
            payment.ended_at = now
            payment.save(update_fields=["ended_at"])
        return payment


def make_refund(
    payment_ref: str, amount: Money, metadata: Mapping[str, str], *, key: str, now: datetime
) -> ManualRefund:
    """Write down what a person has to send back, once per key. Locks the payment. Raises: GatewayRejectedError."""
    with transaction.atomic():
        payment = ManualPayment.objects.select_for_update(no_key=True).filter(ref=payment_ref).first()
        if payment is None or payment.received_at is None:
            raise GatewayRejectedError("404: there is no such payment.")
        known = ManualRefund.objects.filter(idempotency_key=key).first()
        if known is not None:
            if known.payment_id != payment.pk or known.amount_minor != amount.minor:
                raise GatewayRejectedError("The same key was used with other parameters.")
            return known
        left = payment.received - refunded(payment)
        if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
            raise GatewayRejectedError("That is more than what is left of the payment.")
        return ManualRefund.objects.create(
            ref=f"mre_{new_ref()}",
            idempotency_key=key,
            payment=payment,
            amount_minor=amount.minor,
            metadata=dict(metadata),
            created_at=now,
        )


def refunded(payment: ManualPayment) -> Money:
    """Return what of a payment was sent back or is to be."""
    amounts = payment.refunds.exclude(state=RefundState.FAILED).values_list("amount_minor", flat=True)
    return Money(sum(amounts), payment.received.currency)
