"""Money that is to go back: asked for, held while a bank decides, followed to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from greenroom.core import audit
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.money import Money, total
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.stripe.protocol import RefundSnapshot
from greenroom.jobs import services as jobs
from greenroom.notifications.display import money
from greenroom.payments import gateways, queries, rules
from greenroom.payments.errors import NotRefundableError, PaymentDisputedError
from greenroom.payments.models import Dispute, PaymentAttempt, RefundRequest
from greenroom.payments.services.attempts import lock_attempt, lock_attempts
from greenroom.payments.services.ledger import post_refund, post_refund_reversal
from greenroom.payments.types import AttemptState, RefundCause, RefundRequestState

SEND = "payments.send_refund"
REPORT_FAILED = "payments.report_failed_refund"
REPORT_MISMATCH = "payments.report_mismatch"
REQUEST_KEY = "refund_request"


@dataclass(frozen=True, slots=True)
class Form:
    """What staff said when they asked for a refund, and the token by which the same form is known again.

    `lines` are the numbers of the order's lines with what of it is for each, in minor units; none: for all of them.
    """

    reason: str
    token: str
    lines: Sequence[Sequence[int]] = ()


def request_refund(*, attempt_id: int, amount: Money, cause: RefundCause, actor: Actor, now: datetime) -> RefundRequest:
    """Ask for part or all of one attempt's money back, in the caller's transaction, and plan the call.

    Locks the attempt. Not idempotent by itself: two calls are two refunds, as far as money is left.
    Raises: NotRefundableError, PaymentDisputedError.
    """
    with transaction.atomic():
        attempt = lock_attempt(attempt_id)
        if queries.find_blocking_dispute(attempt):
            raise PaymentDisputedError
        left = queries.refundable(attempt)
        if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
            raise NotRefundableError
        return ask_back(attempt, amount, cause, actor=actor, now=now)


def refund_order(
    *, order_ref: str, amount: Money, cause: RefundCause, actor: Actor, now: datetime
) -> list[RefundRequest]:
    """Ask for part of what an order's payments brought back, the oldest payment first.

    Of a payment that is disputed the refund is written and held until the dispute is over.
    Raises: NotRefundableError, and then nothing was asked for.
    """
    with transaction.atomic():
        left_by_attempt = money_left(order_ref, amount.currency)
        if not 0 < amount.minor <= total([left for _, left in left_by_attempt], amount.currency).minor:
            raise NotRefundableError
        parts = split(amount, left_by_attempt)
        return [ask_back(attempt, part, cause, actor=actor, now=now) for attempt, part in parts]


def refund_in_full(
    *, order_ref: str, cause: RefundCause, actor: Actor, now: datetime, paid_after: datetime | None = None
) -> list[RefundRequest]:
    """Ask for everything back that was captured for an order and not asked back yet, in the caller's transaction.

    With `paid_after` (aware) only of payments that we learned of later than that. Locks the order's attempts. A second
    call finds nothing left and returns an empty list. Of a payment that is disputed the refund is written and held
    until the dispute is over.
    """
    with transaction.atomic():
        return [
            ask_back(attempt, left, cause, actor=actor, now=now)
            for attempt, left in money_left(order_ref, currency=None)
            if paid_after is None or (attempt.paid_at or now) > paid_after
        ]


def retry_refund(*, refund_id: int, actor: Actor, now: datetime) -> RefundRequest:
    """Try a refund that failed, or was dropped for a dispute that was won after all, once more, with a new key.

    Locks the attempt. Raises: NotRefundableError when it has not failed, or when the money was given back otherwise;
    PaymentDisputedError.
    """
    with unit_of_work():
        refund = lock_refund(refund_id)
        if queries.find_blocking_dispute(refund.attempt):
            raise PaymentDisputedError
        left = queries.refundable(refund.attempt)
        if refund.state not in rules.RETRIABLE_REFUNDS or refund.amount.minor > left.minor:
            raise NotRefundableError
        refund.refund_ref, refund.sent_at, refund.last_error = None, None, ""
        take_new_key(refund, refund.try_no + 1)
        move_refund(refund, RefundRequestState.REQUESTED, actor=actor, now=now)
        _plan_send(refund, now)
        return refund


def apply_refund_snapshot(*, refund_id: int, snapshot: RefundSnapshot, now: datetime) -> RefundRequest:
    """Move a refund to where the gateway says it is, with its ledger entries, in one transaction.

    Locks attempt, then refund. A refund that had succeeded and failed later is booked back and reported. News about
    an earlier try changes nothing.
    """
    with unit_of_work():
        refund = lock_refund(refund_id)
        refund.refund_ref = refund.refund_ref or snapshot.refund_ref
        before = RefundRequestState(refund.state)
        state = rules.next_refund_state(before, RefundRequestState(snapshot.state.value))
        if state is None or refund.refund_ref != snapshot.refund_ref:
            RefundRequest.objects.filter(pk=refund_id).update(checked_at=now)
            return refund
        refund.last_error = snapshot.problem[:500]
        move_refund(refund, state, actor=SYSTEM, now=now)
        if state is RefundRequestState.SUCCEEDED:
            post_refund(refund, now=now)
        elif before is RefundRequestState.SUCCEEDED:
            post_refund_reversal(refund, now=now)
        return refund


def adopt_refunds(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Take over the refunds of a payment that we do not know: made at the gateway itself, or answers that were lost.

    Must run outside transactions. Raises: GatewayUnavailableError.
    """
    for snapshot in gateways.get(attempt.gateway).list_refunds(str(attempt.payment_ref)):
        known = RefundRequest.objects.filter(refund_ref=snapshot.refund_ref).first()
        if known is None:
            known = _adopt(attempt, snapshot, now)
        if known is not None:
            apply_refund_snapshot(refund_id=known.pk, snapshot=snapshot, now=now)


