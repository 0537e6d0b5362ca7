"""Rooms as whoever runs the site looks at them: what is coming, how it went, what happened to one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_high

from django.db.models import Count, Q, QuerySet, Sum

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.catalog.types import Venue
from greenroom.core.errors import NotFoundError
from greenroom.core.models import AuditEntry
from greenroom.integrations.discord.state import INVALID_WINDOW
from greenroom.rooms import rules
from greenroom.rooms.models import BotRefusals, DiscordObject, Room, RoomAccess
from greenroom.rooms.queries import ENTITLED, participants_of, policy_for, room_view, session_facts
from greenroom.rooms.types import AccessState, PersonRole, RoomState

AHEAD = timedelta(hours=24)
_NUMBERS_OF = timedelta(days=7)
_MOST_MEASURED = 2000


@dataclass(frozen=True, slots=True)
class ComingRoom:
    """A session of the next hours with its room, as far as there is one. Instants are aware UTC."""

    session: CoachingSession
    room: Room | None
    opens_at: datetime
    closes_at: datetime
    people: int
    linked: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """How rooms of the last seven days went. `waits` are from when a room was due to when it was opened."""

    due: int
    opened: int
    median_wait: timedelta | None
    longest_wait: timedelta | None
    fallbacks: int
    strays: int
    refusals: int

    @property
    def opened_percent(self) -> int:
        """How many of the rooms that were due were opened, rounded down: 100 means all of them."""
        return 100 * self.opened // self.due if self.due else 100


@dataclass(frozen=True, slots=True)
class PersonInRoom:
    """One person of a session, with what their session page tells them of the room."""

    name: str
    role: PersonRole
    sentence: str


def rooms_by_state() -> list[tuple[RoomState, int]]:
    """Return how many rooms are in each state, those that are gone left out, in the order of a room's life."""
    counted = Counter(dict(Room.objects.exclude(state=RoomState.GONE).values_list("state").annotate(Count("pk"))))
    return [(state, counted[state]) for state in RoomState if counted[state]]


def coming_sessions(*, now: datetime) -> QuerySet[CoachingSession]:
    """Return sessions on Discord that run or begin within 24 hours, the earliest first."""
    return (
        CoachingSession.objects.filter(
            venue=Venue.DISCORD, status__in=rules.COUNTING, ends_at__gt=now, starts_at__lt=now + AHEAD
        )
        .select_related("offer", "coach", "room")
        .order_by("starts_at", "pk")
    )


def with_rooms(sessions: Sequence[CoachingSession]) -> list[ComingRoom]:
    """Return sessions with what is known of their rooms; three queries a session, so hand in a page of them."""
    found = []
    for session in sessions:
        room = getattr(session, "room", None)
        policy, facts = room.policy if room else policy_for(session.offer), session_facts(session)
        people = participants_of(session)
        linked = sum(one.discord_user_id is not None for one in people)
        times = rules.opens_at(facts, policy), rules.closes_at(facts, policy)
        found.append(ComingRoom(session, room, *times, len(people), linked))
    return found


def numbers(*, now: datetime) -> Numbers:
    """Reckon how the rooms of the last seven days went; at most the latest two thousand are measured."""
    since = now - _NUMBERS_OF
    rooms = Room.objects.filter(session__starts_at__range=(since, now), session__status__in=rules.COUNTING)
    latest = list(rooms.select_related("session").order_by("-session__starts_at")[:_MOST_MEASURED])
    waits = [wait for room in latest if (wait := _wait(room)) is not None]
    recent = BotRefusals.objects.filter(minute__gt=now - INVALID_WINDOW)
    return Numbers(
        due=len(latest),
        opened=len(waits),
        median_wait=median_high(waits) if waits else None,
        longest_wait=max(waits, default=None),
        fallbacks=sum(room.fallback_at is not None for room in latest),
        strays=DiscordObject.objects.filter(marker="", seen_at__gt=since).count(),
        refusals=recent.aggregate(total=Sum("count"))["total"] or 0,
    )


def _wait(room: Room) -> timedelta | None:
    """Return how long a room was opened after it was due: its time, or its planning for a late booking."""
    if room.opened_at is None:
        return None
    due_at = max(rules.opens_at(session_facts(room.session), room.policy), room.created_at)
    return max(room.opened_at - due_at, timedelta())


def get_room(ref: str) -> Room:
    """Return a room with its session. Raises: NotFoundError."""
    room = Room.objects.select_related("session__offer", "session__coach__user").filter(ref=ref).first()
    if room is None:
        raise NotFoundError
    return room


def people_of(room: Room, *, now: datetime) -> list[PersonInRoom]:
    """Return who belongs into a room, the coach first, each with the sentence that answers "why am I (not) in?"."""
    session = room.session
    coach = room_view(session, session.coach.user, now=now)
    found = [PersonInRoom(session.coach.display_name, PersonRole.COACH, coach.sentence)]
    for booking in Booking.objects.filter(session=session, status__in=ENTITLED).order_by("pk"):
        view = room_view(session, booking, now=now)
        found.append(PersonInRoom(booking.contact_name, PersonRole.STUDENT, view.sentence))
    return found


def former_people_of(room: Room) -> QuerySet[RoomAccess]:
    """Return accounts that had a place in the room and have none any more."""
    return room.accesses.filter(state=AccessState.REVOKED).order_by("pk")


def history_of(room: Room) -> QuerySet[AuditEntry]:
    """Return what happened to a room, the latest first."""
    of_room = Q(object_kind=Room._meta.label_lower, object_id=room.pk)
    return AuditEntry.objects.filter(of_room).order_by("-at", "-pk")


def objects_of(room: Room) -> QuerySet[DiscordObject]:
    """Return what was ever asked of Discord for a room, the latest first."""
    return room.discord_objects.order_by("-pk")
