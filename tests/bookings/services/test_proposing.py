from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.bookings.steps import (
    ADMIN,
    COACH,
    GUEST,
    HOUR,
    STUDENT,
    at,
    change,
    confirmed,
    fresh,
    hold,
    mails,
    occupied,
    pending,
    refunds,
    snapshot,
)
from tests.factories.clock import SettableClock

from greenroom.availability.models import WeeklyWindow
from greenroom.bookings import services
from greenroom.bookings.errors import IllegalTransitionError, SlotNotOfferedError, SlotTakenError
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.notifications.models import Message

S = BookingStatus
TIMES = (at(15), at(9, day=5), at(18, day=6))


@pytest.fixture
def booking(offer: Offer) -> Booking:
    """A paid session on Wednesday noon, of which nothing comes back any more and which can't be moved."""
    offer.refund_tiers.create(notice_hours=24 * 7, percent=100)
    change(offer, moves_limit=0)
    return confirmed(offer)


def propose(booking: Booking, *times: datetime, note: str = "", actor: Any = COACH) -> Booking:
    return services.propose_times(booking=booking, times=times or TIMES, note=note, actor=actor, now=clock.now())


def move(booking: Booking, starts_at: datetime) -> Booking:
    return services.reschedule_booking(booking=booking, starts_at=starts_at, actor=GUEST, now=clock.now())


def cancel(booking: Booking) -> int:
    return services.cancel_booking(booking=booking, actor=GUEST, now=clock.now()).minor


def test_student_is_asked_and_the_session_stays(booking: Booking, run_jobs: Callable[..., None]) -> None:
    propose(booking, note="A workshop came up.")
    run_jobs()

    booking = fresh(booking)
    assert (booking.proposals, booking.session.starts_at, booking.status) == (list(TIMES), at(12), S.CONFIRMED)
    assert [subject for subject in mails("ann@example.org") if subject.startswith("Another time?")] == [
        "Another time? A call, Wed 4 Mar, 13:00 Berlin time"
    ]
    assert AuditEntry.objects.filter(action="booking.propose", reason="A workshop came up.").count() == 1


def test_student_takes_a_proposed_time_which_costs_no_move_and_no_refund(booking: Booking) -> None:
    change(booking.session.offer, moves_limit=1)
    Booking.objects.update(moves_limit=1)
    propose(booking)

    move(booking, TIMES[1])

    booking = fresh(booking)
    assert (booking.session.starts_at, booking.session.sequence, booking.sequence) == (TIMES[1], 1, 1)
    assert (booking.moves_count, booking.refund_cap_percent, booking.proposed_times) == (0, 100, [])
    assert occupied() == [TIMES[1]]
    move(booking, at(12))  # the one move of their own is still there
    assert fresh(booking).refund_cap_percent == 0


def test_proposed_time_needs_no_opening_hours(booking: Booking) -> None:
    propose(booking)
    WeeklyWindow.objects.all().delete()

    assert move(booking, TIMES[0]).session_id == booking.session_id
    assert occupied() == [TIMES[0]]


def test_student_may_take_any_other_free_time_while_asked(booking: Booking) -> None:
    with pytest.raises(IllegalTransitionError):
        move(booking, at(16))
    propose(booking)

    move(booking, at(16))

    assert (occupied(), fresh(booking).proposed_times) == ([at(16)], [])
    with pytest.raises(IllegalTransitionError):
        move(booking, TIMES[0])


def test_time_outside_the_hours_that_nobody_proposed_is_refused(booking: Booking) -> None:
    propose(booking)
    WeeklyWindow.objects.all().delete()
    before = snapshot()

    with pytest.raises(SlotNotOfferedError):
        move(booking, at(16))

    assert snapshot() == before


def test_student_cancels_with_everything_back_while_asked(booking: Booking) -> None:
    assert services.preview_cancel(booking=booking, actor=GUEST, now=clock.now()).percent == 0
    propose(booking)
    assert services.preview_cancel(booking=fresh(booking), actor=GUEST, now=clock.now()).percent == 100

    assert cancel(booking) == 5000

    assert (refunds(), fresh(booking).proposed_times) == ([(5000, "student_cancelled")], [])


def test_withdrawn_proposal_leaves_the_usual_rules(booking: Booking, run_jobs: Callable[..., None]) -> None:
    propose(booking)
    for _ in range(2):
        services.withdraw_proposal(booking=booking, actor=COACH, now=clock.now())

    assert fresh(booking).proposed_times == []
    with pytest.raises(IllegalTransitionError):
        move(booking, TIMES[0])
    assert cancel(booking) == 0
    run_jobs()
    assert [subject for subject in mails() if subject.startswith("Another time?")] == []
    assert AuditEntry.objects.filter(action="booking.withdraw_proposal").count() == 1


def test_time_that_was_taken_meanwhile_is_refused_and_the_others_stay(booking: Booking, offer: Offer) -> None:
    propose(booking)
    hold(offer, TIMES[0], holder="bob")

    with pytest.raises(SlotTakenError):
        move(booking, TIMES[0])

    assert fresh(booking).proposals == list(TIMES)
    move(booking, TIMES[1])
    assert fresh(booking).session.starts_at == TIMES[1]