def ask_back(
    attempt: PaymentAttempt, amount: Money, cause: RefundCause, *, actor: Actor, now: datetime, form: Form | None = None
) -> RefundRequest:
    """Write a refund of a locked attempt, in the caller's transaction, and plan its call; a dispute holds it."""
    refund = _store(attempt, amount, cause, now)
    if form is not None:
        refund.reason, refund.request_token = form.reason[:300], form.token
        refund.lines = [list(line) for line in form.lines]
    take_new_key(refund, 1)
    dispute = queries.find_blocking_dispute(attempt)
    if dispute is not None:
        hold(refund, dispute, actor=actor, now=now)
        return refund
    move_refund(refund, RefundRequestState.REQUESTED, actor=actor, now=now)
    _plan_send(refund, now)
    return refund


def hold(refund: RefundRequest, dispute: Dispute, *, actor: Actor, now: datetime) -> None:
    """Let a refund of a locked attempt wait until a dispute is over, in the caller's transaction."""
    refund.last_error = f"Waits for the end of dispute {dispute.dispute_ref}."
    move_refund(refund, RefundRequestState.HELD, actor=actor, now=now)


def hold_unsent(attempt: PaymentAttempt, dispute: Dispute, *, now: datetime) -> None:
    """Hold the refunds of a locked attempt that no gateway was asked for yet.

    The others are held when they are sent again and the gateway does not list them.
    """
    for refund in attempt.refunds.filter(state=RefundRequestState.REQUESTED, sent_at__isnull=True).order_by("pk"):
        refund.attempt = attempt
        hold(refund, dispute, actor=SYSTEM, now=now)


