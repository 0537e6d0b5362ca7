"""Runs that were overtaken by another, and answers that mean something else than they seem to."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from tests.factories.rooms import World, live, make_connection
from tests.rooms.conftest import Book

from greenroom.integrations.discord.sandbox.models import SandboxChannel
from greenroom.integrations.discord.transport import Answer
from greenroom.rooms import discord, rules
from greenroom.rooms.models import DiscordObject, Room, RoomAccess
from greenroom.rooms.services import reconcile_session, sweep_guild
from greenroom.rooms.types import AccessState, RoomState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def overtake(world: World, session_id: int, method: str, ending: str) -> None:
    """Let another process do the whole of the room while this one's request is on its way."""

    def meddle(sent: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if sent == method and path.endswith(ending):
            world.allow_everything()
            world.clock.advance(31 * SECOND)
            discord.use(make_connection(world.wire, world.time))
            reconcile_session(session_id)
            discord.use(world.connection)
        return perform()

    world.wire.meddler = meddle


def answer_with(world: World, method: str, part: str, status: int, code: int) -> None:
    """Answer every request of a kind with a refusal of the sandbox's shape, without carrying it out."""

    def meddle(sent: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if sent == method and part in path:
            return Answer(status, {}, b'{"message": "no", "code": %d}' % code)
        return perform()

    world.wire.meddler = meddle


def test_room_made_by_an_overtaken_run_is_taken_away_by_it(world: World, book: Book) -> None:
    booking = book(HOUR)
    world.connection.bot_id()
    overtake(world, booking.session_id, "POST", "/channels")

    verdict = reconcile_session(booking.session_id)

    assert verdict.reason == "Another run took this room over."
    assert world.rooms() == [f"coaching-{live().marker}"]
    assert world.sees("maya.coach") == world.rooms()
    assert live().generation == 2
    assert DiscordObject.objects.filter(deleted_at=None).count() == 1


def test_room_found_by_an_overtaking_run_is_not_taken_away(world: World, book: Book) -> None:
    booking = book(HOUR)
    world.connection.bot_id()

    def meddle(sent: str, path: str, perform: Callable[[], Answer]) -> Answer:
        answer = perform()
        if sent == "POST" and path.endswith("/channels"):
            world.allow_everything()
            world.clock.advance(31 * SECOND)
            discord.use(make_connection(world.wire, world.time))
            reconcile_session(booking.session_id)
            discord.use(world.connection)
        return answer

    world.wire.meddler = meddle
    reconcile_session(booking.session_id)

    assert len(world.rooms()) == 1
    assert live().generation == 1


def test_overtaken_run_opens_nothing_any_more(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    world.let_everybody_in()
    overtake(world, booking.session_id, "GET", f"/channels/{live().object_id}")
    type(booking.session).objects.update(status="cancelled")
    type(booking.session).objects.update(status="confirmed")

    verdict = reconcile_session(booking.session_id)

    assert verdict.reason == "Another run took this room over."
    assert world.wire.count("PATCH") == 1


def test_cancellation_in_the_middle_of_a_run_wins_over_the_rest_of_it(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.connection.bot_id()

    def meddle(sent: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if sent == "POST" and path.endswith("/channels"):
            type(booking.session).objects.update(status="cancelled")
        return perform()

    world.wire.meddler = meddle
    reconcile_session(booking.session_id)

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE


def test_marker_that_another_live_room_bears_is_passed_over(world: World, book: Book) -> None:
    first, second = book(HOUR), book(3 * HOUR)
    world.run()
    waiting = Room.objects.get(session=second.session)
    taken = rules.marker(str(settings.SECRET_KEY), waiting.ref, 1)
    DiscordObject.objects.filter(room__session=first.session).update(marker=taken)

    world.go_to(second.session.starts_at - 2 * HOUR)

    mine = waiting.discord_objects.get()
    assert (mine.generation, mine.marker) == (2, rules.marker(str(settings.SECRET_KEY), waiting.ref, 2))


def test_channel_deleted_while_its_access_is_set_is_made_again(world: World, book: Book) -> None:
    book(HOUR)
    world.advance(5 * SECOND)
    world.let_everybody_in()

    def meddle(sent: str, _path: str, perform: Callable[[], Answer]) -> Answer:
        if sent == "PATCH":
            world.delete_by_hand()
        return perform()

    world.wire.meddler = meddle
    world.advance(MINUTE)

    assert world.sees("maya.coach") == world.rooms()
    assert len(world.rooms()) == 1
    assert live().generation == 2


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_unknown_guild_does_not_say_that_the_channel_is_gone(world: World, book: Book, method: str) -> None:
    book(HOUR)
    world.advance(5 * SECOND)
    world.let_everybody_in()
    answer_with(world, method, "/channels/", 404, 10004)

    world.advance(MINUTE)

    assert Room.objects.get().state == RoomState.DEGRADED
    assert live().object_id is not None
    assert len(world.rooms()) == 1


def test_unknown_guild_does_not_say_that_a_person_left(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    answer_with(world, "GET", "/members/", 404, 10004)

    world.advance(5 * SECOND)

    assert RoomAccess.objects.get(booking=booking).state == AccessState.JOINING
    assert Room.objects.get().last_error_detail == "discord_not_found: no (code 10004)"


def test_unknown_guild_does_not_say_that_a_stray_is_gone(world: World) -> None:
    guild_id = world.connection.guild_id
    SandboxChannel.objects.create(pk=5_000, guild_id=guild_id, type=2, name="coaching-0123abcd")
    DiscordObject.objects.create(guild_id=guild_id, kind="voice", object_id=5_000, seen_at=world.now)
    answer_with(world, "DELETE", "/channels/", 404, 10004)

    assert sweep_guild() == 0
    assert DiscordObject.objects.get().deleted_at is None


@pytest.mark.parametrize("code", [40032, 50035])
def test_person_who_hung_up_meanwhile_does_not_keep_the_room_from_its_locking(
    world: World, book: Book, code: int
) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR - 2 * SECOND)
    world.join_voice("sam.student")

    def meddle(sent: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if sent == "PATCH" and "/members/" in path:
            return Answer(400, {}, b'{"message": "no", "code": %d}' % code)
        if sent == "DELETE":
            return Answer(403, {}, b'{"message": "no", "code": 50013}')
        return perform()

    world.wire.meddler = meddle
    world.advance(3 * SECOND)
    assert Room.objects.get().state == RoomState.CLOSING
    assert world.sees("maya.coach") == []
    world.allow_everything()
    world.advance(MINUTE)

    assert world.rooms() == []
