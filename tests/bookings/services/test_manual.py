from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from tests.bookings.steps import (
    ADMIN,
    COACH,
    GUEST,
    STUDENT,
    at,
    change,
    confirmed,
    die,
    fresh,
    give_money,
    hold,
    mails,
    occupied,
    refunds,
    settle,
    snapshot,
    start_payment,
)
from tests.factories.clock import SettableClock

from greenroom.availability.models import WeeklyWindow
from greenroom.bookings import queries, services
from greenroom.bookings.errors import HoldEndedError, OverlapError, SlotTakenError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingStatus, Contact, ManualPayment
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.core.models import AuditEntry

S, P = BookingStatus, ManualPayment
HOUR = timedelta(hours=1)
Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def book(
    offer: Offer,
    starts_at: datetime | None = None,
    *,
    payment: ManualPayment = P.FREE,
    actor: Any = COACH,
    **values: Any,
) -> Booking:
    """Book Cleo in, on Wednesday noon unless told."""
    contact = Contact(values.pop("name", "Cleo  Client"), "Cleo@example.org", "Europe/Berlin")
    values = {"price_minor": 4000, **values}
    new = services.ManualBooking(offer.durations.all()[0], starts_at or at(12), contact, payment, **values)
    return services.book_manually(new, actor=actor, now=clock.now())


def test_a_link_for_what_the_offer_costs_says_where_the_price_came_from(offer: Offer) -> None:
    assert book(offer, payment=P.LINK, price_minor=5000).price_reason == "the price of this length"
    offer.durations.update(price_minor=None)
    assert book(offer, at(14), payment=P.LINK, price_minor=5000).price_reason == "written by the coach"


@pytest.mark.parametrize(
    ("payment", "title"), [(P.FREE, "A call, 60 minutes"), (P.ELSEWHERE, "A call, 60 minutes, paid elsewhere")]
)
def test_without_a_payment_here_it_is_confirmed_at_once(
    offer: Offer, payment: ManualPayment, title: str, run_jobs: Callable[..., None]
) -> None:
    change(offer, approval_hours=24)

    booking = fresh(book(offer, payment=payment))
    run_jobs()

    assert (booking.status, booking.contact_name, booking.contact_email) == (
        S.CONFIRMED,
        "Cleo Client",
        "cleo@example.org",
    )
    assert booking.order is not None
    assert [(line.title, line.price_minor) for line in booking.order.lines.all()] == [(title, 0)]
    assert (occupied(), booking.session.is_exclusive) == ([at(12)], True)
    assert [subject for subject in mails("cleo@example.org") if subject.startswith("Booked")] != []
    assert AuditEntry.objects.get(action="booking.book_manually").after["payment"] == payment


def test_hours_notice_limits_and_dates_are_not_asked(offer: Offer) -> None:
    WeeklyWindow.objects.all().delete()
    change(offer, notice_minutes=60 * 24 * 30, daily_limit=1, horizon_days=31)
    book(offer)

    assert occupied() == [at(12)]
    book(offer, at(3, 17))
    assert occupied() == [at(3, 17), at(12)]


def test_link_keeps_the_time_until_it_is_paid(offer: Offer, run_jobs: Callable[..., None]) -> None:
    booking = book(offer, payment=P.LINK, pay_within=timedelta(hours=24))
    run_jobs()

    assert (fresh(booking).status, fresh(booking).hold_expires_at) == (S.HELD, at(10, day=3))
    assert mails("cleo@example.org") == ["For you: A call, Wed 4 Mar, 13:00 Berlin time"]
    with pytest.raises(SlotTakenError):
        hold(offer, holder="bob")
    start_payment(booking)
    give_money(booking)
    assert settle(booking).status == S.CONFIRMED
    assert (fresh(booking).price_minor, fresh(booking).price_reason) == (4000, "written by the coach")


def test_link_runs_out(offer: Offer, run_jobs: Callable[..., None], frozen_clock: SettableClock) -> None:
    booking = book(offer, payment=P.LINK, pay_within=timedelta(hours=24))

    run_jobs(at(10, day=3))

    assert (fresh(booking).status, occupied()) == (S.EXPIRED, [])
    with pytest.raises(HoldEndedError):
        services.extend_hold(booking=booking, actor=GUEST, now=frozen_clock())


def test_link_runs_out_at_the_start_at_the_latest(offer: Offer) -> None:
    assert book(offer, at(11, day=2), payment=P.LINK).hold_expires_at == at(11, day=2)


