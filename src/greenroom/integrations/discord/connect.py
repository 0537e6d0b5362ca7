"""Puts the parts together: one `Sender` for one bot token, and the two clients that share it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from greenroom.integrations.discord.client import DiscordClient
from greenroom.integrations.discord.oauth import DiscordOAuth, OAuthApplication
from greenroom.integrations.discord.sender import REAL_TIME, Sender, Timing
from greenroom.integrations.discord.state import BotState
from greenroom.integrations.discord.transport import HttpxTransport

_API_VERSION = "/api/v10"


@dataclass(frozen=True, slots=True)
class Access:
    """Where Discord's API stands and who we are there; printing it shows no secrets.

    `contact_url` goes into the User-Agent, so that Discord can tell whose bot this is.
    """

    api_base: str
    bot_token: str = field(repr=False)
    application: OAuthApplication
    contact_url: str

    def __post_init__(self) -> None:
        if not self.api_base.rstrip("/").endswith(_API_VERSION):
            raise ValueError(f"the Discord address must end in {_API_VERSION}: other versions answer differently")


class Discord:
    """An open connection: `api` speaks as the bot, `sign_in` links people. Shared by all threads of a process."""

    def __init__(
        self,
        access: Access,
        *,
        state: BotState,
        refuse_if_in_transaction: Callable[[], None],
        timing: Timing = REAL_TIME,
    ) -> None:
        self._transport = HttpxTransport(access.api_base)
        sender = Sender(
            base_url=access.api_base,
            user_agent=f"DiscordBot ({access.contact_url}, {version('greenroom')})",
            transport=self._transport,
            state=state,
            refuse_if_in_transaction=refuse_if_in_transaction,
            timing=timing,
        )
        self.api = DiscordClient(sender, access.bot_token)
        self.sign_in = DiscordOAuth(sender, access.application)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
