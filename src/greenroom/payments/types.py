"""The words of payments."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroom.core.money import Money

CUSTOMERS = "customers"  # the ledger's account of everybody who pays


class AttemptState(StrEnum):
    """How far one attempt to be paid has come; `dead`: the gateway said that it can never be paid any more."""

    CREATED = "created"
    OPEN = "open"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    DEAD = "dead"


class RefundRequestState(StrEnum):
    """How far one refund has come; `requested`: the gateway was not heard yet."""

    REQUESTED = "requested"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


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
    False for payments that did not fit their order, second payments, and everything that went back of them.
    """

    kind: MovementKind
    order_ref: str
    attempt_id: int
    source_id: str
    amount: Money
    at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What must be true of money that arrives: how much, play money or real, and for which attempt."""

    amount: Money
    is_test: bool
    attempt_ref: str


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """What an order's payments come to, in one currency.

    `captured` leaves out payments that did not fit their order and second payments: they go back by themselves.
    `refund_asked` counts every refund that has not failed, `refunded` those that succeeded.
    """

    state: AttemptState | None
    captured: Money
    refund_asked: Money
    refunded: Money

    @property
    def kept(self) -> Money:
        """What stays once every refund that was asked for has arrived."""
        return self.captured - self.refund_asked
