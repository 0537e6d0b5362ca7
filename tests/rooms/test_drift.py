"""What people change by hand in the server: put right within one look, or left as it is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.factories.rooms import World, live
from tests.rooms.conftest import Book

from greenroom.integrations.discord.permissions import PARTICIPANT_ALLOW
from greenroom.integrations.discord.sandbox.models import SandboxChannel
from greenroom.integrations.discord.sandbox.services.guild import sample_user_id
from greenroom.integrations.discord.types import ChannelType
from greenroom.rooms.policies import TWO_STEP, AccessMethod, RoomKind
from greenroom.rooms.services import sweep_guild

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SOON = 5 * SECOND
ONE_LOOK = MINUTE + SECOND


@pytest.fixture(params=[AccessMethod.MEMBER, AccessMethod.ROLE])
def access(request: pytest.FixtureRequest) -> AccessMethod:
    return AccessMethod(request.param)


@pytest.fixture
def kind() -> RoomKind:
    return RoomKind.TEXT_AND_VOICE


def channels() -> list[SandboxChannel]:
    return list(SandboxChannel.objects.filter(name__startswith="coaching-"))


def open_to_everybody(channel: SandboxChannel) -> None:
    channel.overwrites.filter(target_id=channel.guild_id).delete()


def let_stranger_in(channel: SandboxChannel) -> None:
    channel.overwrites.create(target_type=1, target_id=sample_user_id("noah.coach"), allow=int(PARTICIPANT_ALLOW))


def shut_its_people_out(channel: SandboxChannel) -> None:
    channel.overwrites.filter(allow=int(PARTICIPANT_ALLOW)).delete()


def widen_what_they_may(channel: SandboxChannel) -> None:
    channel.overwrites.filter(allow=int(PARTICIPANT_ALLOW)).update(allow=int(PARTICIPANT_ALLOW) | 1 << 13)


@pytest.mark.parametrize("change", [open_to_everybody, let_stranger_in, shut_its_people_out, widen_what_they_may])
def test_access_changed_by_hand_is_put_right_within_one_look(
    world: World, book: Book, change: Callable[[SandboxChannel], None]
) -> None:
    book(HOUR, student="sam.student")
    world.advance(SOON)
    before = [set(channel.overwrites.values_list("target_id", "allow", "deny")) for channel in channels()]

    for channel in channels():
        change(channel)
    world.advance(ONE_LOOK)

    assert [set(channel.overwrites.values_list("target_id", "allow", "deny")) for channel in channels()] == before
    assert world.sees("noah.coach") == []
    assert len(world.sees("sam.student")) == len(world.sees("maya.coach")) == 2


def test_stranger_let_into_a_hidden_room_is_out_within_five_minutes(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=TWO_STEP)
    world.go_to(booking.session.starts_at - 14 * MINUTE)

    for channel in channels():
        let_stranger_in(channel)
    world.advance(5 * MINUTE + SECOND)

    assert len(channels()) == 2
    assert world.sees("noah.coach") == world.sees("sam.student") == []


def test_stranger_who_was_let_in_is_put_out_of_voice(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(SOON)
    voice = SandboxChannel.objects.get(type=ChannelType.VOICE)
    let_stranger_in(voice)
    world.join_voice("noah.coach")
    world.join_voice("sam.student")

    world.advance(ONE_LOOK)

    assert world.is_in_voice("noah.coach") is False
    assert world.is_in_voice("sam.student") is True


def test_name_and_place_changed_by_hand_stay_and_the_room_works_on(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(SOON)
    category = SandboxChannel.objects.create(pk=900, guild_id=world.connection.guild_id, type=4, name="Elsewhere")
    SandboxChannel.objects.filter(pk=live().object_id).update(name="maya and sam", parent=category)

    world.advance(2 * MINUTE)

    assert world.rooms() == ["maya and sam"]
    assert len(world.sees("sam.student")) == 2
    assert sweep_guild() == 0
    world.go_to(booking.session.ends_at + HOUR)
    assert world.rooms() == []
    assert SandboxChannel.objects.filter(pk=category.pk).exists()
