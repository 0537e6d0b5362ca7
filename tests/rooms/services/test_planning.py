from datetime import timedelta

import pytest
from tests.factories.bookings import make_booking, make_offer
from tests.factories.rooms import World, make_room
from tests.rooms.conftest import Book

from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.types import Venue
from greenroom.jobs.models import Job, JobState
from greenroom.rooms import jobs
from greenroom.rooms.models import Room
from greenroom.rooms.services import reconcile_session, request_reconcile, watch_rooms
from greenroom.rooms.types import RoomState

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def due_keys() -> list[str]:
    return list(Job.objects.filter(kind="rooms.reconcile", state=JobState.DUE).values_list("key", flat=True))


def test_request_plans_one_row_per_session_and_moves_it(world: World, book: Book) -> None:
    booking = book(30 * HOUR)
    world.run()
    assert Job.objects.get().due_at == booking.session.starts_at - 2 * HOUR

    request_reconcile(booking.session_id, now=world.now)

    [job] = Job.objects.all()
    assert (job.key, job.due_at) == (f"rooms.reconcile:{booking.session_id}", world.now)
    assert job.payload == {"session_id": booking.session_id}


def test_watch_gives_a_row_to_sessions_that_have_none(world: World, offer: Offer) -> None:
    booking = make_booking(offer=offer, starts_at=world.now + HOUR, now=world.now)

    assert watch_rooms(now=world.now) == 1
    assert watch_rooms(now=world.now) == 0

    assert due_keys() == [f"rooms.reconcile:{booking.session_id}"]


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.DONE, JobState.CANCELLED, JobState.EXPIRED])
def test_watch_revives_a_row_that_ended_too_early(world: World, book: Book, state: JobState) -> None:
    booking = book(HOUR)
    Job.objects.update(state=state, closed_at=world.now)

    assert watch_rooms(now=world.now) == 1
    world.run()

    assert due_keys() == [f"rooms.reconcile:{booking.session_id}"]
    assert len(world.rooms()) == 1


@pytest.mark.parametrize(
    ("starts_in", "status", "venue"),
    [
        (2 * DAY, BookingStatus.CONFIRMED, Venue.DISCORD),
        (-DAY - HOUR, BookingStatus.COMPLETED, Venue.DISCORD),
        (HOUR, BookingStatus.HELD, Venue.DISCORD),
        (HOUR, BookingStatus.CANCELLED, Venue.DISCORD),
        (HOUR, BookingStatus.CONFIRMED, Venue.VIDEO),
    ],
)
def test_watch_leaves_sessions_that_need_no_room_now(
    world: World, starts_in: timedelta, status: BookingStatus, venue: Venue
) -> None:
    offer = make_offer(venue=venue)
    make_booking(offer=offer, starts_at=world.now + starts_in, now=world.now, status=status)

    assert watch_rooms(now=world.now) == 0


def test_watch_leaves_a_session_whose_room_is_gone(world: World, offer: Offer) -> None:
    booking = make_booking(offer=offer, starts_at=world.now - 3 * HOUR, now=world.now)
    make_room(booking.session, state=RoomState.GONE)

    assert watch_rooms(now=world.now) == 0


def test_watch_finds_a_room_that_still_stands_however_old(world: World, book: Book) -> None:
    booking = book(HOUR)
    world.run()
    type(booking.session).objects.update(status="cancelled")
    Job.objects.all().delete()
    world.clock.advance(30 * DAY)

    jobs.watch(Job())
    world.run()

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE


def test_session_elsewhere_needs_no_room(world: World) -> None:
    offer = make_offer(venue=Venue.VIDEO)
    booking = make_booking(offer=offer, starts_at=world.now + HOUR, now=world.now)
    request_reconcile(booking.session_id, now=world.now)

    world.run()

    assert Job.objects.get().state == JobState.DONE
    assert Room.objects.count() == 0


def test_hold_keeps_its_row_until_it_can_no_longer_be_paid(world: World, offer: Offer) -> None:
    booking = make_booking(offer=offer, starts_at=world.now + HOUR, now=world.now, status=BookingStatus.HELD)
    request_reconcile(booking.session_id, now=world.now)

    world.run()
    assert Job.objects.get().due_at == booking.session.ends_at + HOUR
    assert world.rooms() == []
    world.go_to(booking.session.ends_at + HOUR)

    assert Job.objects.get().state == JobState.DONE


def test_second_run_waits_while_the_first_is_at_work(world: World, book: Book) -> None:
    booking = book(HOUR)
    Room.objects.update(turn_token="somebody", turn_until=world.now + timedelta(seconds=30))

    verdict = reconcile_session(booking.session_id)
    assert verdict.at == world.now + timedelta(seconds=1)
    assert world.rooms() == []
    world.advance(timedelta(seconds=31))

    assert len(world.rooms()) == 1
    assert Room.objects.get().turn_token == ""
