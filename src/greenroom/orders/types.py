"""What stands on an order."""

from dataclasses import dataclass
from enum import StrEnum

from greenroom.catalog.types import RefundTier
from greenroom.core.money import Money


class LineKind(StrEnum):
    """What a line is for. Discounts are negative lines."""

    CALL = "call"


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to be frozen on an order."""

    kind: LineKind
    title: str
    price: Money
    offer_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What is to be frozen: for whom, by whom, which lines, under which cancellation policy."""

    coach_id: int
    name: str
    email: str
    currency: str
    lines: tuple[NewLine, ...]
    refund_tiers: tuple[RefundTier, ...]