def test_time_that_has_passed_is_refused(booking: Booking, frozen_clock: SettableClock) -> None:
    propose(booking, at(9), at(9, day=5))
    frozen_clock.set(at(9))

    with pytest.raises(SlotNotOfferedError, match="has passed"):
        move(booking, at(9))


def test_same_proposal_again_asks_once_and_another_replaces_it(
    booking: Booking, run_jobs: Callable[..., None], frozen_clock: SettableClock
) -> None:
    propose(booking)
    frozen_clock.advance(timedelta(minutes=1))
    propose(booking, *reversed(TIMES))
    assert Message.objects.filter(kind="bookings.proposed_student").count() == 1

    propose(booking, at(20))
    run_jobs()

    assert fresh(booking).proposals == [at(20)]
    assert len([subject for subject in mails() if subject.startswith("Another time?")]) == 2


@pytest.mark.parametrize(
    ("times", "field", "words"),
    [
        ([], "times", "one to 3"),
        ([at(hour, day=5) for hour in range(4)], "times", "one to 3"),
        ([at(15), at(9, day=1)], "times.1", "has passed"),
        ([at(15), at(15)], "times.1", "twice"),
        ([at(12)], "times.0", "is now"),
        ([at(15), at(9, 30, day=7)], "times.1", "stands there"),
    ],
)
def test_times_that_cannot_be_are_refused(
    booking: Booking, offer: Offer, times: list[datetime], field: str, words: str
) -> None:
    confirmed(offer, at(10, day=7), holder="bob")
    before = snapshot()

    with pytest.raises(InvalidInputError, match=words) as refused:
        services.propose_times(booking=booking, times=times, note="", actor=COACH, now=clock.now())

    assert (refused.value.field, snapshot()) == (field, before)


def test_time_that_overlaps_only_the_session_itself_can_be_proposed(booking: Booking) -> None:
    propose(booking, at(12, 30))

    move(booking, at(12, 30))

    assert occupied() == [at(12, 30)]


@pytest.mark.parametrize("actor", [GUEST, STUDENT])
def test_students_propose_nothing(booking: Booking, actor: Any) -> None:
    with pytest.raises(NotAllowedError):
        propose(booking, actor=actor)
    with pytest.raises(NotAllowedError):
        services.withdraw_proposal(booking=booking, actor=actor, now=clock.now())


def test_only_a_confirmed_session_to_come_can_be_asked_about(
    booking: Booking, offer: Offer, frozen_clock: SettableClock
) -> None:
    unpaid = pending(offer, at(9, day=6), holder="bob")
    with pytest.raises(IllegalTransitionError):
        propose(unpaid, at(20))
    frozen_clock.set(at(12))
    with pytest.raises(IllegalTransitionError):
        propose(booking, actor=ADMIN)


def test_seat_of_a_group_moves_to_the_groups_proposed_time(offer: Offer) -> None:
    change(offer, capacity=3)
    ann, bob = confirmed(offer, holder="ann"), confirmed(offer, holder="bob")
    cleo = confirmed(offer, at(15), holder="cleo")
    propose(ann, at(15), at(20))
    propose(bob, at(20), at(21, day=5))

    move(ann, at(15))
    move(bob, at(20))

    assert (fresh(ann).session_id, fresh(ann).session.seats_taken) == (cleo.session_id, 2)
    assert occupied() == [at(15), at(20)]
    with pytest.raises(InvalidInputError):
        propose(ann, at(15) + HOUR / 2)


def test_student_who_may_not_move_asks_the_coach(booking: Booking, run_jobs: Callable[..., None]) -> None:
    for _ in range(2):
        services.request_move(booking=booking, words=" I am ill; any day next week? ", actor=GUEST, now=clock.now())
    run_jobs()

    assert (fresh(booking).move_request, occupied()) == ("I am ill; any day next week?", [at(12)])
    assert [subject for subject in mails("maya@example.org") if subject.startswith("Another time?")] == [
        "Another time? Ann Guest, Wed 4 Mar, 12:00 UTC"
    ]
    propose(booking)
    assert fresh(booking).move_request == ""


@pytest.mark.parametrize(
    ("words", "late", "error"),
    [("  ", timedelta(), InvalidInputError), ("Ill", timedelta(days=3), IllegalTransitionError)],
)
def test_question_without_words_or_too_late_is_refused(
    booking: Booking, words: str, late: timedelta, error: type[Exception]
) -> None:
    before = snapshot()

    with pytest.raises(error):
        services.request_move(booking=booking, words=words, actor=GUEST, now=clock.now() + late)

    assert snapshot() == before


def test_question_of_a_cancelled_session_is_not_sent(booking: Booking, run_jobs: Callable[..., None]) -> None:
    services.request_move(booking=booking, words="Ill", actor=GUEST, now=clock.now())
    cancel(booking)
    run_jobs()

    assert [subject for subject in mails() if subject.startswith("Another time?")] == []
