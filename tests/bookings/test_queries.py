from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.bookings.steps import GUEST, HOUR, MINUTE, at, change, confirmed, fresh, hold, pending
from tests.factories.accounts import make_user
from tests.factories.bookings import add_booking, make_booking, make_coach, make_offer, make_session
from tests.factories.clock import SettableClock

from greenroom.availability.engine import ReasonCode
from greenroom.availability.models import Blackout, Schedule, WeeklyWindow
from greenroom.bookings import queries, rules, services
from greenroom.bookings.queries import Wish
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import public_offers
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.types import CoachStatus
from greenroom.core.errors import NotFoundError
from greenroom.core.ids import sign_ref

Counted = Callable[[Callable[[], Any]], int]
WEEK = {"range_from": at(0, day=2), "range_to": at(0, day=9)}


@pytest.fixture
def count() -> Counted:
    """Return a function that counts the queries of another."""

    def counted(ask: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as context:
            ask()
        return len(context)

    return counted


def listed(offer: Offer, now: datetime, **values: Any) -> list[datetime]:
    return queries.open_slots(offer, length=HOUR, **{**WEEK, "now": now, **values})


def test_open_slots_lists_what_is_free_and_nothing_else(offer: Offer, now: datetime) -> None:
    WeeklyWindow.objects.update(start_minute=9 * 60, end_minute=12 * 60)
    confirmed(offer, at(9, 30))
    Blackout.objects.create(coach=offer.coach, starts_at=at(9, day=5), ends_at=at(11, 30, day=5))

    found = listed(offer, now)

    assert [start for start in found if start.day == 2] == [at(10, day=2), at(10, 30, day=2), at(11, day=2)]
    assert [start for start in found if start.day == 3] == [at(9, day=3) + n * 30 * MINUTE for n in range(5)]
    assert [start for start in found if start.day == 4] == [at(10, 30), at(11)]
    assert [start for start in found if start.day == 5] == []


def test_every_listed_time_can_be_booked_and_no_other(offer: Offer, now: datetime) -> None:
    WeeklyWindow.objects.exclude(weekday=3).delete()
    WeeklyWindow.objects.update(start_minute=9 * 60, end_minute=14 * 60)
    offer.buffer_before_minutes, offer.buffer_after_minutes = 15, 30
    offer.save()
    make_session(offer=offer, starts_at=at(11, 30), now=now, length=20 * MINUTE)
    found = set(listed(offer, now))

    for n in range(24 * 6):
        start = at(0) + n * 10 * MINUTE
        explained = queries.explain_slot(offer, length=HOUR, starts_at=start, now=now)
        assert explained.is_open is (start in found), start

    assert found == {at(9), at(9, 30), at(10), at(12, 30), at(13)}


@pytest.mark.parametrize(
    ("status", "is_free"),
    [(status, status in {BookingStatus.CANCELLED, BookingStatus.EXPIRED}) for status in BookingStatus],
)
def test_sessions_stand_in_the_way_by_their_status(
    offer: Offer,
    now: datetime,
    status: BookingStatus,
    is_free: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    make_booking(offer=offer, starts_at=at(12), now=now, status=status)

    assert (at(12) in listed(offer, now)) is is_free


def test_sessions_that_may_overlap_are_counted_all_the_same(offer: Offer, now: datetime) -> None:
    session = make_session(offer=offer, starts_at=at(12), now=now)
    session.is_exclusive = False
    session.save()

    assert at(12) not in listed(offer, now)


def test_session_beside_a_group_at_its_very_time_is_counted(offer: Offer, now: datetime) -> None:
    change(offer, capacity=2)
    add_booking(make_session(offer=offer, starts_at=at(12), now=now, capacity=2), now=now)
    make_session(offer=offer, starts_at=at(12), now=now, length=2 * HOUR, is_exclusive=False)

    found = listed(offer, now, range_from=at(11), range_to=at(15))

    assert found == [at(11), at(14), at(14, 30)]


def test_sessions_of_another_coach_do_not_matter(offer: Offer, now: datetime) -> None:
    make_session(offer=make_offer(make_coach("ilse")), starts_at=at(12), now=now)

    assert at(12) in listed(offer, now)


def test_explain_slot_names_what_is_in_the_way(offer: Offer, now: datetime) -> None:
    confirmed(offer)

    explained = queries.explain_slot(offer, length=HOUR, starts_at=at(12, 30), now=now)

    assert [reason.code for reason in explained.reasons] == [ReasonCode.BUSY]


def test_moving_session_does_not_stand_in_its_own_way(offer: Offer, now: datetime) -> None:
    booking = confirmed(offer)

    assert at(12, 30) not in listed(offer, now)
    assert {at(11, 30), at(12), at(12, 30)} <= set(listed(offer, now, moving=booking.session))


def test_hold_past_its_time_does_not_keep_a_group_where_somebody_moves_out(offer: Offer, now: datetime) -> None:
    change(offer, capacity=3)
    group = make_session(offer=offer, starts_at=at(12), now=now, capacity=3)
    booking, stale = add_booking(group, now=now), add_booking(group, now=now, status=BookingStatus.HELD)
    around = {"range_from": at(11), "range_to": at(13, 30)}

    assert listed(offer, now, moving=group, **around) == [at(11), at(13)]
    later = stale.hold_expires_at
    assert listed(offer, later, moving=group, **around) == [at(11), at(11, 30), at(12), at(12, 30), at(13)]
    moved = services.reschedule_booking(booking=booking, starts_at=at(12, 30), actor=GUEST, now=later)
    assert fresh(moved).session.starts_at == at(12, 30)


def test_offer_with_a_schedule_of_its_own_uses_that(offer: Offer, now: datetime) -> None:
    evenings = Schedule.objects.create(coach=offer.coach, tz="Europe/Berlin", is_default=False)
    WeeklyWindow.objects.create(schedule=evenings, weekday=3, start_minute=18 * 60, end_minute=19 * 60)
    offer.schedule = evenings
    offer.save()

    assert listed(offer, now) == [at(17)]


def test_coach_without_a_schedule_is_never_open(offer: Offer, now: datetime) -> None:
    Schedule.objects.all().delete()

    assert listed(offer, now) == []


def test_daily_limit_counts_whole_local_days_beyond_the_range(offer: Offer, now: datetime) -> None:
    Schedule.objects.update(tz="Pacific/Auckland")
    offer.daily_limit = 1
    offer.save()
    # 23:00 on the 4th in Auckland (GMT+13) is 10:00 UTC; its local day began at 11:00 UTC on the 3rd.
    confirmed(offer, at(10))

    found = listed(offer, now, range_from=at(10, 30, day=3), range_to=at(12, day=3))

    assert found == [at(10, 30, day=3)]


@pytest.mark.parametrize(
    ("limit", "next_period"),
    # Sunday 8 and Tuesday 31 March end in Auckland, 13 hours ahead of UTC, at 11:00.
    [("weekly_limit", at(11, day=8)), ("monthly_limit", at(11, day=31))],
)
def test_longer_limits_count_whole_local_weeks_and_months(
    offer: Offer, now: datetime, limit: str, next_period: datetime
) -> None:
    Schedule.objects.update(tz="Pacific/Auckland")
    change(offer, **{limit: 1})
    make_booking(offer=offer, starts_at=at(12, day=2), now=now)

    found = listed(offer, now, range_from=next_period - 12 * HOUR, range_to=next_period + HOUR)

    assert found == [next_period, next_period + HOUR / 2]


def test_limits_count_the_offers_own_sessions(offer: Offer, now: datetime) -> None:
    change(offer, daily_limit=1)
    other = make_offer(offer.coach, slug="other")
    make_booking(offer=other, starts_at=at(12), now=now)

    assert at(15) in listed(offer, now)
    make_booking(offer=offer, starts_at=at(18), now=now)
    assert at(15) not in listed(offer, now)
    assert at(15) in listed(other, now)


def test_dates_of_an_offer_are_the_coachs_own(offer: Offer, now: datetime) -> None:
    Schedule.objects.update(tz="Pacific/Auckland")
    change(offer, first_day=date(2026, 3, 5), last_day=date(2026, 3, 5))

    found = listed(offer, now, range_from=at(0, day=3), range_to=at(0, day=7))

    assert (found[0], found[-1]) == (at(11), at(10, 30, day=5))


def test_sessions_outside_hours_are_those_that_their_schedule_no_longer_holds(offer: Offer, now: datetime) -> None:
    usual = Schedule.objects.get()
    other = Schedule.objects.create(coach=offer.coach, name="Evenings", tz="UTC", is_default=False)
    late = make_offer(offer.coach, slug="late")
    change(late, schedule=other)
    kept, lost = confirmed(offer, at(12)), confirmed(offer, at(15))
    over_the_end = confirmed(offer, at(12, 30, day=5))
    theirs = make_booking(offer=late, starts_at=at(15, day=6), now=now)
    hold(offer, at(18), holder="bob")
    make_booking(offer=offer, starts_at=at(9, day=1), now=now)
    WeeklyWindow.objects.filter(schedule=usual).update(start_minute=12 * 60, end_minute=13 * 60)

    found = queries.sessions_outside_hours(usual, now=now)

    assert found == [lost.session, over_the_end.session]
    assert kept.session not in found
    assert queries.sessions_outside_hours(other, now=now) == [theirs.session]
    WeeklyWindow.objects.create(schedule=other, weekday=5, start_minute=14 * 60, end_minute=16 * 60)
    assert queries.sessions_outside_hours(other, now=now) == []


def test_next_slots_are_the_first_of_the_lists(offer: Offer, now: datetime) -> None:
    other = make_offer(make_coach("ilse"), slug="late", minutes=30)
    other.notice_minutes = 26 * 60
    other.save()
    closed = make_offer(make_coach("zoe"))
    WeeklyWindow.objects.filter(schedule__coach=closed.coach).delete()
    hold(offer, at(10, day=2))
    wishes = [Wish(offer, HOUR), Wish(other, HOUR / 2), Wish(closed, HOUR)]

    found = queries.next_slots(wishes, now=now)

    assert found == [at(11, day=2), at(12, day=3), None]
    assert found[0] == listed(offer, now)[0]
    assert found[1] == queries.open_slots(other, length=HOUR / 2, **WEEK, now=now)[0]


def test_next_slots_of_nothing_asks_nothing(db: None, now: datetime, count: Counted) -> None:  # noqa: ARG001 -- it would read
    assert queries.next_slots([], now=now) == []
    assert count(lambda: queries.next_slots([], now=now)) == 0


@pytest.mark.parametrize(
    ("coach", "offer_status", "is_bookable"),
    [
        ({}, OfferStatus.PUBLISHED, True),
        ({"is_accepting_students": False}, OfferStatus.PUBLISHED, False),
        ({"status": CoachStatus.SUSPENDED}, OfferStatus.PUBLISHED, False),
        ({}, OfferStatus.DRAFT, False),
    ],
)
def test_what_takes_no_bookings_has_no_free_times(
    offer: Offer,
    now: datetime,
    coach: dict[str, Any],
    offer_status: OfferStatus,
    is_bookable: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    offer.status = offer_status
    for name, value in coach.items():
        setattr(offer.coach, name, value)

    assert queries.takes_bookings(offer) is is_bookable
    assert bool(listed(offer, now)) is is_bookable
    assert (queries.next_slots([Wish(offer, HOUR)], now=now)[0] is not None) is is_bookable
    session = make_session(offer=offer, starts_at=at(12), now=now)
    assert listed(offer, now, moving=session)


@pytest.mark.parametrize("coaches", [1, 3])
def test_free_times_cost_five_queries_for_any_number(
    db: None,  # noqa: ARG001 -- it reads
    now: datetime,
    count: Counted,
    coaches: int,
) -> None:
    for n in range(coaches):
        offer = make_offer(make_coach(f"coach-{n}"))
        make_session(offer=offer, starts_at=at(12), now=now)
        make_session(offer=offer, starts_at=at(15), now=now)
    offers = list(public_offers())
    wishes = [Wish(offer, HOUR) for offer in offers]

    assert count(lambda: queries.next_slots(wishes, now=now)) == 5
    assert count(lambda: listed(offers[0], now)) == 5
    assert count(lambda: queries.explain_slot(offers[0], length=HOUR, starts_at=at(12), now=now)) == 5


def test_hold_past_its_time_is_free_and_one_under_payment_is_not(offer: Offer, frozen_clock: SettableClock) -> None:
    hold(offer, at(9), holder="bob")
    pending(offer)
    now = frozen_clock.advance(15 * MINUTE)

    found = listed(offer, now)

    assert (at(9) in found, at(12) in found) == (True, False)


def test_is_still_free_counts_only_what_stands_in_the_way(offer: Offer, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now, status=BookingStatus.EXPIRED)
    session = booking.session

    assert queries.is_still_free(session, now=now)
    assert queries.is_still_free(session, now=at(12) - timedelta(microseconds=1))
    assert not queries.is_still_free(session, now=at(12))
    make_session(offer=offer, starts_at=at(13), now=now)
    make_session(offer=offer, starts_at=at(11), now=now)
    assert queries.is_still_free(session, now=now)
    Blackout.objects.create(coach=offer.coach, starts_at=at(13), ends_at=at(14))
    assert queries.is_still_free(session, now=now)
    Blackout.objects.create(coach=offer.coach, starts_at=at(12, 59), ends_at=at(13))
    assert not queries.is_still_free(session, now=now)


def test_nearest_slots_are_three_within_two_weeks(offer: Offer, now: datetime) -> None:
    WeeklyWindow.objects.exclude(weekday=1).delete()
    WeeklyWindow.objects.update(start_minute=9 * 60, end_minute=10 * 60)

    found = queries.nearest_slots(offer, length=HOUR, wanted=at(9, day=23), now=now)

    assert found == [at(9, day=16), at(9, day=23), at(9, day=30)]
    assert queries.nearest_slots(offer, length=HOUR, wanted=at(9, day=1), now=now) == [at(9, day=9), at(9, day=16)]


def test_manage_token_opens_its_booking_and_stays_the_same(offer: Offer, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now)
    token = queries.manage_token(booking)

    assert queries.get_booking_by_token(token) == booking
    assert queries.manage_token(fresh(booking)) == token


def test_manage_token_that_was_tampered_with_or_made_for_something_else_opens_nothing(
    offer: Offer, now: datetime
) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now)
    other = make_booking(offer=offer, starts_at=at(15), now=now)
    token = queries.manage_token(booking)
    signature = token.partition(".")[2]
    tampered = [
        "",
        booking.ref,
        f"{booking.ref}.",
        f".{signature}",
        f"{other.ref}.{signature}",
        token[:-1],
        token + "A",
        token.swapcase(),
        f"{token}\x00",
        "\ud800",
        "x" * 10_000,
        sign_ref(booking.ref, purpose="bookings.other"),
        sign_ref("no-such-booking", purpose=queries.MANAGE_PURPOSE),
    ]

    for wrong in tampered:
        with pytest.raises(NotFoundError, match="Check the link"):
            queries.get_booking_by_token(wrong)


def test_get_booking_for_shows_it_to_its_two_sides_only(offer: Offer, now: datetime) -> None:
    student = make_user()
    booking = make_booking(offer=offer, starts_at=at(12), now=now, student=student)
    stranger, other_coach = make_user("eve@example.org"), make_coach("ilse").user

    assert queries.get_booking_for(student, booking.ref) == booking
    assert queries.get_booking_for(offer.coach.user, booking.ref) == booking
    for user in (stranger, other_coach):
        with pytest.raises(NotFoundError):
            queries.get_booking_for(user, booking.ref)
    with pytest.raises(NotFoundError):
        queries.get_booking_for(student, "no-such-ref")


def test_get_booking_of_holder_shows_it_to_its_holder_only(offer: Offer) -> None:
    digest = rules.holder_digest("cookie", "secret")
    booking = hold(offer, holder=digest)

    assert queries.get_booking_of_holder(digest, booking.ref) == booking
    for wrong in (rules.holder_digest("cookie", ""), rules.holder_digest("email", "secret"), ""):
        with pytest.raises(NotFoundError):
            queries.get_booking_of_holder(wrong, booking.ref)


def test_getting_a_booking_is_one_query(offer: Offer, count: Counted) -> None:
    booking = confirmed(offer)
    token = queries.manage_token(booking)

    def open_it() -> None:
        found = queries.get_booking_by_token(token)
        assert found.session.offer.title == found.session.offer.title
        assert (found.coach.user.email, found.order, found.student) is not None

    assert count(open_it) == 1


def test_find_booking_by_token_is_the_same_without_a_refusal(offer: Offer, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now)

    assert queries.find_booking_by_token(queries.manage_token(booking)) == booking
    assert queries.find_booking_by_token("nonsense") is None


def test_find_seat_prefers_what_was_not_given_up(offer: Offer, now: datetime) -> None:
    student, stranger = make_user(), make_user("eve@example.org")
    booking = make_booking(offer=offer, starts_at=at(12), now=now, student=student)
    gone = add_booking(booking.session, now=now, status=BookingStatus.CANCELLED, student=student)

    assert gone.pk > booking.pk
    for user in (student, offer.coach.user):
        assert queries.find_seat(user, booking.session.ref) == booking
    assert queries.find_seat(stranger, booking.session.ref) is None
    assert queries.find_seat(student, "no-such-session") is None


def test_bookings_of_student_are_what_is_ahead_the_soonest_first_then_the_rest(offer: Offer, now: datetime) -> None:
    student = make_user()
    paying = make_booking(offer=offer, starts_at=at(9), now=now, student=student, status=BookingStatus.PENDING_PAYMENT)
    early = make_booking(offer=offer, starts_at=at(12), now=now, student=student)
    late = make_booking(offer=offer, starts_at=at(15), now=now, student=student, status=BookingStatus.CANCELLED)
    make_booking(offer=offer, starts_at=at(18), now=now, student=student, status=BookingStatus.HELD)
    make_booking(offer=offer, starts_at=at(20), now=now, student=make_user("eve@example.org"))

    assert list(queries.bookings_of_student(student, now=now)) == [paying, early, late]
    assert list(queries.bookings_of_student(student, now=at(11))) == [early, late, paying]


def test_bookings_of_student_leave_out_a_time_that_was_let_go_unpaid(offer: Offer, now: datetime) -> None:
    student = make_user()
    booking = make_booking(offer=offer, starts_at=at(9), now=now, student=student, status=BookingStatus.PENDING_PAYMENT)
    booking.cancelled_by = "student"
    booking.save()

    assert not queries.bookings_of_student(student, now=now).exists()
