"""Stripe as a gateway: hosted Checkout, refunds, events.

What is sent is frozen by whoever calls: inline prices, no codes and no currencies of Stripe's own choice, cards only.
Keys are the caller's, so that a call whose answer was lost is repeated and not done twice. Objects become plain
dictionaries at this edge: Stripe's own are no mappings any more (stripe-python 15).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from greenroom.core.money import Money, total
from greenroom.integrations.stripe import reading
from greenroom.integrations.stripe.amounts import to_stripe
from greenroom.integrations.stripe.calls import KeyUsedError, UnknownThingError, exchange, open_client
from greenroom.integrations.stripe.protocol import (
    CheckoutHandle,
    CheckoutRequest,
    DisputeSnapshot,
    EventEnvelope,
    GatewayConflictError,
    GatewayRejectedError,
    Moved,
    PaymentSnapshot,
    RefundSnapshot,
)
from greenroom.integrations.stripe.setup import EVENT_TYPES, StripeSetup
from greenroom.integrations.stripe.webhook import envelope_of, read_callback

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

_EXPANDED = ["payment_intent.latest_charge.balance_transaction"]
_CHARGE = "data.latest_charge.balance_transaction"
_PAYMENT = "data.payment_intent"
_LIVE_KEYS = ("sk_live_", "rk_live_")
_LONGEST_NAME = 250
_PAGE = 100


class StripeGateway:
    """A gateway with real money, or with play money under a test key. Safe for several threads."""

    code = "stripe"
    is_hosted = True
    pages_origin = "https://checkout.stripe.com"

    def __init__(
        self,
        secret_key: str,
        webhook_secrets: Callable[[], tuple[str, ...]],
        *,
        client: "stripe.StripeClient | None" = None,
    ) -> None:
        """Prepare calls with a key, by `client` if there is one. `webhook_secrets` is asked at each callback."""
        self.is_test = not secret_key.startswith(_LIVE_KEYS)
        self._webhook_secrets = webhook_secrets
        self._client = client or open_client(secret_key)
        self.setup = StripeSetup(self._client)

    def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutHandle:
        """Make a session of hosted Checkout; the same key brings the same one."""
        params: Any = _session_params(request)
        create = self._client.v1.checkout.sessions.create
        return self._ask(lambda: create(params, {"idempotency_key": idempotency_key}), reading.handle_of)

    def expire_checkout(self, gateway_ref: str) -> PaymentSnapshot:
        """End a session while it is open, and say what is true then."""
        expire = self._client.v1.checkout.sessions.expire
        # Refused when the session is not open any more, and when there is none: `fetch` tells these apart.
        with suppress(GatewayRejectedError):
            return self._ask(lambda: expire(gateway_ref, {"expand": _EXPANDED}), reading.payment_of)
        return self.fetch(gateway_ref)

    def fetch(self, gateway_ref: str) -> PaymentSnapshot:
        """Return the truth about a session and its payment."""
        retrieve = self._client.v1.checkout.sessions.retrieve
        return self._ask(lambda: retrieve(gateway_ref, {"expand": _EXPANDED}), reading.payment_of)

    def refund(
        self, payment_ref: str, amount: Money, *, idempotency_key: str, metadata: Mapping[str, str]
    ) -> RefundSnapshot:
        """Give money back; the same key brings the same refund, as it was when it was made.

        A key that was used with other parameters says nothing about this refund: the caller looks for it, and takes
        another key in time.
        """
        params: Any = {"payment_intent": payment_ref, "amount": to_stripe(amount), "metadata": dict(metadata)}
        create = self._client.v1.refunds.create
        try:
            return self._ask(lambda: create(params, {"idempotency_key": idempotency_key}), reading.refund_of)
        except KeyUsedError as error:
            raise GatewayConflictError(str(error)) from error

    def fetch_refund(self, refund_ref: str) -> RefundSnapshot:
        """Return the truth about a refund."""
        return self._ask(lambda: self._client.v1.refunds.retrieve(refund_ref), reading.refund_of)

    def list_refunds(self, payment_ref: str) -> list[RefundSnapshot]:
        """Return every refund of a payment, oldest first; none for a payment that Stripe does not know."""
        try:
            found = self._ask_for_all(lambda: self._client.v1.refunds.list(_of_payment(payment_ref)), reading.refund_of)
        except UnknownThingError:
            return []
        return found[::-1]

    def fetch_dispute(self, dispute_ref: str) -> DisputeSnapshot:
        """Return the truth about a dispute."""
        return self._ask(lambda: self._client.v1.disputes.retrieve(dispute_ref), reading.dispute_of)

    def list_disputes(self, payment_ref: str) -> list[DisputeSnapshot]:
        """Return every dispute of a payment, oldest first; none for a payment that Stripe does not know."""
        every = self._client.v1.disputes
        try:
            found = self._ask_for_all(lambda: every.list(_of_payment(payment_ref)), reading.dispute_of)
        except UnknownThingError:
            return []
        return found[::-1]

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> EventEnvelope:
        """Verify a callback with any of the secrets."""
        return read_callback(body, headers, secrets=self._webhook_secrets(), now=now)

    def list_events(self, *, since: datetime) -> list[EventEnvelope]:
        """Return all events since `since`, oldest first; Stripe keeps thirty days.

        Not only those that could not be delivered: to a site without an endpoint nothing was to be delivered.
        """
        created: Any = {"gte": int(since.timestamp())}
        params: Any = {"created": created, "types": list(EVENT_TYPES), "limit": _PAGE}
        return self._ask_for_all(lambda: self._client.v1.events.list(params), envelope_of)[::-1]

    def list_moved(self, *, since: datetime, until: datetime, metadata: Mapping[str, str]) -> Moved:
        """Return what moved in a while. Lists know nothing of metadata, so all of the account is read.

        Refunds and disputes are asked for with their payments, which say whose they are.
        """
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        of_payments: Any = {"created": created, "limit": _PAGE, "expand": [_CHARGE]}
        of_others: Any = {"created": created, "limit": _PAGE, "expand": [_PAYMENT]}
        every = self._client.v1
        payments = self._ask_for_all(
            lambda: every.payment_intents.list(of_payments), lambda one: reading.arrival_of(one, metadata)
        )
        refunds = self._ask_for_all(
            lambda: every.refunds.list(of_others), lambda one: reading.of_site(one, metadata, reading.refund_of)
        )
        disputes = self._ask_for_all(
            lambda: every.disputes.list(of_others), lambda one: reading.of_site(one, metadata, reading.dispute_of)
        )
        return Moved(_known(payments), _known(refunds), _known(disputes))

    def _ask(self, call: "Callable[[], stripe.StripeObject]", read: Callable[[Mapping[str, Any]], T]) -> T:
        return exchange(lambda: read(call().to_dict()))

    def _ask_for_all(
        self, call: "Callable[[], stripe.ListObject[Any]]", read: Callable[[Mapping[str, Any]], T]
    ) -> list[T]:
        """Read a list to its last page."""
        return exchange(lambda: [read(one.to_dict()) for one in call().auto_paging_iter()])


def _known(found: Sequence[T | None]) -> list[T]:
    """Leave out what was not ours, and turn Stripe's order, newest first."""
    return [one for one in found[::-1] if one is not None]


