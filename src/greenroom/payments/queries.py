"""Reading payments. Orders ask here by their reference."""

from typing import Any

from django.db.models import QuerySet, Sum

from greenroom.core.money import Money, total
from greenroom.payments import rules
from greenroom.payments.models import GatewayEvent, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import (
    CUSTOMERS,
    AttemptState,
    EventState,
    Movement,
    MovementKind,
    OrderMoney,
    RefundCause,
    RefundRequestState,
)

_SENT_BACK = (RefundCause.PAID_TWICE, RefundCause.WRONG_PAYMENT)


def find_live_attempt(order_ref: str) -> PaymentAttempt | None:
    """Return the attempt that may still be paid, if there is one."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, state__in=rules.LIVE).first()


def has_live_attempt(order_ref: str) -> bool:
    """Tell whether money may still arrive for this order as far as we know: its slot must be kept."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, state__in=rules.LIVE).exists()


def find_latest_attempt(order_ref: str) -> PaymentAttempt | None:
    """Return the attempt that was begun last, if there is one."""
    return PaymentAttempt.objects.filter(order_ref=order_ref).order_by("-seq").first()


def refundable(attempt: PaymentAttempt) -> Money:
    """Return what is left of an attempt's money; under the attempt's lock this is what may be asked back."""
    requests = attempt.refunds.values_list("state", "amount_minor", "currency")
    amounts = [(RefundRequestState(state), Money(minor, currency)) for state, minor, currency in requests]
    return rules.refundable(attempt.captured, amounts)


def order_money(order_ref: str, *, currency: str) -> OrderMoney:
    """Return what an order's payments come to in the order's currency.

    The state is that of the payment that counts: paid if one is, else the latest attempt's, None without any.
    """
    attempts = list(PaymentAttempt.objects.filter(order_ref=order_ref).order_by("seq"))
    second = RefundRequest.objects.filter(attempt__in=attempts, cause__in=_SENT_BACK).values_list("attempt_id")
    sent_back = {attempt_id for (attempt_id,) in second}
    counted = [one for one in attempts if one.state == AttemptState.PAID and one.pk not in sent_back]
    requests = RefundRequest.objects.filter(attempt__in=counted).exclude(state__in=rules.LOST_REFUNDS)
    arrived = requests.filter(state=RefundRequestState.SUCCEEDED)
    state = AttemptState.PAID if counted else AttemptState(attempts[-1].state) if attempts else None
    return OrderMoney(
        state=state,
        captured=total([attempt.captured for attempt in counted], currency),
        refund_asked=_sum(requests, currency),
        refunded=_sum(arrived, currency),
    )


def refunds_of_order(order_ref: str) -> QuerySet[RefundRequest]:
    """Return every refund of an order's payments, oldest first."""
    return RefundRequest.objects.filter(attempt__order_ref=order_ref).order_by("pk")


def given_back(order_refs: QuerySet[Any, Any]) -> dict[str, int]:
    """Return what was asked back of some orders, in minor units by currency; what was paid by mistake is left out."""
    asked = RefundRequest.objects.filter(attempt__order_ref__in=order_refs)
    asked = asked.exclude(state__in=rules.LOST_REFUNDS).exclude(cause__in=_SENT_BACK)
    return dict(asked.values_list("currency").annotate(back=Sum("amount_minor")).order_by("currency"))


def account_balance(account: str, *, currency: str) -> Money:
    """Return the sum of an account's ledger entries in one currency."""
    sums = LedgerEntry.objects.filter(account=account, currency=currency).aggregate(minor=Sum("amount_minor"))
    return Money(sums["minor"] or 0, currency)


def customer_movements() -> QuerySet[LedgerEntry]:
    """Return the customers' side of every capture, refund and reversal, in the order in which they were booked."""
    return LedgerEntry.objects.filter(account=CUSTOMERS, kind__in=[*MovementKind]).order_by("pk")


def get_movement(entry_id: int) -> Movement:
    """Return what an entry of `customer_movements` says, with the order it belongs to and whether it counts there."""
    entry = customer_movements().get(pk=entry_id)
    kind = MovementKind(entry.kind)
    if kind is MovementKind.CAPTURE:
        attempt = PaymentAttempt.objects.get(pk=int(entry.source_id))
    else:
        refund_id = int(entry.source_id.partition(":")[0])
        attempt = RefundRequest.objects.select_related("attempt").get(pk=refund_id).attempt
    return Movement(
        kind=kind,
        order_ref=attempt.order_ref,
        attempt_id=attempt.pk,
        source_id=entry.source_id,
        amount=Money(abs(entry.amount_minor), entry.currency),
        at=entry.at,
        counts=not attempt.refunds.filter(cause__in=_SENT_BACK).exists(),
    )


def events_that_failed() -> QuerySet[GatewayEvent]:
    """Return the callbacks that need a person, newest first."""
    return GatewayEvent.objects.filter(state=EventState.FAILED).order_by("-received_at")


def find_trouble_with_attempt(attempt_id: int) -> str:
    """Return what a person must know about money that did not fit; empty once all of it has gone back."""
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    gone_back = _sum(attempt.refunds.filter(state=RefundRequestState.SUCCEEDED), attempt.captured.currency)
    if not attempt.mismatch or gone_back == attempt.captured:
        return ""
    return f"Payment {attempt.payment_ref} of order {attempt.order_ref}: {attempt.mismatch}. It is being sent back."


def find_trouble_with_refund(refund_id: int) -> str:
    """Return what a person must know about a refund that failed; empty once it was tried again."""
    refund = RefundRequest.objects.select_related("attempt").get(pk=refund_id)
    if refund.state not in rules.LOST_REFUNDS:
        return ""
    reason = refund.last_error or refund.state
    return f"Refund of {refund} for order {refund.attempt.order_ref} failed ({reason}): try again or pay by hand."


def _sum(requests: QuerySet[RefundRequest], currency: str) -> Money:
    sums = requests.aggregate(minor=Sum("amount_minor"))
    return Money(sums["minor"] or 0, currency)
