from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.rules import HourlyRate, Price, PriceTerms, check_price, find_price
from greenroom.catalog.types import MAX_PRICE_MINOR, PriceSource
from greenroom.core.currencies import least_charge, step_minor
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money

CURRENCIES = st.sampled_from(("JPY", "EUR", "KWD"))
PRICES = st.none() | st.integers(0, 20_000_000)
MINUTES = st.integers(5, 1440)
EUR_50 = HourlyRate(Money(5000, "EUR"))
CHESS_60 = HourlyRate(Money(6000, "EUR"), "Chess")


@pytest.mark.parametrize(
    ("terms", "amount", "source", "reason"),
    [
        (PriceTerms("EUR", 8000, 4500, 60, CHESS_60, EUR_50), 4500, PriceSource.LENGTH, "the price of this length"),
        (PriceTerms("EUR", 8000, 0, 60, CHESS_60, EUR_50), 0, PriceSource.LENGTH, "the price of this length"),
        (PriceTerms("EUR", 8000, None, 60, CHESS_60, EUR_50), 8000, PriceSource.OFFER, "the price of the offer"),
        (PriceTerms("EUR", 0, None, 60, CHESS_60, EUR_50), 0, PriceSource.OFFER, "the price of the offer"),
        (PriceTerms("EUR", 8000), 8000, PriceSource.OFFER, "the price of the offer"),
        (PriceTerms("EUR", None, None, 45, CHESS_60, EUR_50), 4500, PriceSource.TOPIC_RATE, "at €60 an hour for Chess"),
        (PriceTerms("EUR", None, None, 45, None, EUR_50), 3750, PriceSource.HOURLY_RATE, "at €50 an hour"),
    ],
)
def test_find_price_takes_what_was_said_most_exactly(
    terms: PriceTerms, amount: int, source: PriceSource, reason: str
) -> None:
    found = find_price(terms)

    assert (found.amount, found.source, found.reason) == (Money(amount, "EUR"), source, reason)


@pytest.mark.parametrize(
    ("per_hour", "minutes", "currency", "amount"),
    [
        (1001, 30, "EUR", 501),  # 500.5 is half up
        (1000, 25, "EUR", 417),  # 416.67
        (5000, 50, "JPY", 4167),  # 4166.67
        (10_000, 5, "JPY", 833),  # 833.33
        (9990, 30, "KWD", 5000),  # 4995 is half of a step of 10
        (9980, 30, "KWD", 4990),
        (10_010, 59, "KWD", 9840),  # 9843.17
        (59_990, 5, "KWD", 5000),  # 4999.17
    ],
)
def test_find_price_rounds_once_half_up_to_the_step(per_hour: int, minutes: int, currency: str, amount: int) -> None:
    rate = HourlyRate(Money(per_hour, currency))

    found = find_price(PriceTerms(currency, minutes=minutes, hourly_rate=rate))

    assert found == Price(Money(amount, currency), PriceSource.HOURLY_RATE, rate)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (PriceTerms("EUR", minutes=60), "Write a price, 0 for free, or set your hourly rate."),
        (PriceTerms("EUR", hourly_rate=EUR_50), "Write a price, 0 for free, or set your hourly rate."),
        (
            PriceTerms("USD", minutes=60, hourly_rate=EUR_50),
            "Your rates are in EUR and this is sold in USD: write a price.",
        ),
        (
            PriceTerms("EUR", minutes=5, hourly_rate=HourlyRate(Money(500, "EUR"))),
            "At €5 an hour it comes to €0.42. Cards can't be charged less than €0.50. Use 0 for free, or more.",
        ),
        (
            PriceTerms("EUR", minutes=5, hourly_rate=HourlyRate(Money(5, "EUR"))),
            "At €0.05 an hour it comes to €0. Cards can't be charged less than €0.50. Use 0 for free, or more.",
        ),
        (
            PriceTerms("EUR", minutes=90, hourly_rate=HourlyRate(Money(MAX_PRICE_MINOR, "EUR"))),
            "At €100,000 an hour it comes to €150,000. This is more than a card can be charged.",
        ),
    ],
)
def test_find_price_without_any_says_what_to_do(terms: PriceTerms, words: str) -> None:
    with pytest.raises(NoPriceError) as refused:
        find_price(terms)

    assert refused.value.message == words


def test_a_rate_in_another_currency_is_not_passed_over_for_the_hourly_one() -> None:
    dollars = HourlyRate(Money(7000, "USD"), "Chess")

    with pytest.raises(NoPriceError, match="Your rates are in USD"):
        find_price(PriceTerms("EUR", minutes=60, topic_rate=dollars, hourly_rate=EUR_50))


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


@given(currency=CURRENCIES, offer_minor=PRICES, length_minor=PRICES, minutes=MINUTES, topic=PRICES, hourly=PRICES)
def test_find_price_never_gives_what_cards_cannot_be_charged(
    currency: str,
    offer_minor: int | None,
    length_minor: int | None,
    minutes: int,
    topic: int | None,
    hourly: int | None,
) -> None:
    rates = [HourlyRate(Money(minor, currency)) if minor is not None else None for minor in (topic, hourly)]
    try:
        found = find_price(PriceTerms(currency, offer_minor, length_minor, minutes, *rates))
    except NoPriceError:
        return

    amount = found.amount
    assert amount.minor % step_minor(currency) == 0
    assert amount <= Money(MAX_PRICE_MINOR, currency)
    assert amount >= least_charge(currency) or (amount.minor == 0 and found.rate is None)


@given(currency=CURRENCIES, per_hour=st.integers(1000, 5_000_000), minutes=MINUTES)
def test_a_reckoned_price_is_never_further_off_than_half_a_step(currency: str, per_hour: int, minutes: int) -> None:
    exact = Fraction(per_hour * minutes, 60)
    try:
        found = find_price(PriceTerms(currency, minutes=minutes, hourly_rate=HourlyRate(Money(per_hour, currency))))
    except NoPriceError:
        assert exact < least_charge(currency).minor or exact > MAX_PRICE_MINOR
        return

    off = found.amount.minor - exact
    assert -Fraction(step_minor(currency), 2) < off <= Fraction(step_minor(currency), 2)
