"""Lost requests and answers, refusals, limits, outages: what becomes of the room, and what people are told."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.factories.rooms import World, deliver, live, lose_next_answer, refuse_all
from tests.rooms.conftest import Book

from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxMember, SandboxUser
from greenroom.integrations.discord.sandbox.services.guild import bot_id
from greenroom.integrations.discord.transport import Answer, Unanswered
from greenroom.jobs.models import Job, JobState
from greenroom.rooms import discord
from greenroom.rooms.models import BotRecord, DiscordObject, Room, RoomAccess
from greenroom.rooms.queries import rooms_needing_attention
from greenroom.rooms.types import AccessState, RoomState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
LOSING_FAULTS = ("drop_reply", "garbled_reply", "server_error_after")


@pytest.fixture
def standing(world: World, book: Book) -> Room:
    """A room that is open to both, twenty seconds before it closes."""
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR - 20 * SECOND)
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms()
    return Room.objects.get()


def hold_back(world: World) -> list[Callable[[], Answer]]:
    """Keep the next request for a channel on its way; returns what lets it land."""
    held: list[Callable[[], Answer]] = []

    def meddle(method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if method == "POST" and path.endswith("/channels") and not held:
            held.append(perform)
            raise Unanswered("still on its way")
        return perform()

    world.wire.meddler = meddle
    return held


@pytest.mark.parametrize("fault", LOSING_FAULTS)
def test_room_whose_answer_was_lost_is_found_again(world: World, book: Book, fault: str) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.arm(fault, 1)

    world.run()
    [made] = world.rooms()
    assert (live().object_id, live().asked_at) == (None, world.now)
    world.advance(5 * SECOND)

    assert world.rooms() == [made]
    assert world.sees("maya.coach") == [made]
    assert DiscordObject.objects.get().generation == 1
    assert DiscordObject.objects.get().object_id == SandboxChannel.objects.get(name=made).pk


def test_request_that_never_arrived_is_made_again_once_it_cannot_land_any_more(world: World, book: Book) -> None:
    book(HOUR)
    held = hold_back(world)
    began_at = world.now

    world.go_to(began_at + 23 * SECOND - SECOND)
    assert (world.rooms(), len(held)) == ([], 1)
    world.go_to(began_at + 23 * SECOND)

    assert len(world.rooms()) == 1
    assert live().generation == 2


def test_request_that_lands_late_is_taken_over(world: World, book: Book) -> None:
    book(HOUR)
    held = hold_back(world)

    world.advance(15 * SECOND)
    held[0]()
    world.advance(15 * SECOND)

    assert world.sees("maya.coach") == world.rooms()
    assert len(world.rooms()) == 1
    assert live().generation == 1


def test_request_that_lands_after_all_hope_leaves_one_room_and_a_stray(world: World, book: Book) -> None:
    book(HOUR)
    held = hold_back(world)
    world.advance(30 * SECOND)

    held[0]()
    assert len(world.rooms()) == 2
    world.sweep()

    assert world.rooms() == [f"coaching-{live().marker}"]
    assert world.sees("maya.coach") == world.rooms()


def test_lost_request_of_a_cancelled_session_is_closed_when_it_lands(world: World, book: Book) -> None:
    booking = book(HOUR)
    held = hold_back(world)
    world.run()
    booking.session.status = "cancelled"
    booking.session.save()

    world.advance(5 * SECOND)
    held[0]()
    world.advance(20 * SECOND)

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE


def test_doubled_room_keeps_the_oldest_and_deletes_the_other(world: World, book: Book) -> None:
    book(HOUR)
    held = hold_back(world)
    world.run()
    held[0]()
    held[0]()
    [first, second] = SandboxChannel.objects.filter(name__startswith="coaching-").order_by("pk")

    world.advance(5 * SECOND)

    assert [channel.pk for channel in SandboxChannel.objects.filter(name__startswith="coaching-")] == [first.pk]
    assert live().object_id == first.pk
    assert DiscordObject.objects.get(object_id=second.pk).deleted_at is not None


def test_doubled_room_of_a_cancelled_session_leaves_nothing(world: World, book: Book) -> None:
    booking = book(HOUR)
    held = hold_back(world)
    world.run()
    for _ in range(3):
        held[0]()
    booking.session.status = "cancelled"
    booking.session.save()

    world.advance(5 * SECOND)

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE
    assert not DiscordObject.objects.filter(deleted_at=None).exists()


@pytest.mark.parametrize("fault", [*LOSING_FAULTS, "server_error_before"])
def test_lost_answer_to_a_grant_is_repeated_until_seen(world: World, book: Book, fault: str) -> None:
    booking = book(20 * MINUTE, student="sam.student")
    world.wire.meddler = refuse_all
    world.run()
    world.wire.meddler = deliver
    world.go_to(booking.session.starts_at)
    world.let_everybody_in()
    world.arm(fault, 1)

    world.advance(MINUTE + 5 * SECOND)

    assert world.sees("noah.coach") == []
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms()


@pytest.mark.parametrize("fault", [*LOSING_FAULTS, "server_error_before", "forbidden", "rate_limited"])
def test_fault_while_closing_does_not_keep_the_room(world: World, standing: Room, fault: str) -> None:
    world.arm(fault, 1)

    world.advance(80 * SECOND)

    assert world.rooms() == []
    standing.refresh_from_db()
    assert (standing.state, standing.failure_count, standing.last_error) == (RoomState.GONE, 0, "")


def test_room_that_cannot_be_deleted_is_locked_and_emptied_in_the_same_run(world: World, standing: Room) -> None:
    world.join_voice("sam.student")
    world.forbid_deleting()

    world.advance(20 * SECOND)

    assert len(world.rooms()) == 1
    assert world.sees("sam.student") == world.sees("maya.coach") == []
    assert world.is_in_voice("sam.student") is False
    standing.refresh_from_db()
    assert standing.state == RoomState.CLOSING
    assert list(rooms_needing_attention()) == [standing]
    assert Job.objects.get(kind="rooms.reconcile").state == JobState.DUE


@pytest.mark.usefixtures("standing")
def test_room_that_can_neither_be_deleted_nor_locked_is_tried_for_ever(world: World) -> None:
    world.wire.meddler = refuse_all

    world.advance(30 * MINUTE)
    assert len(world.rooms()) == 1
    assert Room.objects.get().state == RoomState.CLOSING
    world.wire.meddler = deliver
    world.advance(MINUTE)

    assert world.rooms() == []
    assert not rooms_needing_attention().exists()


@pytest.mark.usefixtures("standing")
def test_lock_down_leaves_people_in_their_next_session_alone(world: World) -> None:
    other = SandboxChannel.objects.create(pk=77, guild_id=world.connection.guild_id, type=2, name="General")
    world.join_voice_of("sam.student", other)
    world.forbid_deleting()

    world.advance(20 * SECOND)

    assert world.is_in_voice("sam.student") is True


def test_closed_room_that_still_shows_is_not_called_gone(world: World, standing: Room) -> None:
    def pretend(method: str, _path: str, perform: Callable[[], Answer]) -> Answer:
        return Answer(200, {}, b"{}") if method == "DELETE" else perform()

    world.wire.meddler = pretend
    world.advance(20 * SECOND)

    standing.refresh_from_db()
    assert standing.state == RoomState.CLOSING
    assert standing.last_error_detail == (
        "discord_outcome_unknown: Discord keeps showing another room than it confirmed"
    )


def test_outage_is_told_after_three_failures_and_over_with_the_first_success(world: World, book: Book) -> None:
    book(HOUR)
    world.wire.meddler = refuse_all

    world.advance(5 * SECOND)
    assert Room.objects.get().state == RoomState.PROVISIONING
    world.advance(5 * SECOND)
    [room] = rooms_needing_attention()
    assert room.state == RoomState.DEGRADED
    assert room.last_error == "Discord cannot be reached at the moment. We will try again."
    assert room.last_error_detail == "discord_unavailable: not sent: down"

    world.wire.meddler = deliver
    world.advance(MINUTE)

    assert len(world.rooms()) == 1
    assert not rooms_needing_attention().exists()


def test_refused_room_is_told_at_once_in_plain_words(world: World, book: Book) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.arm("forbidden", 1)

    world.run()

    [room] = rooms_needing_attention()
    assert (room.state, room.last_error) == (
        RoomState.DEGRADED,
        "The Discord server does not let us manage the room.",
    )
    assert not DiscordObject.objects.exists()
    world.advance(2 * SECOND)
    assert len(world.rooms()) == 1


def test_full_server_is_told_and_tried_again(world: World, book: Book) -> None:
    guild_id = world.connection.guild_id
    SandboxChannel.objects.bulk_create(
        SandboxChannel(pk=1000 + number, guild_id=guild_id, type=0, name="x") for number in range(500)
    )
    book(HOUR)

    world.run()
    assert Room.objects.get().last_error == "The Discord server is full."
    SandboxChannel.objects.filter(name="x").delete()
    world.advance(5 * SECOND)

    assert len(world.rooms()) == 1


def test_bot_put_out_of_the_server_is_told_and_recovers(world: World, standing: Room) -> None:
    membership = SandboxMember.objects.get(user_id=bot_id())
    roles = list(membership.roles.all())
    membership.delete()

    world.advance(30 * SECOND)
    standing.refresh_from_db()
    assert standing.state == RoomState.CLOSING
    assert len(world.rooms()) == 1
    back = SandboxMember.objects.create(guild_id=world.connection.guild_id, user_id=bot_id(), joined_at=world.now)
    back.roles.set(roles)
    world.advance(MINUTE)

    assert world.rooms() == []


def test_refused_bot_token_blocks_rooms_until_it_is_revived(world: World, book: Book) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.arm("unauthorized", 1)

    world.run()
    assert Job.objects.get(kind="rooms.reconcile").due_at == world.now + MINUTE
    sent = len(world.wire.requests)
    world.advance(10 * MINUTE)
    room = Room.objects.get()
    assert room.state == RoomState.BLOCKED
    assert room.last_error == "The connection to Discord is broken. The operator has to set a new bot token."
    assert len(world.wire.requests) == sent
    BotRecord.objects.update(is_token_dead=False, died_at=None)
    world.time.sleep(2)
    world.advance(MINUTE)

    assert len(world.rooms()) == 1


def test_rooms_without_discord_are_blocked_and_say_so(world: World, book: Book) -> None:
    booking = book(HOUR)
    discord.use(None)

    world.run()

    room = Room.objects.get()
    assert (room.state, room.last_error) == (RoomState.BLOCKED, "Discord is not set up on this site.")
    assert RoomAccess.objects.get(booking=booking).state == AccessState.UNLINKED
    world.go_to(booking.session.ends_at + HOUR)
    room.refresh_from_db()
    assert (room.state, room.last_error) == (RoomState.GONE, "")


def test_long_limit_is_obeyed_and_the_closing_still_comes_in_time(world: World, book: Book) -> None:
    booking = book(-50 * MINUTE)  # it has ended ten minutes before its closing
    world.connection.bot_id()
    world.arm("rate_limited_long", 1)

    world.run()
    due_at = Job.objects.get(kind="rooms.reconcile").due_at
    assert due_at == world.now + HOUR
    assert Room.objects.get().state == RoomState.PROVISIONING
    assert booking.session.ends_at + HOUR > due_at


def test_being_asked_to_wait_a_minute_is_no_failure(world: World, book: Book) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.arm("cloudflare_429", 1)

    world.run()
    room = Room.objects.get()
    assert (room.failure_count, room.last_error) == (0, "")
    assert not DiscordObject.objects.exists()
    assert Job.objects.get(kind="rooms.reconcile").due_at == world.now + MINUTE
    world.advance(MINUTE + SECOND)

    assert len(world.rooms()) == 1


def test_account_that_discord_forgot_does_not_keep_the_others_out(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    SandboxUser.objects.filter(username="sam.student").delete()

    world.advance(10 * SECOND)

    assert world.sees("maya.coach") == world.rooms()
    assert len(world.rooms()) == 1
    access = RoomAccess.objects.get(booking=booking)
    assert (access.state, access.last_error) == (AccessState.FAILED, "10013")
    assert Room.objects.get().state == RoomState.OPEN_PARTIAL


def test_second_lost_answer_is_no_second_room(world: World, book: Book) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.wire.meddler = lose_next_answer("POST")

    world.run()
    world.run()
    world.advance(MINUTE)

    assert len(world.rooms()) == 1
    assert sum(line.endswith("/channels") and line.startswith("POST") for line in world.wire.requests) == 1
