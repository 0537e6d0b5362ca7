"""The same rooms over real HTTP, with real connections to the database, and two runs at once."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock
from tests.factories.rooms import World, live, make_connection, open_world

from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.discord.connect import Access, Discord
from greenroom.integrations.discord.oauth import OAuthApplication
from greenroom.integrations.discord.sandbox.ratelimit import WINDOWS
from greenroom.integrations.discord.types import GuildId
from greenroom.rooms import discord
from greenroom.rooms.bot_state import DatabaseBotState
from greenroom.rooms.discord import Connection
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.services import reconcile_session, request_reconcile, sweep_guild
from greenroom.rooms.types import ObjectKind, RoomState

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


@pytest.fixture
def http_world(
    transactional_db: None,  # noqa: ARG001 -- the server's thread must see what is committed
    live_server: LiveServer,
    handlers: None,  # noqa: ARG001 -- the table is ours
    frozen_clock: SettableClock,
) -> Iterator[World]:
    known = settings.DISCORD
    base = f"{live_server.url}/sandbox/discord"
    application = OAuthApplication(known.client_id, known.client_secret, known.redirect_uri, f"{base}/oauth2/authorize")
    opened = Discord(
        Access(f"{base}/api/v10", known.bot_token, application, "https://coach.example"),
        state=DatabaseBotState(known.bot_token),
        refuse_if_in_transaction=refuse_network_in_transaction,
    )
    with open_world(frozen_clock) as world:
        WINDOWS.forget()
        discord.use(Connection(opened.api, opened.sign_in, GuildId(int(known.guild_id))))
        yield world
    opened.close()


def book_soon(world: World) -> int:
    """Book a session that begins in an hour, both linked; returns the session's id."""
    coach = make_coach()
    world.link("maya.coach", user=coach.user)
    booking = make_booking(
        offer=make_offer(coach),
        starts_at=world.now + HOUR,
        now=world.now,
        discord_identity=world.link("sam.student"),
    )
    return booking.session_id


def test_room_lives_and_goes_over_http(http_world: World) -> None:
    session_id = book_soon(http_world)
    request_reconcile(session_id, now=http_world.now)

    http_world.advance(5 * SECOND)
    assert http_world.sees("sam.student") == http_world.sees("maya.coach") == http_world.rooms()
    assert len(http_world.rooms()) == 1
    http_world.clock.set(Room.objects.get().session.ends_at + HOUR)
    http_world.run()

    assert http_world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE


@pytest.mark.parametrize("fault", ["drop_reply", "garbled_reply"])
def test_lost_answer_over_http_leaves_one_room(http_world: World, fault: str) -> None:
    session_id = book_soon(http_world)
    reconcile_session(session_id)
    Room.objects.all().update(state="provisioning")
    http_world.delete_by_hand()
    http_world.arm(fault, 1)
    request_reconcile(session_id, now=http_world.now)

    http_world.advance(40 * SECOND)

    assert len(http_world.rooms()) == 1
    assert http_world.sees("sam.student") == http_world.rooms()


def test_two_runs_at_once_make_one_room(http_world: World, race: Race) -> None:
    session_id = book_soon(http_world)

    verdicts = race([lambda: reconcile_session(session_id), lambda: reconcile_session(session_id)])

    assert [verdict for verdict in verdicts if isinstance(verdict, Exception)] == []
    http_world.clock.advance(SECOND)
    reconcile_session(session_id)
    assert len(http_world.rooms()) == 1
    assert DiscordObject.objects.count() == 2
    assert (live().generation, live(ObjectKind.ROLE).generation) == (1, 1)


def test_two_runs_at_once_close_a_room(http_world: World, race: Race) -> None:
    session_id = book_soon(http_world)
    reconcile_session(session_id)
    http_world.clock.set(Room.objects.get().session.ends_at + HOUR)

    race([lambda: reconcile_session(session_id), lambda: reconcile_session(session_id), sweep_guild])
    http_world.clock.advance(SECOND)
    reconcile_session(session_id)

    assert http_world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE


def test_runs_whose_turn_ended_early_still_make_one_room(http_world: World, race: Race) -> None:
    """The sandbox's clock may jump while a run is at work: its turn ends, and another run takes the room over."""
    session_id = book_soon(http_world)

    def jump_and_run() -> object:
        http_world.clock.advance(31 * SECOND)
        return reconcile_session(session_id)

    race([lambda: reconcile_session(session_id), jump_and_run])
    for _ in range(3):
        http_world.clock.advance(40 * SECOND)
        reconcile_session(session_id)
    sweep_guild()

    assert len(http_world.rooms()) == 1
    assert http_world.sees("maya.coach") == http_world.rooms()


def test_connection_asks_once_who_the_bot_is(http_world: World) -> None:
    connection = make_connection(http_world.wire, http_world.time)

    assert connection.bot_id() == connection.bot_id() == int(settings.DISCORD.client_id)

    assert http_world.wire.requests == ["GET /users/@me"]
    assert connection.join_url(1, 2).endswith("/1/2")
