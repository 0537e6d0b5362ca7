"""What Greenroom needs of a payment gateway, in its own words.

No gateway's object leaves an adapter: everything that crosses this seam is a frozen value below. Events carry
references only, no meaning, because what counts is what `fetch` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from greenroom.core.money import Money


class PayState(StrEnum):
    """How far one checkout has come, as the gateway tells it. `dead`: it can never be paid any more."""

    OPEN = "open"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    DEAD = "dead"


class RefundState(StrEnum):
    """How far one refund has come. `succeeded` is not the end: a bank may still send the money back."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class DisputeStatus(StrEnum):
    """How far one dispute has come, in the words of docs.stripe.com/api/disputes; `warning_*` are inquiries.

    A gateway may use words that are not listed here: a snapshot carries them as they are.
    """

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


class ObjectKind(StrEnum):
    """What an event is about, in the gateway's words; a kind that is not listed here is `OTHER`."""

    CHECKOUT = "checkout.session"
    PAYMENT = "payment_intent"
    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line of the gateway's page: what is bought, and for how much in all."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ByHand:
    """What only a payment by hand needs: the method, our page about it, and until when an answer is of use (aware UTC).

    `tz` is the payer's zone, for what they are sent.
    """

    method_id: int
    page_url: str
    tz: str
    answer_by: datetime | None


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What a person is to pay, until when (aware UTC), and where the gateway sends them afterwards.

    The lines add up to `total`. `metadata` comes back on every object that grows out of the checkout. `by_hand` is None
    but for the gateway of payments by hand.
    """

    attempt_ref: str
    order_ref: str
    total: Money
    lines: Sequence[CheckoutLine]
    email: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    metadata: Mapping[str, str]
    by_hand: ByHand | None = None


@dataclass(frozen=True, slots=True)
class CheckoutHandle:
    """A checkout that exists at the gateway, and the address at which it is paid."""

    gateway_ref: str
    pay_url: str


@dataclass(frozen=True, slots=True)
class PaymentSnapshot:
    """What the gateway says of one checkout right now.

    `amount` is what was asked for until money moved, then what was really taken. `refunded` counts refunds that
    are under way as well as those that succeeded. `payment_ref` is empty while no payment exists. `fee` is what the
    gateway keeps of the money, in the currency in which it pays us out; None while that is not known.
    """

    gateway_ref: str
    payment_ref: str
    state: PayState
    amount: Money
    refunded: Money
    is_test: bool
    order_ref: str
    attempt_ref: str
    problem: str = ""
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    """What the gateway says of one refund right now; `problem` says why it failed."""

    refund_ref: str
    payment_ref: str
    amount: Money
    state: RefundState
    metadata: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DisputeSnapshot:
    """What the gateway says of one dispute right now.

    `withdrawn` and `reinstated` are all that was ever taken from us for it and given back, without the gateway's fee
    and in the currency of the payment: what Stripe lists as `balance_transactions` of the dispute. They only grow.
    `status` is a `DisputeStatus`, or a word that is newer than this list. `is_inquiry`: the bank only asks, and no
    money moves unless it becomes more than that. `evidence_due_at` (aware UTC) is None when nothing is asked of us.
    `fee` is what the gateway charges for the dispute so far, in the currency in which it pays us out.
    """

    dispute_ref: str
    payment_ref: str
    amount: Money
    status: str
    is_inquiry: bool
    withdrawn: Money
    reinstated: Money
    reason: str
    opened_at: datetime
    evidence_due_at: datetime | None = None
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The money that moved at a gateway in a while, each kind oldest first.

    A payment that is listed has arrived. Its `gateway_ref` is empty where the gateway lists payments and not checkouts.
    """

    payments: Sequence[PaymentSnapshot]
    refunds: Sequence[RefundSnapshot]
    disputes: Sequence[DisputeSnapshot]


@dataclass(frozen=True, slots=True)
class EventEnvelope:
    """An event with a genuine signature: which object changed, never what it means."""

    event_id: str
    type: str
    created_at: datetime
    is_test: bool
    account: str
    object_kind: ObjectKind
    object_ref: str
    payment_ref: str
    metadata: Mapping[str, str]
    raw: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """The account behind a gateway's key."""

    ref: str
    name: str
    country: str
    currency: str
    can_charge: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address to which a gateway sends events; `missing_types` are those that we need and it does not get."""

    ref: str
    url: str
    is_enabled: bool
    version: str
    missing_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint that was just made, and the secret with which its events are signed."""

    ref: str
    secret: str = field(repr=False)


