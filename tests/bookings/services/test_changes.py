from datetime import datetime, timedelta
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
    die,
    fresh,
    hold,
    occupied,
    pending,
    refunds,
    settle,
    snapshot,
    start_payment,
)
from tests.factories.bookings import make_booking, make_offer
from tests.factories.clock import SettableClock

from greenroom.availability.models import Blackout
from greenroom.bookings import queries, services
from greenroom.bookings.errors import IllegalTransitionError, SlotNotOfferedError, SlotTakenError
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus, CancelPreview, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.errors import NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute, take_step
from greenroom.jobs.models import Job, JobState
from greenroom.notifications.models import Message
from greenroom.orders.models import Order
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.services import learn_disputes

S = BookingStatus
DAY = timedelta(days=1)
START = at(12)
POLICY = [{"notice_hours": 24, "percent": 100}, {"notice_hours": 6, "percent": 50}]


@pytest.fixture
def booking(offer: Offer) -> Booking:
    """A paid session on Wednesday noon: all back until a day before, half until six hours before."""
    offer.refund_tiers.create(notice_hours=24, percent=100)
    offer.refund_tiers.create(notice_hours=6, percent=50)
    return confirmed(offer)


def cancel(booking: Booking, actor: Actor, now: datetime, **values: Any) -> int:
    return services.cancel_booking(booking=booking, actor=actor, now=now, **values).minor


def move(booking: Booking, starts_at: datetime, now: datetime, actor: Actor = GUEST) -> Booking:
    return services.reschedule_booking(booking=booking, starts_at=starts_at, actor=actor, now=now)


@pytest.mark.parametrize(
    ("ahead", "minor"),
    [
        (48 * HOUR, 5000),
        (24 * HOUR, 5000),
        (24 * HOUR - timedelta(microseconds=1), 2500),
        (6 * HOUR, 2500),
        (6 * HOUR - timedelta(microseconds=1), 0),
        (timedelta(microseconds=1), 0),
    ],
)
@pytest.mark.parametrize("actor", [GUEST, STUDENT])
def test_cancel_booking_gives_back_what_the_policy_says(
    booking: Booking, actor: Actor, ahead: timedelta, minor: int
) -> None:
    now = START - ahead
    preview = services.preview_cancel(booking=booking, actor=actor, now=now)

    assert cancel(booking, actor, now, reason="Ill") == minor

    assert preview == CancelPreview(is_allowed=True, refund=Money(minor, "EUR"), percent=minor // 50)
    assert refunds() == ([(minor, "student_cancelled")] if minor else [])
    booking = fresh(booking)
    assert (booking.status, booking.refund_minor, booking.cancelled_by) == (S.CANCELLED, minor, actor.kind)
    assert (booking.reason, booking.closed_at) == ("Ill", now)
    assert (booking.session.status, booking.session.seats_taken, occupied()) == (SessionStatus.CANCELLED, 0, [])
    entry = AuditEntry.objects.get(action="booking.cancel")
    assert (entry.before, entry.after, entry.reason) == ({"status": "confirmed"}, {"status": "cancelled"}, "Ill")


@pytest.mark.parametrize(("actor", "cause"), [(COACH, "coach_cancelled"), (ADMIN, "staff")])
@pytest.mark.parametrize("at_time", [START - HOUR, START, START + DAY])
def test_cancel_booking_by_the_other_side_gives_all_back(
    booking: Booking, actor: Actor, cause: str, at_time: datetime
) -> None:
    preview = services.preview_cancel(booking=booking, actor=actor, now=at_time)

    assert cancel(booking, actor, at_time) == 5000

    assert preview == CancelPreview(is_allowed=True, refund=Money(5000, "EUR"), percent=100)
    assert refunds() == [(5000, cause)]


def test_cancel_booking_of_a_disputed_payment_cancels_and_holds_the_refund(booking: Booking, now: datetime) -> None:
    attempt = PaymentAttempt.objects.get()
    dispute = raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    learn_disputes(attempt, now=now)

    due = services.cancel_booking(booking=booking, actor=GUEST, now=now)

    refund = RefundRequest.objects.get()
    assert (fresh(booking).status, due, refund.amount, refund.state) == ("cancelled", refund.amount, due, "held")
    take_step(dispute.ref, "lose", now=now)
    learn_disputes(attempt, now=now)
    refund.refresh_from_db()
    assert (fresh(booking).status, refund.state) == ("cancelled", "dropped")


def test_cancel_booking_whose_money_a_bank_took_gives_nothing_back(booking: Booking, now: datetime) -> None:
    attempt = PaymentAttempt.objects.get()
    take_step(raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now).ref, "lose", now=now)
    learn_disputes(attempt, now=now)

    due = services.cancel_booking(booking=booking, actor=COACH, now=now)

    assert (fresh(booking).status, due.minor, RefundRequest.objects.count()) == ("cancelled", 0, 0)


