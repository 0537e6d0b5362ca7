"""What a Discord account that somebody links while booking changes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.bookings.steps import GUEST, at, confirmed, describe, fresh, hold, pending, snapshot
from tests.factories.accounts import make_discord_identity, make_user
from tests.factories.bookings import make_booking
from tests.factories.clock import SettableClock

from greenroom.bookings import services
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import follow_ups, holds
from greenroom.catalog.models import Offer
from greenroom.core.models import AuditEntry
from greenroom.jobs.models import Job
from greenroom.jobs.services import plan


def rooms_looked_at(now: datetime) -> list[int]:
    due = Job.objects.filter(kind="rooms.reconcile", due_at=now).order_by("pk")
    return [job.payload["session_id"] for job in due]


def test_attach_discord_to_a_hold_only_writes_it_down(offer: Offer, now: datetime) -> None:
    booking, identity = hold(offer), make_discord_identity()

    for _ in range(2):
        holds.attach_discord(booking=booking, identity=identity, now=now)

    assert fresh(booking).discord_identity == identity
    assert (rooms_looked_at(now), AuditEntry.objects.filter(action="booking.attach_discord").count()) == ([], 1)
    identity.refresh_from_db()
    assert identity.user is None


def test_attach_discord_to_a_booking_has_its_room_looked_at(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = confirmed(offer)
    now = frozen_clock.advance(timedelta(hours=1))

    holds.attach_discord(booking=booking, identity=make_discord_identity(), now=now)

    assert rooms_looked_at(now) == [booking.session_id]


@pytest.mark.parametrize("side", ["student", "coach"])
def test_linking_in_the_account_has_all_coming_rooms_looked_at(
    offer: Offer, frozen_clock: SettableClock, side: str
) -> None:
    student = make_user()
    coming = [make_booking(offer=offer, starts_at=at(hour), now=frozen_clock(), student=student) for hour in (12, 15)]
    make_booking(offer=offer, starts_at=at(12, day=1), now=frozen_clock(), student=student)
    now = frozen_clock.advance(timedelta(hours=1))

    follow_ups.look_at_rooms_of(user_id=student.pk if side == "student" else offer.coach.user_id, now=now)

    assert sorted(rooms_looked_at(now)) == sorted(booking.session_id for booking in coming)
    assert CoachingSession.objects.count() == 3


def test_linking_jobs_call_the_services(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None]
) -> None:
    booking, identity = confirmed(offer), make_discord_identity()
    assert booking.student is not None
    run_jobs()
    now = frozen_clock()
    payload = {"booking_id": booking.pk, "identity_id": identity.pk}
    plan(kind="bookings.attach_discord", key="a", due_at=now, now=now, payload=payload)
    plan(kind="bookings.discord_linked", key="b", due_at=now, now=now, payload={"user_id": booking.student_id})

    run_jobs()

    assert fresh(booking).discord_identity == identity
    assert set(Job.objects.filter(key__in=["a", "b"]).values_list("state", flat=True)) == {"done"}


def test_keep_draft_remembers_what_was_typed_cut_to_size(offer: Offer, now: datetime) -> None:
    booking = hold(offer)

    holds.keep_draft(booking=booking, draft={"name": "Ann", "k" * 99: "x" * 9999}, now=now)

    assert fresh(booking).draft == {"name": "Ann", "k" * 60: "x" * 2000}


def test_keep_draft_after_the_hold_or_under_payment_does_nothing(offer: Offer, frozen_clock: SettableClock) -> None:
    paying, over = pending(offer), describe(hold(offer, at(15), holder="bob"))
    services.extend_hold(booking=over, actor=GUEST, now=frozen_clock())
    now = frozen_clock.advance(timedelta(minutes=15))
    before = snapshot()

    for booking in (paying, over):
        holds.keep_draft(booking=booking, draft={"name": "Eve"}, now=now)

    assert snapshot() == before
    assert Booking.objects.count() == 2
