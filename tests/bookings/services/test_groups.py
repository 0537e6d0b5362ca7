from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from tests.bookings.steps import (
    ADMIN,
    COACH,
    GUEST,
    HOUR,
    MINUTE,
    STUDENT,
    at,
    change,
    confirmed,
    describe,
    fresh,
    give_money,
    hold,
    mails,
    occupied,
    pay_too_late,
    pending,
    refunds,
    seat,
    settle,
    snapshot,
    start_payment,
)
from tests.factories.accounts import make_user
from tests.factories.bookings import make_booking, make_offer
from tests.factories.clock import SettableClock

from greenroom.availability.models import Blackout
from greenroom.bookings import queries, services
from greenroom.bookings.errors import AlreadyBookedError, IllegalTransitionError, SlotNotOfferedError, SlotTakenError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services.holds import release_stale_holds
from greenroom.bookings.types import BookingStatus, Party, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.core.actors import SYSTEM
from greenroom.core.errors import NotAllowedError
from greenroom.core.transactions import unit_of_work
from greenroom.jobs.models import Job, JobState

S = BookingStatus
DAY = timedelta(days=1)
SEATS = 3
Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


@pytest.fixture
def group(offer: Offer) -> Offer:
    """An hour in a group of three, 50 EUR a seat, starts every half hour."""
    change(offer, capacity=SEATS)
    return offer


def listed(offer: Offer, day: int = 4) -> dict[datetime, int]:
    """Return what is offered on a day, with the seats left at each start."""
    wanted: dict[str, Any] = {
        "length": HOUR,
        "range_from": at(0, day=day),
        "range_to": at(0, day=day + 1),
        "now": clock.now(),
    }
    left = queries.seats_left(offer, **wanted)
    return {start: left.get(start, offer.capacity) for start in queries.open_slots(offer, **wanted)}


def session_of(booking: Booking) -> CoachingSession:
    return fresh(booking).session


def test_seats_of_one_time_share_a_session_and_are_counted_down(group: Offer) -> None:
    first = seat(group, name="ann")
    assert listed(group)[at(12)] == 2
    assert {at(11), at(11, 30), at(12, 30), at(13)} & set(listed(group)) == {at(11), at(13)}

    others = [seat(group, name="bob"), hold(group, holder="cleo")]

    assert {booking.session_id for booking in others} == {first.session_id}
    session = session_of(first)
    assert (session.status, session.seats_taken, session.capacity) == (SessionStatus.CONFIRMED, SEATS, SEATS)
    assert at(12) not in listed(group)
    assert occupied() == [at(12)]
    with pytest.raises(SlotTakenError):
        hold(group, holder="dora")


def test_each_seat_has_its_own_price_order_and_mails(group: Offer, run_jobs: Callable[..., None]) -> None:
    bookings = [seat(group, name=name) for name in ("ann", "bob")]
    run_jobs()

    assert len({fresh(booking).order_id for booking in bookings}) == 2
    assert [fresh(booking).price_minor for booking in bookings] == [5000, 5000]
    assert len([subject for subject in mails("ann@example.org") if subject.startswith("Booked")]) == 1
    assert len([subject for subject in mails("maya@example.org") if subject.startswith("New booking")]) == 2


def test_coach_is_reminded_once_and_each_student_for_themselves(group: Offer, run_jobs: Callable[..., None]) -> None:
    for name in ("ann", "bob"):
        seat(group, name=name)
    run_jobs(at(12))

    assert [subject for subject in mails("maya@example.org") if "with a group of 2" in subject] == [
        "In 24 hours: A call with a group of 2",
        "In 1 hour: A call with a group of 2",
    ]
    assert len([subject for subject in mails("bob@example.org") if subject.startswith("In ")]) == 2


