from datetime import timedelta

import pytest
from tests.factories.rooms import World, lose_answers, refuse_all
from tests.rooms.conftest import Book

from greenroom.integrations.discord.errors import Unavailable
from greenroom.integrations.discord.sandbox.models import SandboxAuditEntry, SandboxChannel
from greenroom.integrations.discord.types import AuditAction
from greenroom.jobs.errors import RetryLaterError
from greenroom.jobs.models import Job
from greenroom.rooms import discord, jobs
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.services import sweep_guild

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
STRAY = "coaching-0123abcd"


def make_channel(world: World, name: str = STRAY, *, by_bot: bool = True, kind: int = 2) -> SandboxChannel:
    """Put a channel into the guild that everybody sees, made by the bot as its audit log says, or by a human."""
    guild_id = world.connection.guild_id
    channel = SandboxChannel.objects.create(pk=5_000, guild_id=guild_id, type=kind, name=name)
    user_id = world.connection.bot_id() if by_bot else guild_id + 10
    SandboxAuditEntry.objects.create(
        pk=6_000, guild_id=guild_id, user_id=user_id, target_id=channel.pk, action=AuditAction.CHANNEL_CREATE
    )
    return channel


def test_stray_that_the_audit_log_proves_to_be_ours_is_deleted(world: World) -> None:
    make_channel(world)

    assert sweep_guild() == 1

    assert world.rooms() == []
    noted = DiscordObject.objects.get()
    assert (noted.object_id, noted.room, noted.deleted_at) == (5_000, None, world.now)


def test_stray_that_the_ledger_knows_is_deleted_without_asking(world: World) -> None:
    make_channel(world, by_bot=False)
    DiscordObject.objects.create(guild_id=world.connection.guild_id, kind="voice", object_id=5_000, seen_at=world.now)

    assert sweep_guild() == 1

    assert world.rooms() == []
    assert not any("audit-logs" in line for line in world.wire.requests)


def test_stray_that_somebody_renamed_is_deleted_when_the_ledger_knows_it(world: World) -> None:
    make_channel(world, "our cosy corner", by_bot=False)
    DiscordObject.objects.create(guild_id=world.connection.guild_id, kind="voice", object_id=5_000, seen_at=world.now)

    assert sweep_guild() == 1

    assert world.rooms() == []


def test_stray_whose_deletion_was_never_answered_is_seen_to_be_gone(world: World) -> None:
    make_channel(world)
    world.wire.meddler = lose_answers("DELETE")
    sweep_guild()
    assert world.rooms() == []
    assert DiscordObject.objects.get().deleted_at is None
    world.allow_everything()

    sweep_guild()

    assert DiscordObject.objects.get().deleted_at == world.now


def test_stray_that_nobody_proves_to_be_ours_is_closed_and_stays(world: World) -> None:
    make_channel(world, by_bot=False)
    assert world.sees("noah.coach") == [STRAY]

    assert sweep_guild() == 0
    assert sweep_guild() == 0

    assert world.rooms() == [STRAY]
    assert world.sees("noah.coach") == []
    assert world.wire.count("PATCH") == 1
    assert DiscordObject.objects.count() == 0


@pytest.mark.parametrize(("name", "kind"), [("General", 2), (STRAY, 4), ("coaching-room", 2), (f"{STRAY}4", 2)])
def test_channel_without_a_marker_is_never_touched(world: World, name: str, kind: int) -> None:
    channel = make_channel(world, name, kind=kind)

    assert sweep_guild() == 0

    assert SandboxChannel.objects.get() == channel
    assert not channel.overwrites.exists()


def test_live_rooms_are_left_alone(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(5 * SECOND)

    assert sweep_guild() == 0

    assert world.sees("sam.student") == world.rooms()
    assert len(world.rooms()) == 1


def test_room_that_waits_for_its_channel_is_left_to_find_it(world: World, book: Book) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.arm("drop_reply", 1)
    world.run()

    assert sweep_guild() == 0

    assert len(world.rooms()) == 1


def test_room_whose_marker_is_another_ones_keeps_the_channel_it_holds(world: World, book: Book) -> None:
    book(HOUR)
    world.run()
    DiscordObject.objects.update(marker="ffffffff")

    assert sweep_guild() == 0

    assert len(world.rooms()) == 1


def test_stray_that_was_deleted_meanwhile_counts_as_gone(world: World) -> None:
    channel = make_channel(world)
    world.arm("lost_channel", 1)
    DiscordObject.objects.create(
        guild_id=world.connection.guild_id, kind="voice", object_id=channel.pk, seen_at=world.now
    )

    assert sweep_guild() == 1

    assert DiscordObject.objects.get().deleted_at == world.now


def test_stray_that_cannot_be_deleted_is_left_for_the_next_sweep(world: World) -> None:
    make_channel(world)
    world.forbid_deleting()

    assert sweep_guild() == 0
    world.allow_everything()
    assert sweep_guild() == 1


def test_sweep_without_discord_does_nothing(world: World) -> None:
    make_channel(world)
    discord.use(None)

    assert sweep_guild() == 0

    assert world.rooms() == [STRAY]


def test_sweep_that_cannot_ask_comes_back(world: World) -> None:
    world.wire.meddler = refuse_all

    with pytest.raises(Unavailable):
        sweep_guild()
    with pytest.raises(RetryLaterError) as raised:
        jobs.sweep(Job())

    assert raised.value.delay == timedelta(minutes=1)
