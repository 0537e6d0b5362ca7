"""The bot's calls over HTTP: `DiscordApi` spoken to a real Discord, or to anything that has its shape."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlencode

from greenroom.integrations.discord import reading
from greenroom.integrations.discord.errors import OutcomeUnknown, Unavailable
from greenroom.integrations.discord.protocol import ORDINARY, CallOptions
from greenroom.integrations.discord.sender import Request, Sender
from greenroom.integrations.discord.transport import Answer
from greenroom.integrations.discord.types import (
    AuditEntry,
    Channel,
    ChannelId,
    DiscordUser,
    DiscordUserId,
    Guild,
    GuildId,
    JoinResult,
    Member,
    MessageId,
    NewChannel,
    Overwrite,
    Role,
    RoleId,
    VoiceState,
)

T = TypeVar("T")
_NO_CONTENT = 204


def read_answer(request: Request, answer: Answer, reader: Callable[[object], T]) -> T:
    """Read a 2xx answer. Raises: OutcomeUnknown for a change whose answer is unreadable, Unavailable for a read."""
    try:
        return reading.read(answer.body, reader)
    except reading.Unreadable as error:
        detail = f"{request.key.route} answered {answer.status} and unreadable ({error})"
        raise (Unavailable(detail) if request.is_read else OutcomeUnknown(detail)) from error


class DiscordClient:
    """A `DiscordApi` on one `Sender`. See the protocol for what each call does and raises."""

    def __init__(self, sender: Sender, bot_token: str) -> None:
        self._sender = sender
        self._authorization = f"Bot {bot_token}"

    def __repr__(self) -> str:
        return f"DiscordClient({self._sender!r}, bot_token=***)"

    def current_bot(self, options: CallOptions = ORDINARY) -> DiscordUser:
        """Tell who the bot token belongs to."""
        return self._read("GET", "/users/@me", (), reading.user, options)

    def get_guild(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> Guild:
        """Read a guild."""
        return self._read("GET", "/guilds/{}", (guild_id,), reading.guild, options)

    def list_channels(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> tuple[Channel, ...]:
        """List the channels the bot can view."""
        return self._read("GET", "/guilds/{}/channels", (guild_id,), reading.channels, options)

    def get_channel(self, channel_id: ChannelId, options: CallOptions = ORDINARY) -> Channel:
        """Read a channel."""
        return self._read("GET", "/channels/{}", (channel_id,), reading.channel, options)

    def create_channel(self, guild_id: GuildId, channel: NewChannel, options: CallOptions = ORDINARY) -> Channel:
        """Create a channel together with its overwrites."""
        body: dict[str, object] = {
            "name": channel.name,
            "type": int(channel.type),
            "permission_overwrites": _overwrites(channel.overwrites),
        }
        if channel.parent_id is not None:
            body["parent_id"] = str(channel.parent_id)
        return self._read("POST", "/guilds/{}/channels", (guild_id,), reading.channel, options, body)

    def edit_overwrites(
        self, channel_id: ChannelId, overwrites: Sequence[Overwrite], options: CallOptions = ORDINARY
    ) -> Channel:
        """Replace all overwrites of a channel."""
        body: dict[str, object] = {"permission_overwrites": _overwrites(overwrites)}
        return self._read("PATCH", "/channels/{}", (channel_id,), reading.channel, options, body)

    def delete_channel(self, channel_id: ChannelId, options: CallOptions = ORDINARY) -> None:
        """Delete a channel."""
        self._close("DELETE", "/channels/{}", (channel_id,), options)

    def list_roles(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> tuple[Role, ...]:
        """List the guild's roles."""
        return self._read("GET", "/guilds/{}/roles", (guild_id,), reading.roles, options)

    def get_role(self, guild_id: GuildId, role_id: RoleId, options: CallOptions = ORDINARY) -> Role:
        """Read a role."""
        return self._read("GET", "/guilds/{}/roles/{}", (guild_id, role_id), reading.role, options)

    def count_role_members(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> Mapping[RoleId, int]:
        """Count who has each role."""
        return self._read("GET", "/guilds/{}/roles/member-counts", (guild_id,), reading.role_counts, options)

    def create_role(self, guild_id: GuildId, name: str, options: CallOptions = ORDINARY) -> Role:
        """Create a role without any permission."""
        # Left out, `permissions` would be a copy of @everyone's.
        body: dict[str, object] = {"name": name, "permissions": "0"}
        return self._read("POST", "/guilds/{}/roles", (guild_id,), reading.role, options, body)

    def delete_role(self, guild_id: GuildId, role_id: RoleId, options: CallOptions = ORDINARY) -> None:
        """Delete a role."""
        self._close("DELETE", "/guilds/{}/roles/{}", (guild_id, role_id), options)

    def add_member_role(
        self, guild_id: GuildId, user_id: DiscordUserId, role_id: RoleId, options: CallOptions = ORDINARY
    ) -> None:
        """Give a member a role."""
        self._send("PUT", "/guilds/{}/members/{}/roles/{}", (guild_id, user_id, role_id), options)

    def remove_member_role(
        self, guild_id: GuildId, user_id: DiscordUserId, role_id: RoleId, options: CallOptions = ORDINARY
    ) -> None:
        """Take a role away from a member."""
        self._close("DELETE", "/guilds/{}/members/{}/roles/{}", (guild_id, user_id, role_id), options)

    def get_member(self, guild_id: GuildId, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> Member:
        """Read a member."""
        return self._read("GET", "/guilds/{}/members/{}", (guild_id, user_id), reading.member, options)

    def add_member(
        self,
        guild_id: GuildId,
        user_id: DiscordUserId,
        access_token: str,
        options: CallOptions = ORDINARY,
    ) -> JoinResult:
        """Bring a person who granted guilds.join into the guild."""
        body: dict[str, object] = {"access_token": access_token}
        answer = self._send("PUT", "/guilds/{}/members/{}", (guild_id, user_id), options, body)
        return JoinResult.ALREADY_MEMBER if answer.status == _NO_CONTENT else JoinResult.ADDED

    def disconnect_member(self, guild_id: GuildId, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> None:
        """Eject a member from voice."""
        self._close("PATCH", "/guilds/{}/members/{}", (guild_id, user_id), options, {"channel_id": None})

    def get_voice_state(self, guild_id: GuildId, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> VoiceState:
        """Tell where a member is connected."""
        path = "/guilds/{}/voice-states/{}"
        return self._read("GET", path, (guild_id, user_id), reading.voice_state, options)

    def list_audit_log(
        self,
        guild_id: GuildId,
        *,
        action: int | None = None,
        user_id: DiscordUserId | None = None,
        limit: int = 50,
        options: CallOptions = ORDINARY,
    ) -> tuple[AuditEntry, ...]:
        """Read the newest audit log lines."""
        query = {"limit": limit, "action_type": action, "user_id": user_id}
        request = Request(
            "GET",
            "/guilds/{}/audit-logs",
            (guild_id,),
            query=urlencode({name: value for name, value in query.items() if value is not None}),
            authorization=self._authorization,
            options=options,
        )
        return read_answer(request, self._sender.send(request), reading.audit_log)

    def open_dm(self, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> Channel:
        """Open the direct message channel with a person."""
        body: dict[str, object] = {"recipient_id": str(user_id)}
        return self._read("POST", "/users/@me/channels", (), reading.channel, options, body)

    def send_message(
        self, channel_id: ChannelId, content: str, *, nonce: str, options: CallOptions = ORDINARY
    ) -> MessageId:
        """Send a message that mentions nobody."""
        body: dict[str, object] = {
            "content": content,
            "nonce": nonce,
            "enforce_nonce": True,
            "allowed_mentions": {"parse": []},
        }
        return self._read("POST", "/channels/{}/messages", (channel_id,), reading.message_id, options, body)

    def _read(
        self,
        method: str,
        template: str,
        values: tuple[int, ...],
        reader: Callable[[object], T],
        options: CallOptions,
        body: dict[str, object] | None = None,
    ) -> T:
        request = self._request(method, template, values, options, body)
        return read_answer(request, self._sender.send(request), reader)

    def _send(
        self,
        method: str,
        template: str,
        values: tuple[int, ...],
        options: CallOptions,
        body: dict[str, object] | None = None,
    ) -> Answer:
        return self._sender.send(self._request(method, template, values, options, body))

    def _close(
        self,
        method: str,
        template: str,
        values: tuple[int, ...],
        options: CallOptions,
        body: dict[str, object] | None = None,
    ) -> None:
        request = self._request(method, template, values, replace(options, is_closing=True), body)
        self._sender.send(request)

    def _request(
        self,
        method: str,
        template: str,
        values: tuple[int, ...],
        options: CallOptions,
        body: dict[str, object] | None,
    ) -> Request:
        return Request(
            method,
            template,
            values,
            content=None if body is None else json.dumps(body).encode(),
            authorization=self._authorization,
            options=options,
        )


def _overwrites(overwrites: Sequence[Overwrite]) -> list[dict[str, object]]:
    """Write overwrites as the wire has them: ids and permissions are strings, the kind is a number."""
    return [
        {
            "id": str(overwrite.target_id),
            "type": int(overwrite.target_type),
            "allow": str(int(overwrite.allow)),
            "deny": str(int(overwrite.deny)),
        }
        for overwrite in overwrites
    ]
