"""Locking attempts and moving them from state to state; everything here runs in the caller's transaction."""

from datetime import datetime

from greenroom.core import audit
from greenroom.core.actors import SYSTEM
from greenroom.core.installation import installation_ref
from greenroom.jobs import services as jobs
from greenroom.payments import rules
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.types import AttemptState

SETTLE = "orders.settle"  # a kind of the app above: `config.wiring` knows its handler
CLOSE = "payments.close_attempt"
SITE_KEY = "greenroom_site"


def our_metadata() -> dict[str, str]:
    """Return what marks an object at the gateway as this installation's, wherever it is served; one query."""
    return {SITE_KEY: installation_ref()}


def lock_attempts(order_ref: str) -> list[PaymentAttempt]:
    """Lock every attempt of an order, in primary-key order, and return them."""
    rows = PaymentAttempt.objects.select_for_update(no_key=True).filter(order_ref=order_ref)
    return list(rows.order_by("pk"))


def lock_attempt(attempt_id: int) -> PaymentAttempt:
    """Lock one attempt and return it as it is now."""
    return PaymentAttempt.objects.select_for_update(no_key=True).get(pk=attempt_id)


def move(attempt: PaymentAttempt, state: AttemptState, *, now: datetime) -> None:
    """Write a locked attempt in its new state, its audit entry, and the order's follow-up when it matters there."""
    before = attempt.state
    attempt.state, attempt.changed_at, attempt.checked_at = state, now, now
    attempt.save()
    audit.record(
        actor=SYSTEM,
        action=f"payment.{state}",
        target=attempt,
        now=now,
        before={"state": before},
        after={"state": state, "captured_minor": attempt.captured_minor},
        reason=attempt.mismatch or attempt.problem,
    )
    if rules.matters_to_order(state):
        payload = {"order_ref": attempt.order_ref}
        key = f"{SETTLE}:{attempt.order_ref}:{attempt.pk}:{state}"
        jobs.plan(kind=SETTLE, key=key, due_at=now, now=now, payload=payload)


def mark_closing(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Say that a locked, live attempt is to end, and plan that."""
    attempt.is_closing = True
    attempt.save(update_fields=["is_closing"])
    jobs.plan(kind=CLOSE, key=f"{CLOSE}:{attempt.pk}", due_at=now, now=now, payload={"attempt_id": attempt.pk})


def declare_dead(attempt: PaymentAttempt, *, problem: str, now: datetime) -> None:
    """End a locked attempt whose pay page was never handed to anybody; any other stays as it is."""
    if attempt.state == AttemptState.CREATED:
        attempt.problem = problem[:200]
        move(attempt, AttemptState.DEAD, now=now)
