"""Why a time is, or is not, offered, as the coach and the staff read it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.bookings.steps import HOUR, MINUTE, at, change, confirmed, hold, pending
from tests.factories.bookings import make_coach, make_offer

from greenroom.availability.models import Blackout, DateOverride, OverrideWindow, Schedule, WeeklyWindow
from greenroom.bookings import queries
from greenroom.bookings.explaining import SlotAnswer, explain_for_owner
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.types import CoachStatus

WEDNESDAY = ("Weekly hours: Wednesday 00:00-24:00 (UTC).",)


def ask(offer: Offer, starts_at: datetime, now: datetime) -> SlotAnswer:
    duration = offer.durations.select_related("offer__coach", "offer__schedule").get()
    return explain_for_owner(duration, starts_at, now=now)


def said(answer: SlotAnswer) -> list[tuple[str, str]]:
    return [(reason.code, reason.sentence) for reason in answer.reasons]


def test_offered_time_names_the_hours_that_allow_it(offer: Offer, now: datetime) -> None:
    answer = ask(offer, at(12), now)

    assert (answer.is_offered, answer.reasons, answer.openings, answer.tz) == (True, (), WEDNESDAY, "UTC")
    assert answer.nearest == (at(11), at(11, 30), at(12, 30))


def test_session_over_midnight_names_both_days(offer: Offer, now: datetime) -> None:
    assert ask(offer, at(23, 30), now).openings == (
        "Weekly hours: Wednesday 00:00-24:00 (UTC).",
        "Weekly hours: Thursday 00:00-24:00 (UTC).",
    )


def test_single_day_is_named_instead_of_the_week(offer: Offer, now: datetime) -> None:
    override = DateOverride.objects.create(schedule=Schedule.objects.get(), on=date(2026, 3, 4))
    OverrideWindow.objects.create(override=override, start_minute=600, end_minute=840)

    assert ask(offer, at(12), now).openings == ("Hours of 2026-03-04 only: 10:00-14:00 (UTC).",)
    answer = ask(offer, at(15), now)
    assert said(answer) == [("closed_by_override", "An override opens 2026-03-04 at 10:00-14:00 only.")]
    assert answer.openings == ()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (confirmed, "the session with Ann Guest, 2026-03-04 12:00 UTC to 2026-03-04 13:00 UTC"),
        (hold, "a hold until 10:15, 2026-03-04 12:00 UTC to 2026-03-04 13:00 UTC"),
        (
            pending,
            "a booking for Ann Guest that waits for its payment, 2026-03-04 12:00 UTC to 2026-03-04 13:00 UTC",
        ),
    ],
)
def test_what_takes_the_time_is_named(offer: Offer, now: datetime, make: Callable[[Offer], Booking], name: str) -> None:
    booking = make(offer)

    answer = ask(offer, at(12, 30), now)

    assert said(answer) == [("busy", f"The session would overlap {name}.")]
    assert answer.reasons[0].session == booking.session
    assert answer.openings == WEDNESDAY
    assert answer.nearest == (at(11), at(13), at(13, 30))


def test_buffer_is_told_from_the_session(offer: Offer, now: datetime) -> None:
    change(offer, buffer_after_minutes=15)
    booking = confirmed(offer)

    answer = ask(offer, at(13), now)

    assert [code for code, _sentence in said(answer)] == ["buffer"]
    assert "no room for the buffers beside the session with Ann Guest" in answer.reasons[0].sentence
    assert answer.reasons[0].session == booking.session


def test_hold_past_its_time_is_not_in_the_way(offer: Offer, now: datetime) -> None:
    hold(offer)

    assert ask(offer, at(12), now + 15 * MINUTE).is_offered


def test_every_rule_that_refuses_is_named_at_once(offer: Offer, now: datetime) -> None:
    change(offer, notice_minutes=3 * 24 * 60, daily_limit=1, first_day=date(2026, 3, 5))
    Blackout.objects.create(coach=offer.coach, starts_at=at(12), ends_at=at(13))
    change(offer, notice_minutes=3 * 24 * 60)

    codes = {code for code, _sentence in said(ask(offer, at(12, 10), now))}

    assert codes == {"too_soon", "outside_dates", "off_grid", "blackout"}


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"status": OfferStatus.DRAFT}, "offer_not_published", "“A call” is not published: it is draft."),
        ({"coach": {"status": CoachStatus.SUSPENDED}}, "coach_not_public", "The coach's page is not public."),
        ({"coach": {"is_accepting_students": False}}, "coach_paused", "The coach takes no new bookings at present."),
    ],
)
def test_state_of_the_offer_comes_before_the_rules(
    offer: Offer, now: datetime, values: dict[str, Any], code: str, words: str
) -> None:
    change(offer.coach, **values.pop("coach", {"is_accepting_students": offer.coach.is_accepting_students}))
    change(offer, **values) if values else None

    answer = ask(offer, at(12), now)

    assert said(answer) == [(code, words)]
    assert (answer.is_offered, answer.openings, answer.nearest) == (False, WEDNESDAY, ())


def test_answer_is_the_list_of_free_times_for_every_minute(offer: Offer, now: datetime) -> None:
    WeeklyWindow.objects.filter(weekday=3).update(start_minute=9 * 60, end_minute=15 * 60)
    change(offer, buffer_before_minutes=10)
    confirmed(offer, at(12))
    hold(make_offer(offer.coach, slug="other"), at(10))
    day = (at(8), at(16))
    listed = set(queries.open_slots(offer, length=HOUR, range_from=day[0], range_to=day[1], now=now))

    asked = [day[0] + n * 10 * MINUTE for n in range((day[1] - day[0]) // (10 * MINUTE))]

    assert {start for start in asked if ask(offer, start, now).is_offered} == listed
    assert len(listed) == 3


def test_other_coaches_sessions_are_not_in_the_way(offer: Offer, now: datetime) -> None:
    confirmed(make_offer(make_coach("ilse")))

    assert ask(offer, at(12), now).is_offered


@pytest.mark.parametrize("sessions", [1, 4])
def test_number_of_queries_does_not_grow(
    offer: Offer, now: datetime, django_assert_num_queries: Any, sessions: int
) -> None:
    for number in range(sessions):
        hold(make_offer(offer.coach, slug=f"o{number}"), at(12) + number * HOUR, holder=f"p{number}")
    duration = offer.durations.select_related("offer__coach", "offer__schedule").get()
    explain_for_owner(duration, at(12, 30), now=now)

    with django_assert_num_queries(8):
        explain_for_owner(duration, at(12, 30), now=now)


def test_instant_beyond_the_supported_years_is_refused(offer: Offer, now: datetime) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        ask(offer, at(12) + timedelta(days=365 * 400), now)
