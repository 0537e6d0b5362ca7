"""The API's handlers: read the request, call one service, write the answer."""

from http import HTTPStatus

from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox import parsing, wire
from greenroom.integrations.discord.sandbox.errors import invalid_form, not_found, unauthorized
from greenroom.integrations.discord.sandbox.gate import Call, Reply
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxGuild, SandboxUser, SandboxVoiceState
from greenroom.integrations.discord.sandbox.queries import visible_to
from greenroom.integrations.discord.sandbox.ratelimit import Limit, headers
from greenroom.integrations.discord.sandbox.services import channels, members, messages, oauth, roles
from greenroom.integrations.discord.sandbox.services.guild import bot_id
from greenroom.integrations.discord.sandbox.standing import require_in_channel, require_in_guild
from greenroom.integrations.discord.types import ChannelType

_MAX_NAME = 100
_MAX_CONTENT = 2_000
_MAX_NONCE = 25
_MAX_AUDIT_LINES = 100
_MAX_ACTION = 1_000
_CREATABLE = (ChannelType.TEXT, ChannelType.VOICE, ChannelType.CATEGORY)


def current_user(call: Call) -> Reply:
    if call.authorization is None:
        return Reply(wire.user(SandboxUser.objects.get(pk=bot_id())))
    if "identify" not in call.authorization.scopes.split():
        raise unauthorized()
    return Reply(wire.user(call.authorization.user))


