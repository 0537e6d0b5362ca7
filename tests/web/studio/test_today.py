from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_discord_identity
from tests.factories.bookings import make_booking
from tests.factories.clock import SettableClock
from tests.factories.rooms import make_room

from greenroom.availability.models import WeeklyWindow
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.rooms.types import RoomState

HOUR = timedelta(hours=1)


def page(desk: Client) -> Any:
    return desk.get("/studio/").context


def test_next_session_and_the_rest_of_the_day_in_the_coachs_zone(
    desk: Client, offer: Offer, frozen_clock: SettableClock
) -> None:
    now = frozen_clock()
    offer.coach.user.time_zone = "Pacific/Auckland"
    offer.coach.user.save()
    first, second = (make_booking(offer=offer, starts_at=now + hours * HOUR, now=now) for hours in (2, 4))
    make_booking(offer=offer, starts_at=now + 14 * HOUR, now=now)  # 13:00 on Tuesday 3 March, in Auckland

    context = page(desk)

    assert (context["next"], context["next_in"]) == (first, "in 2 hours")
    assert second.session.starts_at == datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert [line["booking"] for line in context["today"]] == []
    assert context["viewer"].tz == "Pacific/Auckland"


def test_today_ends_at_local_midnight(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    bookings = [make_booking(offer=offer, starts_at=now + hours * HOUR, now=now) for hours in (1, 3, 13, 14)]

    assert [line["booking"] for line in page(desk)["today"]] == bookings[1:3]


def test_a_session_that_runs_is_still_the_next_one(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    running = make_booking(offer=offer, starts_at=now - HOUR / 4, now=now)

    context = page(desk)

    assert (context["next"], context["next_in"]) == (running, "began 15 minutes ago")


def test_unpaid_holds_are_shown_while_they_live(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    held = make_booking(offer=offer, starts_at=now + 2 * HOUR, now=now, status=BookingStatus.HELD)
    paying = make_booking(offer=offer, starts_at=now + 4 * HOUR, now=now, status=BookingStatus.PENDING_PAYMENT)
    make_booking(offer=offer, starts_at=now + 6 * HOUR, now=now - HOUR, status=BookingStatus.HELD)

    assert [line["booking"] for line in page(desk)["unpaid"]] == [held, paying]


def test_sessions_that_are_over_ask_how_it_went(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    over = make_booking(offer=offer, starts_at=now - 2 * HOUR, now=now)

    [problem] = page(desk)["problems"]

    assert problem.text == "A call with Sam Student is over. Did it take place?"
    assert problem.url == f"/studio/sessions/{over.ref}/"


def test_a_room_in_trouble_is_named(desk: Client, booking: Booking, frozen_clock: SettableClock) -> None:
    make_room(
        booking.session,
        now=frozen_clock(),
        state=RoomState.BLOCKED,
        last_error="Discord does not let us make channels.",
    )

    [problem] = page(desk)["problems"]

    assert problem.text == "The room of A call has a problem: Discord does not let us make channels."


def test_numbers_of_the_week_count_monday_to_sunday(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    make_booking(offer=offer, starts_at=datetime(2026, 3, 1, 23, tzinfo=UTC), now=now - 9 * 24 * HOUR)
    make_booking(offer=offer, starts_at=datetime(2026, 3, 2, 0, tzinfo=UTC), now=now, length=90 * timedelta(minutes=1))
    make_booking(offer=offer, starts_at=datetime(2026, 3, 8, 23, tzinfo=UTC), now=now)
    make_booking(offer=offer, starts_at=datetime(2026, 3, 9, 0, tzinfo=UTC), now=now)
    make_booking(offer=offer, starts_at=datetime(2026, 3, 4, tzinfo=UTC), now=now, status=BookingStatus.CANCELLED)

    numbers = page(desk)["numbers"]

    assert (numbers.sessions_count, numbers.length, numbers.new_bookings_count) == (2, 2.5 * HOUR, 4)


def test_setup_says_what_is_missing_until_nothing_is(desk: Client, offer: Offer) -> None:
    coach = offer.coach
    WeeklyWindow.objects.all().delete()
    Offer.objects.update(status="draft")

    steps = {step.title: step.is_done for step in page(desk)["steps"]}
    assert steps == {
        "Your profile": False,
        "Your weekly hours": False,
        "A published offer": False,
        "Connect Discord": False,
    }

    Coach.objects.update(headline="Chess", bio="Eleven years")
    schedule = coach.schedules.get()
    WeeklyWindow.objects.create(schedule=schedule, weekday=1, start_minute=0, end_minute=60)
    Offer.objects.update(status="published")
    make_discord_identity(user=coach.user)
    assert page(desk)["steps"] == []


def test_setup_asks_for_discord_only_where_an_offer_needs_it(desk: Client, offer: Offer) -> None:
    Offer.objects.update(venue="video")

    assert "Connect Discord" not in {step.title for step in page(desk)["steps"]}
    assert offer.coach.is_public


@pytest.mark.parametrize("rows", [1, 3])
def test_today_asks_the_same_number_of_questions_for_any_day(
    desk: Client, offer: Offer, frozen_clock: SettableClock, django_assert_num_queries: Any, rows: int
) -> None:
    now = frozen_clock()
    for hours in range(1, rows + 1):
        make_booking(offer=offer, starts_at=now + hours * HOUR, now=now)
        make_booking(offer=offer, starts_at=now - 2 * hours * HOUR, now=now)
        make_booking(offer=offer, starts_at=now + (20 + hours) * HOUR, now=now, status=BookingStatus.HELD)
    desk.get("/studio/")  # the first request of a day writes the session

    with django_assert_num_queries(16):
        desk.get("/studio/")
