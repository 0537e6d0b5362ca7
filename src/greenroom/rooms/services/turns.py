"""One run at a time works on a room: it takes a turn, and every step checks that the turn is still its own.

Two runs at once are normal (a cancellation plans one while another is at work; a lease may end). The turn keeps
them apart; should it fail them, as when the sandbox's clock jumps, what each may still do is harmless: a request
already sent is recognised by its generation, and everything else is compared with Discord again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from greenroom.bookings.models import CoachingSession
from greenroom.catalog.types import Venue
from greenroom.core import audit
from greenroom.core.actors import SYSTEM
from greenroom.core.ids import new_ref
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.protocol import CallOptions
from greenroom.integrations.discord.types import RoleId
from greenroom.rooms import queries, rules
from greenroom.rooms.errors import TurnLostError
from greenroom.rooms.models import DiscordObject, Room, RoomAccess
from greenroom.rooms.policies import AccessMethod
from greenroom.rooms.rules.page import UNKNOWN_ACCOUNT
from greenroom.rooms.types import AccessState, Desired, ObjectKind, Participant, RoomState, SessionFacts

# Longer than the longest call (its waits and attempts), shorter than the minute in which a room must close.
TURN_LASTS = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to work on one room: it holds while nobody else took the room."""

    room_id: int
    token: str


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a step needs to know, read in one transaction at `now`. `room` is a copy: it is not written back.

    `objects` are those that stand at Discord or may stand there, of each kind the one to keep first.
    """

    room: Room
    objects: tuple[DiscordObject, ...]
    session: SessionFacts
    participants: tuple[Participant, ...]
    desired: Desired
    now: datetime

    def ids_of(self, kind: ObjectKind) -> tuple[int, ...]:
        """Return the ids of the room's objects of a kind, the one to keep first."""
        return tuple(it.object_id for it in self.objects if it.kind == kind and it.object_id is not None)

    @property
    def role_id(self) -> RoleId | None:
        """The role that people are let in by; None while there is none, or when they are let in one by one."""
        ids = self.ids_of(ObjectKind.ROLE) if ObjectKind.ROLE in self.desired.kinds else ()
        return RoleId(ids[0]) if ids else None


def ensure_room(session_id: int, *, now: datetime) -> Room | None:
    """Return the room row of a session, made with today's policy on first use; None where no Discord is involved."""
    session = CoachingSession.objects.select_related("offer").get(pk=session_id)
    if session.venue != Venue.DISCORD:
        return Room.objects.filter(session=session).first()
    policy = queries.policy_for(session.offer)
    room, _made = Room.objects.get_or_create(session=session, defaults={**asdict(policy), "created_at": now})
    return room


def take_turn(room: Room, *, now: datetime) -> Turn | None:
    """Take the room for this run, or return None while another run has it. Locks and writes the room."""
    with unit_of_work():
        locked = lock_room(room.pk)
        if locked.turn_token and locked.turn_until is not None and locked.turn_until > now:
            return None
        locked.turn_token, locked.turn_until = new_ref(), now + TURN_LASTS
        locked.save(update_fields=["turn_token", "turn_until"])
        return Turn(locked.pk, locked.turn_token)


@contextmanager
def holding(turn: Turn, *, now: datetime) -> Iterator[Room]:
    """Lock the room for one short transaction, prolong the turn, and save what the block changed.

    Raises: TurnLostError, and then nothing is changed.
    """
    with unit_of_work():
        room = lock_room(turn.room_id)
        if room.turn_token != turn.token:
            raise TurnLostError
        room.turn_until = now + TURN_LASTS
        yield room
        room.save()


def lock_room(room_id: int) -> Room:
    """Lock one room for this transaction; after its session, if that is locked too (law 2)."""
    return Room.objects.select_for_update(no_key=True).get(pk=room_id)


def read_situation(turn: Turn, *, now: datetime) -> Situation:
    """Read room, session and people together, and compute what should be at `now`. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        return situation_of(room, now=now)


def situation_of(room: Room, *, now: datetime) -> Situation:
    """Read session and people of a room, and compute what should be at `now`; writes nothing."""
    session = CoachingSession.objects.get(pk=room.session_id)
    facts = queries.session_facts(session)
    participants = queries.participants_of(session)
    # One account that Discord does not know any more would make it refuse the overwrites of everybody.
    unknown = set(
        RoomAccess.objects.filter(room=room, state=AccessState.FAILED, last_error=UNKNOWN_ACCOUNT).values_list(
            "discord_user_id", flat=True
        )
    )
    known = [person for person in participants if person.discord_user_id not in unknown]
    has_role = room.policy.access_method is not AccessMethod.MEMBER and not room.does_without_role
    objects = _live_objects(room)
    desired = rules.desired_room(facts, known, room.policy, now, has_role=has_role, stands=bool(objects))
    return Situation(room, objects, facts, participants, desired, now)


def _live_objects(room: Room) -> tuple[DiscordObject, ...]:
    live = room.discord_objects.filter(deleted_at__isnull=True)
    return tuple(sorted(live, key=lambda it: (not it.marker, it.object_id or 0, it.pk)))


def reason_of(room: Room, operation: str) -> CallOptions:
    """Return call options that name room and operation in the server's audit log."""
    return CallOptions(reason=f"coaching room={room.ref} op={operation}")


def set_state(room: Room, state: RoomState, *, now: datetime) -> None:
    """Change a locked room's state and leave an entry in the audit log; the same state again changes nothing."""
    if room.state == state:
        return
    audit.record(
        actor=SYSTEM,
        action=f"room.{state}",
        target=room,
        now=now,
        before={"state": room.state},
        after={"state": state},
    )
    room.state = state