def release_held(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Send the held refunds of a locked attempt on their way; for when no dispute holds them any more."""
    for refund in attempt.refunds.filter(state=RefundRequestState.HELD).order_by("pk"):
        refund.attempt, refund.last_error = attempt, ""
        move_refund(refund, RefundRequestState.REQUESTED, actor=SYSTEM, now=now)
        _plan_send(refund, now, again=f":{now.timestamp():.0f}")


def drop_held(attempt: PaymentAttempt, dispute: Dispute, given: Money, *, now: datetime) -> None:
    """Take what a bank gave back off the held refunds of a locked attempt, the oldest first.

    A refund that is covered in full is dropped. One that is covered in part is split, because amounts are never edited:
    a dropped row for what the bank gave, which can be tried again alone, and a held one for the rest.
    """
    note = f"The bank gave this money back, by dispute {dispute.dispute_ref}."
    for refund in attempt.refunds.filter(state=RefundRequestState.HELD).order_by("pk"):
        if given.minor <= 0:
            return
        refund.attempt, refund.last_error = attempt, note
        rest = refund.amount - given
        if rest.minor > 0:
            covered_lines, rest_lines = rules.take_lines(refund.lines, given.minor)
            covered = _part_of(refund, given, covered_lines, now)
            covered.last_error = note
            move_refund(covered, RefundRequestState.DROPPED, actor=SYSTEM, now=now)
            hold(_part_of(refund, rest, rest_lines, now), dispute, actor=SYSTEM, now=now)
            refund.last_error = f"The bank gave {money(given)} of it back, by dispute {dispute.dispute_ref}."
        state = RefundRequestState.SPLIT if rest.minor > 0 else RefundRequestState.DROPPED
        move_refund(refund, state, actor=SYSTEM, now=now)
        given -= refund.amount


def _part_of(refund: RefundRequest, amount: Money, lines: list[list[int]], now: datetime) -> RefundRequest:
    """Write a part of a refund as a row of its own; the caller moves it to its state."""
    part = _store(refund.attempt, amount, RefundCause(refund.cause), now)
    part.reason, part.lines = refund.reason, lines
    take_new_key(part, 1)
    return part


def report_dropped(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Show the operator the dropped refunds of a locked attempt: a bank that had given the money back took it again."""
    for refund in attempt.refunds.filter(state=RefundRequestState.DROPPED).order_by("pk"):
        _plan_report(refund, now)


def _store(attempt: PaymentAttempt, amount: Money, cause: RefundCause, now: datetime) -> RefundRequest:
    return RefundRequest.objects.create(
        attempt=attempt,
        amount_minor=amount.minor,
        currency=amount.currency,
        cause=cause,
        state=RefundRequestState.REQUESTED,
        created_at=now,
        changed_at=now,
        checked_at=now,
    )


def split(amount: Money, left_by_attempt: Sequence[tuple[PaymentAttempt, Money]]) -> list[tuple[PaymentAttempt, Money]]:
    """Return what of an amount each attempt gives back, the oldest first; `amount` is at most what is left in all."""
    parts, missing = [], amount
    for attempt, left in left_by_attempt:
        part = Money(min(left.minor, missing.minor), amount.currency)
        if part.minor:
            parts.append((attempt, part))
            missing -= part
    return parts


def money_left(order_ref: str, currency: str | None) -> list[tuple[PaymentAttempt, Money]]:
    """Lock an order's attempts and return those that are paid and of which something is left."""
    paid = [one for one in lock_attempts(order_ref) if one.state == AttemptState.PAID]
    amounts = [(attempt, queries.refundable(attempt)) for attempt in paid]
    return [(one, left) for one, left in amounts if left.minor > 0 and currency in {None, left.currency}]


def lock_refund(refund_id: int) -> RefundRequest:
    """Lock a refund after its attempt, and return it as it is now."""
    attempt = lock_attempt(RefundRequest.objects.values_list("attempt_id", flat=True).get(pk=refund_id))
    refund = RefundRequest.objects.select_for_update(no_key=True).get(pk=refund_id)
    refund.attempt = attempt
    return refund


def take_new_key(refund: RefundRequest, try_no: int) -> None:
    """Give a locked refund the key of a try; the caller saves it."""
    refund.try_no = try_no
    # Keys are the account's, which other sites and other databases may share: row numbers alone would meet.
    refund.idempotency_key = f"refund:{refund.attempt.ref}:{refund.pk}:{try_no}"


def move_refund(refund: RefundRequest, state: RefundRequestState, *, actor: Actor, now: datetime) -> None:
    """Write a locked refund in its new state, with its audit entry.

    One that failed is reported. Otherwise what the operator reads about it, and about its payment, may be over.
    """
    before = refund.state
    refund.state, refund.changed_at, refund.checked_at = state, now, now
    refund.save()
    audit.record(
        actor=actor,
        action=f"refund.{state}",
        target=refund,
        now=now,
        before={"state": before},
        after={"state": state, "amount_minor": refund.amount_minor, "currency": refund.currency},
        reason=refund.last_error or refund.reason or refund.cause,
    )
    if state in rules.TROUBLED_REFUNDS:
        _plan_report(refund, now)
        return
    tries = [_report_key(refund, try_no) for try_no in range(1, refund.try_no + 1)]
    jobs.look_again(keys=[*tries, mismatch_key(refund.attempt)], now=now)


def mismatch_key(attempt: PaymentAttempt) -> str:
    """Return the key of the operator's item about money that did not fit."""
    return f"{REPORT_MISMATCH}:{attempt.pk}"


def _report_key(refund: RefundRequest, try_no: int) -> str:
    return f"{REPORT_FAILED}:{refund.pk}:{try_no}"


def _plan_report(refund: RefundRequest, now: datetime) -> None:
    key = _report_key(refund, refund.try_no)
    jobs.plan(kind=REPORT_FAILED, key=key, due_at=now, now=now, payload={"refund_id": refund.pk})


def _plan_send(refund: RefundRequest, now: datetime, *, again: str = "") -> None:
    key = f"{SEND}:{refund.pk}:{refund.try_no}{again}"  # a key that is done would plan nothing
    jobs.plan(kind=SEND, key=key, due_at=now, now=now, payload={"refund_id": refund.pk})


def is_ours(snapshot: RefundSnapshot) -> bool:
    """Tell whether a refund of a payment of ours was asked for by a row, and not by hand at the gateway.

    A payment of ours has no refunds of other sites, so the row's number is enough.
    """
    return REQUEST_KEY in snapshot.metadata


def _adopt(attempt: PaymentAttempt, snapshot: RefundSnapshot, now: datetime) -> RefundRequest | None:
    """Return the row for a refund we do not know by its reference; None when there is nothing to follow."""
    if RefundRequestState(snapshot.state.value) in rules.LOST_REFUNDS:
        return None
    if is_ours(snapshot):
        mine = RefundRequest.objects.filter(attempt=attempt, pk=int(snapshot.metadata[REQUEST_KEY]))
        return mine.filter(state__in=rules.UNHEARD_REFUNDS).first()
    with unit_of_work():
        refund = _store(lock_attempt(attempt.pk), snapshot.amount, RefundCause.MADE_AT_GATEWAY, now)
        refund.refund_ref = snapshot.refund_ref
        refund.save(update_fields=["refund_ref"])
    return refund
