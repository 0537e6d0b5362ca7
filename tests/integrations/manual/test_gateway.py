from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from tests.factories.by_hand import PAGE, make_method
from tests.factories.clock import SettableClock
from tests.integrations.stripe.factories import PRICE, make_request

from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.manual import rows
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.manual.models import ManualPayment, ManualRefund, PayMethod
from greenroom.integrations.manual.proofs import MOST_BYTES, read_proof
from greenroom.integrations.stripe.protocol import (
    ByHand,
    GatewayRejectedError,
    Moved,
    PaymentGateway,
    PaymentSnapshot,
    PayState,
    RefundState,
    WebhookRefusedError,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


@pytest.fixture
def gateway(now: datetime) -> PaymentGateway:  # noqa: ARG001 -- it reads the clock
    return ManualGateway(is_test=True)


@pytest.fixture
def method(now: datetime) -> PayMethod:  # noqa: ARG001 -- it reads the clock
    return make_method()


def make(gateway: PaymentGateway, method: PayMethod, now: datetime, key: str = "k", **changes: Any) -> ManualPayment:
    wanted = ByHand(method.pk, PAGE, "Europe/Berlin", now + 3 * DAY)
    request = make_request(now, **{"expires_at": now + DAY, "by_hand": wanted, **changes})
    handle = gateway.create_checkout(request, idempotency_key=key)
    assert handle.pay_url == PAGE
    return ManualPayment.objects.get(ref=handle.gateway_ref)


def receive(payment: ManualPayment, now: datetime, amount: Money = PRICE) -> None:
    money = {"received_minor": amount.minor, "received_currency": amount.currency, "received_at": now}
    ManualPayment.objects.filter(pk=payment.pk).update(**money)


def test_gateway_says_what_it_is(gateway: PaymentGateway) -> None:
    assert (gateway.code, gateway.is_test, gateway.is_hosted, gateway.setup) == ("manual", True, False, None)
    assert gateway.pages_origin == settings.BASE_URL


def test_fetch_of_a_new_payment_tells_what_was_asked(gateway: PaymentGateway, method: PayMethod, now: datetime) -> None:
    payment = make(gateway, method, now)

    assert gateway.fetch(payment.ref) == PaymentSnapshot(
        gateway_ref=payment.ref,
        payment_ref="",
        state=PayState.OPEN,
        amount=PRICE,
        refunded=Money(0, "EUR"),
        is_test=True,
        order_ref="order-1",
        attempt_ref="attempt-1",
    )
    assert len(payment.code) == 8
    assert not set(payment.code) & set("01IOL")


def test_same_key_brings_the_same_payment_and_other_words_are_refused(
    gateway: PaymentGateway, method: PayMethod, now: datetime
) -> None:
    assert make(gateway, method, now) == make(gateway, method, now)
    with pytest.raises(GatewayRejectedError, match="other parameters"):
        make(gateway, method, now, total=Money(1, "EUR"))
    assert ManualPayment.objects.count() == 1


def test_payment_by_a_method_that_is_off_or_too_late_is_refused(
    gateway: PaymentGateway, method: PayMethod, now: datetime
) -> None:
    with pytest.raises(GatewayRejectedError, match="time to pay"):
        make(gateway, method, now, expires_at=now)
    with pytest.raises(GatewayRejectedError, match="not offered"):
        make(gateway, method, now, by_hand=None)
    PayMethod.objects.update(is_active=False)
    with pytest.raises(GatewayRejectedError, match="not offered"):
        make(gateway, method, now)
    assert not ManualPayment.objects.exists()


def test_payment_ends_with_its_time_and_stays_ended(
    gateway: PaymentGateway, method: PayMethod, frozen_clock: SettableClock
) -> None:
    payment = make(gateway, method, frozen_clock())
    frozen_clock.advance(DAY - timedelta(microseconds=1))
    assert gateway.fetch(payment.ref).state is PayState.OPEN
    over = frozen_clock.advance(timedelta(microseconds=1))

    assert gateway.fetch(payment.ref).state is PayState.DEAD
    payment.refresh_from_db()
    assert payment.ended_at == over
    assert rows.state_at(payment, over - DAY) is PayState.DEAD  # whatever another clock says


def test_expire_ends_an_open_payment_and_waits_for_one_that_was_handed_in(
    gateway: PaymentGateway, method: PayMethod, frozen_clock: SettableClock
) -> None:
    now = frozen_clock()
    payment, said = make(gateway, method, now), make(gateway, method, now, key="k2")
    ManualPayment.objects.filter(pk=said.pk).update(handed_in_at=now)

    assert gateway.expire_checkout(payment.ref).state is PayState.DEAD
    assert gateway.expire_checkout(said.ref).state is PayState.PROCESSING
    frozen_clock.advance(2 * DAY)
    assert gateway.fetch(said.ref).state is PayState.PROCESSING
    frozen_clock.advance(DAY)
    assert gateway.fetch(said.ref).state is PayState.DEAD


def test_money_counts_whenever_it_arrives(gateway: PaymentGateway, method: PayMethod, now: datetime) -> None:
    payment = make(gateway, method, now)
    gateway.expire_checkout(payment.ref)
    receive(payment, now, Money(7000, "EUR"))

    found = gateway.expire_checkout(payment.ref)

    assert (found.state, found.amount, found.payment_ref) == (PayState.PAID, Money(7000, "EUR"), payment.ref)


def test_refund_waits_for_a_person_and_is_written_once_per_key(
    gateway: PaymentGateway, method: PayMethod, now: datetime
) -> None:
    payment = make(gateway, method, now)
    receive(payment, now)

    first, again = [
        gateway.refund(payment.ref, Money(3000, "EUR"), idempotency_key="r", metadata={"refund_request": "7"})
        for _ in range(2)
    ]

    assert first == again == gateway.fetch_refund(first.refund_ref)
    assert (first.state, first.amount, first.metadata) == (
        RefundState.PENDING,
        Money(3000, "EUR"),
        {"refund_request": "7"},
    )
    assert list(gateway.list_refunds(payment.ref)) == [first]
    assert gateway.fetch(payment.ref).refunded == Money(3000, "EUR")
    with pytest.raises(GatewayRejectedError, match="more than"):
        gateway.refund(payment.ref, Money(5001, "EUR"), idempotency_key="s", metadata={})
    with pytest.raises(GatewayRejectedError, match="other parameters"):
        gateway.refund(payment.ref, Money(1, "EUR"), idempotency_key="r", metadata={})
    ManualRefund.objects.update(state=RefundState.FAILED)
    assert gateway.fetch(payment.ref).refunded == Money(0, "EUR")


def test_refund_of_what_never_arrived_is_refused(gateway: PaymentGateway, method: PayMethod, now: datetime) -> None:
    payment = make(gateway, method, now)

    with pytest.raises(GatewayRejectedError, match="404"):
        gateway.refund(payment.ref, PRICE, idempotency_key="r", metadata={})


@pytest.mark.parametrize("call", ["fetch", "expire_checkout", "fetch_refund", "fetch_dispute"])
def test_calls_about_unknown_things_are_refused(gateway: PaymentGateway, call: str) -> None:
    with pytest.raises(GatewayRejectedError, match="404"):
        getattr(gateway, call)("nothing")


def test_nothing_calls_back_and_nobody_disputes(gateway: PaymentGateway, now: datetime) -> None:
    with pytest.raises(WebhookRefusedError):
        gateway.parse_webhook(b"{}", {}, now=now)
    assert (list(gateway.list_events(since=now)), list(gateway.list_disputes("x"))) == ([], [])
    assert gateway.list_moved(since=now, until=now, metadata={}) == Moved([], [], [])


@pytest.mark.parametrize("call", ["fetch", "expire_checkout", "fetch_refund", "list_refunds"])
def test_calls_inside_a_transaction_are_refused(gateway: PaymentGateway, call: str) -> None:
    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        getattr(gateway, call)("nothing")


@pytest.mark.parametrize("hours", [0, 721])
def test_method_without_or_with_endless_time_is_refused_by_the_database(now: datetime, hours: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_method(hours_to_pay=hours, created_at=now)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7 ...", "pdf"),
        (b"\x89PNG\r\n\x1a\n...", "png"),
        (b"\xff\xd8\xff\xe0...", "jpg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
    ],
)
def test_proof_is_known_by_its_content(content: bytes, kind: str) -> None:
    assert read_proof(content).kind == kind


@pytest.mark.parametrize(
    "content",
    [b"", b"<script>alert(1)</script>", b"GIF89a", b"RIFF\x00\x00\x00\x00WAVE", b"%PDF-" + b"0" * MOST_BYTES],
    ids=["empty", "page", "gif", "sound", "large"],
)
def test_proof_that_is_no_picture_or_pdf_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInputError) as found:
        read_proof(content)
    assert found.value.field == "proof"
