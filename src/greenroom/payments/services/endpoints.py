"""Setting a gateway up: its account, and where it sends its callbacks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.ids import new_ref
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import Account, Endpoint, GatewayError, GatewaySetup
from greenroom.payments import gateways
from greenroom.payments.errors import EndpointRefusedError, PaymentsOffError
from greenroom.payments.models import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """One endpoint at our address: whether its secret is kept here, and what is wrong with it in plain words."""

    endpoint: Endpoint
    is_secret_known: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatewayCheck:
    """What a gateway said of our account just now, or in `trouble` why it said nothing."""

    account: Account | None
    endpoints: tuple[EndpointCheck, ...]
    trouble: str = ""


def check_gateway(*, urls: Collection[str]) -> GatewayCheck:
    """Ask the gateway about the account and about the endpoints at our addresses. Must run outside transactions.

    Changes nothing. Raises: PaymentsOffError where there is nothing to set up.
    """
    refuse_network_in_transaction()
    setup = _setup()
    try:
        account, endpoints = setup.account(), setup.endpoints()
    except GatewayError as error:
        return GatewayCheck(None, (), str(error))
    known = set(WebhookEndpoint.objects.filter(gateway=gateways.hosted().code).values_list("ref", flat=True))
    return GatewayCheck(
        account, tuple(_checked(one, setup.version, is_known=one.ref in known) for one in endpoints if one.url in urls)
    )


def connect_endpoint(*, url: str, urls: Collection[str], actor: Actor, now: datetime) -> WebhookEndpoint:
    """Make an endpoint at `url`, keep its secret, and remove those that stood at any of `urls`, our addresses, before.

    Must run outside transactions. Callbacks are accepted under the new secret from the commit on; the old endpoints
    are removed last, so that no event falls between them. What was made and could not be kept is removed by the next
    call: nobody knows its secret. A second call makes another one.
    Raises: NotAllowedError, PaymentsOffError, EndpointRefusedError with the gateway's words.
    """
    if actor.kind is not ActorKind.ADMIN:
        raise NotAllowedError
    refuse_network_in_transaction()
    setup = _setup()
    try:
        before = [one.ref for one in setup.endpoints() if one.url in urls]
        made = setup.make_endpoint(url, idempotency_key=f"endpoint:{new_ref()}")
    except GatewayError as error:
        raise EndpointRefusedError(str(error)) from error
    with unit_of_work():
        endpoint = WebhookEndpoint.objects.create(
            gateway=gateways.hosted().code, ref=made.ref, url=url, secret=made.secret, created_at=now
        )
        after: dict[str, audit.AuditValue] = {"ref": made.ref, "url": url}
        audit.record(actor=actor, action="payments.connect_endpoint", target=endpoint, now=now, after=after)
    _remove(setup, before)
    return endpoint


def _remove(setup: GatewaySetup, refs: list[str]) -> None:
    """Remove endpoints; one that stays is shown by the next check."""
    for ref in refs:
        try:
            setup.remove_endpoint(ref)
        except GatewayError:
            continue
        WebhookEndpoint.objects.filter(ref=ref).delete()


def _setup() -> GatewaySetup:
    setup = gateways.hosted().setup
    if setup is None:
        raise PaymentsOffError("There is nothing to set up: payments are simulated.")
    return setup


def _checked(endpoint: Endpoint, version: str, *, is_known: bool) -> EndpointCheck:
    problems = []
    if not endpoint.is_enabled:
        problems.append("It is switched off.")
    if endpoint.version != version:
        problems.append(f"Its events have the form of {endpoint.version or 'the account'}, not of {version}.")
    if endpoint.missing_types:
        problems.append(f"It does not get {', '.join(endpoint.missing_types)}.")
    return EndpointCheck(endpoint, is_known, tuple(problems))