def test_cancel_booking_twice_refunds_once(booking: Booking, now: datetime) -> None:
    cancel(booking, GUEST, now)
    before, jobs = snapshot(), Job.objects.count()

    assert cancel(booking, GUEST, now) == 0
    assert cancel(booking, COACH, now) == 0

    assert (snapshot(), Job.objects.count(), refunds()) == (before, jobs, [(5000, "student_cancelled")])


def test_cancel_booking_that_has_begun_is_refused(booking: Booking) -> None:
    before = snapshot()
    preview = services.preview_cancel(booking=booking, actor=GUEST, now=START)

    with pytest.raises(IllegalTransitionError, match="has begun"):
        cancel(booking, GUEST, START)

    assert not preview.is_allowed
    assert (snapshot(), refunds()) == (before, [])


@pytest.mark.parametrize("status", [S.IN_PROGRESS, S.COMPLETED, S.NO_SHOW])
@pytest.mark.parametrize("actor", [GUEST, COACH, ADMIN])
def test_cancel_booking_that_was_held_is_refused_to_everybody(
    offer: Offer, now: datetime, status: BookingStatus, actor: Actor
) -> None:
    booking = make_booking(offer=offer, starts_at=START, now=now, status=status)
    before = snapshot()

    with pytest.raises(IllegalTransitionError):
        cancel(booking, actor, now)

    assert not services.preview_cancel(booking=booking, actor=actor, now=now).is_allowed
    assert snapshot() == before


def test_cancel_booking_by_the_system_is_refused(booking: Booking, now: datetime) -> None:
    with pytest.raises(NotAllowedError):
        cancel(booking, SYSTEM, now)


def test_cancel_booking_that_is_only_held_frees_it_and_gives_nothing(offer: Offer, now: datetime) -> None:
    offer.currency = "USD"
    offer.save()
    booking = hold(offer)

    assert services.preview_cancel(booking=booking, actor=GUEST, now=now) == CancelPreview(
        is_allowed=True, refund=Money(0, "USD"), percent=0
    )
    assert services.cancel_booking(booking=booking, actor=GUEST, now=now) == Money(0, "USD")
    assert (fresh(booking).status, occupied()) == (S.CANCELLED, [])
    assert not Message.objects.exists()


def test_cancel_booking_under_payment_waits_for_the_gateway(offer: Offer, now: datetime) -> None:
    booking = pending(offer)

    assert cancel(booking, GUEST, now) == 0

    assert (fresh(booking).status, occupied()) == (S.PENDING_PAYMENT, [START])
    die(booking)
    assert settle(booking).status == S.CANCELLED


def test_cancel_booking_of_a_free_offer_asks_for_no_refund(db: None, now: datetime) -> None:  # noqa: ARG001 -- it writes
    booking = describe(hold(make_offer(price_minor=0)))
    start_payment(booking)

    assert cancel(booking, COACH, now) == 0
    assert (fresh(booking).status, refunds()) == (S.CANCELLED, [])


def test_cancel_booking_follows_the_policy_that_stood_on_the_order(booking: Booking) -> None:
    booking.session.offer.refund_tiers.update(percent=0)

    assert Order.objects.get().policy == POLICY
    assert cancel(booking, GUEST, START - 7 * HOUR) == 2500


def test_cancel_booking_cancels_what_waited_for_it(booking: Booking, now: datetime) -> None:
    cancel(booking, GUEST, now)

    kinds = Job.objects.filter(state=JobState.DUE).values_list("key", flat=True)
    waiting = sorted(key.split(":")[1] for key in kinds if key.startswith("notifications."))
    assert waiting == [
        "bookings.cancelled_coach",
        "bookings.cancelled_student",
        "bookings.confirmed_coach",
        "bookings.confirmed_student",
    ]
    assert Job.objects.get(kind="bookings.complete_if_unknown").state == JobState.CANCELLED
    assert Job.objects.get(kind="rooms.reconcile").due_at == now


