"""What the database refuses whatever the code does."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from tests.bookings.steps import HOUR, at
from tests.factories.bookings import make_booking, make_session

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import OCCUPYING, BookingStatus, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.core.constraints import violates


def refused(constraint: str, rows: Any, **values: Any) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        rows.update(**values)
    assert violates(error.value, constraint)


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("sessions_never_exceed_capacity", {"seats_taken": 2}),
        ("sessions_status_is_known", {"status": "lost"}),
        ("sessions_lie_within_their_buffers", {"blocked_from": at(12, 1)}),
        ("sessions_lie_within_their_buffers", {"blocked_until": at(12, 59)}),
        ("sessions_lie_within_their_buffers", {"ends_at": at(12)}),
    ],
)
def test_bad_sessions_are_refused(offer: Offer, now: datetime, constraint: str, values: dict[str, Any]) -> None:
    make_booking(offer=offer, starts_at=at(12), now=now)

    refused(constraint, CoachingSession.objects, **values)


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("bookings_status_is_known", {"status": "lost"}),
        ("bookings_confirmed_say_since_when", {"confirmed_at": None}),
        ("bookings_no_show_names_a_side", {"status": "no_show"}),
        ("bookings_refund_is_up_to_all", {"refund_cap_percent": 101}),
    ],
)
def test_bad_bookings_are_refused(offer: Offer, now: datetime, constraint: str, values: dict[str, Any]) -> None:
    make_booking(offer=offer, starts_at=at(12), now=now)

    refused(constraint, Booking.objects, **values)


def test_one_person_has_one_hold_per_coach(offer: Offer, now: datetime) -> None:
    first = make_booking(offer=offer, starts_at=at(12), now=now, status=BookingStatus.HELD)
    second = make_booking(offer=offer, starts_at=at(15), now=now, status=BookingStatus.HELD)

    with pytest.raises(IntegrityError), transaction.atomic():
        Booking.objects.filter(pk=second.pk).update(holder=first.holder)
    Booking.objects.filter(pk=first.pk).update(status=BookingStatus.PENDING_PAYMENT)
    Booking.objects.filter(pk=second.pk).update(holder=first.holder)


@pytest.mark.parametrize("status", SessionStatus)
def test_sessions_of_one_coach_overlap_only_when_one_takes_no_time(
    offer: Offer, now: datetime, status: SessionStatus
) -> None:
    make_session(offer=offer, starts_at=at(12), now=now)
    other = make_session(offer=offer, starts_at=at(13), now=now)
    rows = CoachingSession.objects.filter(pk=other.pk)

    if status in OCCUPYING:
        refused("sessions_no_overlap_per_coach", rows, status=status, starts_at=at(12, 30), blocked_from=at(12, 30))
        assert rows.get().starts_at == at(13)
        rows.update(status=status, starts_at=at(12, 30), blocked_from=at(12, 30), is_exclusive=False)
    else:
        rows.update(status=status, starts_at=at(12, 30), blocked_from=at(12, 30))


def test_buffers_of_neighbours_may_not_overlap_either(offer: Offer, now: datetime) -> None:
    make_session(offer=offer, starts_at=at(12), now=now)
    other = make_session(offer=offer, starts_at=at(13), now=now)

    refused(
        "sessions_no_overlap_per_coach",
        CoachingSession.objects.filter(pk=other.pk),
        blocked_from=at(13) - timedelta(microseconds=1),
    )
    assert other.blocked_until == at(13) + HOUR


def test_names_of_rows(offer: Offer, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now)

    assert (str(booking), str(booking.session)) == (booking.ref, "2026-03-04 12:00 UTC")


def test_account_of_a_coach_with_bookings_stays(offer: Offer, now: datetime) -> None:
    make_booking(offer=offer, starts_at=at(12), now=now)

    with pytest.raises(ProtectedError):
        offer.coach.user.delete()

    assert Booking.objects.get().coach.user == offer.coach.user
