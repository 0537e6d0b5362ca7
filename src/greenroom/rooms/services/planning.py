"""The due rows of rooms: one per session, planned by whatever changes a session or its people, and found when lost."""

from datetime import datetime, timedelta

from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from greenroom.accounts.models import DiscordIdentity
from greenroom.bookings.models import CoachingSession
from greenroom.catalog.types import Venue
from greenroom.core.transactions import unit_of_work
from greenroom.jobs import services as jobs
from greenroom.jobs.models import Job, JobState
from greenroom.rooms import rules
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.types import RoomState

RECONCILE = "rooms.reconcile"
# Rooms further ahead are found when they come nearer.
_WATCH_AHEAD = timedelta(days=2)
# No room stays longer than this after its session; what is older and still stands is found by its state.
_WATCH_BACK = timedelta(days=1)
_REVIVABLE = (JobState.FAILED, JobState.EXPIRED)


def reconcile_key(session_id: int) -> str:
    """Return the key of a session's one due row; it is the same over moves, because the row never expires."""
    return f"{RECONCILE}:{session_id}"


def request_reconcile(session_id: int, *, now: datetime) -> None:
    """Have the room of a session looked at right away; in the caller's transaction. A second call changes nothing."""
    jobs.plan(kind=RECONCILE, key=reconcile_key(session_id), due_at=now, now=now, payload={"session_id": session_id})


def request_reconcile_of(identity: DiscordIdentity, *, now: datetime) -> int:
    """Have every coming or running session of a newly linked person looked at; returns how many.

    In the caller's transaction. Call it whenever an account is linked, linked anew or taken away.
    """
    sessions = CoachingSession.objects.filter(_belongs_to(identity), venue=Venue.DISCORD, status__in=rules.COUNTING)
    ids = list(sessions.filter(ends_at__gt=now - _WATCH_BACK).values_list("pk", flat=True).distinct())
    for session_id in ids:
        request_reconcile(session_id, now=now)
    return len(ids)


def _belongs_to(identity: DiscordIdentity) -> Q:
    mine = Q(bookings__discord_identity=identity)
    if identity.user_id is None:
        return mine
    return mine | Q(bookings__student_id=identity.user_id) | Q(coach__user_id=identity.user_id)


def watch_rooms(*, now: datetime) -> int:
    """Give a due row to every session that should have one and has none; returns how many.

    The net under everything that plans rows: a lost one costs a minute, never a room.
    """
    key = Concat(Value(f"{RECONCILE}:"), Cast("pk", CharField()), output_field=CharField())
    has_row = Exists(Job.objects.filter(key=OuterRef("room_key"), state=JobState.DUE))
    coming = Q(
        status__in=rules.COUNTING,
        venue=Venue.DISCORD,
        starts_at__lt=now + _WATCH_AHEAD,
        ends_at__gt=now - _WATCH_BACK,
    ) & ~Q(room__state=RoomState.GONE)
    standing = Exists(DiscordObject.objects.filter(room__session=OuterRef("pk"), deleted_at__isnull=True))
    sessions = CoachingSession.objects.annotate(room_key=key).filter(coming | standing).exclude(has_row)
    ids = list(sessions.order_by("starts_at").values_list("pk", flat=True))
    for session_id in ids:
        _plan_afresh(session_id, now)
    return len(ids)


def _plan_afresh(session_id: int, now: datetime) -> None:
    with unit_of_work():
        job = Job.objects.filter(key=reconcile_key(session_id)).first()
        if job is not None and job.state in _REVIVABLE:
            jobs.retry(job, now=now)
            return
        # Planning a key that is done does nothing, and this one is needed once more.
        Job.objects.filter(key=reconcile_key(session_id)).exclude(state=JobState.DUE).delete()
        request_reconcile(session_id, now=now)