def test_one_who_leaves_frees_one_seat_and_the_others_stay(group: Offer, run_jobs: Callable[..., None]) -> None:
    ann, bob = seat(group, name="ann"), seat(group, name="bob")

    services.cancel_booking(booking=ann, actor=GUEST, now=clock.now())

    session = session_of(bob)
    assert (session.status, session.seats_taken, fresh(bob).status) == (SessionStatus.CONFIRMED, 1, S.CONFIRMED)
    assert listed(group)[at(12)] == 2
    assert refunds() == [(5000, "student_cancelled")]
    run_jobs(at(12))
    assert len([subject for subject in mails("maya@example.org") if subject.startswith("In ")]) == 2
    assert [subject for subject in mails("ann@example.org") if subject.startswith("In ")] == []


def test_last_one_to_leave_releases_the_session(group: Offer, run_jobs: Callable[..., None]) -> None:
    bookings = [seat(group, name=name) for name in ("ann", "bob")]
    for booking in bookings:
        services.cancel_booking(booking=booking, actor=GUEST, now=clock.now())

    assert (session_of(bookings[0]).status, occupied()) == (SessionStatus.CANCELLED, [])
    assert listed(group)[at(11, 30)] == SEATS
    run_jobs(at(12))
    assert [subject for subject in mails("maya@example.org") if subject.startswith("In ")] == []


def test_hold_past_its_time_frees_its_seat_without_anybodys_help(group: Offer, frozen_clock: SettableClock) -> None:
    seat(group, name="ann")
    hold(group, holder="bob")
    late = hold(group, holder="cleo")
    assert at(12) not in listed(group)

    frozen_clock.advance(15 * MINUTE)

    assert listed(group)[at(12)] == 2
    dora = hold(group, holder="dora")
    assert (fresh(late).status, session_of(dora).seats_taken) == (S.EXPIRED, 2)


def test_group_that_was_only_held_is_free_once_every_hold_is_over(group: Offer, frozen_clock: SettableClock) -> None:
    first = hold(group, holder="ann")
    frozen_clock.advance(10 * MINUTE)
    hold(group, holder="bob")
    frozen_clock.advance(10 * MINUTE)
    assert (listed(group)[at(12)], at(11, 30) in listed(group)) == (2, False)

    frozen_clock.advance(5 * MINUTE)

    assert (listed(group)[at(12)], at(11, 30) in listed(group)) == (SEATS, True)
    with unit_of_work():
        release_stale_holds(group.coach_id, at(0), at(23), clock.now())
    assert (session_of(first).status, occupied()) == (SessionStatus.EXPIRED, [])


def test_account_has_one_seat(group: Offer) -> None:
    student = make_user("ann@example.org")
    seat(group, name="bob")
    first = describe(hold(group, holder="ann", student=student, actor=STUDENT))
    start_payment(first)
    give_money(first)
    settle(first)
    before = snapshot()

    with pytest.raises(AlreadyBookedError):
        hold(group, holder="ann", student=student, actor=STUDENT)

    assert snapshot() == before


def test_offer_with_fewer_seats_keeps_those_taken_and_gives_no_more(group: Offer) -> None:
    bookings = [seat(group, name=name) for name in ("ann", "bob")]

    change(group, capacity=2)

    assert at(12) not in listed(group)
    with pytest.raises(SlotTakenError):
        hold(group, holder="cleo")
    change(group, capacity=1)
    services.cancel_booking(booking=bookings[0], actor=GUEST, now=clock.now())
    assert (at(12) in listed(group), session_of(bookings[1]).seats_taken) == (False, 1)


def test_offer_with_more_seats_opens_them_in_groups_that_stand(group: Offer) -> None:
    for name in ("ann", "bob", "cleo"):
        seat(group, name=name)
    change(group, capacity=5)

    assert listed(group)[at(12)] == 2
    assert session_of(seat(group, name="dora")).capacity == 5


def test_session_of_two_stays_one_when_its_offer_becomes_a_group(offer: Offer) -> None:
    ann = confirmed(offer)

    change(offer, capacity=SEATS)

    assert at(12) not in listed(offer)
    with pytest.raises(SlotTakenError):
        hold(offer, holder="bob")
    seat(offer, at(15), name="cleo")
    with pytest.raises(SlotTakenError):
        services.reschedule_booking(booking=ann, starts_at=at(15), actor=GUEST, now=clock.now())


