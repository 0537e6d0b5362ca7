"""Disputes: what a bank asks, takes and decides, taken over from the gateway."""

from datetime import datetime

from django.conf import settings

from greenroom.core import audit
from greenroom.core.actors import SYSTEM
from greenroom.core.money import CurrencyMismatchError, Money
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import DisputeSnapshot
from greenroom.jobs import services as jobs
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import NewMessage
from greenroom.payments import gateways, queries, rules
from greenroom.payments.models import Dispute, PaymentAttempt
from greenroom.payments.services.attempts import lock_attempt
from greenroom.payments.services.ledger import post_dispute, post_dispute_fee, post_dispute_reversal
from greenroom.payments.services.refunds import drop_held, hold_unsent, release_held, report_dropped
from greenroom.payments.types import DisputeStand

REPORT = "payments.report_dispute"
MAIL = "payments.dispute_opened"


def apply_dispute_snapshot(*, attempt_id: int, snapshot: DisputeSnapshot, now: datetime) -> Dispute:
    """Move a dispute to where the gateway says it is, and write everything that follows, in one transaction.

    Locks the attempt. An older snapshot changes nothing: see `rules.is_newer`. The ledger follows the money that
    really moved, each movement once. While it is open, refunds of the attempt are held; when it is over they are sent,
    except for what the bank gave back itself. The operator's item `payments.report_dispute` stays until it is over.
    Raises: CurrencyMismatchError when the dispute is in another currency than the payment.
    """
    with unit_of_work():
        attempt = lock_attempt(attempt_id)
        if snapshot.amount.currency != attempt.captured.currency:
            raise CurrencyMismatchError(f"Dispute {snapshot.dispute_ref} is in {snapshot.amount.currency}.")
        known = Dispute.objects.filter(dispute_ref=snapshot.dispute_ref).first()
        dispute = known or _begin(attempt, snapshot)
        dispute.attempt = attempt
        if known is not None and not rules.is_newer(known.stand, _stand_of(snapshot)):
            Dispute.objects.filter(pk=dispute.pk).update(checked_at=now)
            return dispute
        before, given_before = dispute.stand, dispute.charged_back
        fee_before = dispute.fee_minor
        _write(dispute, snapshot, is_new=known is None, now=now)
        _book(dispute, before, now)
        _book_fee(dispute, fee_before, now)
        _audit(dispute, before, now)
        _follow(dispute, dispute.charged_back - given_before, now)
        _report(dispute, now)
    return dispute


def learn_disputes(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Take over every dispute that the gateway lists for an attempt's payment, such as one whose callback never came.

    Must run outside transactions; a second call changes nothing. Raises: GatewayUnavailableError.
    """
    refuse_network_in_transaction()
    for snapshot in gateways.get(attempt.gateway).list_disputes(str(attempt.payment_ref)):
        apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)


def _begin(attempt: PaymentAttempt, snapshot: DisputeSnapshot) -> Dispute:
    """Return a row for a dispute that is heard of for the first time: nothing has moved yet as far as we know."""
    return Dispute(
        attempt=attempt,
        dispute_ref=snapshot.dispute_ref,
        currency=snapshot.amount.currency,
        amount_minor=0,
        opened_at=snapshot.opened_at,
    )


def _stand_of(snapshot: DisputeSnapshot) -> DisputeStand:
    due = snapshot.evidence_due_at.isoformat() if snapshot.evidence_due_at else ""
    moved = (snapshot.withdrawn.minor, snapshot.reinstated.minor)
    return DisputeStand(snapshot.status, snapshot.amount.minor, *moved, due)


def _write(dispute: Dispute, snapshot: DisputeSnapshot, *, is_new: bool, now: datetime) -> None:
    was_over, is_over = dispute.closed_at is not None, rules.is_closed(snapshot.status)
    dispute.status, dispute.is_inquiry = snapshot.status[:40], snapshot.is_inquiry
    dispute.reason, dispute.evidence_due_at = snapshot.reason[:64], snapshot.evidence_due_at
    dispute.amount_minor = snapshot.amount.minor
    dispute.withdrawn_minor, dispute.reinstated_minor = snapshot.withdrawn.minor, snapshot.reinstated.minor
    if snapshot.fee is not None:
        dispute.fee_minor, dispute.fee_currency = snapshot.fee.minor, snapshot.fee.currency
    dispute.changed_at = dispute.checked_at = now
    dispute.closed_at = (dispute.closed_at or now) if is_over else None
    if was_over and not is_over:
        dispute.times_opened += 1
    dispute.save(force_insert=is_new)


def _book(dispute: Dispute, before: DisputeStand, now: datetime) -> None:
    taken = dispute.withdrawn_minor - before.withdrawn_minor
    returned = dispute.reinstated_minor - before.reinstated_minor
    if taken:
        post_dispute(dispute, Money(taken, dispute.currency), now=now)
    if returned:
        post_dispute_reversal(dispute, Money(returned, dispute.currency), now=now)


def _book_fee(dispute: Dispute, fee_before: int, now: datetime) -> None:
    change = dispute.fee_minor - fee_before
    if change:
        post_dispute_fee(dispute, Money(change, dispute.fee_currency), now=now)


def _audit(dispute: Dispute, before: DisputeStand, now: datetime) -> None:
    audit.record(
        actor=SYSTEM,
        action="dispute.change",
        target=dispute,
        now=now,
        before={"status": before.status, "withdrawn_minor": before.withdrawn_minor},
        after={
            "status": dispute.status,
            "amount_minor": dispute.amount_minor,
            "withdrawn_minor": dispute.withdrawn_minor,
            "reinstated_minor": dispute.reinstated_minor,
            "currency": dispute.currency,
        },
        reason=dispute.reason,
    )


def _follow(dispute: Dispute, given: Money, now: datetime) -> None:
    """Let the attempt's refunds follow: held while a bank decides, then dropped as far as it gave, and sent."""
    attempt = dispute.attempt
    if dispute.blocks_refunds:
        hold_unsent(attempt, dispute, now=now)
        return
    if given.minor > 0:
        drop_held(attempt, dispute, given, now=now)
    elif not dispute.charged_back.minor:
        # Whatever way it took there: a refund that was dropped for this dispute is owed again.
        report_dropped(attempt, now=now)
    if queries.find_blocking_dispute(attempt) is None:
        release_held(attempt, now=now)


def _report(dispute: Dispute, now: datetime) -> None:
    """Bring the operator's item up to date: it stays failed, with the words of the latest stand, until it is over."""
    key = f"{REPORT}:{dispute.pk}:{dispute.times_opened}"
    job = jobs.plan(kind=REPORT, key=key, due_at=now, now=now, payload={"dispute_id": dispute.pk})
    jobs.retry(job, now=now)
    operator = settings.ENVIRONMENT.operator_email
    if operator and dispute.closed_at is None:
        mail_key = f"{MAIL}:{dispute.pk}:{dispute.times_opened}"  # one mail, however often it is looked at
        plan_message(NewMessage(MAIL, mail_key, operator, dispute.pk, now, dispute.evidence_due_at), now=now)
