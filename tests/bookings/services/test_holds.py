from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from tests.bookings.steps import (
    HOUR,
    MINUTE,
    STUDENT,
    at,
    change,
    confirmed,
    describe,
    die,
    fresh,
    hold,
    occupied,
    pending,
    settle,
    snapshot,
)
from tests.factories.accounts import make_user
from tests.factories.bookings import make_coach, make_offer, make_session
from tests.factories.clock import SettableClock

from greenroom.availability.models import Blackout, WeeklyWindow
from greenroom.bookings import queries, services
from greenroom.bookings.errors import (
    OfferNotBookableError,
    SlotNotOfferedError,
    SlotTakenError,
)
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.types import CoachStatus
from greenroom.core import clock
from greenroom.core.actors import SYSTEM
from greenroom.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from greenroom.core.models import AuditEntry
from greenroom.jobs.models import Job

QUARTER = timedelta(minutes=15)


def listed(offer: Offer, day: int = 4) -> list[datetime]:
    return queries.open_slots(
        offer, length=HOUR, range_from=at(0, day=day), range_to=at(0, day=day + 1), now=at(10, day=2)
    )


def refuse_early(
    offer: Offer, starts_at: datetime, *, holder: str = "ann", minutes: int | None = None, is_proven: bool = True
) -> None:
    services.refuse_early(
        coach=offer.coach.slug,
        offer=offer.slug,
        minutes=minutes,
        starts_at=starts_at,
        holder=holder,
        now=clock.now(),
        is_proven=is_proven,
    )


def test_refuse_early_lets_everybody_pass_who_wants_a_free_time(offer: Offer) -> None:
    hold(offer, at(15))

    refuse_early(offer, at(12))
    refuse_early(offer, at(12), minutes=60)


def test_refuse_early_turns_away_who_comes_too_late_with_two_questions(
    offer: Offer, django_assert_num_queries: Any
) -> None:
    hold(offer, holder="bob")
    with pytest.raises(SlotTakenError):
        refuse_early(offer, at(12))
    before = snapshot()

    with django_assert_num_queries(2), pytest.raises(SlotTakenError) as refused:
        refuse_early(offer, at(12, 30), holder="eve")

    assert refused.value.alternatives == [at(11), at(13), at(13, 30)]
    assert snapshot() == before


def test_refuse_early_leaves_holders_of_another_time_to_the_lock(offer: Offer) -> None:
    hold(offer)

    refuse_early(offer, at(12))
    refuse_early(offer, at(12, 30))
    refuse_early(offer, at(12, 30), is_proven=False)
    with pytest.raises(SlotTakenError):
        refuse_early(offer, at(12), is_proven=False)
    with pytest.raises(SlotTakenError):
        refuse_early(offer, at(12, 30), holder="bob")


def test_refuse_early_says_why_a_time_is_not_offered(offer: Offer) -> None:
    with pytest.raises(SlotNotOfferedError, match="not offered"):
        refuse_early(offer, at(12, 10))
    with pytest.raises(InvalidInputError) as refused:
        refuse_early(offer, at(12), minutes=45)
    assert refused.value.field == "duration"


def test_refuse_early_for_a_coach_who_takes_no_bookings(offer: Offer) -> None:
    change(offer.coach, is_accepting_students=False)

    with pytest.raises(OfferNotBookableError):
        refuse_early(offer, at(12))


def test_refuse_early_of_what_is_not_public(offer: Offer) -> None:
    change(offer, status=OfferStatus.DRAFT)

    with pytest.raises(NotFoundError):
        refuse_early(offer, at(12))


def test_hold_slot_keeps_the_time_for_fifteen_minutes(offer: Offer, now: datetime) -> None:
    booking = hold(offer)

    session = booking.session
    assert (booking.status, booking.hold_expires_at) == (BookingStatus.HELD, now + QUARTER)
    assert (session.starts_at, session.ends_at) == (at(12), at(13))
    assert (session.blocked_from, session.blocked_until) == (at(12), at(13))
    assert (session.status, session.held_until) == (SessionStatus.HELD, now + QUARTER)
    assert (session.seats_taken, session.capacity, session.venue, session.sequence) == (1, 1, "discord", 0)
    assert not {at(11, 30), at(12), at(12, 30)} & set(listed(offer))
    assert {at(11), at(13)} <= set(listed(offer))
    [job] = Job.objects.all()
    assert (job.kind, job.due_at) == ("bookings.expire_hold", now + QUARTER)
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.actor_kind, entry.object_id, entry.after) == (
        "booking.hold",
        "guest",
        booking.pk,
        {"status": "held"},
    )