def test_reschedule_booking_moves_session_buffers_and_sequence(booking: Booking, now: datetime) -> None:
    before = booking.session

    moved = fresh(move(booking, at(15, day=5), now))

    session = moved.session
    assert (session.pk, session.starts_at, session.ends_at) == (before.pk, at(15, day=5), at(16, day=5))
    assert (session.blocked_from, session.blocked_until, session.sequence) == (at(15, day=5), at(16, day=5), 1)
    assert (moved.status, moved.moves_count, moved.refund_cap_percent) == (S.CONFIRMED, 1, 100)
    assert moved.order == booking.order
    entry = AuditEntry.objects.get(action="booking.move")
    assert (entry.before, entry.after) == (
        {"starts_at": "2026-03-04T12:00:00+00:00"},
        {"starts_at": "2026-03-05T15:00:00+00:00"},
    )


def test_reschedule_booking_may_overlap_its_own_time(booking: Booking, now: datetime) -> None:
    move(booking, at(12, 30), now)

    assert occupied() == [at(12, 30)]


def test_reschedule_booking_again_to_the_same_time_changes_nothing(booking: Booking, now: datetime) -> None:
    move(booking, at(15), now)
    before, jobs = snapshot(), Job.objects.count()

    move(booking, at(15), now)

    assert (snapshot(), Job.objects.count()) == (before, jobs)


def test_reschedule_booking_keeps_what_was_said_for_the_coach(booking: Booking, now: datetime) -> None:
    services.reschedule_booking(booking=booking, starts_at=at(15), actor=GUEST, now=now, reason="Ill")

    assert fresh(booking).move_reason == "Ill"
    assert AuditEntry.objects.get(action="booking.move").reason == "Ill"


def test_reschedule_booking_more_often_than_the_offer_allowed_is_refused(offer: Offer, now: datetime) -> None:
    change(offer, moves_limit=1)
    booking = confirmed(offer)
    change(offer, moves_limit=None)  # what stood when the time was held counts
    move(booking, at(15), now)
    before = snapshot()

    with pytest.raises(IllegalTransitionError, match="moved once"):
        move(booking, at(16), now)

    assert snapshot() == before
    assert move(booking, at(15), now).moves_count == 1


def test_reschedule_booking_after_its_deadline_is_refused(offer: Offer) -> None:
    change(offer, move_notice_hours=24)
    booking = confirmed(offer)
    deadline = START - DAY

    with pytest.raises(IllegalTransitionError, match="until 24 hours before"):
        move(booking, at(15), deadline + timedelta(microseconds=1))

    assert move(booking, at(15), deadline).moves_count == 1


def test_reschedule_booking_never_improves_the_refund(booking: Booking) -> None:
    move(booking, at(12, day=20), START - 7 * HOUR)
    assert fresh(booking).refund_cap_percent == 50

    move(booking, at(12, day=25), START)

    assert fresh(booking).refund_cap_percent == 50
    now = START + HOUR
    assert services.preview_cancel(booking=fresh(booking), actor=GUEST, now=now).refund == Money(2500, "EUR")
    assert cancel(booking, GUEST, now) == 2500


def test_reschedule_booking_after_every_tier_then_cancelling_gives_nothing(booking: Booking) -> None:
    move(booking, at(12, day=20), START - HOUR)

    assert cancel(booking, GUEST, START) == 0
    assert refunds() == []


def test_reschedule_booking_does_not_take_the_coachs_full_refund_away(booking: Booking) -> None:
    move(booking, at(12, day=20), START - HOUR)

    assert cancel(booking, COACH, START) == 5000


def test_reschedule_booking_to_an_earlier_time_counts_that_notice(booking: Booking, now: datetime) -> None:
    move(booking, at(16, day=2), now)

    assert fresh(booking).refund_cap_percent == 100
    assert cancel(booking, GUEST, now) == 2500


def test_reschedule_booking_to_a_time_that_is_taken_is_refused_with_alternatives(
    offer: Offer, booking: Booking, now: datetime
) -> None:
    hold(offer, at(15), holder="bob")
    before = snapshot()

    with pytest.raises(SlotTakenError) as refused:
        move(booking, at(15), now)

    assert refused.value.alternatives == [at(13, 30), at(14), at(16)]
    assert snapshot() == before


def test_reschedule_booking_alternatives_are_never_its_own_time(offer: Offer, booking: Booking, now: datetime) -> None:
    hold(offer, at(13), holder="bob")

    with pytest.raises(SlotTakenError) as refused:
        move(booking, at(12, 30), now)

    assert refused.value.alternatives == [at(11), at(11, 30), at(14)]
    assert move(booking, at(11, 30), now).session_id == booking.session_id


