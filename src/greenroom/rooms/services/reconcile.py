"""Comparing what should be with what is, and closing the difference: one run over one room.

Every step reads the booking and the clock again, so that a cancellation in the middle of a run wins over the rest
of it. No call to Discord is made inside a transaction. Safe to run twice, at once, late, and after any crash.
"""

from contextlib import suppress
from datetime import timedelta

from greenroom.core import clock
from greenroom.integrations.discord.errors import (
    DiscordError,
    OutcomeUnknown,
    PermanentError,
    Unauthorized,
)
from greenroom.rooms import discord, rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError, TurnLostError
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.services.changing import make_change
from greenroom.rooms.services.looking import look_at, place_of, solve
from greenroom.rooms.services.offering import offer_fallback
from greenroom.rooms.services.people import check_people
from greenroom.rooms.services.reminding import plan_reminders
from greenroom.rooms.services.settling import Verdict, note_failure, note_unconfigured, pause, settle
from greenroom.rooms.services.turns import Situation, Turn, ensure_room, read_situation, take_turn
from greenroom.rooms.types import (
    AFTERWARDS,
    STANDING,
    Actual,
    Change,
    CreateObject,
    DeleteObject,
    Found,
    ObjectKind,
    Presence,
)

# Enough for several spare objects; a room that still differs then is looked at again a little later.
_MOST_STEPS = 24
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
        verdict = _run(turn)
    except TurnLostError:
        verdict = Verdict(clock.now() + _TURN_POLL, "Another run took this room over.")
    offer_fallback(room, now=clock.now())
    plan_reminders(room, now=clock.now())
    return verdict


def _run(turn: Turn) -> Verdict:
    seen = read_situation(turn, now=clock.now())
    if not seen.objects and seen.desired.presence is Presence.ABSENT:
        return settle(turn, seen)
    connection = discord.current()
    if connection is None:
        return note_unconfigured(turn, seen)
    return _Run(turn, seen, connection).go()


class _Run:
    """One turn's work at Discord.

    `seen` is the situation as last read: what a failure is judged by. `known` are the objects as Discord last showed
    them, by id. What went wrong with one of them (`troubles`, by what was tried) does not keep the others.
    """

    def __init__(self, turn: Turn, seen: Situation, connection: Connection) -> None:
        self._turn = turn
        self._seen = seen
        self._connection = connection
        self._known: dict[int, Found] = {}
        self._deleted: set[int] = set()
        self._troubles: dict[tuple[type[Change] | None, int | str], DiscordError | NotYetError] = {}

    def go(self) -> Verdict:
        """Converge, look at the people, and say when to come back. Raises: TurnLostError."""
        try:
            has_changed = self._converge()
            trouble = self._worst_trouble()
            if trouble is not None:
                self._help_people_in_spite_of(trouble)
                raise trouble
            # Giving people the room comes first, other rooms' included: who is in the server is asked in the next run.
            # With a role that is the same: people are given the room one by one.
            is_new = self._seen.role_id is None and (has_changed or self._seen.room.state not in STANDING)
            presence = self._seen.desired.presence
            if presence is Presence.ABSENT or (is_new and presence not in AFTERWARDS):
                return settle(self._turn, self._seen, are_people_due=is_new)
            check_people(self._turn, self._seen, self._connection)
            return settle(self._turn, self._seen)
        except NotYetError as wait:
            return pause(self._turn, wait)
        except DiscordError as error:
            return note_failure(self._turn, self._seen, error)

    def _converge(self) -> bool:
        """Change one thing after the other until nothing differs; returns whether anything had to be changed.

        The last answer for each thing is Discord's own: that of a change, or of a look after a deletion.
        """
        has_changed = False
        for _ in range(_MOST_STEPS):
            self._seen = read_situation(self._turn, now=clock.now())
            if self._look():
                continue
            changes = [it for it in rules.plan(self._seen.desired, self._actual()) if _tried(it) not in self._troubles]
            if not changes:
                return has_changed
            self._make(changes[0])
            has_changed = True
        raise OutcomeUnknown("Discord keeps showing another room than it confirmed")

    def _look(self) -> bool:
        """Look at every object that is not known; returns whether that brought something to write down.

        An object that should be gone is deleted by its id at once: looking first would only delay the closing.
        """
        has_news = False
        for row in self._seen.objects:
            was_just_asked_for = row.object_id is None and (CreateObject, row.kind) in self._troubles
            if (None, row.pk) in self._troubles or row.object_id in self._known or was_just_asked_for:
                continue
            try:
                has_news |= self._look_at(row)
            except (DiscordError, NotYetError) as error:
                self._troubles[None, row.pk] = error
        return has_news

    def _look_at(self, row: DiscordObject) -> bool:
        if row.object_id is None:
            solve(self._turn, self._seen, row, self._connection)
            return True
        if self._seen.desired.presence is Presence.ABSENT and row.object_id not in self._deleted:
            self._known[row.object_id] = Found(ObjectKind(row.kind), row.object_id)
            return False
        found = look_at(self._turn, row, self._connection)
        if found is not None:
            self._known[found.id] = found
        return found is None

    def _actual(self) -> Actual:
        rows = self._seen.objects
        unseen = {ObjectKind(row.kind) for row in rows if row.object_id not in self._known}
        found = tuple(self._known[row.object_id] for row in rows if row.object_id in self._known)
        return Actual(place_of(self._seen, self._connection), found, frozenset(unseen))

    def _make(self, change: Change) -> None:
        place = place_of(self._seen, self._connection)
        if not isinstance(change, CreateObject):
            self._known.pop(change.target.id)
        try:
            made = make_change(self._turn, self._seen, change, place, self._connection)
        except (DiscordError, NotYetError) as error:
            self._troubles[_tried(change)] = error
            return
        if isinstance(change, DeleteObject):
            self._deleted.add(change.target.id)
        if made is not None:
            self._known[made.id] = made

    def _worst_trouble(self) -> DiscordError | NotYetError | None:
        """Return what the room's state is told by: the first error, or else the first thing to wait for."""
        troubles = list(self._troubles.values())
        return next((it for it in troubles if isinstance(it, DiscordError)), troubles[0] if troubles else None)

    def _help_people_in_spite_of(self, trouble: DiscordError | NotYetError) -> None:
        """Look at the people when Discord refused something for good (what is there is theirs), or all is over.

        One account that Discord does not know spoils the overwrites of everybody, and this finds it out.
        """
        presence = self._seen.desired.presence
        is_for_good = isinstance(trouble, PermanentError) and not isinstance(trouble, Unauthorized)
        if presence is Presence.ABSENT or not (is_for_good or presence in AFTERWARDS):
            return
        with suppress(DiscordError, NotYetError):
            check_people(self._turn, self._seen, self._connection)


def _tried(change: Change) -> tuple[type[Change], int | str]:
    """Return what a change tries, so that it is not tried again in the same run."""
    return type(change), change.kind if isinstance(change, CreateObject) else change.target.id
