"""Making the checkout of a stored attempt at the gateway, or learning of the one that was already made."""

from datetime import datetime
from typing import Any

from greenroom.core.faults import fault_point
from greenroom.core.money import Money
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import ByHand, CheckoutLine, CheckoutRequest
from greenroom.payments import gateways
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services.attempts import lock_attempt, move, our_metadata
from greenroom.payments.types import AttemptState


def learn_checkout(attempt: PaymentAttempt, *, now: datetime) -> PaymentAttempt:
    """Ask for the attempt's checkout with its stored key and words, store the answer, return the attempt as it is.

    The same key brings the same checkout, so this also continues after a crash between the two.
    Raises: GatewayConflictError, GatewayRejectedError, GatewayUnavailableError.
    """
    refuse_network_in_transaction()
    fault_point("payments.attempt_stored")
    handle = gateways.get(attempt.gateway).create_checkout(
        _request_of(attempt), idempotency_key=attempt.idempotency_key
    )
    fault_point("payments.checkout_created")
    with unit_of_work():
        mine = lock_attempt(attempt.pk)
        if mine.state == AttemptState.CREATED:
            mine.gateway_ref, mine.pay_url = handle.gateway_ref, handle.pay_url
            move(mine, AttemptState.OPEN, now=now)
    return mine


def _request_of(attempt: PaymentAttempt) -> CheckoutRequest:
    words = attempt.request
    lines = [CheckoutLine(line["name"], Money(line["minor"], attempt.currency)) for line in words["lines"]]
    return CheckoutRequest(
        attempt_ref=attempt.ref,
        order_ref=attempt.order_ref,
        total=attempt.amount,
        lines=lines,
        email=words["email"],
        success_url=words["success_url"],
        cancel_url=words["cancel_url"],
        expires_at=attempt.expires_at,
        metadata=our_metadata(),
        by_hand=_by_hand_of(words.get("by_hand")),
    )


def _by_hand_of(words: dict[str, Any] | None) -> ByHand | None:
    if words is None:
        return None
    until = words["answer_by"]
    return ByHand(words["method_id"], words["page_url"], words["tz"], datetime.fromisoformat(until) if until else None)