def get_guild(call: Call, guild_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    call.require_membership()
    return Reply(wire.guild(guild))


def list_channels(call: Call, guild_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    return Reply([wire.channel(row, row.overwrites.all()) for row in visible_to(call.bot, guild)])


def create_channel(call: Call, guild_id: int) -> Reply:
    guild, body = call.require_guild(guild_id), call.body
    kind = parsing.integer(body.get("type", 0), "type", least=0, most=100)
    if kind not in _CREATABLE:
        raise invalid_form("type", "BASE_TYPE_CHOICES", f"Value must be one of {[int(it) for it in _CREATABLE]}.")
    form = channels.ChannelForm(
        name=parsing.text(body.get("name"), "name", most=_MAX_NAME),
        type=kind,
        parent_id=parsing.optional_snowflake(body, "parent_id"),
        overwrites=parsing.overwrites(body.get("permission_overwrites")),
    )
    created = channels.create_channel(guild, call.bot, form, call.reason)
    return Reply(wire.channel(created), HTTPStatus.CREATED)


def get_channel(call: Call, channel_id: int) -> Reply:
    channel = _channel(call, channel_id)
    if channel.recipient is None:
        require_in_channel(call.bot, channel, Permission(0))
    return Reply(wire.channel(channel))


def edit_channel(call: Call, channel_id: int) -> Reply:
    channel, body = _guild_channel(call, channel_id), call.body
    edit = channels.ChannelEdit(
        name=parsing.text(body["name"], "name", most=_MAX_NAME) if "name" in body else None,
        overwrites=parsing.overwrites(body["permission_overwrites"]) if "permission_overwrites" in body else None,
        moves="parent_id" in body,
        parent_id=parsing.optional_snowflake(body, "parent_id"),
    )
    return Reply(wire.channel(channels.edit_channel(call.guild, call.bot, channel, edit, call.reason)))


def delete_channel(call: Call, channel_id: int) -> Reply:
    channel = _guild_channel(call, channel_id)
    written = wire.channel(channel)
    channels.delete_channel(call.guild, call.bot, channel, call.reason)
    return Reply(written)


def send_message(call: Call, channel_id: int) -> Reply:
    channel, body = _channel(call, channel_id), call.body
    nonce = ""
    if body.get("enforce_nonce") is True and body.get("nonce") is not None:
        nonce = parsing.text(body["nonce"], "nonce", most=_MAX_NONCE)
    sent = messages.send_message(
        call.guild,
        call.bot,
        channel,
        content=parsing.text(body.get("content"), "content", most=_MAX_CONTENT),
        nonce=nonce,
    )
    return Reply(wire.message(sent))


def open_dm(call: Call) -> Reply:
    recipient_id = parsing.snowflake(call.body.get("recipient_id"), "recipient_id")
    return Reply(wire.channel(messages.open_dm(members.find_user(recipient_id))))


def list_roles(call: Call, guild_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    call.require_membership()
    return Reply([wire.role(row) for row in guild.roles.order_by("position", "pk")])


def get_role(call: Call, guild_id: int, role_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    call.require_membership()
    return Reply(wire.role(roles.find_role(guild, role_id)))


def count_role_members(call: Call, guild_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    call.require_membership()
    return Reply({str(role_id): count for role_id, count in roles.count_members(guild).items()})


def create_role(call: Call, guild_id: int) -> Reply:
    guild, body = call.require_guild(guild_id), call.body
    created = roles.create_role(
        guild,
        call.bot,
        name=parsing.text(body.get("name", "new role"), "name", most=_MAX_NAME),
        permissions=parsing.permissions(body["permissions"], "permissions") if "permissions" in body else None,
        reason=call.reason,
    )
    return Reply(wire.role(created), headers=_budget_headers(guild))


def delete_role(call: Call, guild_id: int, role_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    roles.delete_role(guild, call.bot, roles.find_role(guild, role_id), call.reason)
    return Reply()


def get_member(call: Call, guild_id: int, user_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    call.require_membership()
    return Reply(wire.member(members.find_member(guild, user_id)))


def add_member(call: Call, guild_id: int, user_id: int) -> Reply:
    guild, token = call.require_guild(guild_id), call.body.get("access_token")
    if not isinstance(token, str):
        raise invalid_form("access_token", "BASE_TYPE_REQUIRED", "This field is required")
    member, is_new = members.add_member(guild, call.bot, user_id, oauth.find_authorization(token))
    return Reply(wire.member(member), HTTPStatus.CREATED) if is_new else Reply()


def edit_member(call: Call, guild_id: int, user_id: int) -> Reply:
    guild, body = call.require_guild(guild_id), call.body
    bot, member = call.bot, members.find_member(guild, user_id)
    if "channel_id" in body:
        target_id = parsing.optional_snowflake(body, "channel_id")
        channel = None if target_id is None else _voice_channel(call, target_id)
        members.move_member(guild, bot, member, channel, call.reason)
    return Reply(wire.member(member))


def add_member_role(call: Call, guild_id: int, user_id: int, role_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    member = members.find_member(guild, user_id)
    roles.add_member_role(guild, call.bot, member, roles.find_role(guild, role_id))
    return Reply()


def remove_member_role(call: Call, guild_id: int, user_id: int, role_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    member = members.find_member(guild, user_id)
    roles.remove_member_role(guild, call.bot, member, roles.find_role(guild, role_id))
    return Reply()


def get_voice_state(call: Call, guild_id: int, user_id: int) -> Reply:
    guild = call.require_guild(guild_id)
    bot = call.bot
    state = (
        SandboxVoiceState.objects.select_related("member", "channel")
        .filter(member__guild=guild, member__user_id=user_id)
        .first()
    )
    if state is None:
        raise not_found(DiscordCode.UNKNOWN_VOICE_STATE)
    require_in_channel(bot, state.channel, Permission.CONNECT)
    return Reply(wire.voice_state(state))


def list_audit_log(call: Call, guild_id: int) -> Reply:
    guild, query = call.require_guild(guild_id), call.request.GET
    require_in_guild(call.bot, Permission.VIEW_AUDIT_LOG)
    entries = guild.audit_entries.order_by("-pk")
    if "user_id" in query:
        entries = entries.filter(user_id=parsing.snowflake(query["user_id"], "user_id"))
    if "action_type" in query:
        action = parsing.integer(query["action_type"], "action_type", least=0, most=_MAX_ACTION)
        entries = entries.filter(action=action)
    limit = parsing.integer(query.get("limit", "50"), "limit", least=1, most=_MAX_AUDIT_LINES)
    return Reply({"audit_log_entries": [wire.audit_entry(row) for row in entries[:limit]], "users": []})


def _channel(call: Call, channel_id: int) -> SandboxChannel:
    """Find a channel of the guild or a direct one. Raises: ApiError 10003."""
    channel = SandboxChannel.objects.select_related("recipient").filter(pk=channel_id).first()
    if channel is None:
        raise not_found(DiscordCode.UNKNOWN_CHANNEL)
    if channel.guild_id is not None:
        call.require_guild(channel.guild_id)
    return channel


def _guild_channel(call: Call, channel_id: int) -> SandboxChannel:
    channel = _channel(call, channel_id)
    if channel.guild_id is None:
        raise not_found(DiscordCode.UNKNOWN_CHANNEL)
    return channel


def _voice_channel(call: Call, channel_id: int) -> SandboxChannel:
    channel = _guild_channel(call, channel_id)
    if channel.type != ChannelType.VOICE:
        raise not_found(DiscordCode.UNKNOWN_CHANNEL)
    return channel


def _budget_headers(guild: SandboxGuild) -> dict[str, str]:
    """Tell what is left of the two days' roles, as Discord does: instead of the limit of a second."""
    budget = Limit(roles.MAX_CREATED, roles.CREATED_WINDOW.total_seconds())
    count, reset_after = roles.created_lately(guild)
    return headers("POST guilds/{guild_id}/roles", budget, max(0, budget.count - count), reset_after)
