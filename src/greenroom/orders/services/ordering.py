"""Making and keeping orders."""

from datetime import datetime

from django.conf import settings

from greenroom.orders.models import Order, OrderLine
from greenroom.orders.pricing import price_order
from greenroom.orders.types import NewOrder, TaxRule
from greenroom.payments import gateways


def create_order(new: NewOrder, *, now: datetime) -> Order:
    """Freeze an order in the caller's transaction: its lines, the site's tax and commission, their total, the policy.

    Raises: CurrencyMismatchError when a line is in another currency than the order.
    """
    tax: TaxRule | None = settings.TAX
    priced = price_order(new.lines, new.currency, tax)
    order = Order.objects.create(
        coach_id=new.coach_id,
        name=new.name,
        email=new.email,
        currency=new.currency,
        total_minor=priced.total.minor,
        tax_words=tax.words if tax else "",
        tax_minor=priced.tax.minor,
        is_tax_on_top=tax is not None and tax.is_on_top,
        commission_basis_points=settings.COMMISSION_BASIS_POINTS,
        policy=[
            {"notice_hours": int(tier.notice.total_seconds()) // 3600, "percent": tier.percent}
            for tier in new.refund_tiers
        ],
        is_test=gateways.is_play_money(),
        created_at=now,
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            kind=one.line.kind,
            title=one.line.title,
            offer_id=one.line.offer_id,
            price_minor=one.line.price.minor,
            price_reason=one.line.price_reason,
            tax_minor=one.tax.minor,
        )
        for position, one in enumerate(priced.lines)
    )
    return order


def update_contact(order: Order, *, name: str, email: str) -> None:
    """Correct who buys, in the caller's transaction; the amounts stay frozen."""
    order.name, order.email = name, email
    order.save(update_fields=["name", "email"])


def accept_order(order: Order, *, now: datetime) -> None:
    """Write down when lines, total and policy were accepted; the first time counts."""
    if order.accepted_at is None:
        order.accepted_at = now
        order.save(update_fields=["accepted_at"])
