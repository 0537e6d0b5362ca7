"""Many people at once, on real connections: what the locks and the constraint let through."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from tests.bookings.steps import (
    COACH,
    GUEST,
    MINUTE,
    at,
    confirmed,
    describe,
    die,
    fresh,
    give_money,
    hold,
    occupied,
    order_ref,
    pending,
    refunds,
    settle,
    snapshot,
    start_payment,
)
from tests.factories.bookings import make_coach, make_offer, make_session
from tests.factories.clock import SettableClock
from tests.factories.waiting import PATIENCE_SECONDS

from greenroom.availability.engine import Interval
from greenroom.availability.services import add_blackout
from greenroom.bookings import queries, services
from greenroom.bookings.errors import SlotNotOfferedError, SlotTakenError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import OCCUPYING, BookingStatus, Party, PaymentStart
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import BusyError
from greenroom.notifications.models import Message
from greenroom.payments.models import PaymentAttempt

Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]
MANY = 50
QUARTER = timedelta(minutes=15)


@pytest.fixture
def offer(transactional_db: None) -> Offer:  # noqa: ARG001 -- commits must be real
    """An hour's call, bookable in half an hour's steps."""
    return make_offer()


def overlaps() -> list[tuple[int, int]]:
    rows = list(CoachingSession.objects.filter(status__in=OCCUPYING).order_by("blocked_from"))
    return [
        (one.pk, other.pk)
        for n, one in enumerate(rows)
        for other in rows[n + 1 :]
        if one.coach_id == other.coach_id
        and one.blocked_from < other.blocked_until
        and other.blocked_from < one.blocked_until
    ]


def held(results: list[Any]) -> list[Booking]:
    return [result for result in results if isinstance(result, Booking)]


def kinds(results: list[Any]) -> set[type]:
    return {type(result) for result in results}


def test_fifty_people_at_once_get_one_slot_once(offer: Offer, race: Race) -> None:
    results = race([partial(hold, offer, holder=f"person {n}") for n in range(MANY)])

    [winner] = held(results)
    assert kinds(results) <= {Booking, SlotTakenError, BusyError}
    assert occupied() == [at(12)]
    assert Booking.objects.get().pk == winner.pk
    taken = next(result for result in results if isinstance(result, SlotTakenError))
    assert taken.alternatives == [at(10, 30), at(11), at(13)]


@pytest.mark.parametrize("seed", range(2))
def test_random_overlapping_tries_never_overlap(offer: Offer, race: Race, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 -- reproducible
    half = OfferDuration.objects.create(offer=offer, minutes=90, price_minor=7000, position=1)
    buffered = make_offer(offer.coach, slug="buffered")
    Offer.objects.filter(pk=buffered.pk).update(buffer_before_minutes=30, buffer_after_minutes=15)
    buffered = Offer.objects.get(pk=buffered.pk)
    tries = [
        partial(
            hold,
            (wanted := dice.choice([offer, buffered])),
            at(dice.randint(10, 13), dice.choice([0, 30])),
            holder=f"person {dice.randint(0, 8)}",
            duration=dice.choice([half, None]) if wanted is offer else None,
        )
        for _ in range(30)
    ]

    results = race(tries)

    assert kinds(results) <= {Booking, SlotTakenError, BusyError}
    assert held(results)
    assert overlaps() == []
    live = Booking.objects.filter(status=BookingStatus.HELD)
    assert live.count() == live.values("holder").distinct().count() == len(occupied())


def test_one_person_twice_at_once_has_one_live_hold(offer: Offer, race: Race) -> None:
    results = race([partial(hold, offer, at(hour)) for hour in (12, 12, 15, 15, 18)])

    assert kinds(results) == {Booking}
    assert Booking.objects.filter(status=BookingStatus.HELD).count() == 1
    assert len(occupied()) == 1


def test_double_click_is_one_booking(offer: Offer, race: Race) -> None:
    results = race([partial(hold, offer)] * 8)

    assert {booking.pk for booking in held(results)} == {Booking.objects.get().pk}
    assert kinds(results) == {Booking}


def test_hold_against_a_move_to_the_same_time_lets_one_in(offer: Offer, race: Race, now: datetime) -> None:
    booking = confirmed(offer)
    move = partial(services.reschedule_booking, booking=booking, starts_at=at(15), actor=GUEST, now=now)

    results = race([move, partial(hold, offer, at(15), holder="bob")])

    assert sorted(type(result).__name__ for result in results) == ["Booking", "SlotTakenError"]
    assert overlaps() == []
    assert occupied().count(at(15)) == 1


def test_two_moves_of_one_booking_follow_one_another(offer: Offer, race: Race, now: datetime) -> None:
    booking = confirmed(offer)
    moves = [
        partial(services.reschedule_booking, booking=booking, starts_at=at(hour), actor=GUEST, now=now)
        for hour in (14, 16, 16)
    ]

    results = race(moves)

    assert kinds(results) == {Booking}
    moved = fresh(booking)
    assert moved.session.sequence == moved.moves_count
    assert moved.moves_count in {2, 3}
    assert len(occupied()) == 1


def test_two_sessions_swapping_times_never_overlap(offer: Offer, race: Race, now: datetime) -> None:
    one, other = confirmed(offer), confirmed(offer, at(15), holder="bob")

    results = race(
        [
            partial(services.reschedule_booking, booking=one, starts_at=at(15), actor=GUEST, now=now),
            partial(services.reschedule_booking, booking=other, starts_at=at(12), actor=GUEST, now=now),
        ]
    )

    assert kinds(results) == {SlotTakenError}
    assert occupied() == [at(12), at(15)]


def test_hold_against_a_blackout_is_decided_by_who_was_first(offer: Offer, race: Race, now: datetime) -> None:
    close = partial(
        add_blackout,
        coach=offer.coach,
        closed=Interval(at(0), at(0, day=5)),
        actor=Actor(ActorKind.COACH),
        now=now,
    )

    results = race([close, *(partial(hold, offer, at(hour), holder=f"p{hour}") for hour in range(10, 16))])

    assert kinds(results[1:]) <= {Booking, SlotNotOfferedError}
    assert offer.coach.blackouts.count() == 1
    assert len(occupied()) == len(held(results))
    with pytest.raises(SlotNotOfferedError):
        hold(offer, at(18), holder="late")


def test_release_against_payment_ends_in_one_of_the_two(offer: Offer, race: Race, now: datetime) -> None:
    booking = describe(hold(offer))

    results = race(
        [partial(services.release_hold, booking=booking, actor=GUEST, now=now), partial(start_payment, booking)]
    )

    status = fresh(booking).status
    if status == BookingStatus.CANCELLED:
        assert not PaymentAttempt.objects.filter(state="open", is_closing=False).exists() or occupied() == []
    else:
        assert (status, fresh(booking).cancelled_by) == (BookingStatus.PENDING_PAYMENT, "guest")
    assert isinstance(results[0], Booking)


def test_payment_started_many_times_at_once_is_one_attempt(offer: Offer, race: Race) -> None:
    booking = describe(hold(offer))

    results = race([partial(start_payment, booking)] * 5)

    assert kinds(results) == {PaymentStart}
    assert len({result.pay_url for result in results}) == 1
    assert PaymentAttempt.objects.count() == 1


def test_settling_many_times_at_once_confirms_once(offer: Offer, race: Race, now: datetime) -> None:
    booking = pending(offer)
    give_money(booking)

    results = race([partial(services.settle_order, order_ref=order_ref(booking), now=now)] * 6)

    assert kinds(results) == {type(None)}
    assert fresh(booking).status == BookingStatus.CONFIRMED
    assert Message.objects.filter(kind="bookings.confirmed_student").count() == 1


def test_late_money_against_a_new_hold_never_overlaps_and_is_kept_or_given_back(
    offer: Offer, race: Race, frozen_clock: SettableClock
) -> None:
    booking = pending(offer)
    now = frozen_clock.advance(QUARTER)
    die(booking)
    settle(booking)
    give_money(booking)

    results = race(
        [
            partial(services.settle_order, order_ref=order_ref(booking), now=now),
            partial(hold, offer, holder="bob"),
        ]
    )

    assert results[0] is None
    assert occupied() == [at(12)]
    if isinstance(results[1], Booking):
        assert (fresh(booking).status, refunds()) == (BookingStatus.EXPIRED, [(5000, "not_fulfilled")])
    else:
        assert isinstance(results[1], SlotTakenError)
        assert (fresh(booking).status, refunds()) == (BookingStatus.CONFIRMED, [])


def test_cancelling_many_times_at_once_refunds_once(offer: Offer, race: Race, now: datetime) -> None:
    booking = confirmed(offer)

    results = race([partial(services.cancel_booking, booking=booking, actor=GUEST, now=now)] * 6)

    assert sorted(result.minor for result in results) == [0, 0, 0, 0, 0, 5000]
    assert refunds() == [(5000, "student_cancelled")]


def test_cancelling_against_moving_leaves_nothing_half_done(offer: Offer, race: Race, now: datetime) -> None:
    booking = confirmed(offer)

    race(
        [
            partial(services.cancel_booking, booking=booking, actor=GUEST, now=now),
            partial(services.reschedule_booking, booking=booking, starts_at=at(15), actor=GUEST, now=now),
        ]
    )

    assert fresh(booking).status == BookingStatus.CANCELLED
    assert (occupied(), refunds()) == ([], [(5000, "student_cancelled")])
    waiting = Message.objects.filter(kind__startswith="bookings.reminder", state="planned")
    assert not waiting.exists()


def test_people_of_different_coaches_do_not_wait_for_each_other(offer: Offer, race: Race) -> None:
    offers = [offer, *(make_offer(make_coach(f"coach-{n}")) for n in range(5))]

    results = race([partial(hold, wanted, holder="ann") for wanted in offers])

    assert kinds(results) == {Booking}


def test_database_refuses_an_overlap_that_took_no_lock(offer: Offer, race: Race, now: datetime) -> None:
    starts = [at(12) + n * 10 * MINUTE for n in range(3)]

    results = race([partial(make_session, offer=offer, starts_at=start, now=now) for start in starts])

    assert len([result for result in results if isinstance(result, CoachingSession)]) == 1
    # Without the lock PostgreSQL may call the refusal a deadlock of two insertions that wait for each other.
    assert kinds(results) <= {CoachingSession, IntegrityError, OperationalError}
    assert overlaps() == []


def test_hold_names_an_overlap_that_appeared_without_the_lock(
    offer: Offer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = queries.explain_slot
    looks = iter([True])

    def look_then_lose(wanted: Offer, **values: Any) -> Any:
        answer = look(wanted, **values)
        if next(looks, False):
            make_session(offer=offer, starts_at=at(12, 30), now=now)
        return answer

    monkeypatch.setattr(queries, "explain_slot", look_then_lose)

    with pytest.raises(SlotTakenError) as refused:
        hold(offer)

    # Its own transaction is undone whole, and with it what stood in the way in this test.
    assert snapshot() == {"bookings": [], "sessions": []}
    assert refused.value.alternatives == [at(11, 30), at(12), at(12, 30)]


def test_settling_names_an_overlap_that_appeared_without_the_lock_and_refunds(
    offer: Offer, frozen_clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = pending(offer)
    frozen_clock.advance(QUARTER)
    die(booking)
    settle(booking)
    give_money(booking)
    make_session(offer=offer, starts_at=at(12, 30), now=frozen_clock())
    monkeypatch.setattr(queries, "is_still_free", lambda _session, **_values: True)

    booking = settle(settle(booking))

    assert (booking.status, refunds()) == (BookingStatus.EXPIRED, [(5000, "not_fulfilled")])
    assert occupied() == [at(12, 30)]


@pytest.mark.postgres
def test_hold_says_busy_when_the_coachs_lock_is_held_for_long(offer: Offer, race: Race) -> None:
    import threading  # noqa: PLC0415 -- only here

    locked, done = threading.Event(), threading.Event()

    def keep_the_lock() -> None:
        with transaction.atomic():
            list(type(offer.coach).objects.select_for_update().filter(pk=offer.coach_id))
            locked.set()
            done.wait(PATIENCE_SECONDS)

    def try_meanwhile() -> Booking:
        locked.wait(PATIENCE_SECONDS)
        try:
            return hold(offer)
        finally:
            done.set()

    results = race([keep_the_lock, try_meanwhile])

    assert isinstance(results[1], BusyError)
    assert connection.vendor == "postgresql"
    assert not Booking.objects.exists()


def test_absence_of_the_coach_said_by_many_at_once_refunds_once(
    offer: Offer, race: Race, frozen_clock: SettableClock
) -> None:
    booking = confirmed(offer)
    frozen_clock.set(at(12))
    said = [
        partial(services.mark_no_show, booking=booking, party=party, actor=COACH, now=at(12))
        for party in [Party.COACH, Party.BOTH] * 3
    ]

    race([*said, partial(services.complete_session, booking=booking, actor=COACH, now=at(12))])

    assert refunds() == [(5000, "not_fulfilled")]
    assert fresh(booking).refund_minor == 5000
