"""The process dies at every point where that matters; the next run goes on, and nobody notices for long."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from tests.factories.processes import run_python
from tests.factories.rooms import World, lose_next_answer
from tests.rooms.conftest import Book

from greenroom.bookings.models import CoachingSession
from greenroom.core.faults import FAULT_POINTS, KILLED_STATUS
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxRole
from greenroom.jobs.models import Job, JobState
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.policies import TWO_STEP, WINDOW, AccessMethod
from greenroom.rooms.services import request_reconcile
from greenroom.rooms.types import RoomState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
OTHER_ROLES = 2  # @everyone and the bot's own
BACK_AGAIN = 50 * SECOND  # the row's lease of 45 seconds, and the run


pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture(params=[AccessMethod.MEMBER, AccessMethod.ROLE])
def access(request: pytest.FixtureRequest) -> AccessMethod:
    return AccessMethod(request.param)


_PRELUDE = """
import sys
from datetime import datetime
sys.path.insert(0, {root!r})
from tests.factories.clock import SettableClock
from tests.factories.rooms import open_world
from greenroom.core import clock, faults
source = SettableClock(datetime.fromisoformat({now!r}))
clock.use_source(source)
with open_world(source) as world:
    faults.arm({point!r})
"""
_RUN = "    world.run()"


def die_at(point: str, world: World, code: str = _RUN) -> None:
    """Run what is due in another process, on the same rows and at the same instant, which must die at the point."""
    prelude = _PRELUDE.format(root=str(Path(__file__).parents[3]), now=world.now.isoformat(), point=point)
    ended = run_python(prelude + code, data_dir=settings.DATA_DIR)
    assert ended.returncode == KILLED_STATUS, ended.stderr


def assert_one_open_room(world: World) -> None:
    assert len(world.rooms()) == 1
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms()
    assert world.sees("noah.coach") == []
    assert Room.objects.get().state == RoomState.OPEN


def assert_closes_on_time(world: World) -> None:
    session = CoachingSession.objects.get()
    world.go_to(session.ends_at + HOUR)
    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE
    assert not DiscordObject.objects.filter(deleted_at=None).exists()
    assert SandboxRole.objects.count() == OTHER_ROLES
    assert Job.objects.get(kind="rooms.reconcile").state == JobState.DONE


@pytest.mark.parametrize("point", ["rooms.after_intent", "rooms.after_create", "rooms.after_channel_saved"])
def test_death_while_making_a_room_leaves_one(world: World, book: Book, point: str) -> None:
    book(HOUR, student="sam.student")

    die_at(point, world)
    world.advance(BACK_AGAIN)

    assert_one_open_room(world)
    assert_closes_on_time(world)


def test_death_after_taking_over_a_lost_room_leaves_one(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.wire.meddler = lose_next_answer("POST")
    world.run()
    world.clock.advance(3 * SECOND)

    die_at("rooms.after_adopt", world)
    world.advance(BACK_AGAIN)

    assert_one_open_room(world)
    assert_closes_on_time(world)


def test_death_while_opening_shows_the_room_to_its_people_alone(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=TWO_STEP)
    world.go_to(booking.session.starts_at - 5 * MINUTE - SECOND)
    world.clock.advance(SECOND)

    die_at("rooms.after_grant", world)
    world.advance(BACK_AGAIN)

    assert_one_open_room(world)
    assert_closes_on_time(world)


def make_room_of_members(world: World, access: AccessMethod) -> None:
    """Let the room be made: one of members looks at its people in the next run, one with a role in the same."""
    if access is AccessMethod.MEMBER:
        world.run()
        world.clock.advance(2 * SECOND)


def test_death_while_bringing_somebody_in_is_made_up_for(world: World, book: Book, access: AccessMethod) -> None:
    book(HOUR, student="sam.student")
    make_room_of_members(world, access)

    die_at("rooms.after_join", world)
    world.advance(BACK_AGAIN)

    assert_one_open_room(world)
    assert_closes_on_time(world)


@pytest.mark.parametrize("point", ["rooms.before_delete", "rooms.after_delete"])
def test_death_while_closing_costs_less_than_the_minute_promised(world: World, book: Book, point: str) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    world.clock.advance(SECOND)

    die_at(point, world)
    world.advance(BACK_AGAIN)

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE
    assert not DiscordObject.objects.filter(deleted_at=None).exists()


def test_death_after_locking_a_room_that_cannot_be_deleted(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    world.clock.advance(SECOND)

    die_at("rooms.after_lock_down", world, "    world.forbid_deleting()\n" + _RUN)
    assert world.rooms() != []
    assert world.sees("sam.student") == world.sees("maya.coach") == []
    world.advance(BACK_AGAIN)

    assert world.rooms() == []


def test_death_after_archiving_leaves_nobody_in_voice(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=replace(WINDOW, archive_for=24 * HOUR))
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    world.join_voice("sam.student")
    world.clock.advance(SECOND)

    die_at("rooms.after_grant", world)
    assert world.is_in_voice("sam.student") is True
    world.advance(BACK_AGAIN)

    assert world.is_in_voice("sam.student") is False
    assert Room.objects.get().state == RoomState.ARCHIVED
    assert SandboxRole.objects.count() == OTHER_ROLES
    world.go_to(booking.session.ends_at + 25 * HOUR)
    assert world.rooms() == []


def test_death_between_new_tokens_and_saving_them_asks_the_person_to_link_again(
    world: World, book: Book, access: AccessMethod
) -> None:
    booking = book(HOUR, student="sam.student")
    identity = booking.discord_identity
    assert identity is not None
    identity.token_expires_at = world.now + HOUR
    identity.save()
    make_room_of_members(world, access)

    die_at("rooms.after_refresh", world)
    world.advance(2 * MINUTE)
    assert world.sees("sam.student") == []
    assert Room.objects.get().accesses.get(booking=booking).last_error == "link_revoked"
    world.link("sam.student")
    request_reconcile(booking.session_id, now=world.now)
    world.advance(5 * SECOND)

    assert_one_open_room(world)


def test_death_while_sweeping_leaves_a_stray_that_nobody_enters(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    Room.objects.get().accesses.all().delete()
    DiscordObject.objects.all().delete()
    Room.objects.all().delete()

    die_at("rooms.sweep_after_lock", world, "    world.sweep()")
    assert world.sees("sam.student") == []
    assert SandboxChannel.objects.filter(name__startswith="coaching-").count() == 1
    world.sweep()

    assert world.rooms() == []


def test_every_fault_point_of_rooms_is_tried() -> None:
    tried = {
        "rooms.after_intent",
        "rooms.after_create",
        "rooms.after_channel_saved",
        "rooms.after_adopt",
        "rooms.after_grant",
        "rooms.after_join",
        "rooms.before_delete",
        "rooms.after_delete",
        "rooms.after_lock_down",
        "rooms.after_refresh",
        "rooms.sweep_after_lock",
    }
    tried_with_reminders = {"rooms.after_reminder"}

    assert {name for name in FAULT_POINTS if name.startswith("rooms.")} == tried | tried_with_reminders
