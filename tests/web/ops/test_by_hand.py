from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_admin, make_user
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.by_hand import make_method, store_payment, store_proof, store_refund
from tests.factories.clock import SettableClock
from tests.web.test_templates import Reader

from greenroom.coaches.models import Coach
from greenroom.core.models import AuditEntry
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.manual.models import ManualPayment, ManualRefund, PayMethod
from greenroom.orders.models import Order, OrderLine
from greenroom.payments import gateways

pytestmark = pytest.mark.django_db
LIST = "/ops/payments/by-hand/"
NEW = f"{LIST}methods/new/"
WORDS = {"title": "Bank transfer", "instructions": "Account 1", "hours_to_pay": "48", "is_active": "on"}


@pytest.fixture(autouse=True)
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


@pytest.fixture(autouse=True)
def _by_hand_only() -> Iterator[None]:
    before = gateways.wired()
    gateways.use(ManualGateway(is_test=False))
    yield
    gateways.use(*before)


@pytest.fixture
def desk(db: None) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


@pytest.fixture
def coach(db: None) -> Coach:  # noqa: ARG001 -- it writes
    return make_coach()


@pytest.fixture
def payment(coach: Coach, now: datetime) -> ManualPayment:
    return store_payment(coach, make_method(), now=now)


def text(answer: Any) -> str:
    page = answer.content.decode()
    reader = Reader(page)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    return " ".join(page.split())


def test_only_staff_find_these_pages(client: Client, payment: ManualPayment, now: datetime) -> None:
    refund = store_refund(store_payment(make_coach("noah"), payment.method, now=now), now=now)
    proof = store_proof(payment, now=now)
    paths = [
        LIST,
        NEW,
        f"{LIST}methods/{payment.method_id}/",
        f"{LIST}{payment.ref}/",
        f"{LIST}{payment.ref}/proofs/{proof.ref}/",
        f"{LIST}refunds/{refund.ref}/",
    ]
    assert {client.get(path).status_code for path in paths} == {302}
    client.force_login(make_user())
    assert {client.get(path).status_code for path in paths} == {404}
    assert {client.post(path, WORDS).status_code for path in paths} == {404}
    desk = Client()
    desk.force_login(make_admin())
    assert {desk.get(path).status_code for path in paths} == {200}


def test_staff_make_and_change_a_method(desk: Client, settings: Any) -> None:
    settings.SANDBOX_ENABLED = False
    assert "None yet." in text(desk.get(LIST))
    desk.post(NEW, WORDS)
    [method] = PayMethod.objects.all()
    assert (method.title, method.hours_to_pay, method.coach_approves, method.is_active) == (
        "Bank transfer",
        48,
        False,
        True,
    )
    assert "by hand only" in text(desk.get("/ops/"))

    page = desk.post(f"{LIST}methods/{method.pk}/", {**WORDS, "coach_approves": "on", "is_active": ""}, follow=True)

    assert "switched off" in text(page)
    assert AuditEntry.objects.filter(action="payments.save_method").count() == 2
    assert "off: only free offers" in text(desk.get("/ops/"))


@pytest.mark.parametrize(
    "changes", [{"title": ""}, {"instructions": ""}, {"hours_to_pay": "0"}, {"hours_to_pay": "721"}, {"title": "\x00"}]
)
def test_method_that_lacks_something_is_refused_and_nothing_is_lost(desk: Client, changes: dict[str, str]) -> None:
    answer = desk.post(NEW, WORDS | changes)

    assert answer.status_code == 422
    assert "Account 1" in text(answer) or changes == {"instructions": ""}
    assert not PayMethod.objects.exists()


def test_staff_see_who_waits_and_write_down_what_arrived(desk: Client, payment: ManualPayment) -> None:
    assert "1 payment or refund by hand</a></p> </section>" in text(desk.get("/ops/"))
    assert payment.code in text(desk.get(LIST))
    page = f"{LIST}{payment.ref}/"
    assert "They say they paid" in text(desk.get(page))

    answer = desk.post(page, {"answer": "approve", "amount": "50", "currency": "eur"}, follow=True)

    assert "Written down." in text(answer)
    payment.refresh_from_db()
    assert (payment.received_minor, payment.received_currency) == (5000, "EUR")
    assert "€50 arrived" in text(desk.get(page))
    again = desk.post(page, {"answer": "approve", "amount": "49", "currency": "EUR"})
    assert (again.status_code, "answered this already" in text(again)) == (422, True)


