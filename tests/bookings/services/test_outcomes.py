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
    confirmed,
    fresh,
    order_ref,
    refunds,
    snapshot,
)
from tests.factories.bookings import make_booking

from greenroom.bookings import services
from greenroom.bookings.errors import IllegalTransitionError, TooEarlyError
from greenroom.bookings.models import Booking
from greenroom.bookings.services import check_money
from greenroom.bookings.types import BookingStatus, Party, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.errors import NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.services import refund_order
from greenroom.payments.types import RefundCause

S = BookingStatus
START, END = at(12), at(13)
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def booking(offer: Offer) -> Booking:
    """A paid session on Wednesday, 12:00 to 13:00."""
    return confirmed(offer)


def complete(booking: Booking, now: datetime, actor: Actor = COACH) -> Booking:
    return services.complete_session(booking=booking, actor=actor, now=now)


def no_show(booking: Booking, party: Party, now: datetime, actor: Actor = COACH) -> Booking:
    return services.mark_no_show(booking=booking, party=party, actor=actor, now=now)


def test_start_session_from_half_an_hour_before(booking: Booking) -> None:
    with pytest.raises(TooEarlyError):
        services.start_session(booking=booking, actor=COACH, now=START - HOUR / 2 - INSTANT)
    assert fresh(booking).status == S.CONFIRMED

    services.start_session(booking=booking, actor=COACH, now=START - HOUR / 2)

    booking = fresh(booking)
    assert (booking.status, booking.session.status, booking.session.started_at) == (
        S.IN_PROGRESS,
        SessionStatus.IN_PROGRESS,
        START - HOUR / 2,
    )
    assert (booking.closed_at, booking.session.closed_at) == (None, None)


def test_complete_session_from_its_start(booking: Booking) -> None:
    with pytest.raises(TooEarlyError):
        complete(booking, START - INSTANT)

    complete(booking, START)

    booking = fresh(booking)
    assert (booking.status, booking.closed_at) == (S.COMPLETED, START)
    assert (booking.session.status, booking.session.closed_at, booking.session.seats_taken) == (
        SessionStatus.COMPLETED,
        START,
        1,
    )


@pytest.mark.parametrize(("party", "back"), [(Party.STUDENT, 0), (Party.BOTH, 5000), (Party.COACH, 5000)])
def test_mark_no_show_names_the_side_and_refunds_for_the_coachs(booking: Booking, party: Party, back: int) -> None:
    with pytest.raises(TooEarlyError):
        no_show(booking, party, START - INSTANT)
    assert refunds() == []

    no_show(booking, party, START)

    booking = fresh(booking)
    assert (booking.status, booking.no_show_party, booking.session.status) == (S.NO_SHOW, party, SessionStatus.NO_SHOW)
    assert refunds() == ([(back, "not_fulfilled")] if back else [])
    assert booking.refund_minor == back
    entry = AuditEntry.objects.get(action="booking.mark_no_show")
    assert entry.after == {"status": "no_show", "no_show_party": party}


def test_mark_no_show_of_the_coach_without_an_order_refunds_nothing(offer: Offer, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=START, now=now)

    no_show(booking, Party.COACH, START)

    assert (fresh(booking).status, refunds()) == (S.NO_SHOW, [])


def test_outcome_can_be_corrected_both_ways(booking: Booking) -> None:
    no_show(booking, Party.STUDENT, START)

    complete(booking, END)
    assert (fresh(booking).status, fresh(booking).no_show_party) == (S.COMPLETED, "")

    no_show(booking, Party.COACH, END)
    assert (fresh(booking).status, refunds()) == (S.NO_SHOW, [(5000, "not_fulfilled")])

    complete(booking, END)
    no_show(booking, Party.COACH, END)
    assert refunds() == [(5000, "not_fulfilled")]


@pytest.mark.parametrize("first", Party)
@pytest.mark.parametrize("then", Party)
def test_side_that_did_not_come_can_be_corrected_and_refunds_once(booking: Booking, first: Party, then: Party) -> None:
    no_show(booking, first, START)

    for _ in range(2):
        no_show(booking, then, END)

    coach_was_absent = {first, then} & {Party.COACH, Party.BOTH}
    booking = fresh(booking)
    assert (booking.status, booking.no_show_party) == (S.NO_SHOW, then)
    assert refunds() == ([(5000, "not_fulfilled")] if coach_was_absent else [])
    assert booking.refund_minor == (5000 if coach_was_absent else 0)
    marked = AuditEntry.objects.filter(action="booking.mark_no_show").count()
    assert marked == (1 if first is then else 2)


def test_corrected_absence_of_the_coach_asks_for_no_money_again(
    booking: Booking, run_jobs: Callable[..., None]
) -> None:
    no_show(booking, Party.COACH, START)
    run_jobs(START)

    complete(booking, END)
    run_jobs(END)

    assert (fresh(booking).status, fresh(booking).refund_minor) == (S.COMPLETED, 5000)
    assert PaymentAttempt.objects.filter(order_ref=order_ref(booking)).count() == 1
    assert [refund.state for refund in RefundRequest.objects.all()] == ["succeeded"]
    assert check_money(now=END) == []


