from collections.abc import Callable, Iterator

import pytest
from tests.factories.waiting import PATIENCE_SECONDS
from tests.integrations.discord.faulty_server import FaultyServer

from greenroom.integrations.discord.client import DiscordClient
from greenroom.integrations.discord.oauth import DiscordOAuth, OAuthApplication
from greenroom.integrations.discord.sender import Sender, Timing
from greenroom.integrations.discord.state import InMemoryBotState
from greenroom.integrations.discord.transport import HttpxTransport

BOT_TOKEN = "very.secret.token"
APPLICATION = OAuthApplication(
    client_id="42",
    client_secret="client-secret",
    redirect_uri="http://localhost:8000/back",
    authorize_url="http://127.0.0.1:8000/oauth2/authorize",
)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    faulty = FaultyServer()
    yield faulty
    faulty.close()


@pytest.fixture
def state() -> InMemoryBotState:
    return InMemoryBotState()


@pytest.fixture
def read_seconds() -> float:
    """How long the client waits for an answer; tests of an answer that never comes ask for less."""
    return PATIENCE_SECONDS


@pytest.fixture
def transport(server: FaultyServer, read_seconds: float) -> Iterator[HttpxTransport]:
    opened = HttpxTransport(server.base_url, read_seconds=read_seconds)
    yield opened
    opened.close()


@pytest.fixture
def sender(server: FaultyServer, transport: HttpxTransport, state: InMemoryBotState) -> Sender:
    return Sender(
        base_url=server.base_url,
        user_agent="DiscordBot (https://coach.example, 1)",
        transport=transport,
        state=state,
        refuse_if_in_transaction=lambda: None,
        timing=Timing(jitter=lambda: 0.0),
    )


@pytest.fixture
def bot(sender: Sender) -> DiscordClient:
    return DiscordClient(sender, BOT_TOKEN)


@pytest.fixture
def sign_in(sender: Sender) -> DiscordOAuth:
    return DiscordOAuth(sender, APPLICATION)


@pytest.fixture
def guarded_bot(server: FaultyServer, transport: HttpxTransport) -> Callable[[Callable[[], None]], DiscordClient]:
    """Build a client with another transaction guard."""

    def build(guard: Callable[[], None]) -> DiscordClient:
        sender = Sender(
            base_url=server.base_url,
            user_agent="DiscordBot (https://coach.example, 1)",
            transport=transport,
            state=InMemoryBotState(),
            refuse_if_in_transaction=guard,
        )
        return DiscordClient(sender, BOT_TOKEN)

    return build
