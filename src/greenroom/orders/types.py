"""What stands on an order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroom.catalog.types import RefundTier
from greenroom.core.money import Money


class LineKind(StrEnum):
    """What a line is for. Discounts are negative lines."""

    CALL = "call"
    DOWNLOAD = "download"
    TAX = "tax"


class DocumentKind(StrEnum):
    """What a document says: money came, money went back, or money that went back came to us again."""

    RECEIPT = "receipt"
    REFUND_NOTE = "refund_note"
    REFUND_REVERSAL = "refund_reversal"


class PurchaseState(StrEnum):
    """What became of an order's money, by its documents."""

    PAID = "paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Sums:
    """What some documents come to, in one currency: money that came, money that went back (positive), what is left."""

    gross: Money
    given_back: Money

    @property
    def net(self) -> Money:
        """What is left; below zero when more went back than came, as in the month after a sale."""
        return self.gross - self.given_back


@dataclass(frozen=True, slots=True)
class Shares:
    """Whose the money of an order is: its coach's, who also owes the tax in it, and the platform's commission."""

    coach: Money
    platform: Money


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to be frozen on an order; `price_reason` says in words where its price came from."""

    kind: LineKind
    title: str
    price: Money
    offer_id: int | None = None
    price_reason: str = ""


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The one tax of a site: its rate, and whether it comes on top of prices or is in them."""

    name: str
    basis_points: int
    is_on_top: bool = False

    @property
    def words(self) -> str:
        """Name and rate: "VAT 21 %"."""
        whole, rest = divmod(self.basis_points, 100)
        return f"{self.name} {whole}{f'.{rest:02}'.rstrip('0') if rest else ''} %"


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line, and the tax that its price bears after discounts: in it, or what it adds to the tax line."""

    line: NewLine
    tax: Money


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """What is to be paid, the tax in it, and the lines that add up to it."""

    lines: tuple[PricedLine, ...]
    tax: Money
    total: Money


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What is to be frozen: for whom, by whom, which lines, under which cancellation policy."""

    coach_id: int
    name: str
    email: str
    currency: str
    lines: tuple[NewLine, ...]
    refund_tiers: tuple[RefundTier, ...]


@dataclass(frozen=True, slots=True)
class ReturnAddresses:
    """Where the gateway sends the person back to, and our page for who pays by hand; absolute."""

    success_url: str
    cancel_url: str
    by_hand_url: str = ""


@dataclass(frozen=True, slots=True)
class ByHandTime:
    """Until when an order can be paid by hand, and until when an answer is of use (aware UTC; None: always).

    `tz` is the payer's zone, for what they are sent.
    """

    until: datetime
    answer_by: datetime | None
    tz: str


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys something without a time: contact, IANA zone, the account if signed in, and the digest of who it is."""

    name: str
    email: str
    tz: str
    holder: str
    user_id: int | None = None
