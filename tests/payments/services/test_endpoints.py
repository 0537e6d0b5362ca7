from datetime import datetime

import pytest
from django.db import connection, transaction
from tests.integrations.stripe.stripe_api import ENDPOINTS, stripe_gateway

from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.protocol import GatewayUnavailableError
from greenroom.integrations.stripe.setup import EVENT_TYPES, StripeSetup
from greenroom.payments import gateways, queries, services
from greenroom.payments.errors import EndpointRefusedError, PaymentsOffError
from greenroom.payments.models import WebhookEndpoint
from greenroom.payments.services.endpoints import GatewayCheck

pytestmark = pytest.mark.usefixtures("db", "gateway")

ADMIN = Actor(ActorKind.ADMIN, user_id=1)
URL, OLDER = "https://coach.example/api/webhooks/stripe", "https://coach.example/payments/webhook/"


@pytest.fixture
def stripe(gateway: object) -> StripeGateway:  # noqa: ARG001 -- puts the wired gateway back
    wired = stripe_gateway()
    gateways.use(wired)
    return wired


def check() -> GatewayCheck:
    return services.check_gateway(urls=(URL, OLDER))


def connect(now: datetime, actor: Actor = ADMIN) -> WebhookEndpoint:
    return services.connect_endpoint(url=URL, urls=(URL, OLDER), actor=actor, now=now)


@pytest.mark.usefixtures("stripe")
def test_check_gateway_tells_of_the_account_and_of_no_endpoint() -> None:
    found = check()

    assert found.account is not None
    assert (found.account.name, found.account.country, found.account.currency) == ("Ilse's Chess", "NL", "EUR")
    assert (found.account.can_charge, found.endpoints, found.trouble) == (True, (), "")


def test_connect_endpoint_keeps_its_secret_encrypted_and_says_who(stripe: StripeGateway, now: datetime) -> None:
    endpoint = connect(now)

    [made] = ENDPOINTS
    assert (made["url"], made["api_version"], made["enabled_events"]) == (URL, stripe.setup.version, list(EVENT_TYPES))
    assert queries.webhook_secrets("stripe") == ("whsec_of_we_1",)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM payments_webhookendpoint")
        assert "whsec" not in cursor.fetchone()[0]
    entry = AuditEntry.objects.get(action="payments.connect_endpoint")
    assert (entry.actor_user_id, "whsec" in str(entry.after)) == (1, False)
    [checked] = check().endpoints
    assert (checked.endpoint.ref, checked.is_secret_known, checked.problems) == (endpoint.ref, True, ())


@pytest.mark.usefixtures("stripe")
def test_connect_endpoint_again_replaces_the_one_that_was_there(now: datetime) -> None:
    ENDPOINTS.append({"id": "we_else", "url": "https://other.example", "status": "enabled", "enabled_events": ["*"]})
    first = connect(now)
    second = connect(now)

    assert [one["id"] for one in ENDPOINTS] == ["we_else", second.ref]
    assert list(WebhookEndpoint.objects.all()) == [second]
    assert first.ref != second.ref


@pytest.mark.usefixtures("stripe")
def test_check_gateway_names_what_is_wrong_with_an_endpoint(now: datetime) -> None:
    connect(now)
    WebhookEndpoint.objects.all().delete()
    ENDPOINTS[0] |= {"status": "disabled", "api_version": None, "enabled_events": list(EVENT_TYPES[1:])}

    [found] = check().endpoints

    assert not found.is_secret_known
    assert found.problems == (
        "It is switched off.",
        "Its events have the form of the account, not of 2026-10-28.endive.",
        "It does not get checkout.session.completed.",
    )


@pytest.mark.usefixtures("stripe")
def test_endpoint_at_the_older_address_is_known_and_replaced(now: datetime) -> None:
    by_hand = {"id": "we_hand", "url": OLDER, "status": "enabled", "api_version": None, "enabled_events": ["*"]}
    ENDPOINTS.append(by_hand)

    [before] = check().endpoints
    connect(now)

    assert (before.endpoint.ref, before.is_secret_known) == ("we_hand", False)
    assert [one["url"] for one in ENDPOINTS] == [URL]


@pytest.mark.usefixtures("stripe")
def test_endpoint_that_the_gateway_refuses_is_said_in_its_words(now: datetime) -> None:
    with pytest.raises(EndpointRefusedError, match="400: Invalid URL"):
        services.connect_endpoint(url="http://localhost:8000/x", urls=(), actor=ADMIN, now=now)

    assert not WebhookEndpoint.objects.exists()


@pytest.mark.usefixtures("stripe")
def test_old_endpoint_that_cannot_be_removed_is_shown_by_the_next_check(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(now)

    def refuse(_setup: StripeSetup, _ref: str) -> None:
        raise GatewayUnavailableError("503")

    monkeypatch.setattr(StripeSetup, "remove_endpoint", refuse)
    connect(now)

    assert [one.is_secret_known for one in check().endpoints] == [True, True]
    assert len(queries.webhook_secrets("stripe")) == 2


def test_account_that_cannot_be_asked_is_a_trouble_and_no_error(stripe: StripeGateway) -> None:
    gateways.use(StripeGateway("sk_test_wrong", tuple, client=stripe._client))  # noqa: SLF001 -- the same connection
    stripe._client._requestor._options.api_key = "sk_test_wrong"  # type: ignore[attr-defined]  # noqa: SLF001 -- as above

    assert check() == GatewayCheck(None, (), "401: Stripe does not accept the secret key for this.")


@pytest.mark.parametrize("actor", [SYSTEM, Actor(ActorKind.COACH, user_id=1), Actor(ActorKind.STUDENT)])
@pytest.mark.usefixtures("stripe")
def test_only_an_admin_connects(now: datetime, actor: Actor) -> None:
    with pytest.raises(NotAllowedError):
        connect(now, actor)

    assert ENDPOINTS == []


@pytest.mark.usefixtures("stripe")
def test_calls_inside_a_transaction_are_refused(now: datetime) -> None:
    for call in (check, lambda: connect(now)):
        with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
            call()


def test_simulated_gateway_has_nothing_to_set_up(now: datetime) -> None:
    with pytest.raises(PaymentsOffError):
        check()
    with pytest.raises(PaymentsOffError):
        connect(now)
