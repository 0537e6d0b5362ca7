from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.core.currencies import step_minor
from greenroom.core.money import CurrencyMismatchError, Money, total
from greenroom.orders.pricing import line_totals, price_order, tax_within
from greenroom.orders.types import LineKind, NewLine, TaxRule

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
VAT, ON_TOP = TaxRule("VAT", 2100), TaxRule("Sales tax", 825, is_on_top=True)


def lines(*minors: int, currency: str = "EUR") -> list[NewLine]:
    return [NewLine(LineKind.CALL, f"Line {place}", Money(minor, currency)) for place, minor in enumerate(minors)]


def test_price_order_without_tax_is_the_sum_of_its_lines() -> None:
    priced = price_order(lines(8000, -500), "EUR")

    assert (priced.total, priced.tax) == (Money(7500, "EUR"), Money(0, "EUR"))
    assert [one.tax.minor for one in priced.lines] == [0, 0]


def test_price_order_with_tax_inside_changes_no_price() -> None:
    priced = price_order(lines(12_100), "EUR", VAT)

    assert (priced.total.minor, priced.tax.minor, len(priced.lines)) == (12_100, 2100, 1)


def test_price_order_with_tax_on_top_adds_a_line() -> None:
    priced = price_order(lines(8000, 1000), "EUR", ON_TOP)

    assert [(one.line.kind, one.line.title, one.line.price.minor) for one in priced.lines] == [
        ("call", "Line 0", 8000),
        ("call", "Line 1", 1000),
        ("tax", "Sales tax 8.25 %", 743),
    ]
    assert (priced.total.minor, priced.tax.minor) == (9743, 743)
    assert [one.tax.minor for one in priced.lines] == [660, 83, 0]


def test_price_order_taxes_what_discounts_leave() -> None:
    # 99.99 and 19.00 less 17.85, shared 15.00 and 2.85: 84.99 and 16.15 are left.
    priced = price_order(lines(9999, 1900, -1785), "EUR", TaxRule("VAT", 1000, is_on_top=True))

    assert [one.tax.minor for one in priced.lines] == [850, 161, 0, 0]
    assert (priced.tax.minor, priced.total.minor) == (1011, 11_125)


def test_price_order_over_nothing_has_no_tax_line() -> None:
    for given_away in (lines(0), lines(5000, -5000), []):
        priced = price_order(given_away, "EUR", ON_TOP)

        assert (priced.total.minor, priced.tax.minor, len(priced.lines)) == (0, 0, len(given_away))


def test_price_order_refuses_more_discount_than_price_and_two_currencies() -> None:
    with pytest.raises(ValueError, match="more than the prices"):
        price_order(lines(100, -101), "EUR", VAT)
    with pytest.raises(CurrencyMismatchError):
        price_order([*lines(100), *lines(100, currency="USD")], "EUR")


@pytest.mark.parametrize(
    ("basis_points", "words"), [(2100, "VAT 21 %"), (825, "VAT 8.25 %"), (850, "VAT 8.5 %"), (5, "VAT 0.05 %")]
)
def test_tax_is_written_with_its_rate(basis_points: int, words: str) -> None:
    assert TaxRule("VAT", basis_points).words == words


@pytest.mark.parametrize(
    ("minor", "part"), [(12_100, 2100), (-12_100, -2100), (6050, 1050), (-6050, -1050), (1, 0), (3, 1), (0, 0)]
)
def test_tax_within_a_refund_is_its_share_and_all_of_it_for_all(minor: int, part: int) -> None:
    total, tax = Money(12_100, "EUR"), Money(2100, "EUR")

    assert tax_within(Money(minor, "EUR"), order_total=total, order_tax=tax) == Money(part, "EUR")
    assert tax_within(Money(minor, "EUR"), order_total=Money(0, "EUR"), order_tax=Money(0, "EUR")).minor == 0


prices = st.lists(st.integers(0, 10_000_000), min_size=1, max_size=8)
rules = st.one_of(st.none(), st.builds(TaxRule, st.just("VAT"), st.integers(1, 10_000), st.booleans()))


@settings(max_examples=600, deadline=None)
@given(prices, st.floats(0, 1), st.integers(1, 4), rules, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_parts_add_up_to_the_whole(
    minors: list[int], discounted: float, pieces: int, tax: TaxRule | None, currency: str
) -> None:
    discount = int(sum(minors) * discounted)
    shares = [part.minor for part in Money(discount, currency).allocate([1] * pieces)]
    priced = price_order(lines(*minors, *(-share for share in shares), currency=currency), currency, tax)

    net = sum(minors) - discount
    on_top = priced.tax.minor if tax and tax.is_on_top else 0
    assert priced.total.minor == sum(one.line.price.minor for one in priced.lines) == net + on_top
    assert priced.tax.minor == sum(one.tax.minor for one in priced.lines)
    assert all(one.tax.minor >= 0 for one in priced.lines)
    if tax is None:
        assert priced.tax.minor == 0
    else:
        whole = 10_000 if tax.is_on_top else 10_000 + tax.basis_points
        # Half a step is the most by which rounding once, or once more to what cards take, can be off.
        step = step_minor(currency) if tax.is_on_top else 1
        assert abs(2 * (priced.tax.minor * whole - net * tax.basis_points)) <= whole * (step if step == 1 else step + 1)
        assert not tax.is_on_top or priced.tax.minor % step == 0
    assert tax_within(priced.total, order_total=priced.total, order_tax=priced.tax) == priced.tax


@pytest.mark.parametrize("tax", [None, VAT, ON_TOP])
def test_line_totals_add_up_to_the_total(tax: TaxRule | None) -> None:
    order = price_order(lines(9999, 1900, -1785), "EUR", tax)

    totals = line_totals(order.lines, is_tax_on_top=tax is not None and tax.is_on_top)

    assert total(totals, "EUR") == order.total
    assert [one.minor for one in totals[2:]] == [0] * (len(order.lines) - 2)
