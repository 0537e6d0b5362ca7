"""The default guild and the people around it."""

import re
import secrets
from dataclasses import dataclass

from greenroom.core import clock
from greenroom.core.errors import InvalidInputError, NotFoundError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.permissions import BOT_INVITE, Permission
from greenroom.integrations.discord.sandbox.access import access
from greenroom.integrations.discord.sandbox.models import SandboxGuild, SandboxMember, SandboxRole, SandboxUser
from greenroom.integrations.discord.sandbox.snowflakes import mint

GUILD_NAME = "Greenroom practice server"
BOT_ROLE_POSITION = 100
# What @everyone may do in a new Discord server, as far as the sandbox knows the bits.
EVERYONE_PERMISSIONS = (
    Permission.CREATE_INSTANT_INVITE
    | Permission.ADD_REACTIONS
    | Permission.STREAM
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.SEND_MESSAGES_IN_THREADS
)
_MAX_NAME = 32


@dataclass(frozen=True, slots=True)
class SampleUser:
    """A person who exists from the start; the id is the guild's plus `offset`."""

    offset: int
    username: str
    display_name: str
    is_member: bool


OWNER = SampleUser(10, "server.owner", "Server Owner", is_member=True)
SAMPLE_USERS = (
    OWNER,
    SampleUser(11, "maya.coach", "Maya (coach)", is_member=True),
    SampleUser(12, "noah.coach", "Noah (coach)", is_member=True),
    SampleUser(13, "sam.student", "Sam (student)", is_member=False),
    SampleUser(14, "ida.student", "Ida (student)", is_member=False),
    SampleUser(15, "lee.student", "Lee (student)", is_member=False),
)


def guild_id() -> int:
    """Tell the id of the default guild, as configured."""
    return int(access().guild_id)


def bot_id() -> int:
    """Tell the bot's user id; like Discord's newer applications it shares the application's id."""
    return int(access().client_id)


def sample_user_id(username: str) -> int:
    """Tell the id of a sample user, whether the guild was made yet or not. Raises: LookupError."""
    for sample in SAMPLE_USERS:
        if sample.username == username:
            return guild_id() + sample.offset
    raise LookupError(f"no sample user is called {username}")


def ensure_guild() -> SandboxGuild:
    """Return the default guild, made on first use with its owner, our bot and some people around it.

    A second call changes nothing, and two first calls at once make one guild: every row has a fixed id.
    """
    found = SandboxGuild.objects.filter(pk=guild_id()).first()
    if found is not None:
        return found
    with unit_of_work():
        return _make_guild()


def lock_guild() -> SandboxGuild:
    """Return the default guild, locked until the caller's transaction ends: everything in it changes in turns."""
    return SandboxGuild.objects.select_for_update(no_key=True).get(pk=guild_id())


def _make_guild() -> SandboxGuild:
    for sample in SAMPLE_USERS:
        SandboxUser.objects.get_or_create(
            pk=guild_id() + sample.offset,
            defaults={"username": sample.username, "display_name": sample.display_name},
        )
    bot, _ = SandboxUser.objects.get_or_create(
        pk=bot_id(), defaults={"username": "greenroom", "display_name": "Greenroom", "is_bot": True}
    )
    guild, _ = SandboxGuild.objects.get_or_create(
        pk=guild_id(), defaults={"name": GUILD_NAME, "owner_id": guild_id() + OWNER.offset}
    )
    _ensure_role(guild, guild.pk, "@everyone", int(EVERYONE_PERMISSIONS), position=0)
    bot_role = _ensure_role(guild, guild.pk + 1, "Greenroom", int(BOT_INVITE), position=BOT_ROLE_POSITION)
    member_ids = [guild_id() + sample.offset for sample in SAMPLE_USERS if sample.is_member]
    for user_id in (bot.pk, *member_ids):
        SandboxMember.objects.get_or_create(guild=guild, user_id=user_id, defaults={"joined_at": clock.now()})
    SandboxMember.objects.get(guild=guild, user=bot).roles.add(bot_role)
    return guild


def _ensure_role(guild: SandboxGuild, pk: int, name: str, permissions: int, *, position: int) -> SandboxRole:
    role, _ = SandboxRole.objects.get_or_create(
        pk=pk,
        defaults={
            "guild": guild,
            "name": name,
            "permissions": permissions,
            "position": position,
            "is_managed": position == BOT_ROLE_POSITION,
        },
    )
    return role


def create_user(display_name: str) -> SandboxUser:
    """Make a Discord account with a name of 1 to 32 characters; it is in no guild yet.

    A second call with the same name makes a second account, as at Discord. Raises: InvalidInputError.
    """
    name = display_name.strip()
    if not 1 <= len(name) <= _MAX_NAME or not name.isprintable():
        raise InvalidInputError(f"Use a name of 1 to {_MAX_NAME} characters.", field="display_name")
    stem = re.sub(r"[^a-z0-9_.]+", ".", name.lower()).strip(".")[:20] or "user"
    with unit_of_work():
        return SandboxUser.objects.create(
            pk=mint(clock.now()), username=f"{stem}.{secrets.token_hex(4)}", display_name=name
        )


def set_accepts_messages(user_id: int, *, accepts: bool) -> None:
    """Open or close a person's direct messages. A second call changes nothing. Raises: NotFoundError."""
    with unit_of_work():
        user = find_user(user_id)
        user.accepts_messages = accepts
        user.save(update_fields=["accepts_messages"])


def find_user(user_id: int) -> SandboxUser:
    """Return a user. Raises: NotFoundError."""
    user = SandboxUser.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFoundError("There is no such Discord account.")
    return user