def test_another_length_at_the_time_of_a_group_is_taken(group: Offer) -> None:
    short = group.durations.create(minutes=30, price_minor=3000, position=1)
    seat(group)

    with pytest.raises(SlotTakenError):
        hold(group, holder="bob", duration=short)


def test_group_in_hours_that_were_closed_since_is_not_joined(group: Offer) -> None:
    ann = seat(group)
    Blackout.objects.create(coach=group.coach, starts_at=at(12), ends_at=at(13))

    assert at(12) not in listed(group)
    with pytest.raises(SlotNotOfferedError):
        hold(group, holder="bob")
    assert fresh(ann).status == S.CONFIRMED


def test_group_is_joined_although_the_day_has_all_its_sessions(group: Offer) -> None:
    seat(group)
    change(group, daily_limit=1)

    assert listed(group) == {at(12): 2}
    assert hold(group, holder="bob").session.starts_at == at(12)


def test_seat_moves_alone_into_a_new_group(group: Offer, run_jobs: Callable[..., None]) -> None:
    ann, bob = seat(group, name="ann"), seat(group, name="bob")

    services.reschedule_booking(booking=ann, starts_at=at(15), actor=GUEST, now=clock.now())

    assert (session_of(ann).starts_at, session_of(bob).starts_at) == (at(15), at(12))
    assert (session_of(ann).seats_taken, session_of(bob).seats_taken) == (1, 1)
    assert (fresh(ann).sequence, fresh(bob).sequence, session_of(bob).sequence) == (1, 0, 0)
    assert {job.payload["session_id"] for job in Job.objects.filter(kind="rooms.reconcile")} == {
        ann.session_id,
        session_of(ann).pk,
    }
    run_jobs(at(16))
    assert [subject for subject in mails("ann@example.org") if "New time" in subject] == [
        "New time: A call, Wed 4 Mar, 16:00 Berlin time"
    ]
    assert [subject for subject in mails("bob@example.org") if "New time" in subject] == []


def test_last_seat_that_moves_takes_its_session_along_or_joins_and_leaves_it(
    group: Offer, run_jobs: Callable[..., None]
) -> None:
    ann = seat(group, name="ann")
    before = ann.session_id
    services.reschedule_booking(booking=ann, starts_at=at(15), actor=GUEST, now=clock.now())
    assert (session_of(ann).pk, session_of(ann).sequence, occupied()) == (before, 1, [at(15)])

    bob = seat(group, at(18), name="bob")
    services.reschedule_booking(booking=ann, starts_at=at(18), actor=GUEST, now=clock.now())

    assert session_of(ann).pk == session_of(bob).pk
    assert (session_of(bob).seats_taken, occupied()) == (2, [at(18)])
    assert CoachingSession.objects.get(pk=before).status == SessionStatus.CANCELLED
    assert fresh(ann).sequence == 2
    run_jobs(at(19))
    assert [subject for subject in mails("maya@example.org") if subject.startswith("Off")] == [
        "Off: A call, Wed 4 Mar, 15:00 UTC"
    ]


def test_seat_does_not_move_to_a_time_that_its_own_group_blocks(group: Offer) -> None:
    ann = seat(group, name="ann")
    seat(group, name="bob")
    before = snapshot()

    with pytest.raises(SlotTakenError):
        services.reschedule_booking(booking=ann, starts_at=at(12, 30), actor=GUEST, now=clock.now())

    assert snapshot() == before


def test_move_into_a_full_group_is_refused(group: Offer) -> None:
    for name in ("ann", "bob", "cleo"):
        seat(group, name=name)
    dora = seat(group, at(15), name="dora")

    with pytest.raises(SlotTakenError):
        services.reschedule_booking(booking=dora, starts_at=at(12), actor=GUEST, now=clock.now())

    assert session_of(dora).starts_at == at(15)


