"""The bot's member calls. Each runs in the view's transaction, the guild locked."""

from greenroom.core import clock
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.errors import bad_request, forbidden, not_found
from greenroom.integrations.discord.sandbox.models import (
    SandboxAuthorization,
    SandboxBan,
    SandboxChannel,
    SandboxGuild,
    SandboxMember,
    SandboxUser,
    SandboxVoiceState,
)
from greenroom.integrations.discord.sandbox.permissions import Standing
from greenroom.integrations.discord.sandbox.services.audit import log_action
from greenroom.integrations.discord.sandbox.standing import require_in_guild
from greenroom.integrations.discord.types import AuditAction

JOIN_SCOPE = "guilds.join"


def add_member(
    guild: SandboxGuild, bot: Standing, user_id: int, authorization: SandboxAuthorization | None
) -> tuple[SandboxMember, bool]:
    """Bring a person in who allowed it; says whether they came now. Raises: ApiError."""
    require_in_guild(bot, Permission.CREATE_INSTANT_INVITE)
    find_user(user_id)
    if authorization is None or authorization.user_id != user_id:
        raise forbidden(DiscordCode.INVALID_USER_TOKEN)
    if JOIN_SCOPE not in authorization.scopes.split():
        raise forbidden(DiscordCode.MISSING_SCOPE)
    if SandboxBan.objects.filter(guild=guild, user_id=user_id).exists():
        raise forbidden(DiscordCode.BANNED)
    return SandboxMember.objects.get_or_create(guild=guild, user_id=user_id, defaults={"joined_at": clock.now()})


def move_member(
    guild: SandboxGuild, bot: Standing, member: SandboxMember, channel: SandboxChannel | None, reason: str
) -> None:
    """Move a connected member to another voice channel, or out of voice. Raises: ApiError."""
    require_in_guild(bot, Permission.MOVE_MEMBERS)
    state = SandboxVoiceState.objects.filter(member=member).first()
    if state is None:
        raise bad_request(DiscordCode.NOT_IN_VOICE)
    if channel is None:
        state.delete()
        log_action(guild, AuditAction.MEMBER_DISCONNECT, by=bot.user_id, target_id=member.user_id, reason=reason)
        return
    state.channel = channel
    state.save(update_fields=["channel"])


def find_user(user_id: int) -> SandboxUser:
    """Return a user. Raises: ApiError 10013."""
    user = SandboxUser.objects.filter(pk=user_id).first()
    if user is None:
        raise not_found(DiscordCode.UNKNOWN_USER)
    return user


def find_member(guild: SandboxGuild, user_id: int) -> SandboxMember:
    """Return a member. Raises: ApiError 10013 (no such account), 10007 (not in the guild)."""
    find_user(user_id)
    member = guild.members.select_related("user").filter(user_id=user_id).first()
    if member is None:
        raise not_found(DiscordCode.UNKNOWN_MEMBER)
    return member
