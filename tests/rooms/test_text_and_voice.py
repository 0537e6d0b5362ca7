"""Rooms of a voice and a text channel: both for the same people, each found, opened and closed by itself."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.factories.rooms import World, live
from tests.rooms.conftest import Book

from greenroom.integrations.discord.sandbox.models import SandboxChannel
from greenroom.integrations.discord.sandbox.services import people
from greenroom.integrations.discord.transport import Answer, NotSent, Unanswered
from greenroom.integrations.discord.types import ChannelType
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.policies import INSTANT, AccessMethod, RoomKind
from greenroom.rooms.queries import rooms_needing_attention
from greenroom.rooms.types import ObjectKind, RoomState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SOON = 5 * SECOND
TEXT = ObjectKind.TEXT


@pytest.fixture(params=[AccessMethod.MEMBER, AccessMethod.ROLE])
def access(request: pytest.FixtureRequest) -> AccessMethod:
    return AccessMethod(request.param)


@pytest.fixture
def kind() -> RoomKind:
    return RoomKind.TEXT_AND_VOICE


def texts(world: World) -> list[str]:
    return world.rooms(ChannelType.TEXT)


@pytest.mark.parametrize("access", [AccessMethod.ROLE])
def test_instant_room_is_open_as_soon_as_it_is_booked_weeks_ahead(world: World, book: Book) -> None:
    booking = book(60 * 24 * HOUR, student="sam.student", policy=INSTANT)

    world.advance(SOON)

    assert len(world.sees("sam.student")) == len(world.sees("maya.coach")) == 2
    world.go_to(booking.session.ends_at + HOUR)
    assert world.rooms() == texts(world) == []


def test_both_channels_are_for_its_people_and_go_together(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")

    world.advance(SOON)

    name = f"coaching-{live(TEXT).marker}"
    assert texts(world) == world.rooms() == [name]
    assert world.sees("sam.student") == world.sees("maya.coach") == [name, name]
    assert world.sees("noah.coach") == []
    assert Room.objects.get().state == RoomState.OPEN
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    assert len(world.sees("sam.student")) == 2
    world.advance(SECOND)
    assert texts(world) == world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE
    assert not DiscordObject.objects.filter(deleted_at=None).exists()


def test_text_channel_whose_answer_was_lost_is_found_again_while_the_voice_is_used(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    losing = 1

    def meddle(method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        nonlocal losing
        answer = perform()
        if method == "POST" and path.endswith("/channels") and b'"type": 0, "guild_id"' in answer.body and losing:
            losing = 0
            raise Unanswered("lost")
        return answer

    world.wire.meddler = meddle
    world.run()
    assert (len(texts(world)), live(TEXT).object_id, len(world.rooms())) == (1, None, 1)
    world.advance(SOON)

    assert len(texts(world)) == len(world.rooms()) == 1
    assert live(TEXT).generation == 1
    assert len(world.sees("maya.coach")) == 2


def test_full_server_costs_the_text_channel_and_not_the_voice(world: World, book: Book) -> None:
    guild_id = world.connection.guild_id
    SandboxChannel.objects.bulk_create(
        SandboxChannel(pk=1000 + number, guild_id=guild_id, type=4, name="x") for number in range(499)
    )
    book(HOUR, student="sam.student")

    world.advance(SOON)

    assert (len(world.rooms()), texts(world)) == (1, [])
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms()
    [room] = rooms_needing_attention()
    assert room.last_error == "The Discord server is full."
    SandboxChannel.objects.filter(name="x").first().delete()  # type: ignore[union-attr]  # there are 499
    world.advance(MINUTE)
    assert len(texts(world)) == 1
    assert not rooms_needing_attention().exists()


def test_text_channel_deleted_or_opened_by_hand_is_put_right(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(SOON)
    voice_id = live().object_id

    people.delete_channel_by_hand(live(TEXT).object_id or 0)
    world.advance(65 * SECOND)
    assert (live(TEXT).generation, live().object_id) == (2, voice_id)
    assert len(world.sees("sam.student")) == 2
    text = SandboxChannel.objects.get(type=ChannelType.TEXT)
    text.overwrites.filter(target_id=world.connection.guild_id).delete()
    assert world.sees("noah.coach") == [text.name]
    world.advance(61 * SECOND)

    assert world.sees("noah.coach") == []
    assert len(world.sees("sam.student")) == 2


@pytest.mark.parametrize("part", [ObjectKind.VOICE, TEXT])
def test_one_channel_that_cannot_be_deleted_is_locked_and_does_not_keep_the_other(
    world: World, book: Book, part: ObjectKind
) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    stuck_id = live(part).object_id

    def meddle(method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if method == "DELETE" and path.endswith(f"/channels/{stuck_id}"):
            raise NotSent("lost")
        return perform()

    world.wire.meddler = meddle
    world.advance(SECOND)

    assert list(SandboxChannel.objects.filter(name__startswith="coaching").values_list("pk", flat=True)) == [stuck_id]
    assert world.sees("sam.student") == world.sees("maya.coach") == []
    assert Room.objects.get().state == RoomState.CLOSING
    world.allow_everything()
    world.advance(MINUTE)
    assert Room.objects.get().state == RoomState.GONE


def test_stray_text_channel_is_swept_and_that_of_a_live_room_is_not(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(SOON)
    stray = SandboxChannel.objects.create(
        pk=5_000, guild_id=world.connection.guild_id, type=0, name="coaching-0123abcd"
    )
    DiscordObject.objects.create(guild_id=stray.guild_id, kind=TEXT, object_id=stray.pk, seen_at=world.now)

    assert world.sweep() == 1

    assert texts(world) == [f"coaching-{live(TEXT).marker}"]
    assert len(world.sees("sam.student")) == 2
