from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_admin, make_user
from tests.factories.clock import SettableClock
from tests.factories.rooms import World, open_world, refuse_all
from tests.web.test_templates import Reader

from greenroom.core.models import AuditEntry
from greenroom.integrations.discord.permissions import BOT_INVITE, Permission
from greenroom.integrations.discord.sandbox.models import SandboxRole
from greenroom.integrations.discord.transport import Answer
from greenroom.rooms import discord
from greenroom.rooms.models import BotRecord, GuildReport

PAGE, LOOK = "/ops/discord/", "/ops/discord/examine/"


@pytest.fixture
def world(db: None, handlers: None, frozen_clock: SettableClock) -> Iterator[World]:  # noqa: ARG001 -- both are needed
    with open_world(frozen_clock) as opened:
        yield opened


@pytest.fixture
def staff(db: None) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


def text(answer: Any) -> str:
    page = answer.content.decode()
    reader = Reader(page)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    return " ".join(page.split())


def test_server_is_shown_with_what_is_wrong_and_what_to_do(staff: Client, world: World) -> None:
    assert "Not looked at yet" in text(staff.get(PAGE))
    assert "The bot has all it needs" in text(staff.post(LOOK, follow=True))
    SandboxRole.objects.filter(name="Greenroom").update(permissions=int(BOT_INVITE & ~Permission.MANAGE_CHANNELS))

    page = text(staff.post(LOOK, follow=True))

    assert "Looked at. 1 to mend." in page
    assert "The bot lacks “Manage Channels”: with it the bot makes and deletes rooms." in page
    assert "switch on “Manage Channels”" in page
    assert "Try the same token again" not in page
    assert world.wire.count("GET") == 9


def test_token_that_was_refused_by_mistake_is_tried_again_by_a_button(staff: Client, world: World) -> None:
    world.wire.meddler = lambda *_: Answer(401, {}, b'{"message": "401: Unauthorized", "code": 0}')
    page = text(staff.post(LOOK, follow=True))
    assert "Discord refuses the bot token" in page
    assert "Try the same token again" in page
    world.allow_everything()

    staff.post(LOOK, {"again": "1"})

    assert not BotRecord.objects.get().is_token_dead
    assert AuditEntry.objects.get().action == "rooms.try_token_again"


def test_discord_that_cannot_be_asked_leaves_what_stood_there(staff: Client, world: World) -> None:
    staff.post(LOOK)
    world.wire.meddler = refuse_all

    page = text(staff.post(LOOK, follow=True))

    assert "Discord cannot be reached at the moment." in page
    assert "The bot has all it needs" in page
    assert GuildReport.objects.count() == 1


def test_site_without_discord_says_how_to_set_it_up(staff: Client, settings: Any) -> None:
    before = discord.current()
    discord.use(None)
    settings.DISCORD, settings.SANDBOX_ENABLED = None, False
    try:
        page = text(staff.get(PAGE))
        staff.post(LOOK, {"again": "1"})
    finally:
        discord.use(before)

    assert "Ten minutes to set it up" in page
    assert f"{settings.BASE_URL}/api/auth/discord/callback" in page
    assert not GuildReport.objects.exists()


def test_real_server_gets_an_invitation_with_what_the_bot_needs(staff: Client, world: World, settings: Any) -> None:
    settings.SANDBOX_ENABLED = False

    page = text(staff.get(PAGE))

    assert f"scope=bot&amp;permissions=322031249&amp;guild_id={world.connection.guild_id}" in page
    assert settings.DISCORD.bot_token not in page
    assert settings.DISCORD.client_secret not in page


@pytest.mark.parametrize("who", ["nobody", "somebody"])
def test_page_is_for_staff(who: str, world: World) -> None:
    client = Client()
    if who == "somebody":
        client.force_login(make_user())

    answers = [client.get(PAGE), client.post(LOOK)]

    assert {answer.status_code for answer in answers} == ({302} if who == "nobody" else {404})
    assert world.wire.requests == []


def test_looking_is_no_get(staff: Client, world: World) -> None:
    assert staff.get(LOOK).status_code == 405
    assert world.wire.requests == []
