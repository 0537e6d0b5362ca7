"""The real client, speaking HTTP to the embedded Discord."""

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.discord.connect import Access, Discord
from greenroom.integrations.discord.oauth import OAuthApplication, new_code_verifier
from greenroom.integrations.discord.protocol import DiscordApi
from greenroom.integrations.discord.sandbox.ratelimit import WINDOWS
from greenroom.integrations.discord.sandbox.services.guild import ensure_guild
from greenroom.integrations.discord.state import InMemoryBotState
from greenroom.integrations.discord.types import GuildId, Tokens

# Emptying the tables of every app after each test would take most of the time.
SANDBOX_ROWS_ONLY = pytest.mark.django_db(
    transaction=True,
    available_apps=["greenroom.integrations.discord.sandbox", "greenroom.integrations.sandbox"],
)


@pytest.fixture
def state() -> InMemoryBotState:
    return InMemoryBotState()


@pytest.fixture
def connect(live_server: LiveServer) -> Iterator[Callable[[InMemoryBotState], Discord]]:
    """Open connections that know nothing of each other, like several processes."""
    known = settings.DISCORD
    sandbox = f"{live_server.url}/sandbox/discord"
    application = OAuthApplication(
        known.client_id, known.client_secret, known.redirect_uri, f"{sandbox}/oauth2/authorize"
    )
    access = Access(f"{sandbox}/api/v10", known.bot_token, application, "https://coach.example")
    WINDOWS.forget()
    opened: list[Discord] = []

    def open_one(state: InMemoryBotState) -> Discord:
        opened.append(Discord(access, state=state, refuse_if_in_transaction=refuse_network_in_transaction))
        return opened[-1]

    yield open_one
    for discord in opened:
        discord.close()


@pytest.fixture
def discord(connect: Callable[[InMemoryBotState], Discord], state: InMemoryBotState) -> Discord:
    return connect(state)


@pytest.fixture
def processes(connect: Callable[[InMemoryBotState], Discord]) -> list[DiscordApi]:
    return [connect(InMemoryBotState()).api for _ in range(4)]


@pytest.fixture
def api(discord: Discord) -> DiscordApi:
    return discord.api


@pytest.fixture
def guild(discord: Discord) -> GuildId:  # noqa: ARG001 -- its database
    return GuildId(ensure_guild().pk)


@pytest.fixture
def link(discord: Discord) -> Callable[..., Tokens]:
    """Link a person: consent on the page, then trade the code."""

    def consent(user_id: int, scopes: Sequence[str] = ("identify", "guilds.join")) -> Tokens:
        verifier = new_code_verifier()
        url = discord.sign_in.authorize_url(state="s1", code_verifier=verifier, scopes=scopes)
        answer = httpx.post(url, data={"user": str(user_id), "decision": "allow"})
        assert answer.status_code == 302
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query["state"] == ["s1"]
        return discord.sign_in.exchange_code(query["code"][0], code_verifier=verifier)

    return consent
