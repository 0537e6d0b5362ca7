"""What the session page says about a room, in plain words."""

from datetime import datetime, timedelta

from greenroom.integrations.discord.codes import DiscordCode
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.rules.timing import COUNTING, closes_at, gone_at, opens_at
from greenroom.rooms.types import AccessState, PageState, RoomState, SessionFacts, Sighting

LINK_REVOKED = "link_revoked"
# The person is in the server and has not accepted its rules yet: Discord's membership screening.
PENDING = "pending"
UNKNOWN_ACCOUNT = str(int(DiscordCode.UNKNOWN_USER))
_BROKEN = frozenset({RoomState.DEGRADED, RoomState.BLOCKED})
_WAYS_IN: dict[str, str] = {
    str(int(DiscordCode.BANNED)): "The Discord server has banned this account. Please write to your coach.",
    str(int(DiscordCode.TOO_MANY_GUILDS)): "Your Discord account is in too many servers. Leave one; we keep trying.",
    str(int(DiscordCode.VERIFY_ACCOUNT)): "Discord asks you to verify your account first. We keep trying.",
    UNKNOWN_ACCOUNT: "Discord does not know this account any more. Please connect another one.",
    LINK_REVOKED: "The link to your Discord account no longer works. Please connect it again.",
    PENDING: "Please open the Discord server and accept its rules; then the room appears.",
}
_CANNOT_JOIN = "We could not bring you into the Discord server. Please connect Discord again; we keep trying too."
_MINUTES_PER_HOUR = 60


def session_page_state(
    session: SessionFacts, policy: RoomPolicy, sighting: Sighting | None, now: datetime
) -> tuple[PageState, str]:
    """Return the state of a room as one person should see it at `now`, and the sentence that says it.

    `sighting` is None while no room was planned yet. Only `ready` comes with a live Join button.
    """
    if session.status not in COUNTING:
        return PageState.OVER, "This session does not take place, so it has no room."
    if now >= closes_at(session, policy):
        return PageState.OVER, _afterwards(session, policy, sighting, now)
    if sighting is not None and _must_act(sighting):
        return PageState.CONNECT, _what_to_do(sighting)
    if now < opens_at(session, policy):
        return PageState.EARLY, f"Your room opens in {_spelled(opens_at(session, policy) - now)}."
    if sighting is None:
        return PageState.OPENING, "Your room is being made. This takes a few seconds."
    return _in_the_window(sighting)


def _afterwards(session: SessionFacts, policy: RoomPolicy, sighting: Sighting | None, now: datetime) -> str:
    if sighting is None or sighting.state is not RoomState.ARCHIVED:
        return "This session is over and its room is closed."
    left = _spelled(gone_at(session, policy) - now)
    return f"This session is over. What was written in its room can be read in Discord for {left} more."


def _in_the_window(sighting: Sighting) -> tuple[PageState, str]:
    if sighting.has_channel and sighting.access is AccessState.GRANTED and sighting.state is not RoomState.CLOSING:
        return PageState.READY, "Your room is open."
    if sighting.access is AccessState.FAILED:
        return PageState.FAILED, _WAYS_IN.get(sighting.access_error, _CANNOT_JOIN)
    if sighting.state in _BROKEN:
        reason = sighting.room_error or "The room could not be made."
        return PageState.FAILED, f"{reason} We keep trying, and the people who run this site were told."
    return PageState.OPENING, "Your room is being opened for you. This takes a few seconds."


def _must_act(sighting: Sighting) -> bool:
    if sighting.access in {AccessState.UNLINKED, AccessState.NOT_IN_GUILD}:
        return True
    return sighting.access is AccessState.JOINING and sighting.access_error == PENDING


def _what_to_do(sighting: Sighting) -> str:
    if sighting.access_error in _WAYS_IN:
        return _WAYS_IN[sighting.access_error]
    if sighting.access is AccessState.NOT_IN_GUILD:
        return "You are not in the Discord server yet. Connect Discord again and allow us to bring you in."
    return "Connect Discord to enter the room. It opens for you within seconds."


def _spelled(left: timedelta) -> str:
    """Spell a duration for people, rounded up to minutes: "3 days", "2 h 05 min", "5 minutes"."""
    minutes = max(1, -(-left // timedelta(minutes=1)))
    if left >= timedelta(days=2):
        return f"{left.days} days"
    if minutes >= _MINUTES_PER_HOUR:
        return f"{minutes // _MINUTES_PER_HOUR} h {minutes % _MINUTES_PER_HOUR:02d} min"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
