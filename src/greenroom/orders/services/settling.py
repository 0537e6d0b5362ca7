"""Bringing a purchase in line with its money: given once it is paid, taken back when all of the money went back."""

from datetime import datetime, timedelta

from greenroom.accounts.models import User
from greenroom.accounts.queries import lock_person
from greenroom.accounts.services import claimable_user
from greenroom.core import audit
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.transactions import unit_of_work
from greenroom.jobs import services as jobs
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import NewMessage
from greenroom.orders import queries
from greenroom.orders.fulfilment import Fulfilment, find_fulfilment
from greenroom.orders.models import Order, OrderLine
from greenroom.orders.services.by_hand import tell_pay_time_over
from greenroom.payments import queries as payments
from greenroom.payments.services import refund_in_full
from greenroom.payments.services.attempts import SETTLE
from greenroom.payments.types import OrderMoney, RefundCause

MONEY_WENT_BACK = "All of the money for it went back."
_NEWS_FOR = timedelta(days=14)
# Further back than that nothing is looked for: what was missed is found at night.
_LOOKED_AT = timedelta(days=7)


def settle_purchase(order_ref: str, now: datetime) -> None:
    """Bring a purchase in line with what its money came to. Safe to repeat and to come late.

    Paid: its lines are given, once, also after its time when they still can be; else everything is refunded, once.
    When all of the money has gone back, what was given is taken back; when it is ours again, it is given again.
    Nothing paid, nothing alive at the gateway and its time over: it ends. Locks order, then payments.
    """
    with unit_of_work():
        order = queries.lock_order_by_ref(order_ref)
        money = payments.order_money(order.ref, currency=order.currency)
        if order.fulfilled_at is not None:
            _follow_money(order, money, now)
        elif money.captured >= order.total and money.kept.minor > 0:
            _give_or_refuse(order, now)
        elif _is_over(order, now) and not payments.has_live_attempt(order.ref):
            end_over(order, now=now)


def fulfil(order: Order, *, actor: Actor, now: datetime) -> None:
    """Give everything on a locked order to its buyer, in the caller's transaction, and plan the mails.

    A guest's purchase goes to the account of the address, which its owner claims by reading the mail.
    """
    order.buyer = order.buyer or _account_of(order)
    order.fulfilled_at, order.open_key, order.ended_at = now, None, None
    order.save(update_fields=["buyer", "fulfilled_at", "open_key", "ended_at"])
    for line, how in _things(order):
        how.give(line, order.buyer, now)
    audit.record(actor=actor, action="order.fulfil", target=order, now=now)
    _tell(order, "purchase_ready", now)
    _tell(order, "purchase_sold", now, to=order.coach.user.email)


def end_over(order: Order, *, now: datetime) -> None:
    """End a locked order that was not paid in its time, in the caller's transaction; who would pay by hand is told."""
    close_order(order, "order.end", actor=SYSTEM, now=now)
    tell_pay_time_over(order_ref=order.ref, now=now)


def close_order(order: Order, action: str, *, actor: Actor, now: datetime, reason: str = "") -> None:
    """Let a locked order be open no more, in the caller's transaction."""
    order.ended_at, order.open_key = order.ended_at or now, None
    order.save(update_fields=["ended_at", "open_key"])
    audit.record(actor=actor, action=action, target=order, now=now, reason=reason)


def plan_access_reviews(*, now: datetime) -> int:
    """Plan a settling for each purchase whose access is not what its money says, and return for how many.

    Once a minute it compares purchases with refunds and disputes that changed in the last week: payments know nothing
    of access, and need not. A second call plans nothing new: the key carries how often access changed.
    """
    found = [order for order in queries.purchases_with_news(since=now - _LOOKED_AT) if _is_off(order)]
    if found:
        with unit_of_work():
            for order in found:
                key = f"{SETTLE}:{order.ref}:access:{order.access_changes}"
                jobs.plan(kind=SETTLE, key=key, due_at=now, now=now, payload={"order_ref": order.ref})
    return len(found)


def _is_off(order: Order) -> bool:
    has_money = payments.order_money(order.ref, currency=order.currency).kept.minor > 0
    return has_money is not order.gives_access


def _follow_money(order: Order, money: OrderMoney, now: datetime) -> None:
    if order.total_minor == 0 or (money.kept.minor > 0) is order.gives_access:
        return
    is_back = order.revoked_at is not None
    for line, how in _things(order):
        if not is_back:
            how.take(line, MONEY_WENT_BACK, now)
        elif order.buyer is not None:
            how.give(line, order.buyer, now)
    order.revoked_at = None if is_back else now
    order.access_changes += 1
    order.save(update_fields=["revoked_at", "access_changes"])
    action = "order.restore" if is_back else "order.revoke"
    reason = "" if is_back else MONEY_WENT_BACK
    audit.record(actor=SYSTEM, action=action, target=order, now=now, reason=reason)
    _tell(order, "purchase_ready" if is_back else "purchase_revoked", now)


def _give_or_refuse(order: Order, now: datetime) -> None:
    """Give what was paid for, or send everything back: when nothing is there any more, or the person has it already."""
    # Two orders of one person are given one after the other, so that the later one sees what the earlier one gave.
    person = lock_person(order.buyer or _account_of(order))
    is_theirs = any(how.has(person.pk, line.offer_id or 0, now) for line, how in _things(order))
    if not is_theirs and all(how.can_give(line) for line, how in _things(order)):
        fulfil(order, actor=SYSTEM, now=now)
        return
    refund_in_full(order_ref=order.ref, cause=RefundCause.NOT_FULFILLED, actor=SYSTEM, now=now)
    reason = "They have it already." if is_theirs else "There is nothing left to give."
    close_order(order, "order.refuse", actor=SYSTEM, now=now, reason=reason)
    _tell(order, "purchase_refused", now)


def _is_over(order: Order, now: datetime) -> bool:
    return order.open_key is not None and order.pay_until is not None and order.pay_until <= now


def _things(order: Order) -> list[tuple[OrderLine, Fulfilment]]:
    lines = [(line, find_fulfilment(line.kind)) for line in order.lines.all()]
    return [(line, how) for line, how in lines if how is not None]


def _account_of(order: Order) -> User:
    return claimable_user(email=order.email, name=order.name, tz=order.buyer_tz)


def _tell(order: Order, kind: str, now: datetime, *, to: str = "") -> None:
    key = f"orders.{kind}:{order.pk}:{order.access_changes}"
    plan_message(NewMessage(f"orders.{kind}", key, to or order.email, order.pk, now, now + _NEWS_FOR), now=now)
