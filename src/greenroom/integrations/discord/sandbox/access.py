"""The credentials by which the site and its simulated Discord know each other."""

from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class DiscordAccess(Protocol):
    """What of `settings.DISCORD` the sandbox reads."""

    @property
    def client_id(self) -> str:
        """The application's id."""

    @property
    def client_secret(self) -> str:
        """The application's secret."""

    @property
    def bot_token(self) -> str:
        """The bot's token."""

    @property
    def guild_id(self) -> str:
        """The default guild's id."""

    @property
    def redirect_uri(self) -> str:
        """The one registered address to return to."""


def access() -> DiscordAccess:
    """Return the configured credentials. Raises: ImproperlyConfigured, when there are none."""
    if settings.DISCORD is None:
        raise ImproperlyConfigured("The Discord sandbox needs the Discord settings.")
    return settings.DISCORD
