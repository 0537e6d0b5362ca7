import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.rules import Price, PriceTerms, check_price, find_price
from greenroom.catalog.types import PriceSource
from greenroom.core.currencies import least_charge, step_minor
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money

CURRENCIES = ("JPY", "EUR", "KWD")
PRICES = st.none() | st.integers(0, 20_000_000)


@pytest.mark.parametrize(
    ("offer_minor", "length_minor", "amount", "source"),
    [
        (None, 4500, 4500, PriceSource.LENGTH),
        (8000, None, 8000, PriceSource.OFFER),
        (8000, 4500, 4500, PriceSource.LENGTH),
        (8000, 0, 0, PriceSource.LENGTH),
        (0, None, 0, PriceSource.OFFER),
    ],
)
def test_find_price_takes_what_was_said_most_exactly(
    offer_minor: int | None, length_minor: int | None, amount: int, source: PriceSource
) -> None:
    assert find_price(PriceTerms("EUR", offer_minor, length_minor)) == Price(Money(amount, "EUR"), source)


def test_find_price_without_any_says_what_to_do() -> None:
    with pytest.raises(NoPriceError, match="Write a price, 0 for free"):
        find_price(PriceTerms("EUR"))


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (49, "EUR", "Cards can't be charged less than €0.50. Use 0 for free, or more."),
        (10_000_001, "EUR", "This is more than a card can be charged."),
        (4001, "KWD", "Cards are charged two decimals only: let the third one be 0."),
        (500, "XAU", "Nothing can be sold in XAU. Choose another currency."),
    ],
)
def test_a_price_that_cannot_be_charged_is_refused(minor: int, currency: str, words: str) -> None:
    with pytest.raises(NoPriceError) as found:
        find_price(PriceTerms(currency, minor))
    with pytest.raises(InvalidInputError) as checked:
        check_price(Money(minor, currency), field="price")

    assert (found.value.message, checked.value.message, checked.value.field) == (words, words, "price")


@given(currency=st.sampled_from(CURRENCIES), offer_minor=PRICES, length_minor=PRICES)
def test_find_price_never_gives_what_cards_cannot_be_charged(
    currency: str, offer_minor: int | None, length_minor: int | None
) -> None:
    try:
        amount = find_price(PriceTerms(currency, offer_minor, length_minor)).amount
    except NoPriceError:
        return

    assert amount.minor == (offer_minor if length_minor is None else length_minor)
    assert amount.minor % step_minor(currency) == 0
    assert amount.minor == 0 or least_charge(currency) <= amount <= Money(10_000_000, currency)
