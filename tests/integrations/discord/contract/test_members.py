"""Linking, joining, roles, direct messages."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from tests.factories.clock import SettableClock
from tests.integrations.discord.contract.conftest import SANDBOX_ROWS_ONLY

from greenroom.core import clock
from greenroom.integrations.discord.connect import Discord
from greenroom.integrations.discord.errors import (
    Cap,
    CapacityReached,
    Forbidden,
    NotFound,
    RateLimited,
    Scope,
    TokenRevoked,
)
from greenroom.integrations.discord.oauth import new_code_verifier
from greenroom.integrations.discord.protocol import DiscordApi
from greenroom.integrations.discord.sandbox.models import SandboxAuditEntry, SandboxMember, SandboxRole
from greenroom.integrations.discord.sandbox.queries import direct_messages
from greenroom.integrations.discord.sandbox.services import people
from greenroom.integrations.discord.sandbox.services.guild import (
    bot_id,
    create_user,
    sample_user_id,
    set_accepts_messages,
)
from greenroom.integrations.discord.snowflake import snowflake_at
from greenroom.integrations.discord.types import (
    AuditAction,
    DiscordUserId,
    GuildId,
    JoinResult,
    RoleId,
    Tokens,
)

pytestmark = [SANDBOX_ROWS_ONLY, pytest.mark.usefixtures("frozen_clock", "guild")]

Link = Callable[..., Tokens]


@pytest.fixture
def sam() -> DiscordUserId:
    return DiscordUserId(sample_user_id("sam.student"))


@pytest.fixture
def maya() -> DiscordUserId:
    return DiscordUserId(sample_user_id("maya.coach"))


def test_person_links_and_is_brought_into_the_guild(
    discord: Discord, guild: GuildId, link: Link, sam: DiscordUserId
) -> None:
    tokens = link(sam)

    assert tokens.scopes == {"identify", "guilds.join"}
    assert tokens.expires_in == timedelta(days=7)
    assert discord.sign_in.user_of(tokens.access_token).display_name == "Sam (student)"
    assert discord.api.add_member(guild, sam, tokens.access_token) is JoinResult.ADDED
    assert discord.api.add_member(guild, sam, tokens.access_token) is JoinResult.ALREADY_MEMBER
    assert discord.api.get_member(guild, sam).user_id == sam


def test_member_who_never_came_is_not_found(api: DiscordApi, guild: GuildId, sam: DiscordUserId) -> None:
    for user_id, code in ((sam, 10007), (DiscordUserId(5), 10013)):
        with pytest.raises(NotFound) as raised:
            api.get_member(guild, user_id)
        assert raised.value.discord_code == code


def test_joining_with_somebody_elses_token_is_refused(
    api: DiscordApi, guild: GuildId, link: Link, sam: DiscordUserId
) -> None:
    other = link(sample_user_id("ida.student"))

    for token in (other.access_token, "nonsense"):
        with pytest.raises(TokenRevoked) as raised:
            api.add_member(guild, sam, token)
        assert raised.value.discord_code == 50025
    assert not SandboxMember.objects.filter(user_id=sam).exists()


def test_joining_without_the_scope_is_refused(api: DiscordApi, guild: GuildId, link: Link, sam: DiscordUserId) -> None:
    tokens = link(sam, ["identify"])

    with pytest.raises(Forbidden) as raised:
        api.add_member(guild, sam, tokens.access_token)

    assert raised.value.discord_code == 50026


def test_joining_of_a_banned_person_is_refused(api: DiscordApi, guild: GuildId, link: Link, sam: DiscordUserId) -> None:
    tokens = link(sam)
    people.ban_member(sam)

    with pytest.raises(Forbidden) as raised:
        api.add_member(guild, sam, tokens.access_token)

    assert raised.value.discord_code == 40007


def test_access_token_ends_after_a_week_and_is_refreshed(
    discord: Discord, link: Link, sam: DiscordUserId, frozen_clock: SettableClock
) -> None:
    tokens = link(sam)
    frozen_clock.advance(timedelta(days=7))
    with pytest.raises(TokenRevoked):
        discord.sign_in.user_of(tokens.access_token)

    fresh = discord.sign_in.refresh(tokens.refresh_token)

    assert discord.sign_in.user_of(fresh.access_token).id == sam
    with pytest.raises(TokenRevoked):
        discord.sign_in.refresh(tokens.refresh_token)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_everything(discord: Discord, link: Link, sam: DiscordUserId, which: str) -> None:
    tokens = link(sam)

    discord.sign_in.revoke(getattr(tokens, which))
    discord.sign_in.revoke(getattr(tokens, which))

    with pytest.raises(TokenRevoked):
        discord.sign_in.user_of(tokens.access_token)
    with pytest.raises(TokenRevoked):
        discord.sign_in.refresh(tokens.refresh_token)


def test_code_is_good_once_for_its_verifier_within_a_minute(
    discord: Discord, sam: DiscordUserId, frozen_clock: SettableClock
) -> None:
    def code_for(verifier: str) -> str:
        url = discord.sign_in.authorize_url(state="s", code_verifier=verifier, scopes=["identify"])
        answer = httpx.post(url, data={"user": str(sam), "decision": "allow"})
        return httpx.URL(answer.headers["Location"]).params["code"]

    verifier = new_code_verifier()
    code = code_for(verifier)
    with pytest.raises(TokenRevoked):
        discord.sign_in.exchange_code(code, code_verifier=new_code_verifier())
    discord.sign_in.exchange_code(code, code_verifier=verifier)
    with pytest.raises(TokenRevoked):
        discord.sign_in.exchange_code(code, code_verifier=verifier)

    old = code_for(verifier)
    frozen_clock.advance(timedelta(seconds=60))
    with pytest.raises(TokenRevoked):
        discord.sign_in.exchange_code(old, code_verifier=verifier)


def test_bot_put_out_of_the_guild_lacks_access(api: DiscordApi, guild: GuildId) -> None:
    people.kick_member(bot_id())

    for call in (api.list_channels, api.get_guild, api.list_roles):
        with pytest.raises(Forbidden) as raised:
            call(guild)
        assert raised.value.discord_code == 50001


def test_role_is_made_without_permissions_given_taken_and_deleted(
    api: DiscordApi, guild: GuildId, maya: DiscordUserId
) -> None:
    role = api.create_role(guild, "Session 1")
    api.add_member_role(guild, maya, role.id)
    api.add_member_role(guild, maya, role.id)
    assert role.permissions == 0
    assert api.get_member(guild, maya).role_ids == (role.id,)
    assert api.get_role(guild, role.id) == role
    assert api.count_role_members(guild) == {guild + 1: 1, role.id: 1}

    api.remove_member_role(guild, maya, role.id)
    assert api.get_member(guild, maya).role_ids == ()

    api.delete_role(guild, role.id)
    with pytest.raises(NotFound) as raised:
        api.delete_role(guild, role.id)
    assert raised.value.discord_code == 10011
    with pytest.raises(NotFound) as raised:
        api.get_role(guild, role.id)
    assert raised.value.discord_code == 10011
    assert api.count_role_members(guild) == {guild + 1: 1}
    assert [found.name for found in api.list_roles(guild)] == ["@everyone", "Greenroom"]


def test_role_not_below_the_bots_own_is_refused(api: DiscordApi, guild: GuildId, maya: DiscordUserId) -> None:
    for role_id in (RoleId(guild), RoleId(guild + 1)):
        with pytest.raises(Forbidden) as raised:
            api.add_member_role(guild, maya, role_id)
        assert raised.value.discord_code == 50013


def test_too_many_roles_are_refused(api: DiscordApi, guild: GuildId) -> None:
    SandboxRole.objects.bulk_create(SandboxRole(pk=pk, guild_id=guild, name="x") for pk in range(1, 249))

    with pytest.raises(CapacityReached) as raised:
        api.create_role(guild, "x")

    assert (raised.value.cap, raised.value.discord_code) == (Cap.ROLES, 30005)


def test_role_budget_of_two_days_is_a_long_limit(api: DiscordApi, guild: GuildId) -> None:
    started = clock.now() - timedelta(hours=40)
    SandboxAuditEntry.objects.bulk_create(
        SandboxAuditEntry(
            pk=snowflake_at(started, number), guild_id=guild, user_id=1, target_id=1, action=AuditAction.ROLE_CREATE
        )
        for number in range(250)
    )

    with pytest.raises(RateLimited) as raised:
        api.create_role(guild, "x")

    assert raised.value.scope is Scope.USER
    assert raised.value.retry_after == timedelta(hours=8)


def test_last_role_of_the_budget_says_by_its_headers_that_there_is_none_left(api: DiscordApi, guild: GuildId) -> None:
    started = clock.now() - timedelta(hours=40)
    SandboxAuditEntry.objects.bulk_create(
        SandboxAuditEntry(
            pk=snowflake_at(started, number), guild_id=guild, user_id=1, target_id=1, action=AuditAction.ROLE_CREATE
        )
        for number in range(249)
    )

    api.create_role(guild, "the last one")
    with pytest.raises(RateLimited) as raised:
        api.create_role(guild, "one more")

    assert raised.value.scope is Scope.PACING
    assert timedelta(hours=7, minutes=59) < raised.value.retry_after <= timedelta(hours=8, seconds=1)


def test_direct_message_arrives_once_under_its_nonce(api: DiscordApi, maya: DiscordUserId) -> None:
    channel = api.open_dm(maya)
    assert api.open_dm(maya) == channel

    first = api.send_message(channel.id, "Your room is open.", nonce="n1")
    again = api.send_message(channel.id, "Your room is open.", nonce="n1")

    assert first == again
    assert direct_messages(maya) == ("Your room is open.",)


def test_direct_message_to_who_wants_none_is_refused(api: DiscordApi, maya: DiscordUserId) -> None:
    channel = api.open_dm(maya)
    set_accepts_messages(maya, accepts=False)

    with pytest.raises(Forbidden) as raised:
        api.send_message(channel.id, "hello", nonce="n1")

    assert raised.value.discord_code == 50007
    assert direct_messages(maya) == ()


def test_direct_message_to_a_stranger_is_refused(api: DiscordApi) -> None:
    channel = api.open_dm(DiscordUserId(create_user("Kim").pk))

    with pytest.raises(Forbidden) as raised:
        api.send_message(channel.id, "hello", nonce="n1")

    assert raised.value.discord_code == 50278


def test_direct_message_to_a_bot_is_refused(api: DiscordApi) -> None:
    with pytest.raises(Forbidden):
        api.open_dm(DiscordUserId(bot_id()))