def test_start_and_completion_concern_everybody_and_absence_one(group: Offer, frozen_clock: SettableClock) -> None:
    bookings = [seat(group, name=name) for name in ("ann", "bob", "cleo")]
    frozen_clock.set(at(12))

    services.start_session(booking=bookings[0], actor=COACH, now=clock.now())
    assert {fresh(booking).status for booking in bookings} == {S.IN_PROGRESS}
    services.mark_no_show(booking=bookings[1], party=Party.STUDENT, actor=COACH, now=clock.now())
    assert session_of(bookings[1]).status == SessionStatus.IN_PROGRESS
    services.complete_session(booking=bookings[0], actor=COACH, now=clock.now())

    assert [fresh(booking).status for booking in bookings] == [S.COMPLETED, S.NO_SHOW, S.COMPLETED]
    assert session_of(bookings[0]).status == SessionStatus.COMPLETED
    services.complete_session(booking=bookings[1], actor=COACH, now=clock.now())
    assert fresh(bookings[1]).status == S.COMPLETED


def test_absence_of_the_coach_refunds_everybody(group: Offer, frozen_clock: SettableClock) -> None:
    bookings = [seat(group, name=name) for name in ("ann", "bob")]
    frozen_clock.set(at(12))

    services.mark_no_show(booking=bookings[0], party=Party.COACH, actor=COACH, now=clock.now())

    assert {fresh(booking).status for booking in bookings} == {S.NO_SHOW}
    assert refunds() == [(5000, "not_fulfilled"), (5000, "not_fulfilled")]


@pytest.mark.parametrize("party", [Party.COACH, Party.BOTH])
def test_absence_of_the_coach_that_is_learned_late_concerns_who_was_absent_before(
    group: Offer, frozen_clock: SettableClock, party: Party
) -> None:
    ann, bob, cleo = (seat(group, name=name) for name in ("ann", "bob", "cleo"))
    frozen_clock.set(at(12))
    services.mark_no_show(booking=bob, party=Party.STUDENT, actor=COACH, now=clock.now())
    services.complete_session(booking=cleo, actor=COACH, now=clock.now())
    preview = services.preview_no_show(booking=fresh(ann))

    services.mark_no_show(booking=ann, party=party, actor=COACH, now=clock.now())

    assert [fresh(one).no_show_party for one in (ann, bob, cleo)] == [party, Party.BOTH, Party.COACH]
    assert refunds() == [(5000, "not_fulfilled")] * 3
    assert (preview.back.minor, preview.people) == (15000, 3)


def test_coach_cancels_a_whole_session_with_everything_back(group: Offer, run_jobs: Callable[..., None]) -> None:
    bookings = [seat(group, name=name) for name in ("ann", "bob")]
    held = hold(group, holder="cleo")
    group.refund_tiers.create(notice_hours=24, percent=0)

    count = services.cancel_session(session=bookings[0].session, actor=COACH, now=clock.now(), reason="I am ill.")

    assert (count, refunds()) == (2, [(5000, "coach_cancelled")] * 2)
    assert {fresh(booking).status for booking in [*bookings, held]} == {S.CANCELLED}
    assert (session_of(held).status, occupied()) == (SessionStatus.CANCELLED, [])
    assert services.cancel_session(session=bookings[0].session, actor=COACH, now=clock.now(), reason="") == 0
    run_jobs()
    assert len([subject for subject in mails("maya@example.org") if subject.startswith(("Off", "Cancelled"))]) == 1
    for name in ("ann", "bob"):
        assert len([subject for subject in mails(f"{name}@example.org") if subject.startswith("Cancelled")]) == 1


def test_money_for_a_session_that_was_called_off_meanwhile_goes_back(group: Offer) -> None:
    ann = seat(group, name="ann")
    bob = pending(group, holder="bob")
    services.cancel_session(session=ann.session, actor=COACH, now=clock.now(), reason="")
    assert fresh(bob).status == S.PENDING_PAYMENT

    give_money(bob)
    settle(bob)
    settle(bob)

    assert (fresh(bob).status, occupied()) == (S.CANCELLED, [])
    assert refunds() == [(5000, "coach_cancelled"), (5000, "not_fulfilled")]


@pytest.mark.parametrize("actor", [GUEST, STUDENT])
def test_students_cannot_cancel_a_whole_session(group: Offer, actor: Any) -> None:
    with pytest.raises(NotAllowedError):
        services.cancel_session(session=seat(group).session, actor=actor, now=clock.now(), reason="")