def test_hold_slot_again_returns_the_live_hold_unchanged(offer: Offer, frozen_clock: SettableClock) -> None:
    first = hold(offer)
    before = snapshot()
    frozen_clock.advance(5 * MINUTE)

    assert hold(offer).pk == first.pk
    assert snapshot() == before


def test_hold_slot_again_by_address_alone_is_taken(offer: Offer) -> None:
    describe(hold(offer, is_proven=False))
    before = snapshot()

    with pytest.raises(SlotTakenError) as refused:
        hold(offer, is_proven=False)

    assert refused.value.alternatives == [at(10, 30), at(11), at(13)]
    assert snapshot() == before


def test_hold_slot_at_another_time_by_address_alone_moves_the_hold(offer: Offer) -> None:
    first = describe(hold(offer, is_proven=False))

    second = hold(offer, at(12, 30), is_proven=False)

    assert (second.contact_name, second.order) == ("", None)
    assert fresh(first).status == BookingStatus.CANCELLED
    assert occupied() == [at(12, 30)]


def test_hold_slot_by_address_alone_leaves_what_is_being_paid(offer: Offer) -> None:
    paying = pending(offer, is_proven=False)

    hold(offer, at(15), is_proven=False)

    assert fresh(paying).status == BookingStatus.PENDING_PAYMENT
    assert not fresh(paying).cancelled_by
    assert occupied() == [at(12), at(15)]


def test_hold_slot_at_another_time_moves_the_hold(offer: Offer) -> None:
    first = hold(offer)

    second = hold(offer, at(12, 30))

    assert second.pk != first.pk
    assert (fresh(first).status, fresh(first).reason) == (BookingStatus.CANCELLED, "Another time was chosen.")
    assert (fresh(first).session.status, fresh(first).session.seats_taken) == (SessionStatus.CANCELLED, 0)
    assert occupied() == [at(12, 30)]
    assert hold(offer, at(11, 30), holder="bob").session.starts_at == at(11, 30)


def test_hold_slot_of_another_length_moves_the_hold(offer: Offer) -> None:
    half = OfferDuration.objects.create(offer=offer, minutes=30, price_minor=3000, position=1)
    first = hold(offer)

    second = hold(offer, duration=half)

    assert (second.pk != first.pk, second.session.ends_at) == (True, at(12, 30))
    assert fresh(first).status == BookingStatus.CANCELLED


def test_hold_slot_of_another_offer_of_the_coach_moves_the_hold(offer: Offer) -> None:
    other = make_offer(offer.coach, slug="other")
    first = hold(offer)

    second = hold(other)

    assert (fresh(first).status, second.session.offer) == (BookingStatus.CANCELLED, other)


def test_hold_slot_with_another_coach_leaves_the_hold(offer: Offer) -> None:
    first = hold(offer)

    hold(make_offer(make_coach("ilse")))

    assert fresh(first).status == BookingStatus.HELD


def test_hold_slot_refused_keeps_the_earlier_hold(offer: Offer) -> None:
    hold(offer, holder="bob")
    mine = hold(offer, at(15))
    before = snapshot()

    with pytest.raises(SlotTakenError):
        hold(offer)

    assert snapshot() == before
    assert fresh(mine).status == BookingStatus.HELD


def test_hold_slot_of_somebody_else_tells_the_three_nearest_times_in_order(offer: Offer) -> None:
    hold(offer, holder="bob")
    before = snapshot()

    with pytest.raises(SlotTakenError) as refused:
        hold(offer)

    assert (refused.value.code, refused.value.field) == ("slot_taken", "starts_at")
    assert refused.value.alternatives == [at(10, 30), at(11), at(13)]
    assert snapshot() == before


def test_hold_slot_alternatives_can_be_booked(offer: Offer) -> None:
    for n, hour in enumerate((10, 11, 12, 13)):
        hold(offer, at(hour), holder=f"bob{n}")

    with pytest.raises(SlotTakenError) as refused:
        hold(offer, at(12, 30))

    assert refused.value.alternatives == [at(14), at(14, 30), at(15)]
    for n, start in enumerate((at(14), at(15))):
        assert hold(offer, start, holder=f"eve{n}").session.starts_at == start


def test_hold_slot_without_any_free_time_near_has_no_alternatives(offer: Offer) -> None:
    make_session(offer=offer, starts_at=at(10, day=2), now=at(10, day=2), length=timedelta(days=29))

    with pytest.raises(SlotTakenError) as refused:
        hold(offer)

    assert refused.value.alternatives == []


