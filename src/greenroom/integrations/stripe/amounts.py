"""Stripe's units of money where they differ from ISO 4217 (docs.stripe.com/currencies, "Special cases").

Greenroom counts in ISO minor units. Stripe counts ISK, which has no decimals any more, in hundredths that are always
zero; MGA, of which ISO knows hundredths, in whole ariary; and of currencies with three decimals it takes only amounts
that end in a zero. UGX stands both on its list of currencies without decimals and among the special cases: nothing is
sold in it until somebody has seen which is true.
"""

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import GatewayRejectedError

_HUNDREDFOLD = frozenset({"ISK"})
_WHOLE_ONLY = frozenset({"MGA"})
_UNCERTAIN = frozenset({"UGX"})
_THREE_DECIMALS = 3


def to_stripe(amount: Money) -> int:
    """Return an amount in Stripe's unit. Raises: GatewayRejectedError for one that Stripe cannot take."""
    if amount.currency in _UNCERTAIN:
        raise GatewayRejectedError(f"{amount.currency} cannot be paid through Stripe here.")
    if amount.currency in _HUNDREDFOLD:
        return amount.minor * 100
    if amount.currency in _WHOLE_ONLY:
        return _divided(amount, 100)
    if amount.exponent == _THREE_DECIMALS:
        return _divided(amount, 10) * 10
    return amount.minor


def from_stripe(number: int, currency: str) -> Money:
    """Return what Stripe calls `number` of a currency, which it writes in small letters.

    Raises: ValueError for an amount that ISO minor units cannot say.
    """
    code = currency.upper()
    if code in _HUNDREDFOLD:
        whole, rest = divmod(number, 100)
        if rest:
            raise ValueError(f"{number} {code} is no whole amount.")
        return Money(whole, code)
    return Money(number * 100 if code in _WHOLE_ONLY else number, code)


def _divided(amount: Money, unit: int) -> int:
    whole, rest = divmod(amount.minor, unit)
    if rest:
        raise GatewayRejectedError(f"{amount.minor} {amount.currency} (minor units): Stripe takes multiples of {unit}.")
    return whole
