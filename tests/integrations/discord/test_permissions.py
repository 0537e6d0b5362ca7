"""The sums were worked out from Discord's documentation; a wrong bit would open or lose rooms."""

from greenroom.integrations.discord import permissions
from greenroom.integrations.discord.permissions import Permission


def test_permission_sets_are_the_documented_integers() -> None:
    assert {
        "bot invite": int(permissions.BOT_INVITE),
        "everyone deny": int(permissions.EVERYONE_DENY),
        "bot allow": int(permissions.BOT_ALLOW),
        "participant allow": int(permissions.PARTICIPANT_ALLOW),
        "archive allow": int(permissions.ARCHIVE_ALLOW),
        "archive deny": int(permissions.ARCHIVE_DENY),
    } == {
        "bot invite": 322031249,
        "everyone deny": 1049600,
        "bot allow": 1049616,
        "participant allow": 36818432,
        "archive allow": 1115136,
        "archive deny": 274913610240,
    }


def test_bot_is_never_an_administrator_and_may_set_what_rooms_need() -> None:
    needed = permissions.EVERYONE_DENY | permissions.BOT_ALLOW | permissions.PARTICIPANT_ALLOW

    assert Permission.ADMINISTRATOR not in permissions.BOT_INVITE
    assert needed & ~permissions.BOT_INVITE == 0
