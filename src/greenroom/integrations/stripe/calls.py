"""Calls to Stripe: its own client, our version and time-outs, and what its failures mean here."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.stripe.protocol import (
    GatewayConflictError,
    GatewayError,
    GatewayRejectedError,
    GatewayUnavailableError,
)

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

# Events and answers have the form of this version, whatever the account's own is (docs.stripe.com/api/versioning).
API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS, READ_SECONDS = 4.0, 10.0
_BAD_REQUEST, _NO_KEY, _NO_RIGHT, _NOT_FOUND, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 400, 401, 403, 404, 409, 429, 500


class UnknownThingError(GatewayRejectedError):
    """There is no such thing at Stripe."""


class KeyUsedError(GatewayRejectedError):
    """The idempotency key was first used with other parameters."""


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


def exchange(call: Callable[[], T]) -> T:
    """Call Stripe and read its answer, outside transactions. Raises: GatewayError."""
    import stripe  # noqa: PLC0415 -- slow import

    refuse_network_in_transaction()
    try:
        return call()
    except stripe.StripeError as error:
        if isinstance(error, stripe.IdempotencyError):
            raise KeyUsedError("400: the idempotency key was first used with other parameters.") from error
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
    return UnknownThingError(words) if status == _NOT_FOUND else GatewayRejectedError(words)
