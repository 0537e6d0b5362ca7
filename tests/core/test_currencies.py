import pytest

from greenroom.core.currencies import CODES, is_sold_in, least_charge, step_minor
from greenroom.core.money import Money
from greenroom.integrations.stripe.amounts import from_stripe, to_stripe


@pytest.mark.parametrize("code", CODES)
def test_least_charge_can_be_charged_and_comes_back_the_same(code: str) -> None:
    least = least_charge(code)

    assert (least.currency, least.minor > 0, least.minor % step_minor(code)) == (code, True, 0)
    assert from_stripe(to_stripe(least), code.lower()) == least


@pytest.mark.parametrize("code", ["UGX", "MGA", "XXX", "eur", ""])
def test_nothing_is_sold_where_units_are_uncertain_or_there_is_no_currency(code: str) -> None:
    assert not is_sold_in(code)


@pytest.mark.parametrize(("amount", "step"), [(Money(30, "GBP"), 1), (Money(50, "JPY"), 1), (Money(400, "KWD"), 10)])
def test_least_charge_of_currencies_with_any_number_of_decimals(amount: Money, step: int) -> None:
    assert (least_charge(amount.currency), step_minor(amount.currency)) == (amount, step)
