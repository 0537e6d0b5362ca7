"""What can stop a run over one room."""

from datetime import datetime

from greenroom.core.errors import GreenroomError
from greenroom.integrations.discord.errors import Forbidden


class RoleOutOfReachError(Forbidden):
    """The room's role stands above the bot's own, which therefore can neither give nor delete it."""

    code = "rooms_role_out_of_reach"
    message = (
        "In the Discord server the role of this room stands above the bot's own, so that the bot cannot manage it. "
        "Move the bot's role to the top of the server's list of roles."
    )


class NoDiscordError(GreenroomError):
    """There is no Discord to ask."""

    code = "no_discord"
    message = "Discord is not set up on this site."


class TurnLostError(Exception):
    """Another run took this room over; nothing of what this one still wanted may be done."""


class NotYetError(Exception):
    """The run can only go on at `at` (aware): nothing is wrong, it has to wait."""

    def __init__(self, at: datetime, reason: str) -> None:
        super().__init__(reason)
        self.at = at
        self.reason = reason
