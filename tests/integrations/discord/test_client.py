"""The requests as Discord's documentation writes them, and the answers as we read them."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.integrations.discord.faulty_server import FaultyServer, Reply

from greenroom.integrations.discord.client import DiscordClient
from greenroom.integrations.discord.permissions import BOT_ALLOW, EVERYONE_DENY
from greenroom.integrations.discord.protocol import CallOptions, DiscordApi
from greenroom.integrations.discord.types import (
    AuditAction,
    AuditEntry,
    AuditEntryId,
    Channel,
    ChannelId,
    ChannelType,
    DiscordUser,
    DiscordUserId,
    Guild,
    GuildId,
    JoinResult,
    Member,
    MessageId,
    NewChannel,
    Overwrite,
    OverwriteTarget,
    Role,
    RoleId,
    VoiceState,
)

GUILD, ROOM, USER, ROLE = GuildId(2), ChannelId(7), DiscordUserId(9), RoleId(3)
OVERWRITES = (
    Overwrite(OverwriteTarget.ROLE, GUILD, deny=EVERYONE_DENY),
    Overwrite(OverwriteTarget.MEMBER, USER, allow=BOT_ALLOW),
)
WIRE_OVERWRITES = [
    {"id": "2", "type": 0, "allow": "0", "deny": "1049600"},
    {"id": "9", "type": 1, "allow": "1049616", "deny": "0"},
]
WIRE_ROOM = {"id": "7", "type": 2, "name": "room", "parent_id": "5", "permission_overwrites": WIRE_OVERWRITES}
READ_ROOM = Channel(ROOM, 2, "room", ChannelId(5), OVERWRITES)
ENTRY = {"id": "11", "action_type": 10, "user_id": "9", "target_id": "7", "reason": "room=1"}
READ_ENTRY = AuditEntry(AuditEntryId(11), AuditAction.CHANNEL_CREATE, USER, 7, "room=1")

Call = Callable[[DiscordApi], Any]
READS: list[tuple[Call, str, Any, Any]] = [
    (
        lambda api: api.current_bot(),
        "/users/@me",
        {"id": "9", "username": "bot", "global_name": None},
        DiscordUser(USER, "bot", "bot"),
    ),
    (
        lambda api: api.get_guild(GUILD),
        "/guilds/2",
        {"id": "2", "name": "G", "owner_id": "9"},
        Guild(GUILD, "G", USER),
    ),
    (lambda api: api.list_channels(GUILD), "/guilds/2/channels", [WIRE_ROOM], (READ_ROOM,)),
    (lambda api: api.get_channel(ROOM), "/channels/7", {"id": "7", "type": 99}, Channel(ROOM, 99)),
    (
        lambda api: api.list_roles(GUILD),
        "/guilds/2/roles",
        [{"id": "3", "name": "R", "permissions": "8"}],
        (Role(ROLE, "R", 8),),
    ),
    (
        lambda api: api.get_role(GUILD, ROLE),
        "/guilds/2/roles/3",
        {"id": "3", "name": "R", "permissions": "0"},
        Role(ROLE, "R", 0),
    ),
    (lambda api: api.count_role_members(GUILD), "/guilds/2/roles/member-counts", {"3": 2, "4": 0}, {3: 2, 4: 0}),
    (
        lambda api: api.get_member(GUILD, USER),
        "/guilds/2/members/9",
        {"user": {"id": "9"}, "roles": ["3"], "pending": True},
        Member(USER, (ROLE,), is_pending=True),
    ),
    (
        lambda api: api.get_voice_state(GUILD, USER),
        "/guilds/2/voice-states/9",
        {"user_id": "9", "channel_id": "7"},
        VoiceState(USER, ROOM),
    ),
    (
        lambda api: api.list_audit_log(GUILD, action=AuditAction.CHANNEL_CREATE, user_id=USER, limit=9),
        "/guilds/2/audit-logs?limit=9&action_type=10&user_id=9",
        {"audit_log_entries": [ENTRY]},
        (READ_ENTRY,),
    ),
    (
        lambda api: api.list_audit_log(GUILD),
        "/guilds/2/audit-logs?limit=50",
        {"audit_log_entries": [{"id": "11", "action_type": 1, "reason": 5}]},
        (AuditEntry(AuditEntryId(11), 1, None, None, None),),
    ),
]


@pytest.mark.parametrize(("call", "path", "body", "expected"), READS)
def test_read(server: FaultyServer, bot: DiscordClient, call: Call, path: str, body: Any, expected: Any) -> None:
    server.queue(Reply(200, body))

    assert call(bot) == expected
    assert server.paths() == [f"GET {path}"]


WRITES: list[tuple[Call, str, Any, Reply, Any]] = [
    (
        lambda api: api.create_channel(GUILD, NewChannel("room", OVERWRITES, parent_id=ChannelId(5))),
        "POST /guilds/2/channels",
        {"name": "room", "type": 2, "permission_overwrites": WIRE_OVERWRITES, "parent_id": "5"},
        Reply(201, WIRE_ROOM),
        READ_ROOM,
    ),
    (
        lambda api: api.create_channel(GUILD, NewChannel("Sessions", type=ChannelType.CATEGORY)),
        "POST /guilds/2/channels",
        {"name": "Sessions", "type": 4, "permission_overwrites": []},
        Reply(201, {"id": "7", "type": 4, "parent_id": None, "permission_overwrites": []}),
        Channel(ROOM, ChannelType.CATEGORY),
    ),
    (
        lambda api: api.edit_overwrites(ROOM, OVERWRITES),
        "PATCH /channels/7",
        {"permission_overwrites": WIRE_OVERWRITES},
        Reply(200, WIRE_ROOM),
        READ_ROOM,
    ),
    (lambda api: api.delete_channel(ROOM), "DELETE /channels/7", None, Reply(200, WIRE_ROOM), None),
    (
        lambda api: api.create_role(GUILD, "Session 1"),
        "POST /guilds/2/roles",
        {"name": "Session 1", "permissions": "0"},
        Reply(200, {"id": "3", "name": "Session 1", "permissions": "0"}),
        Role(ROLE, "Session 1"),
    ),
    (lambda api: api.delete_role(GUILD, ROLE), "DELETE /guilds/2/roles/3", None, Reply(204, b""), None),
    (
        lambda api: api.add_member_role(GUILD, USER, ROLE),
        "PUT /guilds/2/members/9/roles/3",
        None,
        Reply(204, b""),
        None,
    ),
    (
        lambda api: api.remove_member_role(GUILD, USER, ROLE),
        "DELETE /guilds/2/members/9/roles/3",
        None,
        Reply(204, b""),
        None,
    ),
    (
        lambda api: api.add_member(GUILD, USER, "access"),
        "PUT /guilds/2/members/9",
        {"access_token": "access"},
        Reply(201, {"user": {"id": "9"}}),
        JoinResult.ADDED,
    ),
    (
        lambda api: api.add_member(GUILD, USER, "access"),
        "PUT /guilds/2/members/9",
        {"access_token": "access"},
        Reply(204, b""),
        JoinResult.ALREADY_MEMBER,
    ),
    (
        lambda api: api.disconnect_member(GUILD, USER),
        "PATCH /guilds/2/members/9",
        {"channel_id": None},
        Reply(200, {}),
        None,
    ),
    (
        lambda api: api.open_dm(USER),
        "POST /users/@me/channels",
        {"recipient_id": "9"},
        Reply(200, {"id": "7", "type": 1}),
        Channel(ROOM, ChannelType.DM),
    ),
    (
        lambda api: api.send_message(ROOM, "hello", nonce="n1"),
        "POST /channels/7/messages",
        {"content": "hello", "nonce": "n1", "enforce_nonce": True, "allowed_mentions": {"parse": []}},
        Reply(200, {"id": "8"}),
        MessageId(8),
    ),
]


@pytest.mark.parametrize(("call", "line", "body", "reply", "expected"), WRITES)
def test_write(
    server: FaultyServer, bot: DiscordClient, call: Call, line: str, body: Any, reply: Reply, expected: Any
) -> None:
    server.queue(reply)

    assert call(bot) == expected
    assert server.paths() == [line]
    if body is None:
        assert server.seen[0].body == b""
    else:
        assert server.seen[0].json == body
        assert server.seen[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("reason", ["", "x" * 513])
def test_call_options_reason_of_a_wrong_length_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="1 to 512"):
        CallOptions(reason=reason)