@pytest.mark.parametrize(
    ("starts_at", "sentence"),
    [
        (at(12, 10), "It is not on the grid of a start every 30 minutes; nearest: 2026-03-04 12:00 UTC or"),
        (at(9, 30, day=2), "It has passed: it is 2026-03-02 10:00 UTC now."),
        (at(0, day=31) + timedelta(days=40), "It is too far ahead: bookings open 60 days before the start."),
        (at(12) + timedelta(seconds=1), "It is not on the grid"),
    ],
)
def test_hold_slot_of_a_time_never_offered_says_why(offer: Offer, starts_at: datetime, sentence: str) -> None:
    with pytest.raises(SlotNotOfferedError) as refused:
        hold(offer, starts_at)

    assert refused.value.message.startswith(f"This time is not offered: {sentence}")
    assert (refused.value.code, refused.value.field) == ("slot_not_offered", "starts_at")
    assert not Booking.objects.exists()


def test_hold_slot_at_the_last_instant_of_the_horizon_is_offered(offer: Offer, now: datetime) -> None:
    assert hold(offer, now + offer.horizon).session.starts_at == now + timedelta(days=60)


def test_hold_slot_inside_a_blackout_is_not_offered(offer: Offer) -> None:
    Blackout.objects.create(coach=offer.coach, starts_at=at(12, 59), ends_at=at(20))

    with pytest.raises(SlotNotOfferedError, match="overlap a blackout, 2026-03-04 12:59 UTC"):
        hold(offer)

    assert hold(offer, at(11, 30)).session.ends_at == at(12, 30)


def test_hold_slot_outside_the_hours_is_not_offered(offer: Offer) -> None:
    WeeklyWindow.objects.filter(weekday=3).update(start_minute=9 * 60, end_minute=12 * 60 + 30)

    with pytest.raises(SlotNotOfferedError, match=r"after closing time, 2026-03-04 12:30 UTC\."):
        hold(offer)
    with pytest.raises(SlotNotOfferedError, match="no open window"):
        hold(offer, at(8))
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("thing", "values"),
    [
        ("coach", {"is_accepting_students": False}),
        ("coach", {"status": CoachStatus.SUSPENDED}),
        ("offer", {"status": OfferStatus.DRAFT}),
        ("offer", {"status": OfferStatus.ARCHIVED}),
    ],
)
def test_hold_slot_of_what_takes_no_bookings_is_refused_and_not_listed(
    offer: Offer, thing: str, values: dict[str, Any]
) -> None:
    change(offer.coach if thing == "coach" else offer, **values)

    with pytest.raises(OfferNotBookableError):
        hold(offer)
    assert listed(offer) == []
    assert not Booking.objects.exists()


def test_hold_slot_looks_again_under_the_lock_whether_the_coach_takes_bookings(offer: Offer) -> None:
    known = Offer.objects.select_related("coach").get(pk=offer.pk)
    change(offer.coach, is_accepting_students=False)

    with pytest.raises(OfferNotBookableError):
        hold(known)

    assert not Booking.objects.exists()


def test_hold_slot_by_the_coach_herself_is_refused(offer: Offer) -> None:
    with pytest.raises(NotAllowedError, match="with yourself"):
        hold(offer, student=offer.coach.user, actor=STUDENT)

    assert not Booking.objects.exists()


def test_hold_slot_by_the_system_is_refused(offer: Offer) -> None:
    with pytest.raises(NotAllowedError):
        hold(offer, actor=SYSTEM)


def test_hold_slot_by_a_student_keeps_who_it_is(offer: Offer) -> None:
    student = make_user()

    assert fresh(hold(offer, student=student, actor=STUDENT)).student == student


def test_hold_slot_beyond_the_daily_limit_is_taken_until_another_day(offer: Offer) -> None:
    change(offer, daily_limit=2)
    confirmed(offer, at(9))
    hold(offer, at(15), holder="bob")

    with pytest.raises(SlotTakenError) as refused:
        hold(offer, at(20), holder="eve")

    assert refused.value.alternatives == [at(0, day=5), at(0, 30, day=5), at(1, day=5)]
    assert listed(offer) == []


def test_hold_slot_moving_ones_own_hold_stays_within_the_daily_limit(offer: Offer) -> None:
    change(offer, daily_limit=1)
    hold(offer)

    assert hold(offer, at(15)).session.starts_at == at(15)


