from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.bookings import make_booking
from tests.factories.clock import MONDAY, SettableClock
from tests.factories.money import issue_all, make_order, pay
from tests.payments.factories import PRICE, pay_attempt

from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.core.models import AuditEntry
from greenroom.notifications.display import EN_DASH
from greenroom.notifications.models import Message
from greenroom.orders.models import Document
from greenroom.orders.services import create_order
from greenroom.orders.types import LineKind, NewLine, NewOrder
from greenroom.payments.queries import refunds_of_order
from greenroom.web.studio.sessions.actions import Actions, actions_for

HOUR = timedelta(hours=1)
NOTHING = Actions(can_start=False, can_complete=False, can_mark_no_show=False, can_cancel=False)


@pytest.fixture
def paid(booking: Booking, frozen_clock: SettableClock) -> Any:
    """The booking with an order that was paid; `Any`, because the checker does not know that it has one."""
    now = frozen_clock()
    order = create_order(
        NewOrder(booking.coach_id, "Sam", "sam@example.org", "EUR", (NewLine(LineKind.CALL, "A call", PRICE),), ()),
        now=now,
    )
    Booking.objects.update(order=order)
    pay_attempt(now=now, order_ref=order.ref)
    booking.refresh_from_db()
    return booking


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def refs(answer: Any) -> list[str]:
    return [line["booking"].ref for line in answer.context["lines"]]


@pytest.mark.parametrize(
    ("status", "minutes_from_start", "expected"),
    [
        ("confirmed", -31, "cancel"),
        ("confirmed", -30, "start cancel"),
        ("confirmed", 0, "start complete no_show cancel"),
        ("confirmed", 60, "start complete no_show"),
        ("in_progress", 10, "complete no_show"),
        ("completed", 90, "no_show"),
        ("no_show", 90, "complete no_show"),
        ("pending_approval", -60, ""),
        ("held", -60, ""),
        ("pending_payment", -60, ""),
        ("cancelled", -60, ""),
        ("expired", 60, ""),
    ],
)
def test_actions_are_those_the_services_allow(status: str, minutes_from_start: int, expected: str) -> None:
    now = MONDAY + timedelta(minutes=minutes_from_start)

    found = actions_for(status=status, starts_at=MONDAY, ends_at=MONDAY + HOUR, now=now)

    words = expected.split()
    assert found == Actions("start" in words, "complete" in words, "no_show" in words, "cancel" in words)


