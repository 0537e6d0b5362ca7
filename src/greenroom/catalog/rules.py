"""What something costs: one pure decision, for everything that shows, asks or freezes a price."""

from dataclasses import dataclass

from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.types import MAX_PRICE_MINOR, PriceSource
from greenroom.core.currencies import is_sold_in, least_charge, step_minor
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.notifications.display import money


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """What is known when a price is asked for, in minor units of `currency`; 0 is free, None is not set.

    `offer_minor` is the offer's price for whatever has none of its own, `length_minor` the length's own.
    """

    currency: str
    offer_minor: int | None = None
    length_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What something costs, and where that comes from."""

    amount: Money
    source: PriceSource


def find_price(terms: PriceTerms) -> Price:
    """Return what something costs; the more exactly it was said, the more it counts.

    The length's own price comes before the offer's. What it comes to must be chargeable: nothing at all, or from the
    least that cards take up to `MAX_PRICE_MINOR`, in the currency's steps.
    Raises: NoPriceError, saying what to do, when no price is set or what it comes to cannot be charged.
    """
    price = _find(terms)
    if price is None:
        raise NoPriceError
    refusal = _why_not_charged(price.amount)
    if refusal:
        raise NoPriceError(refusal)
    return price


def _find(terms: PriceTerms) -> Price | None:
    if terms.length_minor is not None:
        return Price(Money(terms.length_minor, terms.currency), PriceSource.LENGTH)
    if terms.offer_minor is not None:
        return Price(Money(terms.offer_minor, terms.currency), PriceSource.OFFER)
    return None


def check_price(price: Money, *, field: str) -> None:
    """Refuse a price that cannot be charged; nothing is free. Raises: InvalidInputError naming `field`."""
    refusal = _why_not_charged(price)
    if refusal:
        raise InvalidInputError(refusal, field=field)


def _why_not_charged(price: Money) -> str:
    """Say why a price cannot be charged; "" when it can."""
    if not is_sold_in(price.currency):
        return f"Nothing can be sold in {price.currency}. Choose another currency."
    least = least_charge(price.currency)
    if Money(0, price.currency) < price < least:
        return f"Cards can't be charged less than {money(least)}. Use 0 for free, or more."
    if price.minor % step_minor(price.currency):
        return "Cards are charged two decimals only: let the third one be 0."
    return "This is more than a card can be charged." if price.minor > MAX_PRICE_MINOR else ""