def test_session_that_has_begun_is_not_cancelled(group: Offer, frozen_clock: SettableClock) -> None:
    booking = seat(group)
    frozen_clock.set(at(12))
    services.start_session(booking=booking, actor=COACH, now=clock.now())

    with pytest.raises(IllegalTransitionError):
        services.cancel_session(session=booking.session, actor=ADMIN, now=clock.now(), reason="")


def late_payer(group: Offer, frozen_clock: SettableClock) -> Booking:
    return pay_too_late(group, expire=partial(frozen_clock.advance, 15 * MINUTE))


def test_late_money_takes_a_seat_that_is_left_and_goes_back_when_none_is(
    group: Offer, frozen_clock: SettableClock
) -> None:
    ann = seat(group, name="ann")
    late = late_payer(group, frozen_clock)
    assert settle(late).status == S.CONFIRMED
    assert (session_of(late).pk, session_of(late).seats_taken) == (ann.session_id, 2)

    other = late_payer(group, frozen_clock)
    seat(group, name="cleo")
    assert (settle(other).status, refunds()) == (S.EXPIRED, [(5000, "not_fulfilled")])
    assert session_of(ann).seats_taken == SEATS


def test_late_money_joins_the_group_that_others_began_meanwhile(group: Offer, frozen_clock: SettableClock) -> None:
    late = late_payer(group, frozen_clock)
    bob = seat(group, name="bob")
    assert bob.session_id != late.session_id

    assert settle(late).status == S.CONFIRMED

    assert (session_of(late).pk, session_of(bob).seats_taken, occupied()) == (bob.session_id, 2, [at(12)])


def test_late_money_begins_its_own_group_again(group: Offer, frozen_clock: SettableClock) -> None:
    late = late_payer(group, frozen_clock)

    assert settle(late).status == S.CONFIRMED

    assert (session_of(late).starts_at, occupied(), listed(group)[at(12)]) == (at(12), [at(12)], 2)
    assert session_of(late).pk != late.session_id  # that one's room and messages are over


@pytest.fixture
def choir(group: Offer) -> Offer:
    """A group that needs two and closes a day before."""
    change(group, min_seats=2, notice_minutes=24 * 60)
    return group


def test_group_with_too_few_people_is_called_off_when_booking_closes(
    choir: Offer, run_jobs: Callable[..., None]
) -> None:
    ann = seat(choir, name="ann")
    choir.refund_tiers.create(notice_hours=48, percent=0)

    run_jobs(at(12, day=3) - MINUTE)
    assert fresh(ann).status == S.CONFIRMED
    run_jobs(at(12, day=3))

    ann = fresh(ann)
    assert (ann.status, ann.cancelled_by, ann.reason) == (
        S.CANCELLED,
        SYSTEM.kind,
        "Only 1 of at least 2 people booked.",
    )
    assert (refunds(), occupied()) == ([(5000, "not_fulfilled")], [])
    assert [subject for subject in mails("ann@example.org") if subject.startswith("Cancelled")] != []
    assert [subject for subject in mails("maya@example.org") if subject.startswith("Off")] != []


def test_group_with_enough_people_takes_place_even_if_one_leaves_later(
    choir: Offer, run_jobs: Callable[..., None]
) -> None:
    ann, bob = seat(choir, name="ann"), seat(choir, name="bob")
    run_jobs(at(12, day=3))

    services.cancel_booking(booking=ann, actor=GUEST, now=clock.now())
    run_jobs(at(12))

    assert fresh(bob).status == S.CONFIRMED


def test_group_waits_for_those_who_still_pay_when_booking_closes(choir: Offer, run_jobs: Callable[..., None]) -> None:
    ann = seat(choir, name="ann")
    run_jobs(at(12, day=3) - MINUTE)
    bob = pending(choir, holder="bob")
    run_jobs(at(12, day=3))
    assert fresh(ann).status == S.CONFIRMED

    give_money(bob)
    settle(bob)
    run_jobs(at(12, day=3) + 2 * HOUR)

    assert {fresh(booking).status for booking in (ann, bob)} == {S.CONFIRMED}


