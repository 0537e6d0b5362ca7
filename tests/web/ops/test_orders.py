from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import GUEST, at, confirmed
from tests.factories.accounts import make_admin, make_user
from tests.factories.bookings import make_coach, make_offer
from tests.factories.clock import SettableClock
from tests.factories.money import answer_refund, issue_all
from tests.payments.factories import pay_attempt
from tests.web.test_templates import Reader

from greenroom.bookings import services as bookings
from greenroom.bookings.models import Booking
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import RefundState
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute, take_step
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders.models import Order
from greenroom.orders.services import create_order
from greenroom.orders.types import LineKind, NewLine, NewOrder
from greenroom.payments import gateways, services
from greenroom.payments.models import PaymentAttempt, RefundRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


@pytest.fixture
def booking(now: datetime) -> Any:
    """A call for 50 EUR on Wednesday noon, booked and paid."""
    before = gateways.wired()
    gateways.use(SandboxGateway())
    assert now
    yield confirmed(make_offer(), at(12))
    gateways.use(*before)


@pytest.fixture
def order(booking: Booking) -> Order:
    assert booking.order is not None
    return booking.order


@pytest.fixture
def desk(db: None) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


def text(answer: Any) -> str:
    page = answer.content.decode()
    reader = Reader(page)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    assert set(reader.references) - set(reader.ids) == set()
    return " ".join(page.split())


def fields(page: Any, **changes: str) -> dict[str, str]:
    context = page.context
    return {
        "amount": context["amount_words"],
        "reason": context["form"].cleaned_data["reason"],
        "token": context["token"],
        "seen": str(context["left"].minor),
        "confirm": "1",
        **changes,
    }


