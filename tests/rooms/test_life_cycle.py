"""A room from booking to closing, as its people see it in the server."""

from datetime import timedelta

import pytest
from tests.factories.rooms import World, live
from tests.rooms.conftest import Book

from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.core.models import AuditEntry
from greenroom.jobs.models import Job, JobState
from greenroom.rooms.models import DiscordObject, Room, RoomAccess
from greenroom.rooms.policies import TWO_STEP, AccessMethod
from greenroom.rooms.services import request_reconcile, request_reconcile_of
from greenroom.rooms.types import AccessState, RoomState


@pytest.fixture(params=[AccessMethod.MEMBER, AccessMethod.ROLE])
def access(request: pytest.FixtureRequest) -> AccessMethod:
    return AccessMethod(request.param)


HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def cancel(booking: Booking, world: World) -> None:
    type(booking.session).objects.filter(pk=booking.session_id).update(status=SessionStatus.CANCELLED)
    Booking.objects.filter(pk=booking.pk).update(status=BookingStatus.CANCELLED)
    request_reconcile(booking.session_id, now=world.now)


def move(booking: Booking, by: timedelta, world: World) -> None:
    session = booking.session
    session.starts_at += by
    session.ends_at += by
    session.blocked_from += by
    session.blocked_until += by
    session.save()
    request_reconcile(session.pk, now=world.now)


def job_of(booking: Booking) -> Job:
    return Job.objects.get(key=f"rooms.reconcile:{booking.session_id}")


def test_room_opens_two_hours_before_and_is_gone_one_hour_after(world: World, book: Book) -> None:
    booking = book(24 * HOUR, student="sam.student")
    starts_at = booking.session.starts_at

    world.go_to(starts_at - 2 * HOUR - SECOND)
    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.PLANNED
    world.go_to(starts_at - 2 * HOUR)
    [name] = world.rooms()
    assert world.sees("maya.coach") == [name]
    world.advance(5 * SECOND)
    assert world.sees("sam.student") == [name]
    assert world.sees("noah.coach") == world.sees("ida.student") == []
    assert Room.objects.get().state == RoomState.OPEN

    world.go_to(starts_at + 2 * HOUR - SECOND)
    assert world.sees("sam.student") == world.sees("maya.coach") == [name]
    world.go_to(starts_at + 2 * HOUR)
    assert world.rooms() == []
    room = Room.objects.get()
    assert (room.state, room.closed_at) == (RoomState.GONE, starts_at + 2 * HOUR)
    assert job_of(booking).state == JobState.DONE
    assert set(DiscordObject.objects.values_list("deleted_at", flat=True)) == {starts_at + 2 * HOUR}
    assert set(RoomAccess.objects.values_list("state", flat=True)) == {AccessState.REVOKED}


def test_states_of_a_room_are_in_the_audit_log(world: World, book: Book) -> None:
    booking = book(24 * HOUR, student="sam.student", policy=TWO_STEP)

    world.go_to(booking.session.starts_at - 15 * MINUTE)
    world.go_to(booking.session.starts_at - 5 * MINUTE)
    world.go_to(booking.session.ends_at + HOUR)

    actions = AuditEntry.objects.filter(action__startswith="room.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["room.provisioning", "room.hidden", "room.open", "room.closing", "room.gone"]


def test_two_step_room_is_hidden_first_and_people_are_brought_in_meanwhile(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=TWO_STEP)
    starts_at = booking.session.starts_at

    world.go_to(starts_at - 15 * MINUTE + 2 * SECOND)
    assert len(world.rooms()) == 1
    assert world.sees("sam.student") == world.sees("maya.coach") == []
    assert set(RoomAccess.objects.values_list("state", flat=True)) == {AccessState.WAITING}
    world.go_to(starts_at - 5 * MINUTE - SECOND)
    assert world.sees("sam.student") == world.sees("maya.coach") == []
    world.go_to(starts_at - 5 * MINUTE)
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms()
    assert Room.objects.get().state == RoomState.OPEN


def test_late_booking_gets_its_room_at_once(world: World, book: Book, access: AccessMethod) -> None:
    book(30 * MINUTE, student="sam.student")
    before = len(world.wire.requests)

    world.run()

    assert len(world.rooms()) == 1
    assert world.sees("maya.coach") == world.rooms()
    sent = [line.split(" ")[0] + " " + line.rsplit("/", 1)[-1] for line in world.wire.requests[before:]]
    assert sent[: 3 if access is AccessMethod.ROLE else 2] == (
        ["GET @me", "POST roles", "POST channels"] if access is AccessMethod.ROLE else ["GET @me", "POST channels"]
    )


def test_booking_while_it_runs_gets_its_room_at_once(world: World, book: Book) -> None:
    book(-30 * MINUTE, student="sam.student")

    world.advance(2 * SECOND)

    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms()
    assert len(world.rooms()) == 1


def test_room_whose_whole_time_was_missed_is_never_made(world: World, book: Book) -> None:
    booking = book(-3 * HOUR)

    world.run()

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE
    assert job_of(booking).state == JobState.DONE


def test_cancelled_before_opening_never_gets_a_room(world: World, book: Book) -> None:
    booking = book(24 * HOUR)
    world.advance(HOUR)

    cancel(booking, world)
    world.go_to(booking.session.starts_at + 3 * HOUR)

    assert DiscordObject.objects.count() == 0
    assert Room.objects.get().state == RoomState.GONE
    assert job_of(booking).state == JobState.DONE


def test_cancelled_while_open_closes_now(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * MINUTE)
    assert len(world.sees("sam.student")) == 1

    cancel(booking, world)
    world.run()

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE
    assert job_of(booking).state == JobState.DONE


@pytest.mark.parametrize("status", [SessionStatus.COMPLETED, SessionStatus.NO_SHOW, SessionStatus.IN_PROGRESS])
def test_outcome_of_a_session_does_not_move_its_closing(world: World, book: Book, status: SessionStatus) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.starts_at + 10 * MINUTE)

    type(booking.session).objects.update(status=status)
    Booking.objects.update(status=status.value, no_show_party="student")
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    assert len(world.sees("sam.student")) == 1
    world.advance(SECOND)

    assert world.rooms() == []


