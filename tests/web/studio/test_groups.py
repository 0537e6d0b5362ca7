"""A coach's group: one row in the lists, everybody on its page, one cancellation for all."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.bookings import add_booking, make_session
from tests.factories.clock import SettableClock

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.notifications.models import Message

DAY = timedelta(days=1)
S = BookingStatus


@pytest.fixture
def seats(offer: Offer, frozen_clock: SettableClock) -> list[Booking]:
    """Return Ann, Bob and Cleo, who come tomorrow, and Dora, who gave her seat back."""
    now = frozen_clock()
    Offer.objects.update(capacity=5)
    session = make_session(offer=offer, starts_at=now + DAY, now=now, capacity=5)
    return [
        _named(add_booking(session, now=now, status=status), name)
        for name, status in (("Ann", S.CONFIRMED), ("Bob", S.CONFIRMED), ("Cleo", S.HELD), ("Dora", S.CANCELLED))
    ]


def _named(booking: Booking, name: str) -> Booking:
    booking.contact_name = name
    booking.save()
    return booking


def names(answer: Any) -> list[str]:
    return [line["booking"].contact_name for line in answer.context["lines"]]


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_lists_show_a_group_once_and_who_left_by_themselves(
    desk: Client, seats: list[Booking], frozen_clock: SettableClock
) -> None:
    upcoming, past = desk.get("/studio/sessions/"), desk.get("/studio/sessions/?show=past")
    assert (names(upcoming), names(past)) == (["Ann"], ["Dora"])
    assert "Group, 3 of 5 seats" in upcoming.content.decode()
    assert "Group," not in past.content.decode()

    frozen_clock.advance(2 * DAY)

    assert names(desk.get("/studio/sessions/?show=past")) == ["Dora", "Ann"]
    assert [trouble.text for trouble in desk.get("/studio/").context["problems"]] == [
        "A call with a group of 3 is over. Did it take place?"
    ]
    assert len(seats) == 4


def test_today_counts_a_group_as_one_session(desk: Client, seats: list[Booking]) -> None:
    context = desk.get("/studio/").context

    assert (context["next_with"], context["numbers"].sessions_count) == ("a group of 3", 1)
    assert context["next"].pk == seats[0].pk


def test_page_of_one_seat_names_everybody_who_comes(desk: Client, seats: list[Booking]) -> None:
    answer = desk.get(f"/studio/sessions/{seats[1].ref}/")

    assert [one.contact_name for one in answer.context["group"]] == ["Ann", "Bob", "Cleo"]
    page = answer.content.decode()
    assert page.index("Who comes") < page.index("Cleo")
    assert "Dora" not in page
    assert f"/studio/sessions/{seats[1].ref}/call-off/" in page


def test_session_of_two_has_no_list(desk: Client, booking: Booking) -> None:
    page = desk.get(f"/studio/sessions/{booking.ref}/").content.decode()

    assert "Who comes" not in page
    assert "call-off" not in page
    answer = desk.get(f"/studio/sessions/{booking.ref}/call-off/")
    assert (answer.status_code, answer["Location"]) == (302, f"/studio/sessions/{booking.ref}/")


def test_whole_session_is_cancelled_after_a_question(desk: Client, seats: list[Booking]) -> None:
    address = f"/studio/sessions/{seats[0].ref}/call-off/"
    asked = desk.get(address).content.decode()
    assert all(f"<li>{name}</li>" in asked for name in ("Ann", "Bob", "Cleo"))
    assert CoachingSession.objects.get().status == SessionStatus.CONFIRMED

    answer = desk.post(address, {"reason": "The hall is closed."})

    assert said(answer) == ["The whole session is cancelled. Everybody in it is told by mail."]
    assert CoachingSession.objects.get().status == SessionStatus.CANCELLED
    assert set(Booking.objects.values_list("status", flat=True)) == {S.CANCELLED}
    assert Message.objects.filter(kind="bookings.cancelled_student").count() == 3
    assert Message.objects.filter(kind="bookings.session_off").count() == 1
    again = desk.post(address, {"reason": ""})
    assert said(again)[-1] == "This session can't be cancelled any more."


def test_group_stays_in_the_lists_when_its_first_seat_did_not_come(
    desk: Client, seats: list[Booking], frozen_clock: SettableClock
) -> None:
    seats[0].status, seats[0].no_show_party = S.NO_SHOW, "student"
    seats[0].save()

    assert names(desk.get("/studio/sessions/")) == ["Bob"]
    frozen_clock.advance(2 * DAY)
    assert len(desk.get("/studio/").context["problems"]) == 1
