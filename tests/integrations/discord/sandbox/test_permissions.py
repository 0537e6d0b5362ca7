import pytest

from greenroom.integrations.discord.permissions import ALL, Permission
from greenroom.integrations.discord.sandbox.permissions import Standing, channel_permissions, guild_permissions
from greenroom.integrations.discord.types import ChannelType, Overwrite, OverwriteTarget

GUILD, USER, ROLE_A, ROLE_B = 1, 2, 3, 4
VIEW, CONNECT, SEND, SPEAK = (
    Permission.VIEW_CHANNEL,
    Permission.CONNECT,
    Permission.SEND_MESSAGES,
    Permission.SPEAK,
)
ROLE, MEMBER = OverwriteTarget.ROLE, OverwriteTarget.MEMBER


def standing(*, everyone: int = 0, roles: dict[int, int] | None = None, is_owner: bool = False) -> Standing:
    return Standing(USER, GUILD, is_owner, everyone, roles or {})


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (standing(), 0),
        (standing(everyone=VIEW), VIEW),
        (standing(everyone=VIEW, roles={ROLE_A: CONNECT, ROLE_B: SEND}), VIEW | CONNECT | SEND),
        (standing(roles={ROLE_A: Permission.ADMINISTRATOR}), ALL),
        (standing(is_owner=True), ALL),
    ],
)
def test_guild_permissions(member: Standing, expected: int) -> None:
    assert guild_permissions(member) == expected


EVERYBODY = VIEW | CONNECT | SEND | SPEAK


@pytest.mark.parametrize(
    ("overwrites", "roles", "expected"),
    [
        pytest.param([], {}, EVERYBODY, id="none"),
        pytest.param([Overwrite(ROLE, GUILD, deny=SPEAK)], {}, EVERYBODY & ~SPEAK, id="everyone denied"),
        pytest.param(
            [Overwrite(ROLE, GUILD, allow=SPEAK, deny=SPEAK)], {}, EVERYBODY, id="allow beats deny in one step"
        ),
        pytest.param(
            [Overwrite(ROLE, GUILD, deny=SPEAK), Overwrite(ROLE, ROLE_A, allow=SPEAK)],
            {ROLE_A: 0},
            EVERYBODY,
            id="a role's allow beats everyone's deny",
        ),
        pytest.param(
            [Overwrite(ROLE, ROLE_A, allow=SPEAK), Overwrite(ROLE, ROLE_B, deny=SPEAK)],
            {ROLE_A: 0, ROLE_B: 0},
            EVERYBODY,
            id="one role's allow beats another's deny",
        ),
        pytest.param(
            [Overwrite(ROLE, ROLE_A, allow=SPEAK), Overwrite(MEMBER, USER, deny=SPEAK)],
            {ROLE_A: 0},
            EVERYBODY & ~SPEAK,
            id="the member's deny beats a role's allow",
        ),
        pytest.param(
            [Overwrite(ROLE, ROLE_A, deny=SPEAK), Overwrite(MEMBER, USER, allow=SPEAK)],
            {ROLE_A: 0},
            EVERYBODY,
            id="the member's allow beats a role's deny",
        ),
        pytest.param(
            [Overwrite(ROLE, ROLE_A, deny=SPEAK), Overwrite(MEMBER, 99, deny=SPEAK)],
            {},
            EVERYBODY,
            id="others' overwrites do not count",
        ),
        pytest.param(
            [Overwrite(ROLE, GUILD, deny=VIEW), Overwrite(MEMBER, USER, allow=SPEAK)],
            {},
            0,
            id="without seeing nothing is left",
        ),
        pytest.param(
            [Overwrite(ROLE, GUILD, deny=CONNECT)], {}, VIEW, id="without connecting a voice channel is only seen"
        ),
        pytest.param(
            [Overwrite(ROLE, GUILD, deny=VIEW | CONNECT)],
            {ROLE_A: Permission.ADMINISTRATOR},
            ALL,
            id="administrators pass",
        ),
    ],
)
def test_channel_permissions_of_a_voice_channel(
    overwrites: list[Overwrite], roles: dict[int, int], expected: int
) -> None:
    member = standing(everyone=EVERYBODY, roles=roles)

    assert channel_permissions(member, overwrites, ChannelType.VOICE) == expected


def test_channel_permissions_of_the_owner_pass_every_overwrite() -> None:
    overwrites = [Overwrite(MEMBER, USER, deny=ALL)]

    assert channel_permissions(standing(is_owner=True), overwrites, ChannelType.VOICE) == ALL


def test_channel_permissions_in_text_without_sending_lose_its_kinds() -> None:
    everyone = VIEW | SEND | Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.READ_MESSAGE_HISTORY
    overwrites = [Overwrite(ROLE, GUILD, deny=SEND)]

    left = channel_permissions(standing(everyone=everyone), overwrites, ChannelType.TEXT)

    assert left == VIEW | Permission.READ_MESSAGE_HISTORY


def test_channel_permissions_in_text_do_not_need_connecting() -> None:
    assert channel_permissions(standing(everyone=VIEW | SEND), [], ChannelType.TEXT) == VIEW | SEND
