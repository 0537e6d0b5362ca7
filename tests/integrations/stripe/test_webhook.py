import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.protocol import EventEnvelope, ObjectKind, WebhookRefusedError
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECRET = settings.ENVIRONMENT.stripe_webhook_secrets[0]
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "checkout.session.completed",
    "created": 1_772_445_600,
    "livemode": False,
    "data": {
        "object": {
            "id": "cs_1",
            "object": "checkout.session",
            "payment_intent": "pi_1",
            "metadata": {"attempt_ref": "a1"},
        }
    },
}
BODY = json.dumps(EVENT).encode()


def parse(body: bytes, header: str | None = None, *, now: datetime = NOW) -> EventEnvelope:
    header = signature.sign(body, secret=SECRET, at=NOW) if header is None else header
    return SandboxGateway().parse_webhook(body, {signature.HEADER: header}, now=now)


def test_sign_follows_the_vendors_scheme() -> None:
    header = signature.sign(b"{}", secret="whsec_test", at=datetime.fromtimestamp(1_700_000_000, tz=UTC))

    # printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
    assert header == "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91"


def test_parse_webhook_reads_references_and_nothing_more() -> None:
    envelope = parse(BODY)

    assert envelope == EventEnvelope(
        event_id="evt_1",
        type="checkout.session.completed",
        created_at=NOW,
        is_test=True,
        account="",
        object_kind=ObjectKind.CHECKOUT,
        object_ref="cs_1",
        payment_ref="pi_1",
        metadata={"attempt_ref": "a1"},
        raw=EVENT,
    )


@pytest.mark.parametrize(
    ("thing", "kind", "payment_ref"),
    [
        ({"id": "pi_9", "object": "payment_intent"}, ObjectKind.PAYMENT, "pi_9"),
        ({"id": "re_9", "object": "refund", "payment_intent": "pi_9"}, ObjectKind.REFUND, "pi_9"),
        ({"id": "du_9", "object": "dispute", "payment_intent": None}, ObjectKind.DISPUTE, ""),
        ({"id": "x_9", "object": "payout", "metadata": None}, ObjectKind.OTHER, ""),
    ],
)
def test_parse_webhook_knows_what_an_event_is_about(thing: dict[str, Any], kind: ObjectKind, payment_ref: str) -> None:
    envelope = parse(json.dumps({**EVENT, "account": "acct_1", "data": {"object": thing}}).encode())

    assert (envelope.object_kind, envelope.payment_ref, envelope.account) == (kind, payment_ref, "acct_1")


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_parse_webhook_within_five_minutes_either_way_is_accepted(seconds: int) -> None:
    assert parse(BODY, now=NOW + timedelta(seconds=seconds)).event_id == "evt_1"


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_parse_webhook_older_or_from_the_future_is_refused(seconds: int) -> None:
    with pytest.raises(WebhookRefusedError, match="too far from now"):
        parse(BODY, now=NOW + timedelta(seconds=seconds))


def test_parse_webhook_while_the_secret_is_replaced_accepts_one_good_signature_of_several() -> None:
    good = signature.sign(BODY, secret=SECRET, at=NOW).partition("v1=")[2]

    assert parse(BODY, f"t={int(NOW.timestamp())},v1={'0' * 64},v1={good},v0=x").event_id == "evt_1"


STAMP = int(NOW.timestamp())


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"t={STAMP}",
        f"t={STAMP},v1=",
        f"t={STAMP},v1={'0' * 64}",
        f"t={STAMP},v1={'0' * 64},v1={'1' * 64}",
        f"t={STAMP},v1=\udcff",
        f"v1={signature.sign(BODY, secret=SECRET, at=NOW).partition('v1=')[2]}",
        f"t={STAMP},{signature.sign(BODY, secret=SECRET, at=NOW)}",
        signature.sign(BODY, secret=SECRET, at=NOW).replace("t=", "t=+"),
        signature.sign(BODY, secret=SECRET, at=NOW).replace("v1=", "v0="),
        signature.sign(BODY, secret="another", at=NOW),
        signature.sign(BODY + b" ", secret=SECRET, at=NOW),
    ],
    ids=range(13),  # every process has a secret of its own, and the processes must agree on the tests' names
)
def test_parse_webhook_without_a_genuine_signature_is_refused(header: str) -> None:
    with pytest.raises(WebhookRefusedError):
        parse(BODY, header)


def test_parse_webhook_without_the_header_is_refused() -> None:
    with pytest.raises(WebhookRefusedError):
        SandboxGateway().parse_webhook(BODY, {}, now=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"not json",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b'{"data": []}',
        b"[" * 100_000,
        json.dumps({**EVENT, "data": {"object": "cs_1"}}).encode(),
        json.dumps({**EVENT, "data": {"object": {"object": []}}}).encode(),
        json.dumps({**EVENT, "data": {"object": {"id": "a", "object": ["b"]}}}).encode(),
        json.dumps({**EVENT, "created": "soon"}).encode(),
        json.dumps({**EVENT, "created": 10**20}).encode(),
        json.dumps({"id": "evt_1", "object": "v2.core.event", "related_object": {}}).encode(),
        json.dumps({**EVENT, "data": {"object": {"id": "a", "object": "refund", "metadata": [1]}}}).encode(),
    ],
)
def test_parse_webhook_of_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefusedError, match="no event"):
        parse(body)
