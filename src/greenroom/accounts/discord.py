"""The connection through which people link their Discord accounts; `config.wiring` names it, or none."""

from greenroom.integrations.discord.protocol import DiscordSignIn

_sign_in: DiscordSignIn | None = None


def use(sign_in: DiscordSignIn | None) -> None:
    """Wire the connection; None: Discord is not set up here."""
    global _sign_in  # noqa: PLW0603 -- the one wired value of this module
    _sign_in = sign_in


def current() -> DiscordSignIn | None:
    """Return the wired connection, or None when Discord is not set up."""
    return _sign_in
