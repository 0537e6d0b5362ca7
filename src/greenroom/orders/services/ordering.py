"""Making and keeping orders."""

from datetime import datetime

from greenroom.core.money import total
from greenroom.orders.models import Order, OrderLine
from greenroom.orders.types import NewOrder
from greenroom.payments import gateways


def create_order(new: NewOrder, *, now: datetime) -> Order:
    """Freeze an order in the caller's transaction: its lines, their total and the policy.

    Raises: CurrencyMismatchError when a line is in another currency than the order.
    """
    amount = total([line.price for line in new.lines], new.currency)
    order = Order.objects.create(
        coach_id=new.coach_id,
        name=new.name,
        email=new.email,
        currency=new.currency,
        total_minor=amount.minor,
        policy=[
            {"notice_hours": int(tier.notice.total_seconds()) // 3600, "percent": tier.percent}
            for tier in new.refund_tiers
        ],
        is_test=_is_test(),
        created_at=now,
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            kind=line.kind,
            title=line.title,
            offer_id=line.offer_id,
            price_minor=line.price.minor,
        )
        for position, line in enumerate(new.lines)
    )
    return order


def _is_test() -> bool:
    """Tell whether an order made now is paid with play money; without a gateway it is for nothing, and real."""
    gateway = gateways.find()
    return gateway.is_test if gateway else False


def update_contact(order: Order, *, name: str, email: str) -> None:
    """Correct who buys, in the caller's transaction; the amounts stay frozen."""
    order.name, order.email = name, email
    order.save(update_fields=["name", "email"])


def accept_order(order: Order, *, now: datetime) -> None:
    """Write down when lines, total and policy were accepted; the first time counts."""
    if order.accepted_at is None:
        order.accepted_at = now
        order.save(update_fields=["accepted_at"])
