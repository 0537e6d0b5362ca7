"""The words of payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import ByHand, CheckoutLine

FEES = "fees:"  # with a gateway's code: what this gateway kept for itself
CUSTOMERS = "customers"  # the ledger's account of everybody who pays
SHARES = "shares"  # the kind of the ledger's journals that say whose money is
PLATFORM = "platform"  # what the site itself earned
_COACH = "coach:"  # with a coach's number: what this coach earned


def coach_account(coach_id: int) -> str:
    """Return the ledger's account of what a coach earned; below zero is what we owe them."""
    return f"{_COACH}{coach_id}"


class AttemptState(StrEnum):
    """How far one attempt to be paid has come; `dead`: the gateway said that it can never be paid any more."""

    CREATED = "created"
    OPEN = "open"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What is to be paid for an order, at which gateway (its code), and until when (aware UTC).

    The lines add up to `total`. The addresses, absolute, are where the gateway sends the person afterwards. Stripe
    wants `expires_at` thirty minutes to a day ahead; give two minutes more than thirty for skewed clocks.
    """

    gateway: str
    order_ref: str
    total: Money
    lines: Sequence[CheckoutLine]
    email: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    by_hand: ByHand | None = None


class RefundRequestState(StrEnum):
    """How far one refund has come; `requested`: the gateway was not heard yet.

    `held`: it waits for the end of a dispute. `dropped`: the bank gave this money back, by a dispute that was lost.
    `split`: a bank gave a part of it back; that part and the rest are rows of their own, and this one is over.
    """

    HELD = "held"
    REQUESTED = "requested"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    DROPPED = "dropped"
    SPLIT = "split"


class RefundCause(StrEnum):
    """Why money is given back."""

    STUDENT_CANCELLED = "student_cancelled"
    COACH_CANCELLED = "coach_cancelled"
    NOT_FULFILLED = "not_fulfilled"
    PAID_TWICE = "paid_twice"
    WRONG_PAYMENT = "wrong_payment"
    STAFF = "staff"
    MADE_AT_GATEWAY = "made_at_gateway"


class EventState(StrEnum):
    """What became of a callback. `failed` needs a person."""

    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"
    FAILED = "failed"


class MovementKind(StrEnum):
    """The kinds of journal that move money between a customer and us."""

    CAPTURE = "capture"
    REFUND = "refund"
    REFUND_REVERSAL = "refund_reversal"


@dataclass(frozen=True, slots=True)
class Movement:
    """One journal of the ledger as its customer sees it. `amount` is positive, `at` when it was booked (aware UTC).

    `source_id` names the attempt, or the try of the refund: a refund and its reversal have the same. `counts` is
    False for payments that did not fit their order, second payments, and everything that went back of them. `lines` are
    numbers of the order's lines with what of a refund is for each, in minor units; none: for all of them.
    """

    kind: MovementKind
    order_ref: str
    attempt_id: int
    source_id: str
    amount: Money
    at: datetime
    counts: bool
    lines: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What must be true of money that arrives: how much, play money or real, and for which attempt."""

    amount: Money
    is_test: bool
    attempt_ref: str


@dataclass(frozen=True, slots=True)
class DisputeStand:
    """How a dispute stands: its status in the gateway's words, what it is about, and what was moved for it so far.

    Amounts are minor units of the payment's currency. `due` is until when evidence is wanted, in the ISO form.
    """

    status: str
    amount_minor: int
    withdrawn_minor: int
    reinstated_minor: int
    due: str = ""


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """What an order's payments come to, in one currency.

    `captured` leaves out payments that did not fit their order and second payments: they go back by themselves.
    `refund_asked` counts every refund that has not failed, `refunded` those that succeeded, `charged_back` what banks
    took in disputes that are over.
    """

    state: AttemptState | None
    captured: Money
    refund_asked: Money
    refunded: Money
    charged_back: Money

    @property
    def kept(self) -> Money:
        """What stays once every refund that was asked for has arrived; below zero when both we and a bank gave back."""
        return self.captured - self.refund_asked - self.charged_back

    @property
    def left(self) -> Money:
        """What can still be asked back: `kept`, and never below zero."""
        return max(self.kept, Money(0, self.captured.currency), key=lambda amount: amount.minor)


@dataclass(frozen=True, slots=True)
class FeeSum:
    """What gateways kept of the payments in one currency, and of how many payments that is not known yet."""

    is_test: bool
    paid_in: str
    fee: Money
    unknown: int


class CheckSubject(StrEnum):
    """What a nightly comparison is about: our own books, or what the gateways say of them."""

    BOOKS = "books"
    GATEWAYS = "gateways"


class Road(StrEnum):
    """How we learned of what no callback had told; each is the kind of the job that asked."""

    POLL = "payments.poll"
    EVENTS = "payments.collect_events"
    COMPARISON = "payments.compare_with_gateway"


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that no callback had told: when it was made (aware UTC), by which road, its audit action, its order."""

    at: datetime
    road: Road
    action: str
    order_ref: str


class MoneyRule(StrEnum):
    """What must hold for the money of every order, and is checked every night."""

    PAID_HAS_ORDER = "paid_has_order"
    PAID_IS_FULFILLED = "paid_is_fulfilled"
    CONFIRMED_IS_PAID = "confirmed_is_paid"
    JOURNAL_ADDS_UP = "journal_adds_up"
    LEDGER_MATCHES = "ledger_matches"
    GATEWAY_KNOWN = "gateway_known"
    GATEWAY_SUMS = "gateway_sums"


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a rule does not hold: the order, and what is wrong in plain words."""

    rule: MoneyRule
    order_ref: str
    detail: str
