import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from tests.factories.clock import SettableClock

from greenroom.core.errors import BusyError
from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.jobs.models import Job
from greenroom.payments import gateways, services
from greenroom.payments.models import GatewayEvent

pytestmark = pytest.mark.usefixtures("db", "gateway")

EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "checkout.session.completed",
    "created": 1,
    "livemode": False,
    "data": {"object": {"id": "cs_1", "object": "checkout.session"}},
}
BODY = json.dumps(EVENT).encode()


@pytest.fixture
def gateway() -> Iterator[None]:
    before = gateways.wired()
    gateways.use(SandboxGateway())
    yield
    gateways.use(*before)


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


def call(body: bytes, at: datetime, path: str = "/api/webhooks/stripe", **headers: str) -> Any:
    secret = settings.ENVIRONMENT.stripe_webhook_secrets[0]
    header = headers.pop("header", signature.sign(body, secret=secret, at=at))
    return Client(enforce_csrf_checks=True).post(
        path, body, content_type="application/json", headers={signature.HEADER: header, **headers}
    )


@pytest.mark.parametrize("path", ["/api/webhooks/stripe", "/payments/webhook/"])
def test_genuine_callback_is_kept_and_acknowledged(now: datetime, path: str) -> None:
    answer = call(BODY, now, path)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert GatewayEvent.objects.get().event_id == "evt_1"
    assert Job.objects.get().kind == "payments.process_event"


def test_callback_that_comes_again_is_acknowledged_and_kept_once(now: datetime) -> None:
    statuses = [call(BODY, now).status_code for _ in range(3)]

    assert (statuses, GatewayEvent.objects.count(), Job.objects.count()) == ([200] * 3, 1, 1)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_callback_too_old_or_from_the_future_is_refused(now: datetime, seconds: int) -> None:
    assert_refused(call(BODY, now + timedelta(seconds=seconds)))


@pytest.mark.parametrize("header", ["", "t=1", "v1=00", "t=1,v1=00,v1=11", "t=1,v1=\u00ff"])
def test_callback_without_a_genuine_signature_is_refused(now: datetime, header: str) -> None:
    assert_refused(call(BODY, now, header=header))


UNKEEPABLE: list[dict[str, Any]] = [
    {"id": "evt_" + "x" * 252},
    {"account": "acct_" + "x" * 60},
    {"created": 10**400},
    {"created": float("nan")},
    {"more": float("inf")},
    {"type": "zero \0"},
    {"id": "evt_\ud800"},
    {"data": {"object": {"id": "cs_1", "object": "checkout.session", "metadata": {"key": "\0"}}}},
    {"data": {"object": {"id": "cs_1", "object": "checkout.session", "metadata": ["a list"]}}},
    {"data": {"object": {"id": "x" * 256, "object": "checkout.session"}}},
    {"data": {"object": {"id": "cs_1", "object": "checkout.session", "payment_intent": "x" * 256}}},
]


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"nonsense", b"[]", b"null", b"{}", b'"text"', b"[" * 100_000]
    + [json.dumps(EVENT | change).encode() for change in UNKEEPABLE],
    ids=lambda body: f"{body[:20]!r}{len(body)}",
)
def test_signed_callback_that_is_no_event_is_refused(now: datetime, body: bytes) -> None:
    assert_refused(call(body, now))


def test_signed_callback_that_only_looks_unkeepable_is_kept(now: datetime) -> None:
    assert call(json.dumps(EVENT | {"type": r"written out: \u0000"}).encode(), now).status_code == 200


def test_callback_without_the_header_is_refused() -> None:
    assert_refused(Client().post("/api/webhooks/stripe", BODY, content_type="application/json"))


def assert_refused(answer: Any) -> None:
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_callback"
    assert (GatewayEvent.objects.count(), Job.objects.count()) == (0, 0)


def test_callback_larger_than_a_mebibyte_is_refused_unread(now: datetime) -> None:
    answer = call(b"x" * 1_048_577, now)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_callback_of_exactly_a_mebibyte_is_read(now: datetime) -> None:
    padding = 1_048_576 - len(json.dumps({**EVENT, "padding": ""}).encode())
    body = json.dumps({**EVENT, "padding": "x" * padding}).encode()

    assert len(body) == 1_048_576
    assert call(body, now).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    answer = getattr(client, method)("/api/webhooks/stripe")

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize("error", [OperationalError("the database is gone"), BusyError()])
def test_callback_that_cannot_be_kept_is_asked_for_again(
    now: datetime, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(**_kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(services, "receive_event", fail)

    answer = call(BODY, now)

    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "30", "busy")
