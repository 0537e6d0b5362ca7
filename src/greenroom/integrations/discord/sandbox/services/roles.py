"""The bot's role calls, with the cap, the creation budget and the hierarchy.

Each runs in the view's transaction, the guild locked.
"""

from datetime import timedelta

from django.db.models import Count

from greenroom.core import clock
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.errors import LimitedError, bad_request, forbidden, not_found
from greenroom.integrations.discord.sandbox.models import (
    SandboxGuild,
    SandboxMember,
    SandboxOverwrite,
    SandboxRole,
)
from greenroom.integrations.discord.sandbox.permissions import Standing, guild_permissions
from greenroom.integrations.discord.sandbox.services.audit import log_action
from greenroom.integrations.discord.sandbox.snowflakes import mint
from greenroom.integrations.discord.sandbox.standing import require_in_guild
from greenroom.integrations.discord.snowflake import instant_of, snowflake_at
from greenroom.integrations.discord.types import AuditAction

MAX_ROLES = 250
# Observed, not documented: a guild may create so many roles in so long; deleting gives nothing back.
MAX_CREATED = 250
CREATED_WINDOW = timedelta(hours=48)
_NEW_ROLE_POSITION = 1


def create_role(guild: SandboxGuild, bot: Standing, *, name: str, permissions: int | None, reason: str) -> SandboxRole:
    """Create a role; without `permissions` it copies @everyone's, as Discord does. Raises: ApiError, LimitedError."""
    require_in_guild(bot, Permission.MANAGE_ROLES)
    granted = bot.everyone_permissions if permissions is None else permissions
    if granted & ~(guild_permissions(bot) | bot.everyone_permissions):
        raise forbidden(DiscordCode.LACKS_PERMISSION)
    if guild.roles.count() >= MAX_ROLES:
        raise bad_request(DiscordCode.TOO_MANY_ROLES)
    _check_budget(guild)
    role = SandboxRole.objects.create(
        pk=mint(clock.now()), guild=guild, name=name, permissions=granted, position=_NEW_ROLE_POSITION
    )
    log_action(guild, AuditAction.ROLE_CREATE, by=bot.user_id, target_id=role.pk, reason=reason)
    return role


def delete_role(guild: SandboxGuild, bot: Standing, role: SandboxRole, reason: str) -> None:
    """Delete a role; its members lose it, and its overwrites go. Raises: ApiError."""
    _require_above(guild, bot, role)
    SandboxOverwrite.objects.filter(channel__guild=guild, target_id=role.pk).delete()
    log_action(guild, AuditAction.ROLE_DELETE, by=bot.user_id, target_id=role.pk, reason=reason)
    role.delete()


def add_member_role(guild: SandboxGuild, bot: Standing, member: SandboxMember, role: SandboxRole) -> None:
    """Give a member a role; a second call changes nothing. Raises: ApiError."""
    _require_above(guild, bot, role)
    member.roles.add(role)


def remove_member_role(guild: SandboxGuild, bot: Standing, member: SandboxMember, role: SandboxRole) -> None:
    """Take a role away; a second call changes nothing. Raises: ApiError."""
    _require_above(guild, bot, role)
    member.roles.remove(role)


def find_role(guild: SandboxGuild, role_id: int) -> SandboxRole:
    """Return a role of the guild. Raises: ApiError 10011."""
    role = guild.roles.filter(pk=role_id).first()
    if role is None:
        raise not_found(DiscordCode.UNKNOWN_ROLE)
    return role


def _require_above(guild: SandboxGuild, bot: Standing, role: SandboxRole) -> None:
    """Refuse roles that are not below the bot's highest, managed ones and @everyone."""
    require_in_guild(bot, Permission.MANAGE_ROLES)
    own = guild.roles.filter(pk__in=bot.role_permissions).values_list("position", flat=True)
    if role.pk == guild.pk or role.is_managed or role.position >= max(own, default=0):
        raise forbidden(DiscordCode.LACKS_PERMISSION)


def count_members(guild: SandboxGuild) -> dict[int, int]:
    """Count who has each role, by its id; @everyone is left out."""
    roles = guild.roles.exclude(pk=guild.pk).annotate(count=Count("members"))
    return dict(roles.values_list("pk", "count"))


def created_lately(guild: SandboxGuild) -> tuple[int, float]:
    """Count the roles created within the window, and the seconds until the oldest of them leaves it."""
    since = clock.now() - CREATED_WINDOW
    created = guild.audit_entries.filter(action=AuditAction.ROLE_CREATE, pk__gte=snowflake_at(since)).order_by("pk")
    ids = list(created.values_list("pk", flat=True))
    return len(ids), (instant_of(ids[0]) - since).total_seconds() if ids else CREATED_WINDOW.total_seconds()


def _check_budget(guild: SandboxGuild) -> None:
    count, reset_after = created_lately(guild)
    if count >= MAX_CREATED:
        raise LimitedError(reset_after)
