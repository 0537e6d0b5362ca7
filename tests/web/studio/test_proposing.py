"""A coach asks for another time, and the student answers by the link."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import MONDAY, SettableClock

from greenroom.availability.models import Blackout
from greenroom.bookings.models import Booking
from greenroom.bookings.queries import manage_token
from greenroom.bookings.types import BookingStatus
from greenroom.coaches.models import Coach
from greenroom.core.money import Money
from greenroom.notifications.models import Message
from greenroom.orders.services import create_order
from greenroom.orders.types import LineKind, NewLine, NewOrder

DAY = timedelta(days=1)
ROWS = {"times-rows": "3"}


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def row(index: int, start: datetime) -> dict[str, str]:
    return {f"times-{index}-on": f"{start:%Y-%m-%d}", f"times-{index}-at": f"{start:%H:%M}"}


def address(booking: Booking, part: str = "propose/") -> str:
    return f"/studio/sessions/{booking.ref}/{part}"


def times_of(booking: Booking) -> list[datetime]:
    booking.refresh_from_db()
    return booking.proposals


def test_form_is_filled_in_with_the_nearest_free_times(desk: Client, booking: Booking) -> None:
    page = desk.get(address(booking))

    form = page.context["form"]
    shown = [(each.fields["on"].value(), each.fields["at"].value()) for each in form.time_rows]
    assert [(str(day), start) for day, start in shown] == [
        ("2026-03-03", "09:00"),
        ("2026-03-03", "09:30"),
        ("2026-03-03", "10:30"),
    ]
    assert times_of(booking) == []


def test_what_is_sent_is_proposed_and_shown(desk: Client, booking: Booking) -> None:
    wanted = [MONDAY + 2 * DAY, MONDAY + 3 * DAY]
    sent = {**ROWS, **row(0, wanted[0]), **row(2, wanted[1]), "note": "A workshop came up."}

    answer = desk.post(address(booking), sent)

    assert said(answer) == ["The student is asked by mail. The session stays where it is until they choose."]
    assert times_of(booking) == wanted
    assert Message.objects.filter(kind="bookings.proposed_student").count() == 1
    page = desk.get(address(booking, "")).content.decode()
    assert "You asked for another time" in page
    assert "A workshop came up." in page
    assert said(desk.post(address(booking, "propose/withdraw/")))[-1].startswith("The proposal is taken back.")
    assert times_of(booking) == []


def test_coachs_wall_clock_counts(desk: Client, booking: Booking, coach: Coach) -> None:
    coach.user.time_zone = "Asia/Tokyo"
    coach.user.save()

    desk.post(address(booking), {**ROWS, "times-0-on": "2026-03-05", "times-0-at": "9:30"})

    assert [f"{start:%d %H:%M}" for start in times_of(booking)] == ["05 00:30"]


@pytest.mark.parametrize(
    ("sent", "anchor"),
    [
        ({}, "id_times-0-on"),
        ({"times-1-on": "2026-03-05"}, "id_times-1-at"),
        ({"times-1-at": "12:00"}, "id_times-1-on"),
        ({"times-0-on": "tomorrow", "times-0-at": "12:00"}, "id_times-0-on"),
        ({"times-0-on": "2026-03-05", "times-0-at": "24:00"}, "id_times-0-at"),
        ({"times-2-on": "2026-03-01", "times-2-at": "12:00"}, "id_times-2-on"),
        ({"times-1-on": "2026-03-03", "times-1-at": "10:00"}, "id_times-1-on"),
    ],
)
def test_bad_rows_are_refused_where_they_stand(
    desk: Client, booking: Booking, sent: dict[str, str], anchor: str
) -> None:
    answer = desk.post(address(booking), {**ROWS, **sent})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert [problem.anchor for problem in answer.context["problems"]] == [anchor]
    assert times_of(booking) == []


def test_session_that_has_begun_is_not_asked_about(desk: Client, booking: Booking, frozen_clock: SettableClock) -> None:
    frozen_clock.advance(DAY)

    answer = desk.get(address(booking))

    assert (answer.status_code, said(answer)) == (302, ["This session cannot be moved any more."])
    assert "New time" not in desk.get(address(booking, "")).content.decode()


def test_time_off_offers_new_times_with_one_press(desk: Client, booking: Booking, coach: Coach) -> None:
    start = booking.session.starts_at
    Blackout.objects.create(coach=coach, starts_at=start - timedelta(hours=10), ends_at=start + timedelta(hours=5))
    page = desk.get("/studio/schedule/").content.decode()
    assert f'action="{address(booking, "propose/nearest/")}"' in page

    answer = desk.post(address(booking, "propose/nearest/"))

    assert said(answer)[-1].startswith("Sam Student is asked by mail to choose: Tue 3 Mar, 15:00 UTC, ")
    assert [f"{one:%d %H:%M}" for one in times_of(booking)] == ["03 15:00", "03 15:30", "03 16:00"]
    page = desk.get("/studio/schedule/").content.decode()
    assert "asked for another time" in page
    assert "Offer new times" not in page


def test_no_free_time_near_says_so(desk: Client, booking: Booking, coach: Coach) -> None:
    Blackout.objects.create(coach=coach, starts_at=MONDAY - DAY, ends_at=MONDAY + 60 * DAY)

    answer = desk.post(address(booking, "propose/nearest/"))

    assert said(answer) == ["There is no free time within two weeks of it. Choose the times yourself."]
    assert times_of(booking) == []


@pytest.fixture
def paid(booking: Booking, coach: Coach) -> Booking:
    """The session with an order, asked to move to Thursday or Friday, same time."""
    line = NewLine(LineKind.CALL, "A call", Money(5000, "EUR"), booking.session.offer_id)
    order = NewOrder(coach.pk, "Sam Student", "guest@example.org", "EUR", (line,), ())
    booking.order = create_order(order, now=MONDAY)
    booking.proposed_times = [f"{MONDAY + days * DAY:%Y-%m-%dT%H:%M:%S+00:00}" for days in (3, 4)]
    booking.proposal_note = "I am travelling."
    booking.save()
    return booking


def test_student_sees_the_times_and_chooses_one(client: Client, paid: Booking) -> None:
    link = f"/manage/{manage_token(paid)}/"
    page = client.get(link)
    assert "Coach maya asks you for another time" in page.content.decode()
    assert "I am travelling." in page.content.decode()
    (start, url), _other = page.context["proposals"]
    assert start == MONDAY + 3 * DAY

    chosen = client.get(url)
    assert chosen.context["chosen_starts_at"] == start
    client.post(url, {"starts_at": chosen.context["chosen_value"], "reason": ""})

    paid.refresh_from_db()
    assert (paid.session.starts_at, paid.proposed_times) == (start, [])
    assert "asks you for another time" not in client.get(link).content.decode()


def test_cancel_page_promises_everything_while_asked(client: Client, paid: Booking) -> None:
    page = client.get(f"/manage/{manage_token(paid)}/cancel/").content.decode()

    assert "Your coach asked for another time, so everything comes back." in page


def test_page_of_a_cancelled_booking_asks_nothing(client: Client, paid: Booking) -> None:
    Booking.objects.update(status=BookingStatus.CANCELLED)

    assert client.get(f"/manage/{manage_token(paid)}/").context["proposals"] == []


def test_other_coaches_sessions_are_not_there(desk: Client, frozen_clock: SettableClock) -> None:
    other = make_booking(offer=make_offer(make_coach("noah")), starts_at=frozen_clock() + DAY, now=frozen_clock())

    for part in ("propose/", "propose/nearest/", "propose/withdraw/"):
        assert desk.post(address(other, part), ROWS).status_code == HTTPStatus.NOT_FOUND
    assert times_of(other) == []


def test_student_asks_when_they_may_not_move_and_the_coach_sees_it(client: Client, desk: Client, paid: Booking) -> None:
    Booking.objects.update(moves_limit=0, proposed_times=[])
    link = f"/manage/{manage_token(paid)}/"
    assert "Ask Coach maya for another time" in client.get(link).content.decode()
    assert client.post(f"{link}ask/", {"words": ""}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY

    client.post(f"{link}ask/", {"words": "I am ill."})

    assert "You asked Coach maya; write again" in client.get(link).content.decode()
    assert "I am ill." in desk.get(address(paid, "")).content.decode()
    assert [trouble.text for trouble in desk.get("/studio/").context["problems"]] == [
        "Sam Student asks for another time for A call."
    ]


def test_nobody_asks_for_what_they_may_choose(client: Client, paid: Booking) -> None:
    Booking.objects.update(proposed_times=[])
    link = f"/manage/{manage_token(paid)}/"

    assert client.get(link).context["contact_url"] == ""
    answer = client.post(f"{link}ask/", {"words": "May I?"})
    assert answer["Location"] == link
    paid.refresh_from_db()
    assert paid.move_request == ""
