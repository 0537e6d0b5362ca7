"""Requests: what a coach accepts, declines, or leaves without an answer."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from tests.bookings.steps import (
    ADDRESSES,
    ADMIN,
    COACH,
    GUEST,
    HOUR,
    at,
    change,
    confirmed,
    describe,
    die,
    fresh,
    give_money,
    hold,
    mails,
    occupied,
    pending,
    refunds,
    settle,
    snapshot,
)
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock

from greenroom.availability.engine import Interval
from greenroom.availability.models import Schedule, WeeklyWindow
from greenroom.bookings import queries, services
from greenroom.bookings.errors import AnsweredTooLateError, IllegalTransitionError, SlotTakenError
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.core.actors import Actor
from greenroom.core.errors import NotAllowedError
from greenroom.jobs.models import Job, JobState
from greenroom.notifications.models import Message

S = BookingStatus
DAY = timedelta(days=1)


@pytest.fixture
def asked(offer: Offer) -> Booking:
    """A paid request for Wednesday noon that the coach answers within a day."""
    change(offer, approval_hours=24)
    return confirmed(offer)


def accept(booking: Booking, now: datetime, actor: Actor = COACH) -> Booking:
    return services.accept_booking(booking=booking, actor=actor, now=now)


def decline(booking: Booking, now: datetime, actor: Actor = COACH, **values: Any) -> Booking:
    return services.decline_booking(booking=booking, actor=actor, now=now, **values)


def waiting_jobs() -> list[str]:
    return sorted(Job.objects.filter(state=JobState.DUE, kind__startswith="bookings.").values_list("kind", flat=True))


def test_paid_request_waits_for_the_coach_and_keeps_the_time(offer: Offer, asked: Booking, now: datetime) -> None:
    assert (asked.status, asked.approve_by, asked.confirmed_at) == (S.PENDING_APPROVAL, now + DAY, None)
    assert (asked.session.status, asked.session.held_until) == (SessionStatus.HELD, None)
    assert asked.student is not None
    assert occupied() == [at(12)]
    with pytest.raises(SlotTakenError):
        hold(offer, holder="bob")
    assert not Job.objects.filter(kind="rooms.reconcile").exists()
    assert set(Message.objects.values_list("kind", flat=True)) == {"bookings.asked_student", "bookings.asked_coach"}


def test_free_request_waits_as_well(offer: Offer, now: datetime) -> None:
    change(offer, approval_hours=1)
    duration = offer.durations.get()
    duration.price_minor = 0
    duration.save()

    start = services.start_payment(booking=describe(hold(offer)), addresses=ADDRESSES, actor=GUEST, now=now)

    assert (start.status, start.pay_url) == (S.PENDING_APPROVAL, None)
    assert decline(Booking.objects.get(), now).status == S.CANCELLED
    assert refunds() == []


def test_time_to_answer_ends_with_the_start_at_the_latest(offer: Offer) -> None:
    change(offer, approval_hours=14 * 24)

    assert confirmed(offer).approve_by == at(12)


def test_what_stood_when_the_time_was_held_counts(offer: Offer) -> None:
    change(offer, approval_hours=24)
    booking = pending(offer)
    change(offer, approval_hours=None)

    give_money(booking)

    assert settle(booking).status == S.PENDING_APPROVAL


@pytest.mark.parametrize("actor", [COACH, ADMIN])
def test_accept_confirms_with_all_that_follows(asked: Booking, now: datetime, actor: Actor) -> None:
    accepted = accept(asked, now + HOUR, actor)

    assert (accepted.status, accepted.confirmed_at) == (S.CONFIRMED, now + HOUR)
    assert fresh(asked).session.status == SessionStatus.CONFIRMED
    assert Job.objects.filter(kind="rooms.reconcile").exists()
    assert "bookings.time_out_request" not in waiting_jobs()
    assert refunds() == []


def test_accept_again_changes_nothing(asked: Booking, now: datetime) -> None:
    accept(asked, now)
    before = snapshot()

    assert accept(asked, now + 2 * DAY).status == S.CONFIRMED

    assert snapshot() == before


def test_accept_after_the_time_is_refused_even_if_nobody_ended_it(asked: Booking, now: datetime) -> None:
    before = snapshot()

    with pytest.raises(AnsweredTooLateError):
        accept(asked, now + DAY)

    assert snapshot() == before
    assert accept(asked, now + DAY - timedelta(microseconds=1)).status == S.CONFIRMED


def test_decline_frees_the_time_and_gives_everything_back(asked: Booking, now: datetime) -> None:
    declined = decline(asked, now + HOUR, reason="I am away")

    assert (declined.status, declined.cancelled_by, declined.reason) == (S.CANCELLED, "coach", "I am away")
    assert (declined.refund_minor, refunds()) == (5000, [(5000, "coach_cancelled")])
    assert occupied() == []
    assert "bookings.time_out_request" not in waiting_jobs()


def test_decline_again_changes_nothing(asked: Booking, now: datetime) -> None:
    decline(asked, now)
    before = snapshot()

    decline(asked, now + HOUR, reason="Other")

    assert snapshot() == before


def test_decline_after_the_time_is_as_good_as_none(asked: Booking, now: datetime) -> None:
    assert decline(asked, now + 2 * DAY).refund_minor == 5000


def test_decline_of_what_its_student_cancelled_later_is_refused(asked: Booking, now: datetime) -> None:
    accept(asked, now)
    services.cancel_booking(booking=asked, actor=GUEST, now=now)

    with pytest.raises(IllegalTransitionError, match="cancelled: there is nothing to answer"):
        decline(asked, now)


def test_money_that_comes_after_the_start_asks_nobody_and_goes_back(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None]
) -> None:
    change(offer, approval_hours=24)
    frozen_clock.set(at(11, 50))
    booking = pending(offer)
    frozen_clock.set(at(12, 5))
    give_money(booking)

    ended = settle(booking)
    run_jobs()

    assert (ended.status, ended.approve_by, refunds()) == (S.CANCELLED, None, [(5000, "not_fulfilled")])
    assert occupied() == []
    assert [subject for subject in mails() if "A call" in subject] == ["Your payment goes back: A call"]


def test_time_off_and_other_hours_name_what_waits_for_an_answer(offer: Offer, asked: Booking, now: datetime) -> None:
    [found] = queries.booked_sessions_within(offer.coach, [Interval(at(0), at(23))])
    WeeklyWindow.objects.all().delete()

    assert found == (asked.session,)
    assert queries.sessions_outside_hours(Schedule.objects.get(), now=now) == [asked.session]


def test_yes_and_no_exclude_each_other(asked: Booking, now: datetime) -> None:
    accept(asked, now)
    with pytest.raises(IllegalTransitionError, match="confirmed: there is nothing to answer"):
        decline(asked, now)

    assert fresh(asked).status == S.CONFIRMED
    assert refunds() == []


def test_accept_of_a_declined_request_is_refused(asked: Booking, now: datetime) -> None:
    decline(asked, now)

    with pytest.raises(IllegalTransitionError, match="cancelled: there is nothing to answer"):
        accept(asked, now)


@pytest.mark.parametrize("answer", [accept, decline])
def test_booking_that_was_never_a_request_cannot_be_declined(
    offer: Offer, now: datetime, answer: Callable[..., Booking]
) -> None:
    for booking in (hold(offer, at(9, day=4)), pending(offer, at(15), holder="bob")):
        with pytest.raises(IllegalTransitionError):
            answer(booking, now)


@pytest.mark.parametrize("answer", [accept, decline])
def test_student_cannot_answer(asked: Booking, now: datetime, answer: Callable[..., Booking]) -> None:
    with pytest.raises(NotAllowedError):
        answer(asked, now, GUEST)


def test_nobody_answers(asked: Booking, frozen_clock: SettableClock, run_jobs: Callable[..., None]) -> None:
    frozen_clock.advance(DAY - timedelta(seconds=1))
    run_jobs()
    assert fresh(asked).status == S.PENDING_APPROVAL

    frozen_clock.advance(timedelta(seconds=1))
    run_jobs()

    ended = fresh(asked)
    assert (ended.status, ended.cancelled_by, ended.refund_minor) == (S.CANCELLED, "system", 5000)
    assert refunds() == [(5000, "not_fulfilled")]
    assert occupied() == []
    assert any(subject.startswith("Not booked: A call") for subject in mails("ann@example.org"))
    assert any(subject.startswith("Not answered: Ann Guest") for subject in mails(asked.coach.user.email))


def test_time_out_early_or_again_changes_nothing(asked: Booking, now: datetime) -> None:
    before = snapshot()
    services.time_out_request(booking=asked, now=now + DAY - timedelta(microseconds=1))
    assert snapshot() == before

    services.time_out_request(booking=asked, now=now + DAY)
    after = snapshot()
    services.time_out_request(booking=asked, now=now + 2 * DAY)

    assert snapshot() == after


def test_time_out_of_what_was_accepted_changes_nothing(asked: Booking, now: datetime) -> None:
    accept(asked, now)
    before = snapshot()

    services.time_out_request(booking=asked, now=now + 2 * DAY)

    assert snapshot() == before


def test_withdrawing_gives_everything_back_whatever_the_policy(offer: Offer, now: datetime) -> None:
    offer.refund_tiers.create(notice_hours=24 * 7, percent=50)
    change(offer, approval_hours=24)
    booking = confirmed(offer)

    assert services.preview_cancel(booking=booking, actor=GUEST, now=now).refund.minor == 5000
    services.cancel_booking(booking=booking, actor=GUEST, now=now)

    assert (fresh(booking).status, refunds()) == (S.CANCELLED, [(5000, "student_cancelled")])
    with pytest.raises(IllegalTransitionError):
        accept(booking, now)


def test_late_money_asks_the_coach_too(offer: Offer, frozen_clock: SettableClock) -> None:
    change(offer, approval_hours=24)
    booking = pending(offer)
    frozen_clock.advance(HOUR)
    die(booking)
    assert settle(booking).status == S.EXPIRED
    give_money(booking)

    late = settle(booking)

    assert (late.status, late.approve_by) == (S.PENDING_APPROVAL, frozen_clock() + DAY)
    assert occupied() == [at(12)]


def test_settling_again_after_a_refusal_sends_no_other_mail(asked: Booking, now: datetime) -> None:
    decline(asked, now)
    before = (snapshot(), Message.objects.count())

    settle(asked)

    assert (snapshot(), Message.objects.count()) == before


def test_explanation_names_a_request(offer: Offer, asked: Booking, now: datetime) -> None:
    from greenroom.bookings.explaining import explain_for_owner  # noqa: PLC0415 -- only here

    duration = offer.durations.select_related("offer__coach", "offer__schedule").get()

    [reason] = explain_for_owner(duration, at(12), now=now).reasons

    assert "a booking for Ann Guest that waits for approval" in reason.sentence
    assert reason.session == asked.session


def test_answer_token_opens_nothing_else(asked: Booking) -> None:
    token = queries.answer_token(asked)

    assert queries.get_booking_to_answer(token) == asked
    assert queries.find_booking_by_token(token) is None
    assert token != queries.manage_token(asked)


def test_answers_at_once_have_one_winner(
    transactional_db: None,  # noqa: ARG001 -- commits must be real
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]],
    now: datetime,
    gateway: object,  # noqa: ARG001 -- it is wired
) -> None:
    offer = make_offer()
    change(offer, approval_hours=24)
    booking = confirmed(offer)
    answers = [
        partial(accept, booking, now),
        partial(decline, booking, now),
        partial(services.cancel_booking, booking=booking, actor=GUEST, now=now),
        partial(services.time_out_request, booking=booking, now=now + DAY),
    ] * 4

    race(answers)

    ended = fresh(booking)
    if ended.status == S.CONFIRMED:
        assert refunds() == []
    else:
        assert (ended.status, [amount for amount, _cause in refunds()]) == (S.CANCELLED, [5000])
    assert Booking.objects.count() == 1
