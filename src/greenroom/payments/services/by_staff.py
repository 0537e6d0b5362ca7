"""Refunds that staff decide on."""

from dataclasses import replace
from datetime import datetime

from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.money import Money, total
from greenroom.core.transactions import unit_of_work
from greenroom.payments import queries, rules
from greenroom.payments.errors import NotRefundableError, PaymentDisputedError, RefundChangedError
from greenroom.payments.models import RefundRequest
from greenroom.payments.services.attempts import lock_attempts
from greenroom.payments.services.refunds import Form, ask_back, money_left, split
from greenroom.payments.types import RefundCause


def refund_by_staff(
    *, order_ref: str, amount: Money, seen_left: Money, form: Form, actor: Actor, now: datetime
) -> list[RefundRequest]:
    """Ask for part or all of an order's money back, as it was shown to somebody who decided it.

    `seen_left` is what was left when they decided, and stands for what was left of each line, too. Locks the order's
    attempts. The same form again returns the refunds that it asked for before and asks for nothing. The reason goes
    into the audit log. No booking is cancelled.
    Raises: NotAllowedError, NotRefundableError, PaymentDisputedError, RefundChangedError.
    """
    with unit_of_work():
        return refund_as_seen(order_ref=order_ref, amount=amount, seen_left=seen_left, form=form, actor=actor, now=now)


def refund_as_seen(
    *, order_ref: str, amount: Money, seen_left: Money, form: Form, actor: Actor, now: datetime
) -> list[RefundRequest]:
    """Do what `refund_by_staff` says, in the caller's transaction."""
    if actor.kind is not ActorKind.ADMIN:
        raise NotAllowedError
    attempts = lock_attempts(order_ref)
    asked = list(RefundRequest.objects.filter(attempt__in=attempts, request_token=form.token).order_by("pk"))
    if asked:
        return asked
    if any(queries.find_blocking_dispute(attempt) for attempt in attempts):
        raise PaymentDisputedError
    left_by_attempt = money_left(order_ref, amount.currency)
    left = total([one for _, one in left_by_attempt], amount.currency)
    if left != seen_left:
        raise RefundChangedError
    if not 0 < amount.minor <= left.minor:
        raise NotRefundableError
    refunds, lines = [], form.lines
    for attempt, part in split(amount, left_by_attempt):
        mine, lines = rules.take_lines(lines, part.minor)
        said = replace(form, lines=mine)
        refunds.append(ask_back(attempt, part, RefundCause.STAFF, actor=actor, now=now, form=said))
    return refunds