@pytest.mark.parametrize(
    "posted",
    [
        {"amount": "", "currency": "EUR"},
        {"amount": "0", "currency": "EUR"},
        {"amount": "5,000", "currency": "EUR"},
        {"amount": "50", "currency": "ZZZ"},
    ],
)
def test_amount_that_is_none_is_refused(desk: Client, payment: ManualPayment, posted: dict[str, str]) -> None:
    answer = desk.post(f"{LIST}{payment.ref}/", {"answer": "approve", **posted})

    assert answer.status_code == 422
    payment.refresh_from_db()
    assert payment.received_at is None


def test_another_amount_than_agreed_is_taken_with_a_warning(desk: Client, payment: ManualPayment) -> None:
    page = f"{LIST}{payment.ref}/"

    answer = desk.post(page, {"answer": "approve", "amount": "45", "currency": "EUR"}, follow=True)

    assert "€45 is written down. It is not €50: it does not count as paid" in text(answer)
    assert "€45 arrived" in text(desk.get(page))
    assert "It is not €50, so it does not count" in text(desk.get(page))


def test_list_and_page_say_what_was_bought_and_when_it_begins(
    desk: Client, coach: Coach, payment: ManualPayment, now: datetime
) -> None:
    booking = make_booking(offer=make_offer(coach), starts_at=now + timedelta(days=1), now=now)
    order = Order.objects.get(ref=payment.order_ref)
    OrderLine.objects.create(order=order, position=0, kind="call", title="A call, 60 minutes", price_minor=5000)
    booking.order = order
    booking.save()

    for path in (LIST, f"{LIST}{payment.ref}/"):
        assert "A call, 60 minutes, Tue 3 Mar, 10:00 UTC" in text(desk.get(path))


def test_hours_that_cannot_be_are_named_with_what_can(desk: Client) -> None:
    answer = desk.post(NEW, WORDS | {"hours_to_pay": "721", "instructions": ""})

    assert "Write a whole number from 1 to 720." in text(answer)
    assert "Fill this in." in text(answer)


def test_staff_say_that_nothing_arrived(desk: Client, payment: ManualPayment) -> None:
    desk.post(f"{LIST}{payment.ref}/", {"answer": "refuse", "reason": "Wrong account"})

    payment.refresh_from_db()
    assert (payment.refusal, payment.handed_in_at) == ("Wrong account", None)
    assert "Nobody waits for an answer." in text(desk.get(LIST))


def test_payment_that_is_over_stays_on_the_list(
    desk: Client, payment: ManualPayment, frozen_clock: SettableClock
) -> None:
    ManualPayment.objects.update(answer_by=frozen_clock() + timedelta(hours=1))
    frozen_clock.advance(timedelta(hours=2))

    assert "the time is over: say whether money came" in text(desk.get(LIST))
    assert "If money arrived all the same" in text(desk.get(f"{LIST}{payment.ref}/"))


def test_proof_is_a_file_to_save_and_never_a_page(desk: Client, payment: ManualPayment, now: datetime) -> None:
    proof = store_proof(payment, now=now)
    path = f"{LIST}{payment.ref}/proofs/{proof.ref}/"

    answer = desk.get(path)

    assert answer.content == bytes(proof.content)
    assert answer["Content-Disposition"] == f'attachment; filename="proof-{proof.ref}.png"'
    assert (answer["X-Content-Type-Options"], answer["Content-Type"]) == ("nosniff", "image/png")
    assert path in text(desk.get(f"{LIST}{payment.ref}/"))
    assert desk.get(f"{LIST}{payment.ref}/proofs/other/").status_code == 404
    assert desk.get(f"{LIST}other/").status_code == 404


def test_staff_say_that_a_refund_was_sent(desk: Client, payment: ManualPayment, now: datetime) -> None:
    refund = store_refund(payment, now=now)
    page = f"{LIST}refunds/{refund.ref}/"
    assert "Send €50 back" in text(desk.get(page))
    assert desk.post(page, {"problem": ""}).status_code == 422

    desk.post(page)

    refund.refresh_from_db()
    assert refund.state == "succeeded"
    assert "It was sent" in text(desk.get(page))
    assert "already" in text(desk.post(page, {"problem": "Closed"}, follow=True))
    assert ManualRefund.objects.get().state == "succeeded"


@pytest.mark.parametrize("count", [1, 3])
def test_number_of_queries_of_the_list_does_not_grow(
    desk: Client, coach: Coach, now: datetime, count: int, django_assert_num_queries: Any
) -> None:
    method = make_method()
    for _ in range(count):
        store_payment(coach, method, now=now)
        store_refund(store_payment(coach, method, now=now), now=now)

    with django_assert_num_queries(12):
        desk.get(LIST)