def test_buffers_are_frozen_at_booking_and_those_of_neighbours_add_up(offer: Offer) -> None:
    change(offer, buffer_before_minutes=30, buffer_after_minutes=60)
    first = hold(offer).session

    assert (first.blocked_from, first.blocked_until) == (at(11, 30), at(14))

    change(offer, buffer_after_minutes=0)
    assert fresh(Booking.objects.get()).session.blocked_until == at(14)
    with pytest.raises(SlotTakenError):
        hold(offer, at(14), holder="bob")
    assert hold(offer, at(14, 30), holder="bob").session.blocked_from == at(14)
    assert hold(offer, at(10, 30), holder="eve").session.blocked_until == at(11, 30)


def test_a_sessions_buffers_may_reach_beyond_the_hours(offer: Offer) -> None:
    WeeklyWindow.objects.filter(weekday=3).update(start_minute=12 * 60, end_minute=13 * 60)
    change(offer, buffer_before_minutes=30, buffer_after_minutes=30)

    assert hold(offer).session.blocked_until == at(13, 30)


def test_hold_slot_within_the_notice_is_not_offered(offer: Offer, now: datetime) -> None:
    change(offer, notice_minutes=120)

    with pytest.raises(SlotNotOfferedError, match="2 hours of notice"):
        hold(offer, now + 2 * HOUR - 30 * MINUTE)
    assert hold(offer, now + 2 * HOUR).session.starts_at == at(12, day=2)


def test_hold_past_its_time_is_ignored_by_the_list_and_cleared_by_the_next(
    offer: Offer, frozen_clock: SettableClock
) -> None:
    stale = hold(offer)
    frozen_clock.advance(QUARTER)
    now = frozen_clock()

    assert at(12) in queries.open_slots(offer, length=HOUR, range_from=at(12), range_to=at(13), now=now)
    assert fresh(stale).status == BookingStatus.HELD

    mine = hold(offer, at(12, 30), holder="bob")

    assert (fresh(stale).status, fresh(stale).session.status) == (BookingStatus.EXPIRED, SessionStatus.EXPIRED)
    assert fresh(stale).closed_at == now
    assert occupied() == [mine.session.starts_at]
    assert AuditEntry.objects.get(action="booking.expire").actor_kind == "system"


def test_hold_past_its_time_is_cleared_however_long_its_buffer(offer: Offer, frozen_clock: SettableClock) -> None:
    change(offer, buffer_after_minutes=3 * 24 * 60)
    hold(offer)
    frozen_clock.advance(QUARTER)

    assert hold(offer, at(12, day=7), holder="bob").session.starts_at == at(12, day=7)


def test_hold_a_microsecond_before_its_end_is_live(offer: Offer, frozen_clock: SettableClock) -> None:
    hold(offer)
    frozen_clock.advance(QUARTER - timedelta(microseconds=1))

    with pytest.raises(SlotTakenError):
        hold(offer, holder="bob")


def test_own_hold_past_its_time_is_replaced_by_a_fresh_one(offer: Offer, frozen_clock: SettableClock) -> None:
    stale = hold(offer)
    frozen_clock.advance(QUARTER)

    again = hold(offer)

    assert (again.pk != stale.pk, again.hold_expires_at) == (True, frozen_clock() + QUARTER)
    assert fresh(stale).status in {BookingStatus.EXPIRED, BookingStatus.CANCELLED}


def test_time_under_payment_is_not_free_when_its_hold_is_over(offer: Offer, frozen_clock: SettableClock) -> None:
    pending(offer)
    frozen_clock.advance(HOUR)

    with pytest.raises(SlotTakenError):
        hold(offer, holder="bob")


def test_hold_slot_again_under_payment_returns_the_same_booking(offer: Offer) -> None:
    booking = pending(offer)

    assert hold(offer).pk == booking.pk
    assert fresh(booking).status == BookingStatus.PENDING_PAYMENT


def test_hold_slot_at_another_time_under_payment_ends_that_payment_first(offer: Offer) -> None:
    first = pending(offer)

    second = hold(offer, at(15))

    assert fresh(first).status == BookingStatus.PENDING_PAYMENT
    assert occupied() == [at(12), at(15)]

    die(first)
    settle(first)

    assert (fresh(first).status, fresh(second).status) == (BookingStatus.CANCELLED, BookingStatus.HELD)
    assert occupied() == [at(15)]


def test_other_database_errors_are_not_called_a_taken_slot(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer, "capacity", 0)

    with pytest.raises(IntegrityError, match="capacity"):
        hold(offer)