def _session_params(request: CheckoutRequest) -> dict[str, object]:
    metadata = {**request.metadata, "order_ref": request.order_ref, "attempt_ref": request.attempt_ref}
    return {
        "mode": "payment",
        "payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
        "line_items": _line_items(request),
        "customer_email": request.email,
        "client_reference_id": request.attempt_ref,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": int(request.expires_at.timestamp()),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "transfer_group": request.order_ref},
    }


def _line_items(request: CheckoutRequest) -> list[dict[str, object]]:
    """Return the lines; one for all of them where a discount is among them, because Stripe takes no negative ones."""
    lines = [(line.name, line.amount) for line in request.lines]
    if total([amount for _name, amount in lines], request.total.currency) != request.total or request.total.minor <= 0:
        raise GatewayRejectedError("The lines must add up to a total above zero.")
    if any(amount.minor < 0 for _name, amount in lines):
        lines = [(", ".join(name for name, amount in lines if amount.minor >= 0), request.total)]
    return [
        {
            "quantity": 1,
            "price_data": {
                "currency": amount.currency.lower(),
                "unit_amount": to_stripe(amount),
                "product_data": {"name": name[:_LONGEST_NAME]},
            },
        }
        for name, amount in lines
    ]


def _of_payment(payment_ref: str) -> Any:  # noqa: ANN401 -- the library's own type of these few words
    return {"payment_intent": payment_ref, "limit": _PAGE}
