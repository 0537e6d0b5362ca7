from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_admin, make_user
from tests.integrations.stripe.stripe_api import ENDPOINTS, stripe_gateway

from greenroom.core import clock
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.payments import gateways
from greenroom.payments.models import GatewayEvent, WebhookEndpoint

pytestmark = pytest.mark.django_db

PAGE, CONNECT = "/ops/payments/", "/ops/payments/connect/"


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


@pytest.fixture(autouse=True)
def _gateway_is_put_back() -> Iterator[None]:
    before = gateways.wired()
    yield
    gateways.use(*before)


@pytest.fixture
def stripe(settings: Any) -> StripeGateway:
    settings.SANDBOX_ENABLED = False
    settings.BASE_URL = "https://coach.example"
    wired = stripe_gateway()
    gateways.use(wired)
    return wired


def text(client: Client, path: str = PAGE) -> str:
    return " ".join(client.get(path).content.decode().split())


@pytest.mark.usefixtures("stripe")
def test_visitors_and_others_find_nothing_and_change_nothing(client: Client) -> None:
    assert client.get(PAGE).status_code == client.post(CONNECT).status_code == 302
    client.force_login(make_user())

    assert client.get(PAGE).status_code == client.post(CONNECT).status_code == 404
    assert ENDPOINTS == []


@pytest.mark.usefixtures("stripe")
def test_operator_sees_the_account_and_connects_callbacks(desk: Client) -> None:
    before = text(desk)
    answer = desk.post(CONNECT, follow=True).content.decode()

    assert "Ilse&#x27;s Chess" in before
    assert "play money" in before
    assert "Stripe sends nothing here yet." in before
    assert "The gateway sends its callbacks here now." in answer
    assert "Its secret is kept here, encrypted." in answer
    assert "whsec" not in answer
    assert [one["url"] for one in ENDPOINTS] == ["https://coach.example/api/webhooks/stripe"]
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.usefixtures("stripe")
def test_connecting_by_get_changes_nothing(desk: Client) -> None:
    assert desk.get(CONNECT).status_code == 405
    assert ENDPOINTS == []


def test_refusal_is_shown_in_the_gateways_words(desk: Client, stripe: StripeGateway, settings: Any) -> None:
    settings.BASE_URL = "http://localhost:8000"
    assert stripe.is_test

    page = desk.post(CONNECT, follow=True).content.decode()

    assert "The gateway made no endpoint: 400: Invalid URL" in page


def test_site_without_a_gateway_is_told_how_to_get_one(desk: Client, settings: Any) -> None:
    settings.SANDBOX_ENABLED = False
    gateways.use()

    assert "STRIPE_SECRET_KEY" in text(desk)
    assert "off: only free offers can be booked" in text(desk, "/ops/")


@pytest.mark.parametrize(("key", "words"), [("sk_test_1", "Payments</span>: test mode"), ("sk_live_1", ": real")])
def test_health_page_says_which_money_moves(desk: Client, settings: Any, key: str, words: str) -> None:
    settings.SANDBOX_ENABLED = False
    gateways.use(StripeGateway(key, tuple))

    assert words in text(desk, "/ops/")


def test_demo_says_that_it_pays_itself_and_shows_what_came(desk: Client) -> None:
    gateways.use(SandboxGateway())
    for number in range(25):
        GatewayEvent.objects.create(
            gateway="sandbox",
            event_id=f"evt_{number}",
            type=f"type.{number}",
            object_kind="other",
            object_ref="x",
            raw={},
            received_at=clock.now() + timedelta(seconds=number),
            last_error="<b>" if number == 24 else "",
        )

    page = text(desk)

    assert "The demo pays itself" in page
    assert "type.24" in page
    assert "&lt;b&gt;" in page
    assert "type.4<" not in page
