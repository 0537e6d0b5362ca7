"""What has to be right at Stripe before payments work: the account, and the address for its callbacks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from greenroom.integrations.stripe.calls import API_VERSION, exchange
from greenroom.integrations.stripe.protocol import Account, Endpoint, NewEndpoint

if TYPE_CHECKING:
    import stripe

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
_EVERYTHING = "*"


class StripeSetup:
    """Looks at the account behind the key, and makes the webhook endpoint that the adapter expects."""

    version = API_VERSION

    def __init__(self, client: "stripe.StripeClient") -> None:
        """Use the adapter's own client."""
        self._client = client

    def account(self) -> Account:
        """Return what Stripe says of the account."""
        return exchange(lambda: _account_of(self._client.v1.accounts.retrieve_current().to_dict()))

    def endpoints(self) -> list[Endpoint]:
        """Return every webhook endpoint of the account, newest first."""
        every = self._client.v1.webhook_endpoints
        return exchange(lambda: [_endpoint_of(one.to_dict()) for one in every.list({"limit": 100}).auto_paging_iter()])

    def make_endpoint(self, url: str, *, idempotency_key: str) -> NewEndpoint:
        """Make an endpoint of our version for the events that matter. Its secret is told this once."""
        params: Any = {
            "url": url,
            "enabled_events": list(EVENT_TYPES),
            "api_version": API_VERSION,
            "description": "Greenroom",
        }
        create = self._client.v1.webhook_endpoints.create
        return exchange(lambda: _new_endpoint_of(create(params, {"idempotency_key": idempotency_key}).to_dict()))

    def remove_endpoint(self, ref: str) -> None:
        """Remove an endpoint, so that nothing is sent to it any more."""
        exchange(lambda: self._client.v1.webhook_endpoints.delete(ref))


def _account_of(account: Mapping[str, Any]) -> Account:
    profile = account.get("business_profile") or {}
    settings = account.get("settings") or {}
    shown = (settings.get("dashboard") or {}).get("display_name")
    return Account(
        ref=str(account["id"]),
        name=str(profile.get("name") or shown or account.get("email") or ""),
        country=str(account.get("country") or ""),
        currency=str(account.get("default_currency") or "").upper(),
        can_charge=bool(account.get("charges_enabled")),
    )


def _new_endpoint_of(endpoint: Mapping[str, Any]) -> NewEndpoint:
    return NewEndpoint(str(endpoint["id"]), str(endpoint["secret"]))


def _endpoint_of(endpoint: Mapping[str, Any]) -> Endpoint:
    wanted = set(endpoint["enabled_events"])
    return Endpoint(
        ref=str(endpoint["id"]),
        url=str(endpoint["url"]),
        is_enabled=endpoint["status"] == "enabled",
        version=str(endpoint.get("api_version") or ""),
        missing_types=() if _EVERYTHING in wanted else tuple(name for name in EVENT_TYPES if name not in wanted),
    )