@pytest.mark.parametrize(
    ("starts_at", "sentence"),
    [
        (at(9, day=2), "has passed"),
        (at(15, 7), "grid"),
        (at(12, day=31) + 60 * DAY, "too far ahead"),
        (at(20), "black"),
    ],
)
def test_reschedule_booking_to_what_is_not_offered_is_refused(
    offer: Offer, booking: Booking, now: datetime, starts_at: datetime, sentence: str
) -> None:
    Blackout.objects.create(coach=offer.coach, starts_at=at(20), ends_at=at(21))
    before = snapshot()

    with pytest.raises(SlotNotOfferedError, match=sentence):
        move(booking, starts_at, now)

    assert snapshot() == before


@pytest.mark.parametrize("status", [status for status in S if status is not S.CONFIRMED])
def test_reschedule_booking_of_any_other_state_is_refused(offer: Offer, now: datetime, status: BookingStatus) -> None:
    booking = make_booking(offer=offer, starts_at=START, now=now, status=status)
    before = snapshot()

    with pytest.raises(IllegalTransitionError, match="cannot be moved"):
        move(booking, at(15), now)

    assert snapshot() == before


def test_reschedule_booking_that_has_begun_is_refused(booking: Booking) -> None:
    with pytest.raises(IllegalTransitionError, match="cannot be moved"):
        move(booking, at(15), START)


@pytest.mark.parametrize("actor", [COACH, ADMIN, SYSTEM])
def test_reschedule_booking_by_others_is_refused(booking: Booking, now: datetime, actor: Actor) -> None:
    with pytest.raises(NotAllowedError):
        move(booking, at(15), now, actor)


def test_reschedule_booking_keeps_its_own_buffers_and_lists_by_them(offer: Offer, now: datetime) -> None:
    offer.buffer_before_minutes = 30
    offer.save()
    booking = confirmed(offer)
    offer.buffer_before_minutes = 0
    offer.save()
    confirmed(offer, at(15), holder="bob")

    listed = queries.open_slots(offer, length=HOUR, range_from=at(14), range_to=at(18), now=now, moving=booking.session)

    assert listed[:2] == [at(14), at(16, 30)]
    with pytest.raises(SlotTakenError):
        move(booking, at(16), now)
    assert fresh(move(booking, at(16, 30), now)).session.blocked_from == at(16)


def test_reschedule_booking_with_a_coach_who_paused_works(offer: Offer, booking: Booking, now: datetime) -> None:
    offer.coach.is_accepting_students = False
    offer.coach.save()

    assert fresh(move(booking, at(15), now)).session.starts_at == at(15)


def test_reschedule_booking_clears_a_hold_that_is_over(
    offer: Offer, booking: Booking, frozen_clock: SettableClock
) -> None:
    stale = hold(offer, at(15), holder="bob")

    move(booking, at(15, 30), frozen_clock.advance(15 * MINUTE))

    assert fresh(stale).status == S.EXPIRED


def test_reschedule_booking_plans_anew_what_waited_for_the_time(booking: Booking, now: datetime) -> None:
    move(booking, at(15, day=6), now)

    pk, session_pk = booking.pk, booking.session_id
    due = {job.key: job.due_at for job in Job.objects.filter(state=JobState.DUE)}
    at_once = {f"notifications.send_message:bookings.{kind}:{pk}:{sequence}" for kind, sequence in [
        ("confirmed_student", 0), ("confirmed_coach", 0), ("moved_student", 1), ("moved_coach", 1)
    ]}  # fmt: skip
    later = {
        f"bookings.complete_if_unknown:{pk}:1": at(16, day=6) + 12 * HOUR,
        f"notifications.send_message:bookings.reminder_24h_student:{pk}:1": at(15, day=5),
        f"notifications.send_message:bookings.session_reminder_24h:{session_pk}:1": at(15, day=5),
        f"notifications.send_message:bookings.reminder_1h_student:{pk}:1": at(14, day=6),
        f"notifications.send_message:bookings.session_reminder_1h:{session_pk}:1": at(14, day=6),
    }
    mine = {key: at for key, at in due.items() if key.startswith(("bookings.complete", "notifications."))}
    assert mine == dict.fromkeys(at_once, now) | later
    cancelled = Job.objects.filter(state=JobState.CANCELLED).values_list("key", flat=True)
    assert sorted(key.removeprefix("notifications.send_message:") for key in cancelled) == [
        f"bookings.complete_if_unknown:{pk}:0",
        *(f"bookings.reminder_{name}_student:{pk}:0" for name in ("1h", "24h")),
        *(f"bookings.session_reminder_{name}:{session_pk}:0" for name in ("1h", "24h")),
    ]
    assert Message.objects.filter(state="skipped").count() == 4
