"""What people do by hand, what they see, and how the guild comes to be."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import DjangoAssertNumQueries, Settings
from tests.factories.clock import MONDAY, SettableClock

from greenroom.core import clock
from greenroom.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from greenroom.integrations.discord.sandbox.errors import OAuthError
from greenroom.integrations.discord.sandbox.faults import take_fault
from greenroom.integrations.discord.sandbox.models import (
    SandboxChannel,
    SandboxGuild,
    SandboxMember,
    SandboxRole,
    SandboxTokenPair,
    SandboxUser,
    SandboxVoiceState,
)
from greenroom.integrations.discord.sandbox.queries import guild_view, visible_channels
from greenroom.integrations.discord.sandbox.queries import people as everybody
from greenroom.integrations.discord.sandbox.services import oauth, people
from greenroom.integrations.discord.sandbox.services.guild import (
    SAMPLE_USERS,
    create_user,
    ensure_guild,
    sample_user_id,
    set_accepts_messages,
)
from greenroom.integrations.discord.sandbox.snowflakes import mint
from greenroom.integrations.discord.snowflake import instant_of
from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.models import ArmedFault


@pytest.fixture
def maya() -> int:
    return sample_user_id("maya.coach")


def voice(guild: SandboxGuild, name: str = "room", **fields: Any) -> SandboxChannel:
    return SandboxChannel.objects.create(pk=mint(clock.now()), guild=guild, type=2, name=name, **fields)


def test_ensure_guild_twice_changes_nothing(guild: SandboxGuild) -> None:
    SandboxRole.objects.filter(pk=guild.pk + 1).update(permissions=5)

    assert ensure_guild() == guild
    assert SandboxGuild.objects.count() == 1
    assert SandboxUser.objects.count() == len(SAMPLE_USERS) + 1
    assert SandboxRole.objects.get(pk=guild.pk + 1).permissions == 5


def test_ensure_guild_by_several_at_once_makes_one(race: Callable[[Sequence[Callable[[], Any]]], list[Any]]) -> None:
    made = race([ensure_guild] * 4)

    assert {getattr(guild, "pk", guild) for guild in made} == {100000000000000002}
    assert SandboxGuild.objects.count() == 1
    assert SandboxMember.objects.count() == 4


def test_sample_user_unknown_is_an_error() -> None:
    with pytest.raises(LookupError):
        sample_user_id("nobody")


def test_sandbox_without_credentials_says_so(settings: Settings) -> None:
    settings.DISCORD = None

    with pytest.raises(ImproperlyConfigured):
        ensure_guild()


def test_mint_carries_the_time_and_never_repeats(frozen_clock: SettableClock) -> None:
    ids = [mint(frozen_clock()) for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert {instant_of(it) for it in ids} == {MONDAY}


@pytest.mark.usefixtures("guild")
@pytest.mark.parametrize(("name", "stem"), [("Zoë Müller", "zo.m.ller"), ("李", "user"), ("x" * 32, "x" * 20)])
def test_create_user_spells_a_username(name: str, stem: str) -> None:
    user, twin = create_user(name), create_user(name)

    assert str(user) == user.display_name == name
    assert user.username.startswith(f"{stem}.")
    assert user.username != twin.username


@pytest.mark.usefixtures("guild")
@pytest.mark.parametrize("name", ["", "  ", "x" * 33, "a\nb"])
def test_create_user_with_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        create_user(name)

    assert raised.value.field == "display_name"


def test_join_voice_moves_from_room_to_room_and_out(guild: SandboxGuild, maya: int) -> None:
    first, second = voice(guild, "a"), voice(guild, "b")

    people.join_voice(maya, first.pk)
    people.join_voice(maya, second.pk)
    assert [channel.connected for channel in visible_channels(maya)] == [(), ("Maya (coach)",)]

    people.leave_voice(maya)
    people.leave_voice(maya)
    assert SandboxVoiceState.objects.count() == 0


def test_join_voice_of_strangers_and_into_nothing_is_refused(guild: SandboxGuild, maya: int) -> None:
    room = voice(guild)
    text = SandboxChannel.objects.create(pk=5, guild=guild, type=0, name="chat")

    for user_id, channel_id in ((sample_user_id("sam.student"), room.pk), (maya, 7), (maya, text.pk)):
        with pytest.raises(NotFoundError):
            people.join_voice(user_id, channel_id)
    assert SandboxVoiceState.objects.count() == 0


def test_join_guild_twice_is_once_and_never_for_the_banned(guild: SandboxGuild) -> None:
    sam = sample_user_id("sam.student")
    people.join_guild(sam)
    people.join_guild(sam)
    assert guild.members.filter(user_id=sam).count() == 1

    people.ban_member(sam)
    people.ban_member(sam)
    with pytest.raises(NotAllowedError):
        people.join_guild(sam)
    assert not guild.members.filter(user_id=sam).exists()


@pytest.mark.usefixtures("guild")
def test_unknown_people_are_not_found() -> None:
    for act in (people.join_guild, people.kick_member, people.ban_member):
        with pytest.raises(NotFoundError):
            act(5)
    with pytest.raises(NotFoundError):
        set_accepts_messages(5, accepts=True)


def test_owner_cannot_be_put_out(guild: SandboxGuild) -> None:
    with pytest.raises(NotAllowedError):
        people.kick_member(guild.owner_id)

    assert guild.members.filter(user_id=guild.owner_id).exists()


def test_member_kicked_leaves_voice_and_sees_nothing(guild: SandboxGuild, maya: int) -> None:
    people.join_voice(maya, voice(guild).pk)

    people.kick_member(maya)

    view = guild_view(maya)
    assert (view.categories, view.members) == ((), ())
    assert view.viewer is not None
    assert (view.viewer.is_member, view.viewer.voice_channel_id) == (False, None)


@pytest.mark.usefixtures("guild")
def test_channel_deleted_by_hand_twice_is_gone_once(guild: SandboxGuild) -> None:
    room = voice(guild)

    people.delete_channel_by_hand(room.pk)
    people.delete_channel_by_hand(room.pk)

    assert SandboxChannel.objects.count() == 0
    assert guild.audit_entries.count() == 1


def test_guild_view_groups_by_category(guild: SandboxGuild, maya: int) -> None:
    loose = voice(guild, "loose")
    category = SandboxChannel.objects.create(pk=mint(clock.now()), guild=guild, type=4, name="Sessions 1")
    inside = voice(guild, "inside", parent=category)

    view = guild_view(maya)

    assert [(category.name, [channel.id for channel in category.channels]) for category in view.categories] == [
        ("", [loose.pk]),
        ("Sessions 1", [inside.pk]),
    ]
    assert [person.display_name for person in view.members] == [
        "Greenroom",
        "Server Owner",
        "Maya (coach)",
        "Noah (coach)",
    ]
    assert view.viewer == view.members[2]
    assert [person.is_owner for person in view.members] == [False, True, False, False]
    assert view.members[0].role_names == ("Greenroom",)


@pytest.mark.django_db
def test_guild_view_before_there_is_a_guild_is_empty() -> None:
    view = guild_view(1)

    assert (view.viewer, view.categories, view.members) == (None, (), ())


@pytest.mark.parametrize("count", [1, 3])
def test_guild_view_takes_a_fixed_number_of_queries(
    guild: SandboxGuild, maya: int, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for number in range(count):
        voice(guild, f"room {number}").overwrites.create(target_type=0, target_id=guild.pk, allow=1)
        people.join_guild(create_user(f"Person {number}").pk)

    with django_assert_num_queries(13):
        guild_view(maya)


def test_people_are_listed_from_the_newest_two_hundred(guild: SandboxGuild) -> None:
    del guild
    SandboxUser.objects.bulk_create(
        SandboxUser(pk=2**60 + number, username=f"u{number}", display_name="U") for number in range(205)
    )

    listed = everybody()

    assert len(listed) == 200
    assert listed[-1].id == 2**60 + 204


@pytest.mark.django_db
def test_fault_about_a_channel_waits_for_one() -> None:
    faults.arm(seam="discord", fault="lost_channel", count=1)

    assert take_fault(has_channel=False) is None
    assert take_fault(has_channel=True) == "lost_channel"


@pytest.mark.django_db
def test_fault_of_an_older_version_is_passed_over() -> None:
    ArmedFault.objects.create(seam="discord", name="forgotten", remaining=3)

    assert take_fault(has_channel=True) is None


def test_code_and_refresh_token_raced_for_are_won_once(
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]],
) -> None:
    ensure_guild()
    user = SandboxUser.objects.get(pk=sample_user_id("sam.student"))
    # RFC 7636, appendix B.
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    code = oauth.grant_code(user, oauth.AuthorizationRequest("http://localhost/", ("identify",), challenge))

    first = race([lambda: oauth.exchange_code(code=code, redirect_uri="http://localhost/", code_verifier=verifier)] * 3)
    (won,) = [outcome for outcome in first if isinstance(outcome, oauth.IssuedTokens)]
    second = race([lambda: oauth.refresh_tokens(won.refresh_token)] * 3)

    assert [type(outcome) for outcome in first].count(OAuthError) == 2
    assert [type(outcome) for outcome in second].count(OAuthError) == 2
    assert SandboxTokenPair.objects.count() == 1
