"""Payments by hand: who says that they paid, who says what arrived, and who sends money back.

Everything here runs in the caller's transaction, locks the one row of the gateway's own tables, and plans that the
gateway is asked: what follows for attempt, order and booking goes the same way as for every other gateway.
"""

from datetime import datetime

from django.db import transaction

from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.audit import AuditValue
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.core.ids import new_ref
from greenroom.core.money import Money
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.manual import rows
from greenroom.integrations.manual.models import ManualPayment, ManualRefund, Proof
from greenroom.integrations.manual.proofs import MOST_PROOFS, ProofFile
from greenroom.integrations.stripe.protocol import PayState, RefundState
from greenroom.jobs import services as jobs
from greenroom.payments import gateways
from greenroom.payments.errors import AnsweredAlreadyError, PaymentClosingError
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.services.refunds import apply_refund_snapshot
from greenroom.payments.services.snapshots import sync_attempt

LOOK = "payments.look_by_hand"
_BUYERS = {ActorKind.GUEST, ActorKind.STUDENT}
_MOST_MINOR = 10**12


def hand_in(*, ref: str, note: str, proof: ProofFile | None, actor: Actor, now: datetime) -> ManualPayment:
    """Write down that the buyer says they paid, with what they send as a proof.

    A second call adds a proof and a note. Raises: NotAllowedError, PaymentClosingError once the time is over,
    AnsweredAlreadyError when the money is there, InvalidInputError for too many proofs.
    """
    if actor.kind not in _BUYERS:
        raise NotAllowedError
    with transaction.atomic():
        payment = rows.lock_payment(ref)
        state = rows.state_at(payment, now)
        if state is PayState.PAID:
            raise AnsweredAlreadyError("This payment has arrived.")
        if state is PayState.DEAD:
            raise PaymentClosingError
        if proof and payment.proofs.count() >= MOST_PROOFS:
            raise InvalidInputError(f"We keep {MOST_PROOFS} files at most. Write a note instead.", field="proof")
        if payment.handed_in_at is None:
            payment.handed_in_at, payment.times_handed_in = now, payment.times_handed_in + 1
        payment.note, payment.refusal = note[:500] or payment.note, ""
        payment.save(update_fields=["handed_in_at", "times_handed_in", "note", "refusal"])
        if proof:
            Proof.objects.create(
                payment=payment, kind=proof.kind, content=proof.content, size=len(proof.content), created_at=now
            )
        _record(payment, "hand_in", actor, now, {"proof": proof.kind if proof else ""})
        return payment


def withdraw(*, ref: str, actor: Actor, now: datetime) -> ManualPayment:
    """Let the buyer change their mind; whoever said before that they paid stays on the list of those to be answered.

    A second call changes nothing, and neither does one after the money arrived. Raises: NotAllowedError.
    """
    if actor.kind not in _BUYERS:
        raise NotAllowedError
    with transaction.atomic():
        payment = rows.lock_payment(ref)
        if payment.received_at is None and payment.ended_at is None:
            payment.ended_at = now
            payment.save(update_fields=["ended_at"])
            _record(payment, "withdraw", actor, now)
        return payment


def approve(*, ref: str, received: Money, actor: Actor, now: datetime) -> ManualPayment:
    """Say what really arrived; in time or late, and also when nobody said that they paid.

    Another amount or currency than was agreed does not count as paid and goes back, as at every gateway. The same
    answer again changes nothing.
    Raises: NotAllowedError, InvalidInputError naming `amount`, AnsweredAlreadyError after another answer.
    """
    if not 0 < received.minor < _MOST_MINOR:
        raise InvalidInputError("Write what arrived, above 0.", field="amount")
    with transaction.atomic():
        payment = rows.lock_payment(ref)
        _require_decider(payment, actor)
        if payment.received_at is not None:
            if payment.received != received:
                raise AnsweredAlreadyError
            return payment
        payment.received_minor, payment.received_currency = received.minor, received.currency
        payment.received_at, payment.refusal = now, ""
        payment.save(update_fields=["received_minor", "received_currency", "received_at", "refusal"])
        _record(payment, "approve", actor, now, {"amount_minor": received.minor, "currency": received.currency})
        return payment


