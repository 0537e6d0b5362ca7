"""Prices 100,000 random orders and makes sure that the parts of each add up to the whole.

    python tests/load/bench_pricing.py

Exits 1 at the first order that does not add up; prints how many were priced in a second.
"""

import random
import sys
import time

from greenroom.core.money import Money
from greenroom.orders.pricing import price_order, tax_within
from greenroom.orders.types import LineKind, NewLine, TaxRule

ORDERS = 100_000
CURRENCIES = ("EUR", "JPY", "KWD")


def main() -> int:
    """Price every order and return the exit status."""
    dice = random.Random(20_260_302)  # noqa: S311 -- the same orders each time
    began_at = time.process_time()
    for number in range(ORDERS):
        wrong = what_is_wrong(dice)
        if wrong:
            print(f"order {number}: {wrong}  NOT OK")
            return 1
    print(f"{ORDERS} orders add up, {ORDERS / (time.process_time() - began_at):.0f} a second  ok")
    return 0


def what_is_wrong(dice: random.Random) -> str:
    """Make up an order, price it, and say what does not add up; "" when all does."""
    currency = dice.choice(CURRENCIES)
    prices = [dice.choice((dice.randint(0, 99), dice.randint(0, 10_000_000))) for _ in range(dice.randint(1, 8))]
    discount = dice.randint(0, sum(prices)) if dice.random() < 0.5 else 0
    minors = [*prices, *([-discount] if discount else [])]
    lines = [NewLine(LineKind.CALL, "Call", Money(minor, currency)) for minor in minors]
    tax = TaxRule("VAT", dice.randint(1, 10_000), dice.random() < 0.5) if dice.random() < 0.8 else None
    priced = price_order(lines, currency, tax)
    net, total, taxed = sum(minors), priced.total.minor, priced.tax.minor
    if sum(one.line.price.minor for one in priced.lines) != total:
        return "the lines are not the total"
    if sum(one.tax.minor for one in priced.lines) != taxed or min(one.tax.minor for one in priced.lines) < 0:
        return "the tax of the lines is not the tax"
    if total != net + (taxed if tax and tax.is_on_top else 0):
        return "the total is not what was asked"
    back = Money(dice.randint(0, total), currency)
    rest = priced.total - back
    parts = [tax_within(one, order_total=priced.total, order_tax=priced.tax).minor for one in (back, rest)]
    return "" if abs(sum(parts) - taxed) <= 1 else "the tax of two refunds is not the tax"


if __name__ == "__main__":
    sys.exit(main())