class GatewayError(Exception):
    """A call to the gateway did not bring what was asked for."""


class GatewayUnavailableError(GatewayError):
    """No usable answer: it is unknown whether the call was executed, so it is repeated with the same key.

    `has_answered` tells that the gateway itself answered with an error of its own; such an answer is kept under the
    idempotency key and comes again for as long as the key lives (docs.stripe.com/api/idempotent_requests).
    """

    def __init__(self, message: str, *, has_answered: bool = False) -> None:
        super().__init__(message)
        self.has_answered = has_answered


class GatewayConflictError(GatewayError):
    """The same call is still being executed: wait, then repeat it with the same key."""


class GatewayRejectedError(GatewayError):
    """The gateway understood and refused; nothing was executed, and repeating cannot help."""


class WebhookRefusedError(GatewayError):
    """A callback that is not genuine, too old, dated in the future, or no event at all."""


class GatewaySetup(Protocol):
    """What an operator sets up once. Every method raises GatewayError when the gateway does not do it."""

    @property
    def version(self) -> str:
        """The version of the interface in which events are expected."""

    def account(self) -> Account:
        """Return what the gateway says of the account."""

    def endpoints(self) -> Sequence[Endpoint]:
        """Return every endpoint of the account."""

    def make_endpoint(self, url: str, *, idempotency_key: str) -> NewEndpoint:
        """Make an endpoint at an address of ours."""

    def remove_endpoint(self, ref: str) -> None:
        """Remove an endpoint."""


class PaymentGateway(Protocol):
    """A gateway with a hosted payment page. Every method may raise GatewayUnavailableError unless it says otherwise.

    A method that executes something takes an idempotency key: same key and same request bring the first answer
    again. Methods are called outside transactions only.
    """

    @property
    def code(self) -> str:
        """The frozen word under which rows remember this gateway."""

    @property
    def is_test(self) -> bool:
        """Whether money at this gateway is play money."""

    @property
    def is_hosted(self) -> bool:
        """Whether people pay on pages of the gateway, which then calls us back."""

    @property
    def pages_origin(self) -> str:
        """The origin of its payment pages, to which forms of ours lead."""

    @property
    def setup(self) -> GatewaySetup | None:
        """What an operator sets up; None where nothing has to be."""

    def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutHandle:
        """Make a checkout. Raises: GatewayConflictError, GatewayRejectedError."""

    def expire_checkout(self, gateway_ref: str) -> PaymentSnapshot:
        """End a checkout while it is open and say what is true then: "it is paid" is an answer, not an error.

        Raises: GatewayRejectedError when there is no such checkout.
        """

    def fetch(self, gateway_ref: str) -> PaymentSnapshot:
        """Return the truth about a checkout. Raises: GatewayRejectedError when there is no such checkout."""

    def refund(
        self, payment_ref: str, amount: Money, *, idempotency_key: str, metadata: Mapping[str, str]
    ) -> RefundSnapshot:
        """Give money back. Raises: GatewayConflictError, GatewayRejectedError."""

    def fetch_refund(self, refund_ref: str) -> RefundSnapshot:
        """Return the truth about a refund. Raises: GatewayRejectedError when there is no such refund."""

    def list_refunds(self, payment_ref: str) -> Iterable[RefundSnapshot]:
        """Return every refund of a payment, whoever asked for it, oldest first."""

    def fetch_dispute(self, dispute_ref: str) -> DisputeSnapshot:
        """Return the truth about a dispute. Raises: GatewayRejectedError when there is no such dispute."""

    def list_disputes(self, payment_ref: str) -> Iterable[DisputeSnapshot]:
        """Return every dispute of a payment, inquiries included, oldest first."""

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> EventEnvelope:
        """Verify a callback without any call out. Raises: WebhookRefusedError, and nothing else."""

    def list_events(self, *, since: datetime) -> Iterable[EventEnvelope]:
        """Return the events since `since` (aware UTC) that may not have arrived, oldest first; some may have."""

    def list_moved(self, *, since: datetime, until: datetime, metadata: Mapping[str, str]) -> Moved:
        """Return the payments, refunds and disputes that began from `since` to before `until` (aware UTC).

        Only payments that carry all of `metadata`, and what became of such payments, whoever asked for it.
        """