def refuse(*, ref: str, reason: str, actor: Actor, now: datetime) -> ManualPayment:
    """Say that nothing arrived. The buyer may say again that they paid while there is time; else it is over.

    Of two who refuse at once one is heard. Raises: NotAllowedError, AnsweredAlreadyError when the money is there.
    """
    with transaction.atomic():
        payment = rows.lock_payment(ref)
        _require_decider(payment, actor)
        if payment.received_at is not None:
            raise AnsweredAlreadyError
        if payment.handed_in_at is None:
            return payment
        payment.handed_in_at, payment.refusal = None, reason[:300]
        if now >= payment.expires_at:
            payment.ended_at = payment.ended_at or now
        payment.save(update_fields=["handed_in_at", "refusal", "ended_at"])
        _record(payment, "refuse", actor, now, reason=reason)
        return payment


def decide_refund(*, refund_ref: str, problem: str, actor: Actor, now: datetime) -> ManualRefund:
    """Say that a refund was sent, or in `problem` why it cannot be; then it failed, and is shown to the operator.

    The first answer counts. Raises: NotAllowedError, AnsweredAlreadyError after another answer.
    """
    with transaction.atomic():
        refund = ManualRefund.objects.select_related("payment").get(ref=refund_ref)
        payment = rows.lock_payment(refund.payment.ref)
        _require_decider(payment, actor)
        refund.refresh_from_db()
        state = RefundState.FAILED if problem else RefundState.SUCCEEDED
        if refund.state != RefundState.PENDING:
            if refund.state != state:
                raise AnsweredAlreadyError
            return refund
        refund.state, refund.problem, refund.decided_at = state, problem[:300], now
        refund.save(update_fields=["state", "problem", "decided_at"])
        after: dict[str, AuditValue] = {"amount_minor": refund.amount_minor, "currency": refund.amount.currency}
        _record(payment, f"refund_{'failed' if problem else 'sent'}", actor, now, after, reason=problem)
        _plan_look(refund.ref, {"refund_ref": refund.ref}, now)
        return refund


def look_by_hand(*, now: datetime, gateway_ref: str = "", refund_ref: str = "") -> None:
    """Take over what was said about a payment or a refund. Must run outside transactions; safe to repeat.

    What no attempt names yet is taken over by whoever stores its reference.
    """
    refuse_network_in_transaction()
    attempt = PaymentAttempt.objects.filter(gateway_ref=gateway_ref).first() if gateway_ref else None
    if attempt is not None:
        sync_attempt(attempt_id=attempt.pk, now=now)
    refund = RefundRequest.objects.select_related("attempt").filter(refund_ref=refund_ref).first()
    if refund is not None:
        snapshot = gateways.get(refund.attempt.gateway).fetch_refund(refund_ref)
        apply_refund_snapshot(refund_id=refund.pk, snapshot=snapshot, now=now)


def _require_decider(payment: ManualPayment, actor: Actor) -> None:
    """Let staff decide, and the coach where the method lets them; whose payment it is, the caller has found out."""
    coach_may = payment.method is None or payment.method.coach_approves
    if actor.kind is not ActorKind.ADMIN and not (actor.kind is ActorKind.COACH and coach_may):
        raise NotAllowedError


def _record(
    payment: ManualPayment,
    verb: str,
    actor: Actor,
    now: datetime,
    after: dict[str, AuditValue] | None = None,
    reason: str = "",
) -> None:
    """Write the audit entry, beside the attempt's others, and plan that the payment is looked at."""
    attempt = PaymentAttempt.objects.get(ref=payment.attempt_ref)
    audit.record(actor=actor, action=f"by_hand.{verb}", target=attempt, now=now, after=after or {}, reason=reason)
    _plan_look(payment.ref, {"gateway_ref": payment.ref}, now)


def _plan_look(ref: str, payload: dict[str, str], now: datetime) -> None:
    jobs.plan(kind=LOOK, key=f"{LOOK}:{ref}:{new_ref()}", due_at=now, now=now, payload=payload)
