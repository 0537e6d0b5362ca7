"""Money as integer minor units and an ISO 4217 currency. No floats, no Decimal, no mixing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# ISO 4217 gives most currencies two decimals; these are the ones that differ.
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
BASIS_POINTS = 10_000


class CurrencyMismatchError(ValueError):
    """Two amounts in different currencies were combined."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents, yen, fils) of one currency.

    Raises: TypeError when `minor` is not a plain int; ValueError when `currency` is not three capitals.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Money takes whole minor units, not {type(self.minor).__name__}.")
        if not _CURRENCY.match(self.currency):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency such as 'EUR'.")

    @property
    def exponent(self) -> int:
        """Return how many decimals the major unit has."""
        return _EXPONENTS.get(self.currency, 2)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other).minor

    def share(self, basis_points: int) -> "Money":
        """Return `basis_points` hundredths of a percent of the amount, rounded half up, away from zero."""
        scaled = self.minor * basis_points
        rounded = (abs(scaled) + BASIS_POINTS // 2) // BASIS_POINTS
        return Money(rounded if scaled >= 0 else -rounded, self.currency)

    def allocate(self, weights: Sequence[int]) -> list["Money"]:
        """Split the amount by whole-number weights so that the parts add up to it exactly.

        The largest remainder gets the residue; among equal remainders the earlier part does.
        Raises: ValueError when a weight is negative or all are zero.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("Weights must be whole numbers of at least 0, and one must be above 0.")
        sign = -1 if self.minor < 0 else 1
        parts = [divmod(abs(self.minor) * weight, total) for weight in weights]
        missing = abs(self.minor) - sum(floor for floor, _ in parts)
        by_remainder = sorted(range(len(parts)), key=lambda index: -parts[index][1])
        winners = set(by_remainder[:missing])
        return [Money(sign * (floor + (index in winners)), self.currency) for index, (floor, _) in enumerate(parts)]

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency} cannot be combined.")
        return other


def total(amounts: Sequence[Money], currency: str) -> Money:
    """Add amounts up; an empty list is zero in `currency`.

    Raises: CurrencyMismatchError when one of them is in another currency.
    """
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result
