"""One walk against localstripe, somebody else's idea of Stripe, where it is installed; it is no dependency.

`pip install localstripe`, anywhere on the path, is enough. It has no hosted Checkout, so the payment is made as a
browser would make it, and not by `create_checkout`; it also forgets idempotency keys and lets refunds grow past what
was paid. What remains is what the adapter did not write itself: the wire, 3-D Secure, a signature made by other hands,
and the shape of an event, a payment and a refund. Everything else is shown by the sandbox and by recorded answers.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stripe
from tests.factories.waiting import PATIENCE_SECONDS, wait_until
from tests.integrations.discord.faulty_server import FaultyServer, Seen

from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.integrations.stripe.calls import UnknownThingError, open_client
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.protocol import EventEnvelope, ObjectKind, RefundState, WebhookRefusedError

if TYPE_CHECKING:
    from stripe.params import PaymentMethodCreateParams

LOCALSTRIPE = shutil.which("localstripe", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
KEY, SECRET = "sk_test_localstripe", "whsec_localstripe"
ASKS = "4000002760003184"

pytestmark = [
    pytest.mark.localstripe,
    pytest.mark.skipif(LOCALSTRIPE is None, reason="needs localstripe: pip install localstripe"),
]


@pytest.fixture
def localstripe(tmp_path: Path) -> Iterator[str]:
    """Start localstripe with nothing in it and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(LOCALSTRIPE), "--port", str(port), "--from-scratch"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)  # noqa: S603 -- found above
        try:
            wait_until(lambda: process.poll() is not None or is_listening(port), "localstripe", every=0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def shop() -> Iterator[FaultyServer]:
    """Stand where the callbacks go."""
    server = FaultyServer()
    yield server
    server.close()


@pytest.fixture
def client(localstripe: str, shop: FaultyServer) -> stripe.StripeClient:
    """Open the client that the product uses, and have every event told to the shop."""
    client = open_client(KEY, base_url=localstripe)
    told = json.dumps({"url": shop.base_url, "secret": SECRET}).encode()
    with urllib.request.urlopen(f"{localstripe}/_config/webhooks/shop", told, PATIENCE_SECONDS) as answer:  # noqa: S310 -- loopback
        assert answer.status == HTTPStatus.OK
    return client


@pytest.fixture
def gateway(client: stripe.StripeClient) -> StripeGateway:
    return StripeGateway(KEY, lambda: ("whsec_the_next_one", SECRET), client=client)


def begin_to_pay(client: stripe.StripeClient) -> stripe.PaymentIntent:
    """Type a card whose bank asks."""
    card: PaymentMethodCreateParams = {
        "type": "card",
        "card": {"number": ASKS, "exp_month": 12, "exp_year": 2040, "cvc": "123"},
    }
    method = client.v1.payment_methods.create(card)
    metadata = {"attempt_ref": "attempt-1"}
    return client.v1.payment_intents.create(
        {"amount": 8000, "currency": "eur", "payment_method": method.id, "confirm": True, "metadata": metadata}
    )


def answer_bank(client: stripe.StripeClient, payment: Any, *, is_approved: bool) -> str:
    """Say yes or no as the cardholder, and return the payment's status."""
    path = f"/v1/payment_intents/{payment.id}/_authenticate"
    client.raw_request("post", path, client_secret=payment.client_secret, success=is_approved)
    return client.v1.payment_intents.retrieve(payment.id).status


def told(shop: FaultyServer, kind: str) -> Seen:
    """Wait for the callback of one kind of event."""

    def found() -> list[Seen]:
        return [seen for seen in list(shop.seen) if seen.json["type"] == kind]

    wait_until(found, kind, every=0.1)
    return found()[0]


def read(gateway: StripeGateway, seen: Seen, *, body: bytes | None = None) -> EventEnvelope:
    return gateway.parse_webhook(seen.body if body is None else body, seen.headers, now=clock.now())


def test_payment_that_the_bank_approves_is_told_by_a_genuine_callback_and_given_back(
    client: stripe.StripeClient, gateway: StripeGateway, shop: FaultyServer
) -> None:
    payment = begin_to_pay(client)
    assert payment.status == "requires_action"

    assert answer_bank(client, payment, is_approved=True) == "succeeded"

    seen = told(shop, "payment_intent.succeeded")
    envelope = read(gateway, seen)
    assert (envelope.object_kind, envelope.object_ref, envelope.payment_ref) == (
        ObjectKind.PAYMENT, payment.id, payment.id,
    )  # fmt: skip
    assert (envelope.metadata, envelope.is_test) == ({"attempt_ref": "attempt-1"}, True)
    with pytest.raises(WebhookRefusedError):
        read(gateway, seen, body=seen.body.replace(b"8000", b"8001"))
    refund = gateway.refund(payment.id, Money(2000, "EUR"), idempotency_key="refund:1:1", metadata={"refund_ref": "1"})
    assert (refund.amount, refund.state, refund.metadata) == (
        Money(2000, "EUR"), RefundState.SUCCEEDED, {"refund_ref": "1"},
    )  # fmt: skip
    assert gateway.list_refunds(payment.id) == [gateway.fetch_refund(refund.refund_ref)] == [refund]


def test_payment_that_the_bank_refuses_is_not_paid(client: stripe.StripeClient, gateway: StripeGateway) -> None:
    payment = begin_to_pay(client)

    assert answer_bank(client, payment, is_approved=False) == "requires_payment_method"

    assert gateway.list_refunds("pi_unknown") == []
    with pytest.raises(UnknownThingError):
        gateway.fetch_refund("re_unknown")
