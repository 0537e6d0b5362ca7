"""A room from its making to its end, as each person sees it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.factories.clock import MONDAY, SettableClock
from tests.integrations.discord.contract.conftest import SANDBOX_ROWS_ONLY

from greenroom.core.errors import NotAllowedError, NotFoundError
from greenroom.integrations.discord import snowflake
from greenroom.integrations.discord.errors import (
    BadRequest,
    Cap,
    CapacityReached,
    Forbidden,
    NotFound,
)
from greenroom.integrations.discord.permissions import (
    ARCHIVE_ALLOW,
    ARCHIVE_DENY,
    BOT_ALLOW,
    BOT_INVITE,
    EVERYONE_DENY,
    PARTICIPANT_ALLOW,
    Permission,
)
from greenroom.integrations.discord.protocol import CallOptions, DiscordApi
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxRole
from greenroom.integrations.discord.sandbox.queries import visible_channels
from greenroom.integrations.discord.sandbox.services import people
from greenroom.integrations.discord.sandbox.services.guild import bot_id, sample_user_id
from greenroom.integrations.discord.types import (
    AuditAction,
    Channel,
    ChannelId,
    ChannelType,
    DiscordUserId,
    GuildId,
    NewChannel,
    Overwrite,
    OverwriteTarget,
    VoiceState,
)

pytestmark = [SANDBOX_ROWS_ONLY, pytest.mark.usefixtures("frozen_clock")]


def hidden(guild: GuildId) -> tuple[Overwrite, ...]:
    return (
        Overwrite(OverwriteTarget.ROLE, guild, deny=EVERYONE_DENY),
        Overwrite(OverwriteTarget.MEMBER, bot_id(), allow=BOT_ALLOW),
    )


def opened_to(guild: GuildId, *user_ids: int) -> tuple[Overwrite, ...]:
    people_in = (Overwrite(OverwriteTarget.MEMBER, user_id, allow=PARTICIPANT_ALLOW) for user_id in user_ids)
    return (*hidden(guild), *people_in)


@pytest.fixture
def coach() -> DiscordUserId:
    return DiscordUserId(sample_user_id("maya.coach"))


@pytest.fixture
def student(guild: GuildId) -> DiscordUserId:  # noqa: ARG001 -- must stand first
    user_id = sample_user_id("sam.student")
    people.join_guild(user_id)
    return DiscordUserId(user_id)


@pytest.fixture
def room(api: DiscordApi, guild: GuildId) -> Channel:
    return api.create_channel(guild, NewChannel("Session 1a2b3c4d", hidden(guild)), CallOptions(reason="room=1 ä"))


def names_seen_by(user_id: int) -> list[str]:
    return [channel.name for channel in visible_channels(user_id)]


def test_room_is_made_hidden_and_carries_its_time(room: Channel, guild: GuildId) -> None:
    assert room.type == ChannelType.VOICE
    assert room.name == "Session 1a2b3c4d"
    assert room.overwrites == hidden(guild)
    assert snowflake.instant_of(room.id) == MONDAY


def test_room_is_seen_by_those_it_was_opened_to_alone(
    api: DiscordApi, guild: GuildId, room: Channel, coach: DiscordUserId, student: DiscordUserId
) -> None:
    other = sample_user_id("noah.coach")
    assert [names_seen_by(user_id) for user_id in (coach, student, other)] == [[], [], []]

    api.edit_overwrites(room.id, opened_to(guild, coach, student))

    assert [names_seen_by(user_id) for user_id in (coach, student, other)] == [[room.name], [room.name], []]
    assert names_seen_by(sample_user_id("server.owner")) == [room.name]
    assert names_seen_by(sample_user_id("ida.student")) == []


def test_room_is_listed_and_read_as_it_was_made(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    assert api.list_channels(guild) == (room,)
    assert api.get_channel(room.id) == room


def test_room_deleted_is_gone_for_everybody(
    api: DiscordApi, guild: GuildId, room: Channel, coach: DiscordUserId
) -> None:
    api.edit_overwrites(room.id, opened_to(guild, coach))
    people.join_voice(coach, room.id)

    api.delete_channel(room.id)

    assert api.list_channels(guild) == ()
    for again in (api.get_channel, api.delete_channel):
        with pytest.raises(NotFound) as raised:
            again(room.id)
        assert raised.value.discord_code == 10003
    with pytest.raises(NotFound) as raised:
        api.get_voice_state(guild, coach)
    assert raised.value.discord_code == 10065


def test_access_taken_away_does_not_eject_but_keeps_people_from_coming_back(
    api: DiscordApi, guild: GuildId, room: Channel, coach: DiscordUserId
) -> None:
    api.edit_overwrites(room.id, opened_to(guild, coach))
    people.join_voice(coach, room.id)

    api.edit_overwrites(room.id, hidden(guild))

    assert api.get_voice_state(guild, coach) == VoiceState(coach, room.id)
    assert names_seen_by(coach) == [room.name]
    api.disconnect_member(guild, coach)
    assert names_seen_by(coach) == []
    with pytest.raises(NotFoundError):
        people.join_voice(coach, room.id)


def test_disconnect_of_somebody_in_no_voice_channel_is_refused(
    api: DiscordApi, guild: GuildId, coach: DiscordUserId
) -> None:
    with pytest.raises(BadRequest) as raised:
        api.disconnect_member(guild, coach)

    assert raised.value.discord_code == 40032


def test_archived_room_can_be_read_and_not_used(
    api: DiscordApi, guild: GuildId, room: Channel, coach: DiscordUserId
) -> None:
    archive = Overwrite(OverwriteTarget.MEMBER, coach, ARCHIVE_ALLOW, ARCHIVE_DENY & BOT_INVITE)

    api.edit_overwrites(room.id, (*hidden(guild), archive))

    (seen,) = visible_channels(coach)
    assert (seen.can_connect, seen.can_send) == (True, False)


def test_room_seen_but_closed_to_connecting_lets_nobody_in(
    api: DiscordApi, guild: GuildId, room: Channel, coach: DiscordUserId
) -> None:
    only_view = Overwrite(OverwriteTarget.MEMBER, coach, allow=Permission.VIEW_CHANNEL)
    api.edit_overwrites(room.id, (*hidden(guild), only_view))

    with pytest.raises(NotAllowedError):
        people.join_voice(coach, room.id)


@pytest.mark.parametrize("bit", [Permission.BAN_MEMBERS, Permission.MANAGE_ROLES, Permission.ADMINISTRATOR])
def test_overwrite_with_a_bit_the_bot_may_not_give_is_refused(
    api: DiscordApi, guild: GuildId, room: Channel, bit: Permission
) -> None:
    greedy = (*hidden(guild), Overwrite(OverwriteTarget.ROLE, guild + 1, allow=bit))

    for call in (
        lambda: api.edit_overwrites(room.id, greedy),
        lambda: api.create_channel(guild, NewChannel("x", greedy)),
    ):
        with pytest.raises(Forbidden) as raised:
            call()
        assert raised.value.discord_code == 50013
    assert api.list_channels(guild) == (room,)


def test_overwrite_that_stands_already_may_hold_any_bit(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    SandboxChannel.objects.get(pk=room.id).overwrites.create(
        target_type=0, target_id=guild + 1, allow=int(Permission.BAN_MEMBERS)
    )
    standing = api.get_channel(room.id).overwrites

    assert api.edit_overwrites(room.id, standing).overwrites == standing


def test_overwrite_for_nobody_is_refused(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    with pytest.raises(NotFound) as raised:
        api.edit_overwrites(room.id, (*hidden(guild), Overwrite(OverwriteTarget.MEMBER, 5, allow=1024)))

    assert raised.value.discord_code == 10009
    assert api.get_channel(room.id).overwrites == hidden(guild)


def test_room_the_bot_shut_itself_out_of_is_lost_to_it(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    api.edit_overwrites(room.id, hidden(guild)[:1])

    assert api.list_channels(guild) == ()
    for call in (api.get_channel, api.delete_channel, lambda room_id: api.edit_overwrites(room_id, ())):
        with pytest.raises(Forbidden) as raised:
            call(room.id)
        assert raised.value.discord_code == 50001
    assert names_seen_by(sample_user_id("server.owner")) == [room.name]


def test_channel_without_manage_channels_is_refused(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    SandboxRole.objects.filter(pk=guild + 1).update(permissions=int(Permission.VIEW_CHANNEL | Permission.CONNECT))

    with pytest.raises(Forbidden) as raised:
        api.create_channel(guild, NewChannel("x"))
    assert raised.value.discord_code == 50013

    SandboxChannel.objects.get(pk=room.id).overwrites.filter(target_type=1).update(allow=1049600)
    with pytest.raises(Forbidden) as raised:
        api.delete_channel(room.id)
    assert raised.value.discord_code == 50013


def test_edit_without_manage_roles_is_refused(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    SandboxRole.objects.filter(pk=guild + 1).update(permissions=int(BOT_INVITE & ~Permission.MANAGE_ROLES))

    with pytest.raises(Forbidden) as raised:
        api.edit_overwrites(room.id, ())

    assert raised.value.discord_code == 50013
    assert api.get_channel(room.id).overwrites == hidden(guild)


def test_too_many_channels_are_refused(api: DiscordApi, guild: GuildId) -> None:
    SandboxChannel.objects.bulk_create(SandboxChannel(pk=pk, guild_id=guild, type=2) for pk in range(1, 501))

    with pytest.raises(CapacityReached) as raised:
        api.create_channel(guild, NewChannel("x"))

    assert (raised.value.cap, raised.value.discord_code) == (Cap.CHANNELS, 30013)
    assert SandboxChannel.objects.count() == 500


def test_full_category_is_refused(api: DiscordApi, guild: GuildId) -> None:
    category = api.create_channel(guild, NewChannel("Sessions 1", type=ChannelType.CATEGORY))
    SandboxChannel.objects.bulk_create(
        SandboxChannel(pk=pk, guild_id=guild, type=2, parent_id=category.id) for pk in range(1, 51)
    )

    with pytest.raises(CapacityReached) as raised:
        api.create_channel(guild, NewChannel("x", parent_id=category.id))

    assert (raised.value.cap, raised.value.discord_code) == (Cap.CATEGORY, 50035)


def test_category_is_seen_where_a_room_in_it_is(api: DiscordApi, guild: GuildId, frozen_clock: SettableClock) -> None:
    del frozen_clock
    category = api.create_channel(guild, NewChannel("Sessions 1", hidden(guild)[:1], ChannelType.CATEGORY))
    room = api.create_channel(guild, NewChannel("x", hidden(guild), parent_id=category.id))

    assert [channel.id for channel in api.list_channels(guild)] == [category.id, room.id]
    assert room.parent_id == category.id


def test_parent_that_is_no_category_is_refused(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    with pytest.raises(BadRequest) as raised:
        api.create_channel(guild, NewChannel("x", parent_id=room.id))

    assert (raised.value.discord_code, raised.value.discord_field) == (50035, "parent_id")


def test_too_many_overwrites_are_refused(api: DiscordApi, guild: GuildId, room: Channel) -> None:
    many = tuple(Overwrite(OverwriteTarget.MEMBER, user_id, allow=1024) for user_id in range(1, 1002))

    with pytest.raises(CapacityReached) as raised:
        api.edit_overwrites(room.id, many)

    assert (raised.value.cap, raised.value.discord_code) == (Cap.OVERWRITES, 30060)
    assert api.get_channel(room.id).overwrites == hidden(guild)


def test_text_channel_is_spelled_as_discord_does(api: DiscordApi, guild: GuildId) -> None:
    channel = api.create_channel(guild, NewChannel("Session  One", type=ChannelType.TEXT))

    assert channel.name == "session-one"


def test_audit_log_proves_who_made_and_removed_a_room(
    api: DiscordApi, guild: GuildId, room: Channel, frozen_clock: SettableClock
) -> None:
    del frozen_clock
    other = api.create_channel(guild, NewChannel("x", hidden(guild)))
    people.delete_channel_by_hand(other.id)

    made = api.list_audit_log(guild, action=AuditAction.CHANNEL_CREATE, user_id=DiscordUserId(bot_id()))
    removed = api.list_audit_log(guild, action=AuditAction.CHANNEL_DELETE, limit=1)

    assert [(line.target_id, line.reason) for line in made] == [(other.id, None), (room.id, "room=1 ä")]
    assert [(line.target_id, line.user_id) for line in removed] == [(other.id, sample_user_id("server.owner"))]


def test_guild_and_bot_are_who_they_should_be(api: DiscordApi, guild: GuildId) -> None:
    assert api.get_guild(guild).owner_id == sample_user_id("server.owner")
    assert api.current_bot().id == bot_id()
    with pytest.raises(NotFound) as raised:
        api.get_guild(GuildId(5))
    assert raised.value.discord_code == 10004


def test_unknown_channel_is_not_found(api: DiscordApi) -> None:
    with pytest.raises(NotFound) as raised:
        api.get_channel(ChannelId(5))

    assert raised.value.discord_code == 10003


def test_room_deleted_by_several_at_once_is_deleted_once(
    api: DiscordApi, processes: list[DiscordApi], guild: GuildId, room: Channel
) -> None:
    def delete(process: DiscordApi) -> type[Exception] | None:
        try:
            process.delete_channel(room.id)
        except NotFound as error:
            return type(error)
        return None

    with ThreadPoolExecutor(len(processes)) as pool:
        outcomes = list(pool.map(delete, processes))

    assert sorted(outcomes, key=str) == [NotFound, NotFound, NotFound, None]
    assert len(api.list_audit_log(guild, action=AuditAction.CHANNEL_DELETE)) == 1


def test_room_edited_by_several_at_once_ends_as_one_of_them_wished(
    api: DiscordApi, processes: list[DiscordApi], guild: GuildId, room: Channel, coach: DiscordUserId
) -> None:
    wishes = [hidden(guild), opened_to(guild, coach)] * 2

    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(lambda process, wish: process.edit_overwrites(room.id, wish), processes, wishes))

    assert api.get_channel(room.id).overwrites in wishes
