"""What the client makes of each fault, and what was really done."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django.live_server_helper import LiveServer
from tests.integrations.discord.contract.conftest import SANDBOX_ROWS_ONLY

from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.discord.client import DiscordClient
from greenroom.integrations.discord.connect import Discord
from greenroom.integrations.discord.errors import (
    Forbidden,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Scope,
    Unauthorized,
)
from greenroom.integrations.discord.protocol import CallOptions, DiscordApi
from greenroom.integrations.discord.sandbox import strikes
from greenroom.integrations.discord.sandbox.models import SandboxChannel
from greenroom.integrations.discord.sandbox.services.guild import sample_user_id
from greenroom.integrations.discord.sender import Sender
from greenroom.integrations.discord.state import InMemoryBotState
from greenroom.integrations.discord.transport import HttpxTransport
from greenroom.integrations.discord.types import GuildId, NewChannel, Tokens
from greenroom.integrations.sandbox import faults

pytestmark = [SANDBOX_ROWS_ONLY, pytest.mark.usefixtures("guild")]
ROOM = NewChannel("room")


def rooms() -> int:
    return SandboxChannel.objects.count()


@pytest.mark.parametrize("name", ["rate_limited", "rate_limited_global", "rate_limited_shared"])
def test_limit_is_waited_out(api: DiscordApi, guild: GuildId, state: InMemoryBotState, name: str) -> None:
    faults.arm(seam="discord", fault=name, count=1)
    started = time.monotonic()

    api.create_channel(guild, ROOM)

    assert time.monotonic() - started >= 1
    assert rooms() == 1
    assert state.status().invalid_count == (0 if name == "rate_limited_shared" else 1)


@pytest.mark.parametrize(
    ("name", "scope", "seconds"), [("rate_limited_long", Scope.USER, 3600), ("cloudflare_429", Scope.CLOUDFLARE, 60)]
)
def test_limit_beyond_the_budget_is_reported(
    api: DiscordApi, guild: GuildId, name: str, scope: Scope, seconds: int
) -> None:
    faults.arm(seam="discord", fault=name, count=1)

    with pytest.raises(RateLimited) as raised:
        api.create_channel(guild, ROOM)

    assert (raised.value.scope, raised.value.retry_after) == (scope, timedelta(seconds=seconds))
    assert rooms() == 0


@pytest.mark.parametrize(
    ("name", "made"), [("server_error_before", 0), ("server_error_after", 1), ("drop_reply", 1), ("garbled_reply", 1)]
)
def test_create_whose_outcome_is_unknown_happened_at_most_once(
    api: DiscordApi, guild: GuildId, name: str, made: int
) -> None:
    faults.arm(seam="discord", fault=name, count=1)

    with pytest.raises(OutcomeUnknown):
        api.create_channel(guild, ROOM)

    assert rooms() == made
    assert len(api.list_channels(guild)) == made


def test_create_with_an_answer_later_than_the_client_waits_is_unknown(
    live_server: LiveServer, guild: GuildId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strikes, "SLOW_SECONDS", 0.6)
    faults.arm(seam="discord", fault="slow", count=1)
    base_url = f"{live_server.url}/sandbox/discord/api/v10"
    transport = HttpxTransport(base_url, read_seconds=0.3)
    sender = Sender(
        base_url=base_url,
        user_agent="DiscordBot (https://coach.example, 1)",
        transport=transport,
        state=InMemoryBotState(),
        refuse_if_in_transaction=lambda: None,
    )

    with pytest.raises(OutcomeUnknown):
        DiscordClient(sender, settings.DISCORD.bot_token).create_channel(guild, ROOM)

    assert rooms() == 1
    transport.close()
    time.sleep(0.5)  # the server's thread is still busy with the answer


@pytest.mark.parametrize("name", ["server_error_after", "drop_reply"])
def test_delete_whose_answer_is_lost_is_repeated_and_finds_nothing(api: DiscordApi, guild: GuildId, name: str) -> None:
    room = api.create_channel(guild, ROOM)
    faults.arm(seam="discord", fault=name, count=1)

    with pytest.raises(NotFound):
        api.delete_channel(room.id)

    assert rooms() == 0


def test_read_during_an_outage_is_repeated(api: DiscordApi, guild: GuildId) -> None:
    faults.arm(seam="discord", fault="server_error_before", count=2)

    assert api.list_channels(guild) == ()
    assert faults.remaining() == {}


def test_refused_token_stops_the_client(api: DiscordApi, guild: GuildId, state: InMemoryBotState) -> None:
    faults.arm(seam="discord", fault="unauthorized", count=1)

    for _ in range(2):
        with pytest.raises(Unauthorized):
            api.create_channel(guild, ROOM)

    assert state.status().is_token_dead
    assert rooms() == 0


def test_missing_permission_is_reported(api: DiscordApi, guild: GuildId) -> None:
    faults.arm(seam="discord", fault="forbidden", count=1)

    with pytest.raises(Forbidden) as raised:
        api.create_channel(guild, ROOM)

    assert raised.value.discord_code == 50013
    assert rooms() == 0


def test_channel_deleted_by_a_person_meanwhile_is_not_found(api: DiscordApi, guild: GuildId) -> None:
    room = api.create_channel(guild, ROOM)
    faults.arm(seam="discord", fault="lost_channel", count=1)
    api.list_channels(guild)

    with pytest.raises(NotFound):
        api.edit_overwrites(room.id, ())

    assert faults.remaining() == {}


def test_fault_strikes_linking_too(discord: Discord, link: Callable[..., Tokens]) -> None:
    tokens = link(sample_user_id("sam.student"))
    faults.arm(seam="discord", fault="drop_reply", count=1)

    with pytest.raises(OutcomeUnknown):
        discord.sign_in.refresh(tokens.refresh_token)


def test_edits_of_one_channel_are_paced_by_the_headers(
    api: DiscordApi, guild: GuildId, state: InMemoryBotState
) -> None:
    room = api.create_channel(guild, ROOM)

    with ThreadPoolExecutor(4) as pool:
        for call in [pool.submit(api.edit_overwrites, room.id, ()) for _ in range(10)]:
            call.result()
    with pytest.raises(RateLimited) as raised:
        api.edit_overwrites(room.id, ())

    assert raised.value.scope is Scope.PACING
    assert timedelta(seconds=5) < raised.value.retry_after <= timedelta(seconds=15.1)
    assert state.status().invalid_count == 0


def test_a_hundred_creates_by_four_threads_are_never_refused(
    api: DiscordApi, guild: GuildId, state: InMemoryBotState
) -> None:
    options = CallOptions(budget=timedelta(seconds=30))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: api.create_channel(guild, NewChannel(f"r{number}"), options), range(100)))

    assert rooms() == 100
    assert state.status().invalid_count == 0


def test_open_transaction_refuses_the_call(api: DiscordApi, guild: GuildId) -> None:
    with transaction.atomic(), pytest.raises(NetworkCallInTransactionError):
        api.create_channel(guild, ROOM)

    assert rooms() == 0
