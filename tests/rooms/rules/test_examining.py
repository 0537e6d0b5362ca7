from dataclasses import replace

import pytest

from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import Forbidden, NotFound, Unauthorized
from greenroom.integrations.discord.permissions import BOT_INVITE, Permission
from greenroom.integrations.discord.types import DiscordUserId, Guild, GuildId, Member, Role, RoleId
from greenroom.rooms.rules import Grade, GuildSight, examine, refusal

GUILD = Guild(GuildId(1), "Chess house")
EVERYONE = Role(RoleId(1), "@everyone", int(Permission.VIEW_CHANNEL | Permission.SPEAK), position=0)
BOT_ROLE = Role(RoleId(2), "Greenroom", int(BOT_INVITE), position=3)
OTHER = Role(RoleId(3), "Moderators", int(Permission.ADMINISTRATOR), position=9)
SOUND = GuildSight(GUILD, (EVERYONE, BOT_ROLE, OTHER), Member(DiscordUserId(5), (RoleId(2),)), 20)


def having(permissions: int) -> GuildSight:
    return replace(SOUND, roles=(EVERYONE, replace(BOT_ROLE, permissions=permissions), OTHER))


def test_invited_bot_lacks_nothing() -> None:
    assert examine(SOUND) == []


@pytest.mark.parametrize("permission", [*BOT_INVITE])
def test_each_permission_that_is_lacking_is_named_unless_everybody_has_it(permission: Permission) -> None:
    found = examine(having(int(BOT_INVITE & ~permission)))

    if permission & EVERYONE.permissions:
        assert found == []
        return
    [finding] = found
    minor = {Permission.CREATE_INSTANT_INVITE, Permission.MOVE_MEMBERS, Permission.VIEW_AUDIT_LOG}
    assert finding.grade == (Grade.WARNING if permission in minor else Grade.BROKEN)
    quoted = finding.words.split("“")[1].split("”")[0]
    assert quoted in finding.remedy


def test_worst_stands_first() -> None:
    lacking = Permission.MOVE_MEMBERS | Permission.MANAGE_CHANNELS

    grades = [one.grade for one in examine(having(int(BOT_INVITE & ~lacking)))]

    assert grades == [Grade.BROKEN, Grade.WARNING]


def test_administrator_lacks_nothing_and_is_told_to_give_it_up() -> None:
    [finding] = examine(having(int(Permission.ADMINISTRATOR)))

    assert finding.grade is Grade.WARNING
    assert finding.words == "The bot is an administrator: a stolen token would own the server."


def test_bot_without_a_rank_cannot_give_roles() -> None:
    everyone = replace(EVERYONE, permissions=int(BOT_INVITE))

    [finding] = examine(replace(SOUND, roles=(everyone, OTHER), bot=Member(DiscordUserId(5))))

    assert finding.words.startswith("The bot has no role that ranks above others")


def test_second_factor_is_spoken_of_where_the_server_wants_it() -> None:
    [finding] = examine(replace(SOUND, guild=replace(GUILD, needs_two_factor=True)))

    assert (finding.grade, "60003" in finding.remedy) == (Grade.WARNING, True)


@pytest.mark.parametrize(
    ("channels", "roles", "grades"),
    [
        (449, 200, []),
        (450, 200, [Grade.WARNING]),
        (499, 239, [Grade.WARNING]),
        (500, 200, [Grade.BROKEN]),
        (20, 240, [Grade.WARNING]),
        (500, 250, [Grade.BROKEN, Grade.WARNING]),
    ],
)
def test_caps_are_spoken_of_before_they_are_reached(channels: int, roles: int, grades: list[Grade]) -> None:
    crowd = tuple(Role(RoleId(100 + number), f"role {number}") for number in range(roles - 3))

    found = examine(replace(SOUND, roles=(*SOUND.roles, *crowd), channel_count=channels))

    assert [one.grade for one in found] == grades


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unauthorized("dead"), "Discord refuses the bot token"),
        (NotFound("no", discord_code=DiscordCode.UNKNOWN_GUILD), "The bot is not in the server 1."),
        (NotFound("no", discord_code=DiscordCode.UNKNOWN_MEMBER), "The bot is not in the server 1."),
        (Forbidden("no", discord_code=DiscordCode.MISSING_ACCESS), "The bot is not in the server 1."),
        (Forbidden("no", discord_code=DiscordCode.LACKS_PERMISSION), "Discord refuses to show the server"),
    ],
)
def test_refusal_says_what_it_means(error: Forbidden | NotFound | Unauthorized, words: str) -> None:
    finding = refusal(error, guild_id=1)

    assert finding.grade is Grade.BROKEN
    assert finding.words.startswith(words)
    assert finding.remedy
