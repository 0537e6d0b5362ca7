"""Stripe as a gateway: hosted Checkout, refunds, events.

What is sent is frozen by whoever calls: inline prices, no codes and no currencies of Stripe's own choice, cards only.
Keys are the caller's, so that a call whose answer was lost is repeated and not done twice. Objects become plain
dictionaries at this edge: Stripe's own are no mappings any more (stripe-python 15).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from greenroom.core.money import Money, total
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.stripe import reading
from greenroom.integrations.stripe.amounts import to_stripe
from greenroom.integrations.stripe.protocol import (
    CheckoutHandle,
    CheckoutRequest,
    EventEnvelope,
    GatewayConflictError,
    GatewayError,
    GatewayRejectedError,
    GatewayUnavailableError,
    PaymentSnapshot,
    RefundSnapshot,
)
from greenroom.integrations.stripe.webhook import envelope_of, read_callback

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

# Events and answers have the form of this version, whatever the account's own is (docs.stripe.com/api/versioning).
API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS, READ_SECONDS = 4.0, 10.0
EVENT_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.processing",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
_EXPANDED = ["payment_intent.latest_charge"]
_LIVE_KEYS = ("sk_live_", "rk_live_")
_LONGEST_NAME = 250
_PAGE = 100
_BAD_REQUEST, _NO_KEY, _NO_RIGHT, _NOT_FOUND, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 400, 401, 403, 404, 409, 429, 500


class _UnknownError(GatewayRejectedError):
    """There is no such thing at Stripe."""


def open_client(
    secret_key: str, *, http_client: "stripe.HTTPClient | None" = None, base_url: str = "https://api.stripe.com"
) -> "stripe.StripeClient":
    """Return Stripe's own client: of our version, with time-outs, and without repetitions of its own."""
    import stripe  # noqa: PLC0415 -- slow import

    stripe.enable_telemetry = False  # how long our calls take is nobody else's business
    return stripe.StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": base_url},
        max_network_retries=0,  # a repetition is decided by whoever keeps the key
        http_client=http_client or stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
    )


class StripeGateway:
    """A gateway with real money, or with play money under a test key. Safe for several threads."""

    code = "stripe"
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
        """Give money back; the same key brings the same refund, as it was when it was made."""
        params: Any = {"payment_intent": payment_ref, "amount": to_stripe(amount), "metadata": dict(metadata)}
        create = self._client.v1.refunds.create
        return self._ask(lambda: create(params, {"idempotency_key": idempotency_key}), reading.refund_of)

    def fetch_refund(self, refund_ref: str) -> RefundSnapshot:
        """Return the truth about a refund."""
        return self._ask(lambda: self._client.v1.refunds.retrieve(refund_ref), reading.refund_of)

    def list_refunds(self, payment_ref: str) -> list[RefundSnapshot]:
        """Return every refund of a payment, oldest first; none for a payment that Stripe does not know."""
        try:
            found = self._ask_for_all(lambda: self._client.v1.refunds.list(_of_payment(payment_ref)), reading.refund_of)
        except _UnknownError:
            return []
        return found[::-1]

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> EventEnvelope:
        """Verify a callback with any of the secrets."""
        return read_callback(body, headers, secrets=self._webhook_secrets(), now=now)

    def list_events(self, *, since: datetime) -> list[EventEnvelope]:
        """Return the events since `since` that were not delivered, oldest first; Stripe keeps thirty days."""
        created: Any = {"gte": int(since.timestamp())}
        params: Any = {"created": created, "delivery_success": False, "types": list(EVENT_TYPES), "limit": _PAGE}
        return self._ask_for_all(lambda: self._client.v1.events.list(params), envelope_of)[::-1]

    def _ask(self, call: "Callable[[], stripe.StripeObject]", read: Callable[[Mapping[str, Any]], T]) -> T:
        return self._exchange(lambda: read(call().to_dict()))

    def _ask_for_all(
        self, call: "Callable[[], stripe.ListObject[Any]]", read: Callable[[Mapping[str, Any]], T]
    ) -> list[T]:
        """Read a list to its last page."""
        return self._exchange(lambda: [read(one.to_dict()) for one in call().auto_paging_iter()])

    def _exchange(self, exchange: Callable[[], T]) -> T:
        import stripe  # noqa: PLC0415 -- slow import

        refuse_network_in_transaction()
        try:
            return exchange()
        except stripe.StripeError as error:
            raise _translated(error, is_rate_limit=isinstance(error, stripe.RateLimitError)) from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise GatewayUnavailableError("Stripe's answer was not understood.") from error


def _translated(error: "stripe.StripeError", *, is_rate_limit: bool) -> GatewayError:
    """Return what an error means for whoever asked (docs.stripe.com/error-handling)."""
    status = error.http_status
    if status is None:
        return GatewayUnavailableError("Stripe did not answer.")
    if status < _BAD_REQUEST:
        return GatewayUnavailableError(f"{status}: Stripe's answer was not understood.")
    if is_rate_limit or status in {_CONFLICT, _TOO_MANY}:
        return GatewayConflictError(f"{status}: Stripe is busy with the same call, or with too many.")
    if status in {_NO_KEY, _NO_RIGHT}:
        # The operator's to mend: until then nothing was executed and nothing is given up.
        return GatewayUnavailableError(f"{status}: Stripe does not accept the secret key for this.")
    if status >= _SERVER_ERROR:
        return GatewayUnavailableError(f"{status}: Stripe had a failure.", has_answered=status == _SERVER_ERROR)
    words = f"{status}: {error.user_message or 'refused without a word'}"
    return _UnknownError(words) if status == _NOT_FOUND else GatewayRejectedError(words)


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