def test_lists_part_what_is_to_come_from_what_is_over(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()

    def make(hours: float, status: BookingStatus = BookingStatus.CONFIRMED) -> str:
        return make_booking(offer=offer, starts_at=now + hours * HOUR, now=now, status=status).ref

    later, sooner, running = make(5), make(2), make(-0.5)
    gone, done, missed = make(-3), make(-6, BookingStatus.COMPLETED), make(-9, BookingStatus.NO_SHOW)
    off = make(8, BookingStatus.CANCELLED)
    make(11, BookingStatus.HELD)
    make(13, BookingStatus.EXPIRED)

    assert refs(desk.get("/studio/sessions/")) == [running, sooner, later]
    assert refs(desk.get("/studio/sessions/?show=past")) == [off, gone, done, missed]


def test_lists_come_in_pages_and_nonsense_is_the_first(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    for hours in range(1, 22):
        make_booking(offer=offer, starts_at=now + hours * HOUR, now=now)

    second = desk.get("/studio/sessions/?page=2")

    assert len(refs(second)) == 1
    assert 'href="?page=1"' in second.content.decode()
    assert len(refs(desk.get("/studio/sessions/?page=x&show=soon"))) == 20


@pytest.mark.parametrize("show", ["", "?show=past"])
@pytest.mark.parametrize("rows", [1, 3])
def test_lists_ask_the_same_number_of_questions_for_any_length(
    desk: Client,
    offer: Offer,
    frozen_clock: SettableClock,
    django_assert_num_queries: Any,
    rows: int,
    show: str,
) -> None:
    now = frozen_clock()
    for hours in range(1, rows + 1):
        make_booking(offer=offer, starts_at=now + hours * HOUR, now=now)
        make_booking(offer=offer, starts_at=now - 2 * hours * HOUR, now=now)
    desk.get("/studio/")  # the first request of a day writes the session

    with django_assert_num_queries(5):
        desk.get(f"/studio/sessions/{show}")


def test_page_says_both_zones_contact_goals_and_answers(desk: Client, booking: Booking) -> None:
    Booking.objects.update(
        contact_tz="Asia/Tokyo",
        goals="<b>Endgames</b>",
        notes="Second board please",
        answers=[{"question": "Your rating?", "answer": "1640"}],
    )

    page = " ".join(desk.get(f"/studio/sessions/{booking.ref}/").content.decode().split())

    assert f"10:00 {EN_DASH} 11:00 · UTC (GMT)" in page
    assert "Tue 3 Mar, 19:00" in page
    assert "Tokyo (GMT+9), where the student is" in page
    assert "mailto:guest@example.org" in page
    assert "&lt;b&gt;Endgames&lt;/b&gt;" in page
    assert "Your rating?" in page
    assert "1640" in page
    assert "Second board please" in page


def test_unpaid_booking_has_no_buttons(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    held = make_booking(offer=offer, starts_at=now + HOUR, now=now, status=BookingStatus.HELD)

    context = desk.get(f"/studio/sessions/{held.ref}/").context

    assert (context["actions"], context["order"], context["is_near"]) == (NOTHING, None, False)


def test_start_then_complete(desk: Client, booking: Booking, frozen_clock: SettableClock) -> None:
    frozen_clock.set(booking.session.starts_at)
    page = f"/studio/sessions/{booking.ref}/"

    started = desk.post(f"{page}start/")
    completed = desk.post(f"{page}complete/")

    booking.refresh_from_db()
    assert (started["Location"], booking.status) == (page, "completed")
    assert said(completed)[-1] == "The session is completed."
    entries = AuditEntry.objects.order_by("pk").values_list("action", "actor_kind", "actor_user_id")
    assert list(entries) == [
        ("booking.start", "coach", booking.coach.user_id),
        ("booking.complete", "coach", booking.coach.user_id),
    ]


@pytest.mark.parametrize("verb", ["start", "complete"])
def test_too_early_is_said_in_plain_words(desk: Client, booking: Booking, verb: str) -> None:
    answer = desk.post(f"/studio/sessions/{booking.ref}/{verb}/")

    booking.refresh_from_db()
    assert (said(answer), booking.status) == (["That is possible once the session has begun."], "confirmed")


@pytest.mark.parametrize("party", ["student", "coach", "both"])
def test_no_show_says_who(desk: Client, booking: Booking, frozen_clock: SettableClock, party: str) -> None:
    frozen_clock.set(booking.session.starts_at)
    page = f"/studio/sessions/{booking.ref}/"

    asked = desk.get(f"{page}no-show/")
    answer = desk.post(f"{page}no-show/", {"party": party})

    booking.refresh_from_db()
    assert (asked.status_code, answer["Location"]) == (200, page)
    assert (booking.status, booking.no_show_party) == ("no_show", party)


def test_no_show_says_what_each_answer_does_to_the_money_and_then_what_went_back(
    desk: Client, paid: Any, frozen_clock: SettableClock
) -> None:
    frozen_clock.set(paid.session.starts_at)
    page = f"/studio/sessions/{paid.ref}/"

    choices = [str(label) for _value, label in desk.get(f"{page}no-show/").context["form"].fields["party"].choices]

    assert choices == [
        "The student did not come: nothing goes back",
        "I did not come: €80 goes back to the student",
        "Neither of us came: €80 goes back to the student",
    ]
    desk.post(f"{page}no-show/", {"party": "both"})
    assert "€80 went back. It stays back when you correct this." in desk.get(page).content.decode()
    choices = [str(label) for _value, label in desk.get(f"{page}no-show/").context["form"].fields["party"].choices]
    assert choices == [
        "The student did not come: the €80 that went back stays back",
        "I did not come: €80 went back already",
        "Neither of us came: €80 went back already",
    ]


def test_no_show_of_a_free_session_moves_no_money(desk: Client, booking: Booking, frozen_clock: SettableClock) -> None:
    frozen_clock.set(booking.session.starts_at)

    page = desk.get(f"/studio/sessions/{booking.ref}/no-show/").content.decode()

    assert "I did not come: nothing was paid, so nothing goes back" in page


@pytest.mark.parametrize("sent", [{}, {"party": ""}, {"party": "nobody"}])
def test_no_show_without_a_side_is_refused(
    desk: Client, booking: Booking, frozen_clock: SettableClock, sent: dict[str, str]
) -> None:
    frozen_clock.set(booking.session.starts_at)

    answer = desk.post(f"/studio/sessions/{booking.ref}/no-show/", sent)

    booking.refresh_from_db()
    assert (answer.status_code, list(answer.context["form"].errors), booking.status) == (422, ["party"], "confirmed")


def test_no_show_before_the_start_is_said_in_plain_words(desk: Client, booking: Booking) -> None:
    answer = desk.post(f"/studio/sessions/{booking.ref}/no-show/", {"party": "student"})

    booking.refresh_from_db()
    assert (said(answer), booking.status) == (["That is possible once the session has begun."], "confirmed")


def test_cancel_is_looked_at_first_and_then_done(desk: Client, booking: Booking) -> None:
    page = f"/studio/sessions/{booking.ref}/"

    asked = desk.get(f"{page}cancel/")
    booking.refresh_from_db()
    assert (asked.status_code, booking.status, asked.context["refund"]) == (200, "confirmed", None)

    answer = desk.post(f"{page}cancel/", {"reason": "I am ill, sorry."})

    booking.refresh_from_db()
    assert answer["Location"] == page
    assert (booking.status, booking.cancelled_by, booking.reason) == ("cancelled", "coach", "I am ill, sorry.")
    assert Message.objects.filter(kind="bookings.cancelled_student").count() == 1
    assert "I am ill, sorry." in desk.get(page).content.decode()


def test_cancel_gives_everything_back_and_says_so(desk: Client, paid: Any) -> None:
    page = f"/studio/sessions/{paid.ref}/"

    asked = desk.get(f"{page}cancel/")
    desk.post(f"{page}cancel/")

    assert asked.context["refund"] == PRICE
    assert "Cancel and return €80" in asked.content.decode()
    assert [refund.amount_minor for refund in refunds_of_order(paid.order.ref)] == [PRICE.minor]
    assert "€80 goes back to the student." in desk.get(page).content.decode()


def test_page_lists_what_was_issued_for_the_money(desk: Client, booking: Booking, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    order = make_order(booking.coach, now=now)
    Booking.objects.update(order=order)
    pay(order, now=now)
    page = f"/studio/sessions/{booking.ref}/"
    assert desk.get(page).context["documents"] == []

    issue_all(now=now)

    [document] = Document.objects.all()
    answer = desk.get(page).content.decode()
    assert f'href="/receipts/{document.ref}/"' in answer
    assert document.label in answer


@pytest.mark.parametrize("reason", ["x" * 301, "\x07"])
def test_cancel_bad_reason_is_named_and_changes_nothing(desk: Client, booking: Booking, reason: str) -> None:
    answer = desk.post(f"/studio/sessions/{booking.ref}/cancel/", {"reason": reason})

    booking.refresh_from_db()
    assert (answer.status_code, list(answer.context["form"].errors), booking.status) == (422, ["reason"], "confirmed")


def test_cancel_twice_is_said_in_plain_words(desk: Client, booking: Booking) -> None:
    path = f"/studio/sessions/{booking.ref}/cancel/"
    desk.post(path)

    again, asked = desk.post(path), desk.get(path)

    assert said(again)[-1] == "This session can't be cancelled any more."
    assert asked.status_code == 302
    assert Message.objects.filter(kind="bookings.cancelled_student").count() == 1