@pytest.mark.parametrize("path", ["", "{ref}/", "{ref}/refund/"])
def test_visitors_are_asked_to_sign_in_and_others_find_nothing(client: Client, order: Order, path: str) -> None:
    address = f"/ops/orders/{path.format(ref=order.ref)}"

    asked = client.get(address)
    client.force_login(make_user())

    assert (asked.status_code, asked["Location"]) == (302, f"/account/login/?next={address}")
    assert client.get(address).status_code == HTTPStatus.NOT_FOUND
    assert client.post(address, {"amount": "1", "reason": "x", "confirm": "1"}).status_code == HTTPStatus.NOT_FOUND
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize(
    ("words", "is_found"),
    [("", True), ("ann@", True), ("Ann", True), ("REF", True), ("zzz", False), ("%00", True)],
)
def test_orders_are_found_by_reference_name_and_address(desk: Client, order: Order, words: str, is_found: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    words = order.ref[:8] if words == "REF" else words
    answer = desk.get(f"/ops/orders/?q={words}")

    assert (order.ref in text(answer)) is is_found
    assert answer.context["rows"] == ([(order, "paid")] if is_found else [])


@pytest.mark.parametrize("count", [1, 3])
def test_number_of_queries_of_the_list_does_not_grow(
    desk: Client, booking: Booking, count: int, django_assert_num_queries: Callable[..., object]
) -> None:
    for number in range(1, count):
        confirmed(booking.session.offer, at(12 + 2 * number), holder=f"h{number}")

    with django_assert_num_queries(9):
        assert len(desk.get("/ops/orders/").context["rows"]) == count


def test_unknown_order_is_not_found(desk: Client) -> None:
    assert desk.get("/ops/orders/nothing/").status_code == HTTPStatus.NOT_FOUND
    assert desk.get("/ops/orders/nothing/refund/").status_code == HTTPStatus.NOT_FOUND


def test_order_page_tells_everything_in_order_of_time(
    desk: Client, order: Order, booking: Booking, frozen_clock: SettableClock
) -> None:
    attempt = PaymentAttempt.objects.get()
    now = frozen_clock.advance(timedelta(hours=1))
    dispute = raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    services.learn_disputes(attempt, now=now)
    bookings.cancel_booking(booking=booking, actor=GUEST, now=frozen_clock.advance(timedelta(hours=1)), reason="Ill")
    take_step(dispute.ref, "win", now=frozen_clock())
    for envelope in gateways.hosted().list_events(since=now - timedelta(days=1)):
        services.events.store_event(envelope, gateway="sandbox", now=frozen_clock())
    services.learn_disputes(attempt, now=frozen_clock.advance(timedelta(hours=1)))
    services.send_refund(refund_id=RefundRequest.objects.get().pk, now=frozen_clock())

    answer = desk.get(f"/ops/orders/{order.ref}/")

    page = text(answer)
    moments = answer.context["moments"]
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    titles = [moment.title for moment in moments]
    expected = [
        "Total and cancellation policy were accepted",
        "Attempt 1 to be paid \N{EURO SIGN}50 began at sandbox",
        "A payment page was made",
        "Paid",
        "Money arrived",
        "A dispute changed",
        "A bank took money back",
        "The booking was cancelled",
        "A refund waits for the end of a dispute",
        "The gateway said charge.dispute.created",
        "A refund was asked for",
        "A bank returned the money",
        "A refund was sent to the payer",
        "Money went back",
    ]
    assert set(expected) <= set(titles)
    places = [
        titles.index(title)
        for title in ("Paid", "A dispute changed", "The booking was cancelled", "A refund was asked for")
    ]
    assert places == sorted(places)
    cancelled = next(moment for moment in moments if moment.title == "The booking was cancelled")
    assert (cancelled.detail, cancelled.who) == ("confirmed to cancelled, Ill", "by a guest")
    for words in (
        "Dispute: won",
        "Refund: sent",
        "The student cancelled",
        "Payment 1: paid",
        "Everything comes back if you cancel at least",
        dispute.ref,
        "Kept",
    ):
        assert words in page


def test_number_of_queries_of_an_order_does_not_grow(
    desk: Client, order: Order, now: datetime, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    with django_assert_max_num_queries(40) as few:
        desk.get(f"/ops/orders/{order.ref}/")
    for number in range(3):
        left = 5000 - number * 100
        services.refund_by_staff(
            order_ref=order.ref,
            amount=order.total.share(200),
            seen_left=Money(left, "EUR"),
            form=services.Form("", f"t{number}"),
            actor=Actor(ActorKind.ADMIN, 1),
            now=now,
        )

    with django_assert_max_num_queries(len(few) + 1):  # one more: the names of those who did something
        desk.get(f"/ops/orders/{order.ref}/")


def test_refund_is_shown_first_and_sent_once(desk: Client, order: Order, booking: Booking) -> None:
    asked = desk.get(f"/ops/orders/{order.ref}/refund/")
    assert 'value="50"' in text(asked)

    preview = desk.post(f"/ops/orders/{order.ref}/refund/", {"amount": "20,00", "reason": "The room stayed closed"})
    page = text(preview)
    assert not RefundRequest.objects.exists()
    assert (preview.context["amount"].minor, preview.context["stays"].minor) == (2000, 3000)
    for words in ("Send \N{EURO SIGN}20 back", "A refund cancels nothing", "The room stayed closed", "ann@example.org"):
        assert words in page
    for _ in range(2):
        sent = desk.post(f"/ops/orders/{order.ref}/refund/", fields(preview), follow=True)
        assert sent.redirect_chain == [(f"/ops/orders/{order.ref}/", 302)]

    [refund] = RefundRequest.objects.all()
    assert (refund.amount_minor, refund.reason) == (2000, "The room stayed closed")
    assert "is on its way back" in text(sent)
    assert "by staff (Ada Admin)" in text(sent)
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_booking_is_cancelled_with_the_refund_that_staff_decide(
    desk: Client, order: Order, booking: Booking, frozen_clock: SettableClock
) -> None:
    frozen_clock.set(at(11))
    address = f"/ops/orders/{order.ref}/refund/"
    assert "By the policy the student would get €0 now." in text(desk.get(address))

    preview = desk.post(address, {"amount": "20", "reason": "The room stayed closed", "cancels": "on"})
    assert "Cancel the booking and send €20 back?" in text(preview)
    assert (booking.status, RefundRequest.objects.exists()) == ("confirmed", False)
    for _ in range(2):
        sent = desk.post(address, fields(preview, cancels="on"), follow=True)

    booking.refresh_from_db()
    assert (booking.status, booking.refund_minor, RefundRequest.objects.get().amount_minor) == ("cancelled", 2000, 2000)
    assert "The booking is cancelled. €20 is on its way back." in text(sent)
    assert "Cancel the booking as well" not in text(desk.get(address))


def test_booking_is_cancelled_without_any_refund(desk: Client, order: Order, booking: Booking) -> None:
    address = f"/ops/orders/{order.ref}/refund/"
    preview = desk.post(address, {"amount": "0", "reason": "As agreed", "cancels": "on"})

    sent = desk.post(address, fields(preview, cancels="on"), follow=True)

    booking.refresh_from_db()
    assert (booking.status, booking.refund_minor, RefundRequest.objects.exists()) == ("cancelled", 0, False)
    assert "The booking is cancelled." in text(sent)


def test_second_of_two_who_confirm_is_told_what_is_left(desk: Client, order: Order) -> None:
    address = f"/ops/orders/{order.ref}/refund/"
    previews = [desk.post(address, {"amount": "20", "reason": "Sorry"}) for _ in range(2)]
    desk.post(address, fields(previews[0]))

    late = desk.post(address, fields(previews[1]))

    assert late.status_code == HTTPStatus.CONFLICT
    assert "Nothing was sent. Please look again." in text(late)
    assert (late.context["left"].minor, RefundRequest.objects.count()) == (3000, 1)
    again = desk.post(address, {"amount": "30", "reason": "Sorry"})
    desk.post(address, fields(again))
    assert "Nothing is left to refund." in text(desk.get(address))


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"amount": "50.01", "reason": "x"}, "Only \N{EURO SIGN}50 is left."),
        ({"amount": "0", "reason": "x"}, "Write an amount above 0."),
        ({"amount": "1.234", "reason": "x"}, "EUR has 2 decimals at most."),
        ({"amount": "-5", "reason": "x"}, "Write an amount such as"),
        ({"amount": "5", "reason": ""}, "Say why, for whoever reads the log."),
    ],
)
def test_refund_form_names_what_is_wrong(desk: Client, order: Order, posted: dict[str, str], words: str) -> None:
    answer = desk.post(f"/ops/orders/{order.ref}/refund/", posted)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in text(answer)
    assert not RefundRequest.objects.exists()