def test_group_does_not_wait_for_ever(choir: Offer, run_jobs: Callable[..., None]) -> None:
    ann = seat(choir, name="ann")
    run_jobs(at(12, day=3) - MINUTE)
    bob = pending(choir, holder="bob")

    run_jobs(at(12, day=3) + timedelta(minutes=65))

    assert fresh(ann).status == S.CANCELLED
    assert fresh(bob).cancelled_by in {"system", ""}
    give_money(bob)
    settle(bob)
    assert (fresh(bob).status, occupied()) == (S.CANCELLED, []) or fresh(bob).status == S.EXPIRED
    assert sum(minor for minor, _cause in refunds()) == 10000


def test_decision_follows_the_session_when_it_moves(choir: Offer, run_jobs: Callable[..., None]) -> None:
    ann = seat(choir, name="ann")
    services.reschedule_booking(booking=ann, starts_at=at(12, day=6), actor=GUEST, now=clock.now())

    run_jobs(at(12, day=3))
    assert fresh(ann).status == S.CONFIRMED
    run_jobs(at(12, day=5))

    assert fresh(ann).status == S.CANCELLED


def test_decision_made_twice_or_too_early_changes_nothing(choir: Offer, frozen_clock: SettableClock) -> None:
    ann = seat(choir, name="ann")
    assert services.decide_session(session=ann.session, now=clock.now()) is None
    assert fresh(ann).status == S.CONFIRMED
    frozen_clock.set(at(12, day=3))

    for _ in range(2):
        assert services.decide_session(session=ann.session, now=clock.now()) is None

    assert (fresh(ann).status, refunds()) == (S.CANCELLED, [(5000, "not_fulfilled")])


def test_outcome_of_a_moved_seat_is_planned_for_its_new_time_alone(group: Offer) -> None:
    ann = seat(group, name="ann")
    seat(group, name="bob")
    services.reschedule_booking(booking=ann, starts_at=at(15), actor=GUEST, now=clock.now())

    rows = Job.objects.filter(kind="bookings.complete_if_unknown", payload={"booking_id": ann.pk}).order_by("pk")
    assert [(row.state, row.due_at) for row in rows] == [
        (JobState.CANCELLED, at(1, day=5)),
        (JobState.DUE, at(4, day=5)),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("takers", [60])
def test_many_takers_get_exactly_the_seats_there_are(offer: Offer, race: Race, takers: int) -> None:
    change(offer, capacity=12)

    results = race([partial(hold, offer, holder=f"taker-{n}") for n in range(takers)])

    seats = [result for result in results if isinstance(result, Booking)]
    assert len(seats) == 12
    assert {type(result) for result in results} == {Booking, SlotTakenError}
    session = CoachingSession.objects.get()
    assert (session.seats_taken, session.capacity, session.bookings.count()) == (12, 12, 12)


@pytest.mark.django_db(transaction=True)
def test_leaving_joining_and_cancelling_at_once_keep_the_count(group: Offer, race: Race) -> None:
    ann, bob = seat(group, name="ann"), seat(group, name="bob")
    now = clock.now()

    race(
        [
            partial(services.cancel_booking, booking=ann, actor=GUEST, now=now),
            partial(services.reschedule_booking, booking=bob, starts_at=at(15), actor=GUEST, now=now),
            *(partial(hold, group, holder=f"taker-{n}") for n in range(4)),
        ]
    )

    for session in CoachingSession.objects.all():
        live = session.bookings.exclude(status__in=("cancelled", "expired")).count()
        assert session.seats_taken == live <= session.capacity
        assert (session.status in {"held", "confirmed"}) == bool(live)


def test_one_to_one_sessions_are_as_before(offer: Offer, now: datetime) -> None:
    booking = make_booking(offer=make_offer(offer.coach, slug="other"), starts_at=at(9), now=now)

    assert queries.seats_left(offer, length=HOUR, range_from=at(0), range_to=at(23), now=now) == {}
    assert not booking.session.is_group
