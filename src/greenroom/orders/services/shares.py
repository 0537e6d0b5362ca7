"""Whose the money is: each order's takings, shared out between its coach and the platform in the ledger."""

from datetime import datetime

from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.jobs import services as jobs
from greenroom.orders import rules
from greenroom.orders.models import Order
from greenroom.orders.pricing import tax_within
from greenroom.payments import queries as payments
from greenroom.payments.services import SHARE, post_shares
from greenroom.payments.types import PLATFORM, coach_account

_AT_ONCE = 500


def book_shares(*, order_ref: str, now: datetime) -> None:
    """Book by how much the shares of an order differ from what they should be by the money that is there.

    Locks the order. It compares, so a second call, a late one and one after several movements come to the same.
    Payments that did not fit and second payments are nobody's: they go back.
    """
    with unit_of_work():
        order = Order.objects.select_for_update(no_key=True).filter(ref=order_ref).first()
        if order is None:
            return
        received = payments.received(order.ref, currency=order.currency)
        tax = tax_within(received, order_total=order.total, order_tax=order.tax)
        due = rules.shares_of(received, tax, order.commission_basis_points)
        wanted = {coach_account(order.coach_id): due.coach, PLATFORM: due.platform}
        booked = payments.shares_booked(order.ref, currency=order.currency)
        changes = {
            account: amount - booked.get(account, Money(0, order.currency)) for account, amount in wanted.items()
        }
        post_shares(order.ref, changes, now=now)


def plan_missing_shares(*, now: datetime) -> int:
    """Plan the shares of every order with money that is nobody's, and return of how many; for what is older than this.

    A movement plans its order's shares by itself.
    """
    missing = list(payments.orders_with_unshared_money()[:_AT_ONCE])
    with unit_of_work():
        for order_ref in missing:
            key = f"{SHARE}:{order_ref}:{now:%Y-%m-%d}"
            jobs.plan(kind=SHARE, key=key, due_at=now, now=now, payload={"order_ref": order_ref})
    return len(missing)
