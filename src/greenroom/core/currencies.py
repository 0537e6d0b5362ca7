"""In which currencies things are sold, and the least that can be charged in each.

The first part are the amounts that docs.stripe.com/currencies names ("Minimum and maximum charge amounts"). For the
rest Stripe wants what its own minimum comes to on the day: here it is about one US dollar, twice that minimum. UGX and
MGA are left out: their units differ between ISO 4217 and Stripe.
"""

from collections.abc import Mapping

from greenroom.core.money import Money

# In minor units.
_LEAST_CHARGE: Mapping[str, int] = {
    "AED": 200,
    "AUD": 50,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 15_00,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 175_00,
    "INR": 50,
    "JPY": 50,
    "MXN": 10_00,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 10_00,
    "USD": 50,
    "CLP": 1000,
    "CNY": 800,
    "COP": 4500_00,
    "IDR": 17_000_00,
    "ILS": 400,
    "ISK": 150,
    "KES": 130_00,
    "KRW": 1500,
    "MAD": 10_00,
    "PEN": 400,
    "PHP": 60_00,
    "QAR": 400,
    "SAR": 400,
    "TRY": 45_00,
    "TWD": 35_00,
    "UAH": 45_00,
    "VND": 27_000,
    "ZAR": 20_00,
    "BHD": 400,
    "JOD": 800,
    "KWD": 400,
    "OMR": 400,
    "TND": 3500,
}
_THREE_DECIMALS = 3
_STEP_OF_THOUSANDTHS = 10

CODES = tuple(sorted(_LEAST_CHARGE))


def is_sold_in(currency: str) -> bool:
    """Tell whether anything is sold in a currency."""
    return currency in _LEAST_CHARGE


def least_charge(currency: str) -> Money:
    """Return the smallest amount above zero that can be paid. Raises: KeyError for a currency nothing is sold in."""
    return Money(_LEAST_CHARGE[currency], currency)


def to_step(amount: Money) -> Money:
    """Return the nearest amount that cards can be charged, half up; most currencies have every one."""
    step = step_minor(amount.currency)
    return Money((2 * amount.minor + step) // (2 * step) * step, amount.currency)


def step_minor(currency: str) -> int:
    """Return the minor units of which every price is a multiple: of thousandths cards are charged whole hundredths."""
    return _STEP_OF_THOUSANDTHS if Money(0, currency).exponent == _THREE_DECIMALS else 1