def test_card_that_failed_leaves_the_time_kept(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = book(offer, payment=P.LINK)
    start_payment(booking)
    frozen_clock.advance(HOUR)
    die(booking)

    assert settle(booking).status == S.PENDING_PAYMENT
    start_payment(booking)
    give_money(booking)
    assert settle(booking).status == S.CONFIRMED


def test_one_client_can_have_several_links(offer: Offer) -> None:
    for hour in (12, 15):
        book(offer, at(hour), payment=P.LINK)

    assert Booking.objects.filter(status=S.HELD).count() == 2


def test_overlap_is_refused_and_named(offer: Offer) -> None:
    change(offer, buffer_after_minutes=15)
    ann = confirmed(offer)
    before = snapshot()

    with pytest.raises(OverlapError) as refused:
        book(offer, at(13))

    assert (refused.value.session_ids, snapshot()) == ([ann.session_id], before)


def test_overlap_with_a_reason_stands_beside_and_is_in_the_log(offer: Offer) -> None:
    ann = confirmed(offer)

    booking = book(offer, at(12, 30), overlap_reason="A trial for both.")

    assert occupied() == [at(12), at(12, 30)]
    assert not fresh(booking).session.is_exclusive
    entry = AuditEntry.objects.get(action="booking.allow_overlap")
    assert (entry.reason, entry.after["beside"], entry.actor_kind) == ("A trial for both.", ann.session.ref, "coach")
    day = {"length": HOUR, "range_from": at(0), "range_to": at(23), "now": clock.now()}
    assert not {at(11, 30), at(12), at(12, 30), at(13)} & set(queries.open_slots(offer, **day))


def test_reason_without_an_overlap_allows_nothing_special(offer: Offer) -> None:
    booking = book(offer, overlap_reason="Just in case.")

    assert booking.session.is_exclusive
    assert not AuditEntry.objects.filter(action="booking.allow_overlap").exists()


def test_session_beside_another_is_exclusive_again_once_it_moves(offer: Offer) -> None:
    confirmed(offer)
    booking = book(offer, at(12, 30), overlap_reason="A trial for both.")

    services.reschedule_booking(booking=booking, starts_at=at(16), actor=GUEST, now=clock.now())

    assert fresh(booking).session.is_exclusive


def test_stale_hold_is_in_nobodys_way(offer: Offer, frozen_clock: SettableClock) -> None:
    hold(offer, holder="bob")
    frozen_clock.advance(timedelta(minutes=15))

    book(offer)

    assert occupied() == [at(12)]


def test_group_at_that_time_is_joined_until_it_is_full(offer: Offer) -> None:
    change(offer, capacity=2)
    ann = confirmed(offer)

    booking = book(offer)

    assert fresh(booking).session_id == ann.session_id
    with pytest.raises(InvalidInputError, match="full"):
        book(offer, overlap_reason="All the same.")
    assert CoachingSession.objects.get().seats_taken == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"starts_at": at(10, day=2)}, "starts_at"),
        ({"payment": P.LINK, "price_minor": 0}, "price"),
        ({"payment": P.LINK, "price_minor": 49}, "price"),
        ({"payment": P.LINK, "pay_within": timedelta()}, "pay_within"),
        ({"payment": P.LINK, "pay_within": timedelta(days=31)}, "pay_within"),
    ],
)
def test_bad_values_change_nothing(offer: Offer, values: dict[str, Any], field: str) -> None:
    before = snapshot()

    with pytest.raises(InvalidInputError) as refused:
        book(offer, **values)

    assert (refused.value.field, snapshot()) == (field, before)


@pytest.mark.parametrize("actor", [GUEST, STUDENT])
def test_only_the_seller_books_for_others(offer: Offer, actor: Any) -> None:
    with pytest.raises(NotAllowedError):
        book(offer, actor=actor)
    assert book(offer, actor=ADMIN).status == S.CONFIRMED


def test_cancelled_free_booking_refunds_nothing(offer: Offer) -> None:
    booking = book(offer)

    assert services.cancel_booking(booking=booking, actor=COACH, now=clock.now()).minor == 0

    assert (refunds(), occupied()) == ([], [])


@pytest.mark.django_db(transaction=True)
def test_coach_and_student_at_once_get_one_session(offer: Offer, race: Race) -> None:
    results = race([partial(book, offer), partial(hold, offer, holder="bob"), partial(book, offer, payment=P.LINK)])

    assert sum(isinstance(result, Booking) for result in results) == 1
    assert {type(result) for result in results} <= {Booking, OverlapError, SlotTakenError}
    assert occupied() == [at(12)]
