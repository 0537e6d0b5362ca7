from collections.abc import Callable
from typing import Any

import pytest

from greenroom.integrations.discord import reading
from greenroom.integrations.discord.types import Channel, ChannelId, DiscordUserId, Member, Overwrite, OverwriteTarget


@pytest.mark.parametrize(
    ("body", "reader"),
    [
        (b"", reading.channel),
        (b"[]", reading.channel),
        (b"null", reading.channel),
        (b'{"id": "x", "type": 2}', reading.channel),
        (b'{"id": null, "type": 2}', reading.channel),
        (b'{"id": "7"}', reading.channel),
        (b'{"id": "7", "type": true}', reading.channel),
        (b"{}", reading.channels),
        (b'{"audit_log_entries": {}}', reading.audit_log),
        (b'{"user": 5}', reading.member),
        (b"[" * 100_000, reading.roles),
    ],
)
def test_read_unreadable_is_one_error(body: bytes, reader: Callable[[object], Any]) -> None:
    with pytest.raises(reading.Unreadable):
        reading.read(body, reader)


def test_channel_overwrites_of_unknown_kinds_are_left_out() -> None:
    body = b'{"id": 7, "type": 2, "permission_overwrites": [{"id": "1", "type": 5}, {"id": "2", "type": 0}]}'

    assert reading.read(body, reading.channel) == Channel(
        ChannelId(7), 2, overwrites=(Overwrite(OverwriteTarget.ROLE, 2),)
    )


def test_member_without_roles_is_read() -> None:
    assert reading.read(b'{"user": {"id": "9"}}', reading.member) == Member(DiscordUserId(9))
