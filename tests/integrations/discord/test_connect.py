import pytest
from tests.integrations.discord.conftest import APPLICATION
from tests.integrations.discord.faulty_server import FaultyServer, Reply

from greenroom.integrations.discord.connect import Access, Discord
from greenroom.integrations.discord.state import InMemoryBotState


def test_discord_speaks_as_bot_and_for_people(server: FaultyServer) -> None:
    access = Access(server.base_url, "bot-token", APPLICATION, "https://coach.example")
    discord = Discord(access, state=InMemoryBotState(), refuse_if_in_transaction=lambda: None)
    server.queue(Reply(200, {"id": "1", "username": "bot"}), Reply(200, {"id": "9", "username": "sam"}))

    discord.api.current_bot()
    discord.sign_in.user_of("a1")
    discord.close()

    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bot bot-token", "Bearer a1"]
    assert server.seen[0].headers["User-Agent"] == "DiscordBot (https://coach.example, 0.1.0)"


def test_access_of_another_api_version_is_refused() -> None:
    with pytest.raises(ValueError, match="/api/v10"):
        Access("https://discord.com/api/v9", "bot-token", APPLICATION, "https://coach.example")


def test_access_shows_no_secrets() -> None:
    shown = repr(Access("https://discord.com/api/v10", "bot-token", APPLICATION, "https://coach.example"))

    assert "bot-token" not in shown
    assert "client-secret" not in shown
