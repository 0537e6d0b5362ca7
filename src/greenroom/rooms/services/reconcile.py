"""Comparing what should be with what is, and closing the difference: one run over one room.

Every step reads the booking and the clock again, so that a cancellation in the middle of a run wins over the rest
of it. No call to Discord is made inside a transaction. Safe to run twice, at once, late, and after any crash.
"""

from contextlib import suppress
from datetime import timedelta

from greenroom.core import clock
from greenroom.integrations.discord.errors import (
    BadRequest,
    DiscordError,
    NotFound,
    OutcomeUnknown,
)
from greenroom.rooms import discord, rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError, TurnLostError
from greenroom.rooms.services.changing import make_change
from greenroom.rooms.services.looking import assume, look
from greenroom.rooms.services.people import check_people
from greenroom.rooms.services.settling import Verdict, note_failure, note_unconfigured, pause, settle
from greenroom.rooms.services.turns import Situation, Turn, ensure_room, read_situation, take_turn
from greenroom.rooms.types import STANDING, Presence

# Enough for several spare channels; a room that still differs then is looked at again a little later.
_MOST_CHANGES = 12
_TURN_POLL = timedelta(seconds=1)
FINISHED = Verdict(None, "This session needs no room.")


def reconcile_session(session_id: int) -> Verdict:
    """Bring the room of a session to what it should be right now; returns when to look again.

    Reads the clock itself, because calls take time. Locks and writes the room, never the session. Foreseen
    failures are written down and come back as a time to try again. Raises: BusyError, and only bugs besides.
    """
    room = ensure_room(session_id, now=clock.now())
    if room is None:
        return FINISHED
    turn = take_turn(room, now=clock.now())
    if turn is None:
        return Verdict(clock.now() + _TURN_POLL, "Another run works on this room.")
    try:
        return _run(turn)
    except TurnLostError:
        return Verdict(clock.now() + _TURN_POLL, "Another run took this room over.")


def _run(turn: Turn) -> Verdict:
    seen = read_situation(turn, now=clock.now())
    if seen.room.channel_id is None and not seen.room.is_unsure and seen.desired.presence is Presence.ABSENT:
        return settle(turn, seen)
    connection = discord.current()
    if connection is None:
        return note_unconfigured(turn, seen)
    return _Run(turn, seen, connection).go()


class _Run:
    """One turn's work at Discord. `seen` is the situation as last read: what a failure is judged by."""

    def __init__(self, turn: Turn, seen: Situation, connection: Connection) -> None:
        self._turn = turn
        self._seen = seen
        self._connection = connection

    def go(self) -> Verdict:
        """Converge, look at the people, and say when to come back. Raises: TurnLostError."""
        try:
            has_changed = self._converge()
            # Giving people the room comes first, other rooms' included: who is in the server is asked in the next run.
            is_new = has_changed or self._seen.room.state not in STANDING
            if self._seen.desired.presence is Presence.ABSENT or is_new:
                return settle(self._turn, self._seen, are_people_due=is_new)
            check_people(self._turn, self._seen, self._connection)
            return settle(self._turn, self._seen)
        except NotYetError as wait:
            return pause(self._turn, wait)
        except DiscordError as error:
            self._find_who_is_at_fault(error)
            return note_failure(self._turn, self._seen, error)

    def _converge(self) -> bool:
        """Change one thing after the other until nothing differs; returns whether anything had to be changed.

        The last answer for each thing is Discord's own: that of a change, or of a look after a deletion.
        """
        actual = assume(self._seen, self._connection)
        for changes_made in range(_MOST_CHANGES):
            self._seen = read_situation(self._turn, now=clock.now())
            actual = actual or look(self._turn, self._seen, self._connection)
            changes = rules.plan(self._seen.desired, actual)
            if not changes:
                return changes_made > 0
            actual = make_change(self._turn, self._seen, changes[0], actual, self._connection)
        raise OutcomeUnknown("Discord keeps showing another room than it confirmed")

    def _find_who_is_at_fault(self, error: DiscordError) -> None:
        """Look at the people when Discord refused the overwrites: one account it does not know spoils them all."""
        if not isinstance(error, BadRequest | NotFound) or self._seen.desired.presence is Presence.ABSENT:
            return
        with suppress(DiscordError, NotYetError):
            check_people(self._turn, self._seen, self._connection)
