"""Pricing: lines in, frozen amounts out. Pure; the parts always add up to the whole.

Discounts are negative lines. They are shared out over the others by the largest remainder, and tax is what the rest of
each line bears: rounded half up once for the order, then shared out the same way, so that the tax of the lines is the
tax of the order to the minor unit.
"""

from collections.abc import Sequence

from greenroom.core.currencies import to_step
from greenroom.core.money import BASIS_POINTS, Money, total
from greenroom.orders.types import LineKind, NewLine, PricedLine, PricedOrder, TaxRule


def price_order(lines: Sequence[NewLine], currency: str, tax: TaxRule | None = None) -> PricedOrder:
    """Return what an order of these lines comes to; a tax on top is a line of its own, the last.

    An order for nothing has no tax line. Raises: CurrencyMismatchError when a line is in another currency; ValueError
    when the discounts are more than the prices.
    """
    prices = [line.price for line in lines]
    net = total(prices, currency)
    if net.minor < 0:
        raise ValueError("The discounts are more than the prices.")
    due = _tax_of(net, tax)
    taxes = _shared(due, _after_discounts(prices))
    priced = [PricedLine(line, part) for line, part in zip(lines, taxes, strict=True)]
    if tax is None or not tax.is_on_top:
        return PricedOrder(tuple(priced), due, net)
    if due.minor:
        priced.append(PricedLine(NewLine(LineKind.TAX, tax.words, due), Money(0, currency)))
    return PricedOrder(tuple(priced), due, net + due)


def line_totals(lines: Sequence[PricedLine], *, is_tax_on_top: bool) -> list[Money]:
    """Return what each line comes to, with its part of the discounts and of a tax on top; together that is the total.

    Nothing for discounts and for the tax line, which the others bear.
    """
    nothing = [Money(0, one.line.price.currency) for one in lines]
    sold = [zero if one.line.kind is LineKind.TAX else one.line.price for one, zero in zip(lines, nothing, strict=True)]
    taxes = [one.tax if is_tax_on_top else zero for one, zero in zip(lines, nothing, strict=True)]
    return [Money(net, tax.currency) + tax for net, tax in zip(_after_discounts(sold), taxes, strict=True)]


def tax_within(amount: Money, *, order_total: Money, order_tax: Money) -> Money:
    """Return the part of an amount, such as a refund, that is tax, when `order_tax` is in all of `order_total`.

    The whole total brings the whole tax; signed like the amount; nothing for an order over nothing.
    """
    if not order_total.minor or not order_tax.minor:
        return Money(0, amount.currency)
    part = _divided(abs(amount.minor) * order_tax.minor, order_total.minor)
    return Money(part if amount.minor >= 0 else -part, amount.currency)


def _tax_of(net: Money, tax: TaxRule | None) -> Money:
    if tax is None:
        return Money(0, net.currency)
    if tax.is_on_top:
        return to_step(net.share(tax.basis_points))
    return Money(_divided(net.minor * tax.basis_points, BASIS_POINTS + tax.basis_points), net.currency)


def _after_discounts(prices: Sequence[Money]) -> list[int]:
    """Return what is left of each price above zero, in minor units, once the discounts are shared out over them."""
    asked = [max(price.minor, 0) for price in prices]
    given = Money(sum(max(-price.minor, 0) for price in prices), prices[0].currency) if prices else None
    if given is None or not given.minor:
        return asked
    return [minor - share.minor for minor, share in zip(asked, given.allocate(asked), strict=True)]


def _shared(amount: Money, weights: Sequence[int]) -> list[Money]:
    if not any(weights):
        return [Money(0, amount.currency) for _ in weights]
    return amount.allocate(weights)


def _divided(dividend: int, divisor: int) -> int:
    """Divide what is not below zero, rounded half up."""
    return (2 * dividend + divisor) // (2 * divisor)
