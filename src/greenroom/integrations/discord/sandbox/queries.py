"""What there is to see of the simulated guild: as each person would see it, with a fixed number of queries."""

from collections import defaultdict
from dataclasses import dataclass

from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.models import (
    SandboxChannel,
    SandboxGuild,
    SandboxMember,
    SandboxMessage,
    SandboxUser,
    SandboxVoiceState,
)
from greenroom.integrations.discord.sandbox.permissions import Standing
from greenroom.integrations.discord.sandbox.services.guild import bot_id, guild_id
from greenroom.integrations.discord.sandbox.standing import find_standing, permissions_in
from greenroom.integrations.discord.types import ChannelType

_MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class PersonView:
    """A Discord account, and how it stands in the guild; `voice_channel_id` is where it is connected."""

    id: int
    username: str
    display_name: str
    is_bot: bool
    is_owner: bool
    is_member: bool
    accepts_messages: bool
    role_names: tuple[str, ...]
    voice_channel_id: int | None


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel somebody sees; `connected` are the display names of who is in it."""

    id: int
    name: str
    type: int
    can_connect: bool
    can_send: bool
    connected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CategoryView:
    """A category with the channels somebody sees in it; `name` is empty for channels without one."""

    name: str
    channels: tuple[ChannelView, ...]


@dataclass(frozen=True, slots=True)
class GuildView:
    """The guild as one person sees it; who is not a member sees no channels and no people."""

    id: int
    name: str
    viewer: PersonView | None
    categories: tuple[CategoryView, ...]
    members: tuple[PersonView, ...]


def guild_view(as_user_id: int) -> GuildView:
    """Show the default guild through one person's eyes."""
    guild = SandboxGuild.objects.filter(pk=guild_id()).first()
    if guild is None:
        return GuildView(guild_id(), "", None, (), ())
    standing = find_standing(guild, as_user_id)
    everybody = people()
    viewer = next((person for person in everybody if person.id == as_user_id), None)
    if standing is None:
        return GuildView(guild.pk, guild.name, viewer, (), ())
    members = tuple(person for person in everybody if person.is_member)
    return GuildView(guild.pk, guild.name, viewer, _categories(guild, standing), members)


def visible_channels(user_id: int) -> tuple[ChannelView, ...]:
    """List the text and voice channels a person sees in the default guild, oldest first."""
    return tuple(channel for category in guild_view(user_id).categories for channel in category.channels)


def visible_to(standing: Standing, guild: SandboxGuild) -> list[SandboxChannel]:
    """List the channels a member can view or is connected to, and the categories that hold one of these.

    Discord leaves the others out of "Get Guild Channels" altogether.
    """
    channels = list(guild.channels.prefetch_related("overwrites").order_by("pk"))
    connected = set(
        SandboxVoiceState.objects.filter(member__guild=guild, member__user_id=standing.user_id).values_list(
            "channel_id", flat=True
        )
    )
    seen = {
        channel.pk
        for channel in channels
        if channel.pk in connected or permissions_in(standing, channel) & Permission.VIEW_CHANNEL
    }
    parents = {channel.parent_id for channel in channels if channel.pk in seen}
    return [channel for channel in channels if channel.pk in seen or channel.pk in parents]


def people() -> tuple[PersonView, ...]:
    """List the Discord accounts, our bot included, oldest first; at most the newest two hundred."""
    memberships = {
        member.user_id: member
        for member in SandboxMember.objects.filter(guild_id=guild_id()).prefetch_related("roles", "guild")
    }
    voice = dict(
        SandboxVoiceState.objects.filter(member__guild_id=guild_id()).values_list("member__user_id", "channel_id")
    )
    newest = SandboxUser.objects.order_by("-pk")[:_MOST_PEOPLE]
    return tuple(_person(user, memberships.get(user.pk), voice.get(user.pk)) for user in reversed(newest))


def direct_messages(user_id: int) -> tuple[str, ...]:
    """List what the bot wrote to a person, oldest first."""
    sent = SandboxMessage.objects.filter(channel__recipient_id=user_id, author_id=bot_id())
    return tuple(sent.order_by("pk").values_list("content", flat=True))


def _person(user: SandboxUser, member: SandboxMember | None, voice_channel_id: int | None) -> PersonView:
    return PersonView(
        id=user.pk,
        username=user.username,
        display_name=user.display_name,
        is_bot=user.is_bot,
        is_owner=member is not None and member.guild.owner_id == user.pk,
        is_member=member is not None,
        accepts_messages=user.accepts_messages,
        role_names=() if member is None else tuple(role.name for role in member.roles.all()),
        voice_channel_id=voice_channel_id,
    )


def _categories(guild: SandboxGuild, standing: Standing) -> tuple[CategoryView, ...]:
    seen = visible_to(standing, guild)
    connected: dict[int, list[str]] = defaultdict(list)
    states = SandboxVoiceState.objects.filter(member__guild=guild).order_by("member__user__display_name")
    for channel_id, name in states.values_list("channel_id", "member__user__display_name"):
        connected[channel_id].append(name)
    grouped: dict[int | None, list[ChannelView]] = {None: []}
    names: dict[int | None, str] = {None: ""}
    for channel in seen:
        if channel.type == ChannelType.CATEGORY:
            grouped[channel.pk], names[channel.pk] = [], channel.name
    for channel in seen:
        if channel.type != ChannelType.CATEGORY:
            grouped[channel.parent_id].append(_channel(channel, standing, tuple(connected[channel.pk])))
    return tuple(
        CategoryView(names[key], tuple(channels)) for key, channels in grouped.items() if channels or key is not None
    )


def _channel(channel: SandboxChannel, standing: Standing, connected: tuple[str, ...]) -> ChannelView:
    permissions = permissions_in(standing, channel)
    return ChannelView(
        id=channel.pk,
        name=channel.name,
        type=channel.type,
        can_connect=channel.type == ChannelType.VOICE and bool(permissions & Permission.CONNECT),
        can_send=bool(permissions & Permission.SEND_MESSAGES),
        connected=connected,
    )
