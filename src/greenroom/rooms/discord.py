"""The Discord server in which rooms are made; `config.wiring` names it, or none."""

from dataclasses import dataclass, field
from threading import Lock

from greenroom.integrations.discord.protocol import DiscordApi, DiscordSignIn
from greenroom.integrations.discord.types import ChannelId, DiscordUserId, GuildId

DISCORD_PAGES = "https://discord.com/channels"


@dataclass(slots=True)
class Connection:
    """One guild and the two clients that reach it; shared by all threads of a process.

    `pages_url` is where a person opens a channel: below it stand the guild's id and the channel's.
    """

    api: DiscordApi
    sign_in: DiscordSignIn
    guild_id: GuildId
    pages_url: str = DISCORD_PAGES
    _bot_id: DiscordUserId | None = field(default=None, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def bot_id(self) -> DiscordUserId:
        """Tell who our bot is; asks Discord once. Raises: what any of the bot's calls may raise."""
        with self._lock:
            if self._bot_id is None:
                self._bot_id = self.api.current_bot().id
            return self._bot_id

    def join_url(self, guild_id: int, channel_id: ChannelId | int) -> str:
        """Return the address that opens a channel in a person's Discord."""
        return f"{self.pages_url.rstrip('/')}/{guild_id}/{channel_id}"


_wired: Connection | None = None


def use(connection: Connection | None) -> None:
    """Wire the server, or none: then rooms are blocked and say so."""
    global _wired  # noqa: PLW0603 -- the one wired value of this module
    _wired = connection


def current() -> Connection | None:
    """Return the wired server, or None when Discord is not set up."""
    return _wired
