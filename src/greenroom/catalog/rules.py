"""What something costs: one pure decision, for everything that shows, asks or freezes a price."""

from dataclasses import dataclass

from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.types import MAX_PRICE_MINOR, PriceSource
from greenroom.core.currencies import is_sold_in, least_charge, step_minor
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.notifications.display import money

_MINUTES_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class HourlyRate:
    """What an hour costs; of one topic by its name, or in general."""

    per_hour: Money
    topic: str = ""

    @property
    def words(self) -> str:
        """Say the rate: "€60 an hour for Chess"."""
        return f"{money(self.per_hour)} an hour{f' for {self.topic}' if self.topic else ''}"


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """What is known when a price is asked for, in minor units of `currency`; 0 is free, None is not set.

    `offer_minor` is the offer's price for whatever has none of its own, `length_minor` the length's own. `minutes` is
    None for what takes no time. Of the coach's rates, `topic_rate` is the one for what it is about.
    """

    currency: str
    offer_minor: int | None = None
    length_minor: int | None = None
    minutes: int | None = None
    topic_rate: HourlyRate | None = None
    hourly_rate: HourlyRate | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What something costs, and where that comes from; `rate` is the one it was reckoned by, if any."""

    amount: Money
    source: PriceSource
    rate: HourlyRate | None = None

    @property
    def reason(self) -> str:
        """Say where the price comes from, as it is kept with what is bought."""
        if self.rate is not None:
            return f"at {self.rate.words}"
        return "the price of this length" if self.source is PriceSource.LENGTH else "the price of the offer"


def find_price(terms: PriceTerms) -> Price:
    """Return what something costs; the more exactly it was said, the more it counts.

    The length's own price, then the offer's, then the rate of the topic, then the hourly rate; a rate is multiplied by
    the minutes and rounded once, half up, to the step of the currency. A rate in another currency than the offer's is
    never converted and never passed over for the next one. What it comes to must be chargeable: nothing at all, if
    that was written, or from the least that cards take up to `MAX_PRICE_MINOR`, in the currency's steps.
    Raises: NoPriceError, saying what to do, when no price is set, the rate that counts is in another currency, or what
    it comes to cannot be charged.
    """
    if terms.length_minor is not None:
        return _written(Money(terms.length_minor, terms.currency), PriceSource.LENGTH)
    if terms.offer_minor is not None:
        return _written(Money(terms.offer_minor, terms.currency), PriceSource.OFFER)
    rate = terms.topic_rate or terms.hourly_rate
    if rate is None or terms.minutes is None:
        raise NoPriceError
    if rate.per_hour.currency != terms.currency:
        message = f"Your rates are in {rate.per_hour.currency} and this is sold in {terms.currency}: write a price."
        raise NoPriceError(message)
    return _reckoned(rate, terms.minutes, PriceSource.TOPIC_RATE if terms.topic_rate else PriceSource.HOURLY_RATE)


def _written(amount: Money, source: PriceSource) -> Price:
    refusal = _why_not_charged(amount)
    if refusal:
        raise NoPriceError(refusal)
    return Price(amount, source)


def _reckoned(rate: HourlyRate, minutes: int, source: PriceSource) -> Price:
    currency, step = rate.per_hour.currency, step_minor(rate.per_hour.currency)
    # In one division: rounding to the minor unit first could round half up twice.
    divisor = _MINUTES_AN_HOUR * step
    amount = Money((2 * rate.per_hour.minor * minutes + divisor) // (2 * divisor) * step, currency)
    # A rate that comes to nothing is no gift: only a written 0 is.
    refusal = _why_not_charged(amount) or ("" if amount.minor else _too_little(currency))
    if refusal:
        raise NoPriceError(f"At {rate.words} it comes to {money(amount)}. {refusal}")
    return Price(amount, source, rate)


def check_price(price: Money, *, field: str) -> None:
    """Refuse a price that cannot be charged; nothing is free. Raises: InvalidInputError naming `field`."""
    refusal = _why_not_charged(price)
    if refusal:
        raise InvalidInputError(refusal, field=field)


def _why_not_charged(price: Money) -> str:
    """Say why a price cannot be charged; "" when it can."""
    if not is_sold_in(price.currency):
        return f"Nothing can be sold in {price.currency}. Choose another currency."
    if Money(0, price.currency) < price < least_charge(price.currency):
        return _too_little(price.currency)
    if price.minor % step_minor(price.currency):
        return "Cards are charged two decimals only: let the third one be 0."
    return "This is more than a card can be charged." if price.minor > MAX_PRICE_MINOR else ""


def _too_little(currency: str) -> str:
    return f"Cards can't be charged less than {money(least_charge(currency))}. Use 0 for free, or more."
