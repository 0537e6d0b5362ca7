"""Ending an attempt: a slot is released only after the gateway said that it can never be paid."""

from datetime import datetime, timedelta

from django.db import transaction

from greenroom.core.faults import fault_point
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import GatewayRejectedError
from greenroom.payments import gateways
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services.attempts import declare_dead, lock_attempt, lock_attempts, mark_closing
from greenroom.payments.services.creating import learn_checkout
from greenroom.payments.services.snapshots import apply_snapshot

# How long after its own end a checkout is still asked to end, rather than asked what became of it.
GRACE = timedelta(minutes=10)


def request_close(*, order_ref: str, now: datetime) -> bool:
    """Begin to end the order's live attempt, in the caller's transaction. False when there is none.

    Locks the order's attempts; marks the live one, so that no other begins meanwhile, and plans
    `payments.close_attempt`. A second call changes nothing. What came of it reaches the order as `orders.settle`.
    """
    with transaction.atomic():
        live = next((attempt for attempt in lock_attempts(order_ref) if attempt.is_live), None)
        if live is None:
            return False
        mark_closing(live, now=now)
        return True


def close_attempt(*, attempt_id: int, now: datetime) -> PaymentAttempt:
    """End a live attempt at the gateway and apply what it says; one that is not live stays as it is.

    Must run outside transactions; a second call does nothing new. The returned attempt is still live when the bank
    is working on it, or when the gateway insists that it is open: then call again.
    Raises: GatewayConflictError, GatewayUnavailableError.
    """
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    return close_at_gateway(attempt, now=now) if attempt.is_live else attempt


def close_at_gateway(attempt: PaymentAttempt, *, now: datetime) -> PaymentAttempt:
    """Do what `close_attempt` says for an attempt that is live."""
    refuse_network_in_transaction()
    is_over = now > attempt.expires_at + GRACE
    if attempt.gateway_ref is None:
        if is_over:
            return _drop(attempt, "its page was never handed out and its time is over", now)
        try:
            attempt = learn_checkout(attempt, now=now)
        except GatewayRejectedError as error:
            return _drop(attempt, str(error), now)
    if attempt.gateway_ref is None:
        return attempt
    gateway = gateways.get(attempt.gateway)
    ask = gateway.fetch if is_over else gateway.expire_checkout
    snapshot = ask(attempt.gateway_ref)
    fault_point("payments.checkout_expired")
    return apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)


def _drop(attempt: PaymentAttempt, problem: str, now: datetime) -> PaymentAttempt:
    with unit_of_work():
        mine = lock_attempt(attempt.pk)
        declare_dead(mine, problem=problem, now=now)
    return mine