def test_moved_out_of_its_window_closes_now_and_opens_again_at_the_new_time(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * MINUTE)
    first = world.rooms()

    move(booking, 24 * HOUR, world)
    world.run()
    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.PLANNED
    world.go_to(booking.session.starts_at - 2 * HOUR + 2 * SECOND)

    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms()
    assert len(world.rooms()) == 1
    assert world.rooms() != first
    assert live().generation == 2


def test_moved_within_its_window_keeps_its_channel_and_stays_longer(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * MINUTE)
    first = world.rooms()

    move(booking, 30 * MINUTE, world)
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    assert world.sees("sam.student") == first
    world.advance(SECOND)

    assert world.rooms() == []


def test_moved_back_behind_its_opening_is_hidden_again_and_people_are_put_out(world: World, book: Book) -> None:
    booking = book(20 * MINUTE, student="sam.student", policy=TWO_STEP)
    world.go_to(booking.session.starts_at - 4 * MINUTE)
    world.join_voice("sam.student")

    move(booking, 6 * MINUTE, world)
    world.advance(2 * SECOND)

    assert world.sees("maya.coach") == world.sees("sam.student") == []
    assert len(world.rooms()) == 1
    assert Room.objects.get().state == RoomState.HIDDEN
    world.go_to(booking.session.starts_at - 5 * MINUTE + 2 * SECOND)
    assert world.sees("sam.student") == world.rooms()


def test_room_is_made_without_somebody_who_has_not_linked_and_opens_to_them_after(world: World, book: Book) -> None:
    booking = book(HOUR)
    world.advance(2 * SECOND)
    assert world.sees("maya.coach") == world.rooms()
    assert Room.objects.get().state == RoomState.OPEN_PARTIAL
    assert RoomAccess.objects.get(booking=booking).state == AccessState.UNLINKED

    identity = world.link("sam.student")
    Booking.objects.update(discord_identity=identity)
    assert request_reconcile_of(identity, now=world.now) == 1
    world.advance(2 * SECOND)

    assert world.sees("sam.student") == world.rooms()
    assert Room.objects.get().state == RoomState.OPEN
    assert RoomAccess.objects.get(booking=booking).state == AccessState.GRANTED


def test_linking_another_account_moves_the_access_to_it(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    world.join_voice("sam.student")

    identity = world.link("ida.student")
    Booking.objects.update(discord_identity=identity)
    request_reconcile_of(identity, now=world.now)
    world.advance(3 * SECOND)

    assert world.sees("sam.student") == []
    assert world.sees("ida.student") == world.rooms()
    assert world.is_in_voice("sam.student") is False
    states = dict(RoomAccess.objects.filter(booking=booking).values_list("discord_user_id", "state"))
    assert sorted(states.values()) == [AccessState.GRANTED, AccessState.REVOKED]
    assert Room.objects.get().state == RoomState.OPEN


def test_person_put_out_of_the_server_is_brought_back(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(5 * SECOND)

    world.kick("sam.student")
    assert world.sees("sam.student") == []
    world.advance(61 * SECOND)

    assert world.sees("sam.student") == world.rooms()


def test_channel_deleted_by_a_human_is_made_again_while_it_should_exist(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    [first] = world.rooms()

    world.delete_by_hand()
    world.advance(61 * SECOND)
    [second] = world.rooms()

    assert second != first
    assert world.sees("sam.student") == [second]
    assert live().generation == 2
    world.go_to(booking.session.ends_at + HOUR)
    assert world.rooms() == []


def test_channel_deleted_by_a_human_at_the_end_is_what_was_wanted(world: World, book: Book) -> None:
    booking = book(HOUR)
    world.go_to(booking.session.ends_at + HOUR - SECOND)

    world.delete_by_hand()
    world.advance(SECOND)

    assert Room.objects.get().state == RoomState.GONE
    assert DiscordObject.objects.filter(kind="voice").count() == 1


def test_overwrites_changed_by_a_human_are_put_back(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(5 * SECOND)

    world.let_everybody_in()
    assert world.sees("noah.coach") == world.rooms()
    world.advance(60 * SECOND)

    assert world.sees("noah.coach") == []
    assert world.sees("sam.student") == world.rooms()


def test_two_sessions_of_one_coach_have_two_rooms_for_two_students(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    book(2 * HOUR, student="ida.student")

    world.advance(5 * SECOND)

    [first, second] = world.rooms()
    assert world.sees("sam.student") == [first]
    assert world.sees("ida.student") == [second]
    assert world.sees("maya.coach") == [first, second]


def test_clock_that_jumps_over_the_whole_window_leaves_nothing(world: World, book: Book) -> None:
    booking = book(24 * HOUR, student="sam.student")
    world.run()

    world.clock.set(booking.session.ends_at + 2 * HOUR)
    world.run()

    assert world.rooms() == []
    assert job_of(booking).state == JobState.DONE