def test_preview_of_a_no_show_says_what_marking_then_does(booking: Booking) -> None:
    preview = services.preview_no_show(booking=fresh(booking))
    assert (preview.back, preview.people, preview.already_back) == (Money(5000, "EUR"), 1, Money(0, "EUR"))

    no_show(booking, Party.COACH, START)

    assert refunds() == [(preview.back.minor, "not_fulfilled")]
    preview = services.preview_no_show(booking=fresh(booking))
    assert (preview.back, preview.people, preview.already_back) == (Money(0, "EUR"), 0, Money(5000, "EUR"))


def test_preview_of_a_no_show_without_an_order_gives_nothing(offer: Offer, now: datetime) -> None:
    preview = services.preview_no_show(booking=make_booking(offer=offer, starts_at=START, now=now))

    assert (preview.back.minor, preview.people, preview.waits_for_bank) == (0, 0, False)


def test_absence_of_the_coach_after_a_part_was_refunded_gives_the_rest(booking: Booking) -> None:
    refund_order(
        order_ref=order_ref(booking), amount=Money(1500, "EUR"), cause=RefundCause.STAFF, actor=ADMIN, now=START
    )

    no_show(booking, Party.COACH, START)

    assert refunds() == [(1500, "staff"), (3500, "not_fulfilled")]
    assert fresh(booking).refund_minor == 3500


def test_outcome_after_a_start_is_recorded(booking: Booking) -> None:
    services.start_session(booking=booking, actor=ADMIN, now=START)
    complete(booking, END)

    actions = AuditEntry.objects.filter(object_id=booking.pk, action__startswith="booking.").order_by("pk")
    assert [(entry.action, entry.actor_kind) for entry in actions][-2:] == [
        ("booking.start", "admin"),
        ("booking.complete", "coach"),
    ]


@pytest.mark.parametrize("status", [S.HELD, S.PENDING_PAYMENT, S.PENDING_APPROVAL, S.CANCELLED, S.EXPIRED])
@pytest.mark.parametrize(
    ("verb", "values"),
    [
        (services.start_session, {}),
        (services.complete_session, {}),
        (services.mark_no_show, {"party": Party.STUDENT}),
    ],
)
def test_outcome_of_what_never_took_place_is_refused(
    offer: Offer, now: datetime, status: BookingStatus, verb: Callable[..., Any], values: dict[str, Any]
) -> None:
    booking = make_booking(offer=offer, starts_at=START, now=now, status=status)
    before = snapshot()

    with pytest.raises(IllegalTransitionError):
        verb(booking=booking, actor=COACH, now=END, **values)

    assert snapshot() == before


@pytest.mark.parametrize("actor", [GUEST, STUDENT, SYSTEM])
def test_outcome_said_by_others_is_refused(booking: Booking, actor: Actor) -> None:
    before = snapshot()

    with pytest.raises(NotAllowedError):
        services.start_session(booking=booking, actor=actor, now=START)
    with pytest.raises(NotAllowedError):
        no_show(booking, Party.STUDENT, END, actor)
    if actor is not SYSTEM:
        with pytest.raises(NotAllowedError):
            complete(booking, END, actor)

    assert snapshot() == before


def test_complete_if_unknown_waits_for_the_very_end_of_the_grace(booking: Booking) -> None:
    before = snapshot()
    services.complete_if_unknown(booking=booking, now=END + 12 * HOUR - INSTANT)
    assert snapshot() == before

    services.complete_if_unknown(booking=booking, now=END + 12 * HOUR)

    booking = fresh(booking)
    assert (booking.status, booking.reason) == (S.COMPLETED, "Nothing else was reported.")
    assert AuditEntry.objects.get(action="booking.complete").actor_kind == "system"


def test_complete_if_unknown_ends_what_was_begun_and_never_ended(booking: Booking) -> None:
    services.start_session(booking=booking, actor=COACH, now=START)

    services.complete_if_unknown(booking=booking, now=END + 12 * HOUR)

    assert fresh(booking).status == S.COMPLETED


@pytest.mark.parametrize("status", [S.CANCELLED, S.NO_SHOW, S.EXPIRED, S.COMPLETED, S.HELD])
def test_complete_if_unknown_leaves_what_is_known(offer: Offer, now: datetime, status: BookingStatus) -> None:
    booking = make_booking(offer=offer, starts_at=START, now=now, status=status)
    before = snapshot()

    services.complete_if_unknown(booking=booking, now=END + 30 * HOUR)

    assert snapshot() == before


def test_outcome_job_completes_at_the_grace(booking: Booking, run_jobs: Callable[..., None]) -> None:
    run_jobs(END + 12 * HOUR - INSTANT)
    assert fresh(booking).status == S.CONFIRMED

    run_jobs(END + 12 * HOUR)
    assert fresh(booking).status == S.COMPLETED
