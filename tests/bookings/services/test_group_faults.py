"""Groups when money, moves, decisions and cancellations cross each other."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.bookings.steps import (
    COACH,
    GUEST,
    MINUTE,
    STUDENT,
    at,
    change,
    describe,
    die,
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
    start_payment,
)
from tests.factories.accounts import make_user
from tests.factories.clock import SettableClock

from greenroom.bookings import services
from greenroom.bookings.errors import SlotTakenError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingStatus, Contact, ManualPayment, Party, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.integrations.mail.sandbox.models import DeliveredMail

S, P = BookingStatus, ManualPayment
LATE = [(5000, "not_fulfilled")]


@pytest.fixture
def group(offer: Offer) -> Offer:
    """An hour in a group of three."""
    change(offer, capacity=3)
    return offer


@pytest.fixture
def choir(group: Offer) -> Offer:
    """A group that needs two and closes a day before."""
    change(group, min_seats=2, notice_minutes=24 * 60)
    return group


@pytest.fixture
def expire(frozen_clock: SettableClock) -> Callable[[], Any]:
    """Let holds run out."""
    return partial(frozen_clock.advance, 15 * MINUTE)


def move(booking: Booking, *when: Any, **values: Any) -> None:
    services.reschedule_booking(booking=booking, starts_at=at(*when, **values), actor=GUEST, now=clock.now())


def call_off(booking: Booking, reason: str = "I am ill.") -> None:
    services.cancel_session(session=booking.session, actor=COACH, now=clock.now(), reason=reason)


def book_in(offer: Offer, *when: Any, payment: ManualPayment = P.FREE, reason: str = "", **values: Any) -> Booking:
    contact = Contact("Cleo", "cleo@example.org", "UTC")
    duration = offer.durations.get(minutes=60)
    new = services.ManualBooking(duration, at(*when, **values), contact, payment, 4000, overlap_reason=reason)
    return services.book_manually(new, actor=COACH, now=clock.now())


def test_late_money_never_follows_a_group_to_a_time_nobody_chose(group: Offer, expire: Callable[[], Any]) -> None:
    ann = seat(group, name="ann")
    late = pay_too_late(group, expire=expire)

    move(ann, 15, day=6)
    late = settle(late)

    assert (late.status, late.session.starts_at, occupied()) == (S.CONFIRMED, at(12), [at(12), at(15, day=6)])


def test_late_money_for_a_session_that_was_called_off_goes_back(group: Offer, expire: Callable[[], Any]) -> None:
    ann = seat(group, name="ann")
    late = pay_too_late(group, expire=expire)

    call_off(ann)

    assert (settle(late).status, occupied()) == (S.EXPIRED, [])
    assert refunds() == [(5000, "coach_cancelled"), *LATE]


def test_letting_go_after_the_call_off_does_not_bring_the_session_back(group: Offer) -> None:
    ann, bob = seat(group, name="ann"), pending(group, holder="bob")
    call_off(ann)

    services.release_hold(booking=bob, actor=GUEST, now=clock.now())
    give_money(bob)

    assert (settle(bob).status, occupied()) == (S.CANCELLED, [])
    assert refunds() == [(5000, "coach_cancelled"), *LATE]


def test_nobody_joins_a_session_that_was_called_off_while_a_payment_closes(group: Offer) -> None:
    ann, bob = seat(group, name="ann"), pending(group, holder="bob")
    call_off(ann)

    with pytest.raises(SlotTakenError):
        hold(group, holder="cleo")

    die(bob)
    settle(bob)
    cleo = seat(group, name="cleo")
    assert (cleo.session_id != ann.session_id, occupied()) == (True, [at(12)])


@pytest.mark.parametrize("has_account", [True, False])
def test_first_payment_that_comes_after_the_second_goes_back(
    group: Offer, expire: Callable[[], Any], *, has_account: bool
) -> None:
    student = make_user("ann@example.org") if has_account else None
    as_whom: dict[str, Any] = {"student": student, "actor": STUDENT if has_account else GUEST, "name": "ann"}
    first = pay_too_late(group, expire=expire, **as_whom)
    second = seat(group, **as_whom)

    first = settle(first)

    assert (first.status, fresh(second).status, refunds()) == (S.EXPIRED, S.CONFIRMED, LATE)
    assert CoachingSession.objects.get(pk=second.session_id).seats_taken == 1


def test_paying_into_a_session_that_is_over_goes_back(group: Offer, frozen_clock: SettableClock) -> None:
    ann = seat(group, name="ann")
    frozen_clock.set(at(11, 55))
    bob = pending(group, holder="bob")
    frozen_clock.set(at(12, 20))
    services.mark_no_show(booking=ann, party=Party.COACH, actor=COACH, now=clock.now())

    give_money(bob)

    assert settle(bob).status == S.CANCELLED
    assert (fresh(ann).session.status, refunds()) == (SessionStatus.NO_SHOW, LATE * 2)


def test_account_that_let_go_can_book_again_while_the_payment_closes(group: Offer) -> None:
    student = make_user("ann@example.org")
    first = describe(hold(group, holder="u", student=student, actor=STUDENT))
    start_payment(first)
    services.release_hold(booking=first, actor=STUDENT, now=clock.now())

    assert hold(group, holder="u", student=student, actor=STUDENT).status == S.HELD


@pytest.mark.parametrize("payment", list(P))
def test_group_at_a_time_the_coach_named_after_closing_is_not_called_off(
    choir: Offer, payment: ManualPayment, run_jobs: Callable[..., None]
) -> None:
    booking = book_in(choir, 9, day=3, payment=payment)
    run_jobs()

    assert fresh(booking).status == (S.HELD if payment is P.LINK else S.CONFIRMED)


def test_group_at_a_proposed_time_after_closing_is_not_called_off(choir: Offer, run_jobs: Callable[..., None]) -> None:
    ann = seat(choir, name="ann")
    seat(choir, name="bob")
    services.propose_times(booking=ann, times=[at(9, day=3)], note="", actor=COACH, now=clock.now())
    move(ann, 9, day=3)
    run_jobs()

    assert fresh(ann).status == S.CONFIRMED


def test_move_after_the_notice_was_shortened_is_decided_by_the_present_one(
    choir: Offer, run_jobs: Callable[..., None]
) -> None:
    ann = seat(choir, at(12, day=8), name="ann")
    change(choir, notice_minutes=60)
    move(ann, 18, day=2)
    run_jobs(at(16, 59, day=2))
    assert fresh(ann).status == S.CONFIRMED

    run_jobs(at(17, day=2))

    assert fresh(ann).status == S.CANCELLED


def test_old_decision_is_off_once_the_session_moved(choir: Offer, run_jobs: Callable[..., None]) -> None:
    ann = seat(choir, at(12, day=8), name="ann")
    move(ann, 12, day=7)
    bob = seat(choir, at(12, day=7), name="bob")
    run_jobs(at(13, day=6))
    services.cancel_booking(booking=bob, actor=GUEST, now=clock.now())

    run_jobs(at(12, day=7) + MINUTE)

    assert (fresh(ann).status, refunds()) == (S.CONFIRMED, [])


def test_client_in_a_group_that_is_one_no_more_gets_a_session_of_their_own(group: Offer) -> None:
    ann = seat(group, name="ann")
    change(group, capacity=1)

    booking = book_in(group, 12, reason="Two at once.")

    assert (booking.session_id != ann.session_id, occupied()) == (True, [at(12), at(12)])


def test_session_beside_a_group_of_another_length_blocks_its_time(group: Offer) -> None:
    change(group, daily_limit=10)
    short = group.durations.create(minutes=30, price_minor=3000, position=1)
    seat(group, name="ann", duration=short)
    book_in(group, 12, reason="Two at once.")

    with pytest.raises(SlotTakenError):
        hold(group, at(12, 30), holder="bob", duration=short)


def test_lone_seat_beside_a_stale_hold_moves_and_nobody_is_left(
    group: Offer, expire: Callable[[], Any], run_jobs: Callable[..., None]
) -> None:
    ann, bob = seat(group, name="ann"), hold(group, holder="bob")
    expire()

    move(ann, 12, 30)

    assert (occupied(), fresh(bob).status) == ([at(12, 30)], S.EXPIRED)
    run_jobs()
    assert [subject for subject in mails("maya@example.org") if subject.startswith("Off")] == [
        "Off: A call, Wed 4 Mar, 12:00 UTC"
    ]


@pytest.mark.parametrize("is_paying", [True, False])
def test_group_that_ends_with_an_unpaid_seat_leaves_the_coachs_calendar(
    group: Offer, expire: Callable[[], Any], run_jobs: Callable[..., None], *, is_paying: bool
) -> None:
    ann = seat(group, name="ann")
    bob = pending(group, holder="bob") if is_paying else hold(group, holder="bob")
    services.cancel_booking(booking=ann, actor=GUEST, now=clock.now())
    expire()
    if is_paying:
        die(bob)
        settle(bob)
    run_jobs()

    assert occupied() == []
    assert len([subject for subject in mails("maya@example.org") if subject.startswith("Off")]) == 1


def test_coach_reads_why_a_group_is_off_and_nobodys_private_words(choir: Offer, run_jobs: Callable[..., None]) -> None:
    seat(choir, name="ann")
    bob = seat(choir, name="bob")
    services.cancel_booking(booking=bob, actor=GUEST, now=clock.now(), reason="A private matter.")
    run_jobs(at(12, day=3))

    text = DeliveredMail.objects.get(to="maya@example.org", subject__startswith="Off").text
    assert "Only 1 of at least 2 people booked." in text
    assert "private" not in text


def test_client_who_was_invited_hears_that_it_is_off(group: Offer, run_jobs: Callable[..., None]) -> None:
    booking = book_in(group, 12, payment=P.LINK)
    run_jobs()
    services.cancel_booking(booking=booking, actor=COACH, now=clock.now(), reason="I am ill.")
    run_jobs()

    assert (fresh(booking).status, refunds()) == (S.CANCELLED, [])
    assert mails("cleo@example.org")[-1].startswith("Cancelled: A call")
