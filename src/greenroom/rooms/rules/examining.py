"""What keeps a bot from making rooms in a server, each with its cause and its remedy. Pure.

Sources: Discord's documentation on permissions (hierarchy, overwrites give only what the bot has itself) and on its
limits; 60003 for the missing second factor.
"""

from dataclasses import dataclass
from enum import StrEnum

from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import PermanentError, Unauthorized
from greenroom.integrations.discord.permissions import ALL, BOT_INVITE, Permission
from greenroom.integrations.discord.types import Guild, Member, Role

MOST_CHANNELS, MOST_ROLES = 500, 250
# The last tenth belongs to the people of the server.
FULL_CHANNELS, FULL_ROLES = 450, 240


class Grade(StrEnum):
    """How bad it is: rooms cannot be made, or something around them does not work."""

    BROKEN = "broken"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, why it matters, and what to do about it."""

    grade: Grade
    words: str
    remedy: str


@dataclass(frozen=True, slots=True)
class GuildSight:
    """What a bot sees of a server and of itself in it."""

    guild: Guild
    roles: tuple[Role, ...]
    bot: Member
    channel_count: int


@dataclass(frozen=True, slots=True)
class _Need:
    """What a permission is called in Discord, and what it is needed for."""

    name: str
    purpose: str
    grade: Grade = Grade.BROKEN


_PEOPLE = "Discord lets the bot give people in a room only what it has itself"
_NEEDS = {
    Permission.VIEW_CHANNEL: _Need("View Channels", "without it the bot does not see its own rooms"),
    Permission.MANAGE_CHANNELS: _Need("Manage Channels", "with it the bot makes and deletes rooms"),
    Permission.MANAGE_ROLES: _Need("Manage Roles", "with it the bot lets people into rooms and keeps others out"),
    Permission.CONNECT: _Need("Connect", "without it the bot cannot delete its own voice rooms"),
    Permission.SPEAK: _Need("Speak", _PEOPLE),
    Permission.STREAM: _Need("Video", _PEOPLE),
    Permission.USE_VAD: _Need("Use Voice Activity", _PEOPLE),
    Permission.SEND_MESSAGES: _Need("Send Messages", _PEOPLE),
    Permission.EMBED_LINKS: _Need("Embed Links", _PEOPLE),
    Permission.ATTACH_FILES: _Need("Attach Files", _PEOPLE),
    Permission.READ_MESSAGE_HISTORY: _Need("Read Message History", _PEOPLE),
    Permission.CREATE_INSTANT_INVITE: _Need(
        "Create Invite", "with it people are brought into the server", Grade.WARNING
    ),
    Permission.MOVE_MEMBERS: _Need(
        "Move Members", "with it people are put out of a room that closes late", Grade.WARNING
    ),
    Permission.VIEW_AUDIT_LOG: _Need(
        "View Audit Log", "with it the bot proves that a leftover room is its own before it deletes it", Grade.WARNING
    ),
}


def examine(sight: GuildSight) -> list[Finding]:
    """Return everything that is wrong, the worst first."""
    found = [*_missing_permissions(sight), *_rank(sight), *_second_factor(sight), *_caps(sight)]
    return sorted(found, key=lambda one: one.grade)


def refusal(error: PermanentError, *, guild_id: int) -> Finding:
    """Say what it means that Discord refused even to be looked at."""
    if isinstance(error, Unauthorized):
        words = "Discord refuses the bot token: it was replaced, or the bot was deleted."
        remedy = (
            "In the developer portal open the application, then Bot, then Reset Token; set DISCORD_BOT_TOKEN to the "
            "new one and restart. Was it refused by mistake, press “Try the same token again”."
        )
        return Finding(Grade.BROKEN, words, remedy)
    if error.discord_code in {DiscordCode.UNKNOWN_GUILD, DiscordCode.MISSING_ACCESS, DiscordCode.UNKNOWN_MEMBER}:
        words = f"The bot is not in the server {guild_id}."
        return Finding(Grade.BROKEN, words, "Invite it with the link below, or set DISCORD_GUILD_ID to its server.")
    words = f"Discord refuses to show the server: {error.detail}."
    return Finding(Grade.BROKEN, words, "Open the invitation below once more: it gives the bot what it needs.")


def permissions_of(sight: GuildSight) -> int:
    """Return what the bot may do in the whole server: what everybody may, and what its roles add."""
    mine = {sight.guild.id, *sight.bot.role_ids}
    granted = 0
    for role in sight.roles:
        granted |= role.permissions if role.id in mine else 0
    return ALL if granted & Permission.ADMINISTRATOR else granted


def _missing_permissions(sight: GuildSight) -> list[Finding]:
    granted = permissions_of(sight)
    if granted == ALL:
        words = "The bot is an administrator: a stolen token would own the server."
        remedy = (
            "Take Administrator from the role of the bot. The invitation below asks for what it needs, and no more."
        )
        return [Finding(Grade.WARNING, words, remedy)]
    return [
        Finding(
            need.grade,
            f"The bot lacks “{need.name}”: {need.purpose}.",
            f"Server Settings, Roles, the bot: switch on “{need.name}”. Or open the invitation below once more.",
        )
        for permission, need in _NEEDS.items()
        if permission & BOT_INVITE and not granted & permission
    ]


def _rank(sight: GuildSight) -> list[Finding]:
    own = [role.position for role in sight.roles if role.id in set(sight.bot.role_ids)]
    if own and max(own) > 0:
        return []
    words = "The bot has no role that ranks above others, so it cannot give or take roles."
    remedy = "Server Settings, Roles: move the role of the bot up, above the roles that it is to give."
    return [Finding(Grade.WARNING, words, remedy)]


def _second_factor(sight: GuildSight) -> list[Finding]:
    if not sight.guild.needs_two_factor:
        return []
    words = "This server wants two-factor authentication of its moderators, and a bot counts as its owner does."
    remedy = (
        "Whoever owns the application in the developer portal has to have two-factor authentication; "
        "without it Discord refuses every room (60003). With it, there is nothing to do."
    )
    return [Finding(Grade.WARNING, words, remedy)]


def _caps(sight: GuildSight) -> list[Finding]:
    found = []
    for count, full, most, what in (
        (sight.channel_count, FULL_CHANNELS, MOST_CHANNELS, "channels"),
        (len(sight.roles), FULL_ROLES, MOST_ROLES, "roles"),
    ):
        if count >= full:
            grade = Grade.BROKEN if count >= most and what == "channels" else Grade.WARNING
            words = f"The server has {count} of the {most} {what} that Discord allows."
            found.append(Finding(grade, words, f"Delete {what} that nobody needs, or make rooms in another server."))
    return found
