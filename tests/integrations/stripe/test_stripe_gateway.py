"""What only Stripe's adapter has: words for failures, units, what it sends, and shapes that may come one day."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from tests.integrations.discord.faulty_server import FaultyServer, Reply
from tests.integrations.stripe.factories import PRICE, make_request
from tests.integrations.stripe.stripe_api import KEY

from greenroom.core.money import Money
from greenroom.integrations.stripe import reading, signature
from greenroom.integrations.stripe.amounts import from_stripe, to_stripe
from greenroom.integrations.stripe.calls import API_VERSION, open_client
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.protocol import (
    CheckoutLine,
    GatewayConflictError,
    GatewayError,
    GatewayRejectedError,
    GatewayUnavailableError,
    PayState,
    RefundState,
    WebhookRefusedError,
)
from greenroom.integrations.stripe.setup import EVENT_TYPES

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "amount_total": 8000,
    "currency": "eur",
    "livemode": False,
    "metadata": {"order_ref": "order-1", "attempt_ref": "attempt-1"},
    "payment_intent": None,
    "payment_status": "unpaid",
    "status": "open",
    "url": "https://checkout.stripe.com/c/pay/cs_test_1",
}
PAYMENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount_received": 8000,
    "currency": "eur",
    "last_payment_error": None,
    "latest_charge": {"id": "ch_1", "object": "charge", "amount_refunded": 1000},
    "status": "succeeded",
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 1000,
    "currency": "eur",
    "metadata": {},
    "payment_intent": "pi_1",
    "status": "succeeded",
}


class Told(stripe.HTTPClient):
    """Gives one answer to everything, and keeps what it was asked."""

    name = "told"

    def __init__(self, status: int, body: object) -> None:
        super().__init__()
        self.answer = (body if isinstance(body, bytes) else json.dumps(body).encode(), status, {})
        self.asked: list[tuple[str, str, Mapping[str, str], str]] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        self.asked.append((method, url, headers, post_data))
        return self.answer


def told(status: int, body: object) -> tuple[StripeGateway, Told]:
    http_client = Told(status, body)
    return StripeGateway(KEY, tuple, client=open_client(KEY, http_client=http_client)), http_client


def failure(kind: str = "invalid_request_error", **more: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "No.", **more}}


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    faulty = FaultyServer()
    yield faulty
    faulty.close()


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, failure(), GatewayRejectedError, "400: No."),
        (402, failure("card_error", code="card_declined"), GatewayRejectedError, "402: No."),
        (404, failure(code="resource_missing"), GatewayRejectedError, "404: No."),
        (400, failure("idempotency_error"), GatewayRejectedError, "400: the idempotency key"),
        (409, failure("idempotency_error", code="idempotency_key_in_use"), GatewayConflictError, "409"),
        (429, failure(code="lock_timeout"), GatewayConflictError, "429"),
        (400, failure(code="rate_limit"), GatewayConflictError, "400"),
        (401, failure(), GatewayUnavailableError, "401: Stripe does not accept the secret key"),
        (403, failure(), GatewayUnavailableError, "403: Stripe does not accept the secret key"),
        (500, failure("api_error"), GatewayUnavailableError, "500"),
        (502, b"<html>", GatewayUnavailableError, "502"),
        (503, b"", GatewayUnavailableError, "503"),
        (200, b"<html>", GatewayUnavailableError, "not understood"),
        (200, {"id": "cs_1", "object": "checkout.session", "url": None}, GatewayUnavailableError, "not understood"),
        (200, [], GatewayUnavailableError, "not understood"),
    ],
)
def test_failures_of_stripe_are_errors_of_the_protocol(
    status: int, body: object, error: type[GatewayError], words: str
) -> None:
    gateway, http_client = told(status, body)

    with pytest.raises(error, match=words):
        gateway.create_checkout(make_request(NOW), idempotency_key="k")

    assert len(http_client.asked) == 1  # whoever keeps the key decides on a repetition


@pytest.mark.parametrize(("status", "has_answered"), [(500, True), (502, False), (503, False)])
def test_only_a_failure_of_stripes_own_is_kept_under_the_key(status: int, *, has_answered: bool) -> None:
    with pytest.raises(GatewayUnavailableError) as failed:
        told(status, failure("api_error"))[0].create_checkout(make_request(NOW), idempotency_key="k")

    assert failed.value.has_answered is has_answered


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(drop=True)])
def test_no_answer_is_unknown_and_not_repeated(server: FaultyServer, reply: Reply) -> None:
    server.queue(reply)
    http_client = stripe.RequestsClient(timeout=(1, 0.3))
    client = open_client(KEY, http_client=http_client, base_url=server.base_url.removesuffix("/api/v10"))

    with pytest.raises(GatewayUnavailableError, match="did not answer") as failed:
        StripeGateway(KEY, tuple, client=client).create_checkout(make_request(NOW), idempotency_key="k")

    assert not failed.value.has_answered
    assert server.paths() == ["POST /v1/checkout/sessions"]


def test_what_is_sent_names_key_version_and_nothing_of_stripes_own_choice() -> None:
    gateway, http_client = told(200, SESSION)

    handle = gateway.create_checkout(make_request(NOW), idempotency_key="att:1")

    [(method, url, headers, body)] = http_client.asked
    assert (handle.gateway_ref, handle.pay_url) == ("cs_test_1", "https://checkout.stripe.com/c/pay/cs_test_1")
    assert (method, url) == ("post", "https://api.stripe.com/v1/checkout/sessions")
    assert (headers["Idempotency-Key"], headers["Stripe-Version"]) == ("att:1", API_VERSION)
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert "X-Stripe-Client-Telemetry" not in headers
    for sent in (
        "mode=payment",
        "payment_method_types[0]=card",
        "adaptive_pricing[enabled]=false",
        "line_items[0][price_data][unit_amount]=8000",
        "line_items[0][price_data][currency]=eur",
        "payment_intent_data[metadata][attempt_ref]=attempt-1",
        "client_reference_id=attempt-1",
        f"expires_at={int(make_request(NOW).expires_at.timestamp())}",
    ):
        assert sent in body
    for never in ("allow_promotion_codes", "discounts", "automatic_tax"):
        assert never not in body


def test_order_with_a_discount_is_sent_as_one_line() -> None:
    gateway, http_client = told(200, SESSION)
    lines = [CheckoutLine("Call", Money(9000, "EUR")), CheckoutLine("Spring", Money(-1000, "EUR"))]

    gateway.create_checkout(make_request(NOW, lines=lines), idempotency_key="k")

    body = http_client.asked[0][3]
    assert "line_items[0][price_data][product_data][name]=Call" in body
    assert "line_items[0][price_data][unit_amount]=8000" in body
    assert "line_items[1]" not in body


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        (Money(8000, "EUR"), 8000),
        (Money(500, "JPY"), 500),
        (Money(500, "ISK"), 50_000),
        (Money(50_000, "MGA"), 500),
        (Money(5120, "KWD"), 5120),
    ],
)
def test_amounts_in_stripes_units_and_back(amount: Money, number: int) -> None:
    assert to_stripe(amount) == number
    assert from_stripe(number, amount.currency.lower()) == amount


@pytest.mark.parametrize("amount", [Money(5125, "KWD"), Money(50_001, "MGA"), Money(100, "UGX")])
def test_amount_that_stripe_cannot_take_is_refused_before_it_is_sent(amount: Money) -> None:
    gateway, http_client = told(200, SESSION)

    with pytest.raises(GatewayRejectedError):
        gateway.create_checkout(
            make_request(NOW, total=amount, lines=[CheckoutLine("Call", amount)]), idempotency_key="k"
        )
    with pytest.raises(GatewayRejectedError):
        gateway.refund("pi_1", amount, idempotency_key="r", metadata={})

    assert http_client.asked == []


def test_hundredths_of_a_krona_are_not_understood() -> None:
    with pytest.raises(ValueError, match="whole"):
        from_stripe(50_050, "isk")


@pytest.mark.parametrize(
    ("session", "payment", "state"),
    [
        ({}, None, PayState.OPEN),
        ({}, {"status": "requires_payment_method"}, PayState.OPEN),
        ({}, {"status": "requires_action"}, PayState.REQUIRES_ACTION),
        ({"status": "complete", "payment_status": "paid"}, {}, PayState.PAID),
        ({"status": "complete"}, {"status": "processing"}, PayState.PROCESSING),
        ({"status": "complete"}, {"status": "something_new"}, PayState.PROCESSING),
        ({"status": "complete"}, {"status": "requires_payment_method"}, PayState.FAILED),
        ({"status": "complete"}, {"status": "canceled"}, PayState.DEAD),
        ({"status": "expired"}, None, PayState.DEAD),
        ({"status": "expired"}, {"status": "canceled"}, PayState.DEAD),
        ({"status": "expired"}, {}, PayState.PAID),
    ],
)
def test_state_is_what_the_payment_says_before_what_the_session_is_called(
    session: dict[str, Any], payment: dict[str, Any] | None, state: PayState
) -> None:
    behind = None if payment is None else PAYMENT | payment
    gateway, _ = told(200, SESSION | session | {"payment_intent": behind})

    assert gateway.fetch("cs_test_1").state is state


def test_paid_session_tells_what_was_really_taken_and_given_back() -> None:
    gateway, http_client = told(200, SESSION | {"payment_intent": PAYMENT | {"amount_received": 8001}})

    found = gateway.fetch("cs_test_1")

    assert (found.amount, found.refunded, found.payment_ref) == (Money(8001, "EUR"), Money(1000, "EUR"), "pi_1")
    assert "expand[0]=payment_intent.latest_charge.balance_transaction" in http_client.asked[0][1]


@pytest.mark.parametrize(
    ("transaction", "fee"),
    [
        ({"fee": 270, "currency": "usd"}, Money(270, "USD")),
        ({"fee": 0, "currency": "eur"}, Money(0, "EUR")),
        ({"fee": 500, "currency": "isk"}, Money(5, "ISK")),
        ({"fee": 501, "currency": "isk"}, None),
        ("txn_1", None),
        (None, None),
    ],
)
def test_fee_is_in_the_accounts_currency_and_unknown_until_it_is_told(transaction: object, fee: Money | None) -> None:
    charge = {"amount_refunded": 0, "balance_transaction": transaction}

    assert told(200, SESSION | {"payment_intent": PAYMENT | {"latest_charge": charge}})[0].fetch("cs_test_1").fee == fee


def test_declined_card_is_named_by_the_banks_own_word() -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "type": "card_error"}
    payment = PAYMENT | {"status": "requires_payment_method", "last_payment_error": error, "latest_charge": None}

    assert told(200, SESSION | {"payment_intent": payment})[0].fetch("cs_test_1").problem == "insufficient_funds"


@pytest.mark.parametrize(
    ("key", "is_test"), [("sk_test_1", True), ("rk_test_1", True), ("sk_live_1", False), ("rk_live_1", False)]
)
def test_only_a_live_key_moves_real_money(key: str, *, is_test: bool) -> None:
    assert StripeGateway(key, tuple).is_test is is_test


@pytest.mark.parametrize(
    ("changes", "state", "problem"),
    [
        ({}, RefundState.SUCCEEDED, ""),
        ({"status": "pending", "pending_reason": "insufficient_funds"}, RefundState.PENDING, "insufficient_funds"),
        ({"status": "failed", "failure_reason": "lost_or_stolen_card"}, RefundState.FAILED, "lost_or_stolen_card"),
        ({"status": "something_new"}, RefundState.PENDING, ""),
        ({"metadata": None}, RefundState.SUCCEEDED, ""),
    ],
)
def test_refund_tells_its_state_and_what_is_wrong(changes: dict[str, Any], state: RefundState, problem: str) -> None:
    found = told(200, REFUND | changes)[0].fetch_refund("re_1")

    assert (found.state, found.problem, found.payment_ref) == (state, problem, "pi_1")


def test_refund_whose_payment_was_expanded_is_read_as_well() -> None:
    assert reading.refund_of(REFUND | {"payment_intent": PAYMENT}).payment_ref == "pi_1"


def test_events_of_stripes_own_class_are_read() -> None:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "created": int(NOW.timestamp()),
        "livemode": True,
        "data": {"object": SESSION},
    }
    gateway, http_client = told(200, {"object": "list", "data": [event], "has_more": False, "url": "/v1/events"})

    [found] = gateway.list_events(since=NOW)

    assert (found.event_id, found.object_ref, found.is_test) == ("evt_1", "cs_test_1", False)
    assert all(f"={name}" in http_client.asked[0][1] for name in EVENT_TYPES)


def test_callback_is_genuine_under_either_secret_while_one_replaces_the_other() -> None:
    body = json.dumps(
        {"id": "evt_1", "type": "x", "created": 1, "livemode": False, "data": {"object": REFUND}}
    ).encode()
    gateway = StripeGateway(KEY, lambda: ("whsec_new", "whsec_old"))

    for secret in ("whsec_new", "whsec_old"):
        headers = {signature.HEADER: signature.sign(body, secret=secret, at=NOW)}
        assert gateway.parse_webhook(body, headers, now=NOW).object_ref == "re_1"
    for secrets in ((), ("",), ("whsec_other",)):
        headers = {signature.HEADER: signature.sign(body, secret="", at=NOW)}
        with pytest.raises(WebhookRefusedError):
            StripeGateway(KEY, lambda given=secrets: given).parse_webhook(body, headers, now=NOW)


def test_signature_of_ours_passes_stripes_own_check() -> None:
    body = json.dumps({"id": "evt_1", "object": "event"}).encode()
    at = datetime.now(UTC)

    event = stripe.Webhook.construct_event(body, signature.sign(body, secret="whsec_1", at=at), "whsec_1")  # type: ignore[no-untyped-call]  # the library's own gap

    assert event["id"] == "evt_1"


def test_lines_that_do_not_add_up_are_not_sent() -> None:
    gateway, http_client = told(200, SESSION)

    with pytest.raises(GatewayRejectedError, match="add up"):
        gateway.create_checkout(
            make_request(NOW, lines=[CheckoutLine("Call", PRICE - Money(1, "EUR"))]), idempotency_key="k"
        )

    assert http_client.asked == []


@pytest.mark.parametrize(
    ("moves", "withdrawn", "reinstated"),
    [
        ([], 0, 0),
        ([(-8000, "eur")], 8000, 0),
        ([(-8000, "eur"), (8000, "eur")], 8000, 8000),
        ([(-8000, "eur"), (3000, "eur")], 8000, 3000),
        ([(-8700, "usd")], 8000, 0),
        ([(-8700, "usd"), (8650, "usd")], 8000, 8000),
    ],
)
def test_dispute_counts_the_money_that_moved_also_in_the_currency_of_payouts(
    moves: list[tuple[int, str]], withdrawn: int, reinstated: int
) -> None:
    told_dispute = {
        "id": "du_1",
        "object": "dispute",
        "amount": 8000,
        "balance_transactions": [{"amount": number, "currency": currency, "fee": 0} for number, currency in moves],
        "created": int(NOW.timestamp()),
        "currency": "eur",
        "payment_intent": "pi_1",
        "reason": "general",
        "status": "a_new_word",
    }

    found = told(200, told_dispute)[0].fetch_dispute("du_1")

    assert (found.withdrawn, found.reinstated) == (Money(withdrawn, "EUR"), Money(reinstated, "EUR"))
    assert (found.status, found.is_inquiry, found.evidence_due_at) == ("a_new_word", False, None)


def test_refund_under_a_key_that_was_used_otherwise_waits_and_is_looked_for() -> None:
    with pytest.raises(GatewayConflictError, match="other parameters"):
        told(400, failure("idempotency_error"))[0].refund("pi_1", PRICE, idempotency_key="r", metadata={})