@pytest.fixture
def two_lines(now: datetime) -> Any:
    """An order over two lines, 60 and 20 EUR, paid."""
    before = gateways.wired()
    gateways.use(SandboxGateway())
    lines = [NewLine(LineKind.CALL, title, Money(minor, "EUR")) for title, minor in [("A call", 6000), ("Notes", 2000)]]
    order = create_order(NewOrder(make_coach().pk, "Ann", "ann@example.org", "EUR", tuple(lines), ()), now=now)
    pay_attempt(now=now, order_ref=order.ref, total=order.total)
    yield order
    gateways.use(*before)


def test_lines_are_refunded_each_as_far_as_something_is_left_of_it(
    desk: Client, two_lines: Order, now: datetime
) -> None:
    address = f"/ops/orders/{two_lines.ref}/refund/"
    asked = desk.get(address)
    assert [one.label for one in asked.context["form"].amount_fields] == ["A call", "Notes"]
    assert "at most 60." in text(asked)

    preview = desk.post(address, {"line-0": "10", "line-1": "20", "reason": "Sorry"})
    assert (preview.context["amount"].minor, preview.context["stays"].minor) == (3000, 5000)
    for _ in range(2):
        sent = desk.post(address, fields(preview, **dict(preview.context["typed"])), follow=True)
        assert "is on its way back" in text(sent)

    [refund] = RefundRequest.objects.all()
    assert (refund.amount_minor, refund.lines) == (3000, [[0, 1000], [1, 2000]])
    answer_refund(refund, RefundState.SUCCEEDED, now=now)
    [_receipt, note] = issue_all(now=now)
    assert [(line["title"], line["minor"]) for line in note.lines] == [("A call", -1000), ("Notes", -2000)]
    for posted, words in (
        ({"line-1": "0.01"}, "Only \N{EURO SIGN}0 of this is left."),
        ({"line-0": "50.01"}, "Only \N{EURO SIGN}50 of this is left."),
        ({"line-0": "x"}, "Write an amount such as"),
        ({}, "Write an amount above 0 for one of the lines."),
    ):
        refused = desk.post(address, {**posted, "reason": "Sorry"})
        assert (refused.status_code, words in text(refused)) == (HTTPStatus.UNPROCESSABLE_ENTITY, True)
    assert RefundRequest.objects.count() == 1


def test_lines_that_somebody_else_refunded_meanwhile_are_not_refunded_twice(desk: Client, two_lines: Order) -> None:
    address = f"/ops/orders/{two_lines.ref}/refund/"
    previews = [desk.post(address, {"line-1": "20", "reason": "Sorry"}) for _ in range(2)]
    desk.post(address, fields(previews[0], **dict(previews[0].context["typed"])))

    late = desk.post(address, fields(previews[1], **dict(previews[1].context["typed"])))

    assert late.status_code == HTTPStatus.CONFLICT
    assert RefundRequest.objects.count() == 1


def test_refund_that_is_changed_goes_back_to_the_form(desk: Client, order: Order) -> None:
    answer = desk.post(f"/ops/orders/{order.ref}/refund/", {"amount": "20", "reason": "Sorry", "change": "1"})

    assert (answer.context["token"], answer.status_code) == ("", HTTPStatus.OK)
    assert 'value="Sorry"' in text(answer)


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 5000, "50.00", "5000 EUR"])
def test_refund_confirmed_without_a_preview_is_refused(desk: Client, order: Order, seen: str) -> None:
    posted = {"amount": "5", "reason": "x", "confirm": "1", "seen": seen, "token": "y" * 500}
    answer = desk.post(f"/ops/orders/{order.ref}/refund/", posted)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert not RefundRequest.objects.exists()


def test_refund_of_a_disputed_payment_says_why_not(desk: Client, order: Order, now: datetime) -> None:
    attempt = PaymentAttempt.objects.get()
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    services.learn_disputes(attempt, now=now)

    page = text(desk.get(f"/ops/orders/{order.ref}/"))
    assert "Dispute: the bank has the money and wants an answer" in page
    assert "Answer at the gateway by Mon 9 Mar, 10:00" in page
    assert "With a bank that has not decided" in page

    shown = desk.get(f"/ops/orders/{order.ref}/refund/")
    forced = desk.post(
        f"/ops/orders/{order.ref}/refund/", {"amount": "5", "reason": "x", "confirm": "1", "seen": "5000", "token": "t"}
    )

    assert "The cardholder disputes this payment" in text(shown)
    assert "Look at what this does" not in text(shown)
    assert (forced.status_code, RefundRequest.objects.count()) == (HTTPStatus.CONFLICT, 0)
