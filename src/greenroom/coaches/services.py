"""The verbs that change a coach: profile and standing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from greenroom.accounts.models import User
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.queries import lock_coach
from greenroom.coaches.types import CoachStatus
from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.audit import AuditValue
from greenroom.core.errors import NotAllowedError
from greenroom.core.transactions import unit_of_work

_MAY_CHANGE = frozenset({ActorKind.COACH, ActorKind.ADMIN})
_FIELDS = ("display_name", "headline", "bio", "languages", "is_accepting_students")


@dataclass(frozen=True, slots=True)
class Profile:
    """What visitors read about a coach, whether new students are taken, and the zone the coach reads times in."""

    display_name: str
    headline: str
    bio: str
    languages: str
    is_accepting_students: bool
    time_zone: str
    topics: Sequence[Topic]


def save_profile(*, coach: Coach, profile: Profile, actor: Actor, now: datetime) -> Coach:
    """Write a coach's profile and time zone; the hours of the schedule keep their own zone.

    Locks the coach, because taking no students changes what can be booked. A second call changes nothing.
    Raises: NotAllowedError, BusyError.
    """
    if actor.kind not in _MAY_CHANGE:
        raise NotAllowedError
    with unit_of_work():
        mine = lock_coach(coach.pk)
        before = _words(mine)
        for field in _FIELDS:
            setattr(mine, field, getattr(profile, field))
        mine.save(update_fields=[*_FIELDS])
        mine.topics.set(profile.topics)
        User.objects.filter(pk=mine.user_id).update(time_zone=profile.time_zone)
        after = _words(mine)
        if before != after:
            audit.record(actor=actor, action="coach.edit_profile", target=mine, now=now, before=before, after=after)
    return mine


def set_status(*, coach: Coach, status: CoachStatus, actor: Actor, now: datetime) -> Coach:
    """Approve, suspend or otherwise place a coach; booked sessions stay as they are.

    Locks the coach, because it changes what can be booked. A second call changes nothing.
    Raises: NotAllowedError, BusyError.
    """
    if actor.kind is not ActorKind.ADMIN:
        raise NotAllowedError
    with unit_of_work():
        mine = lock_coach(coach.pk)
        before = mine.status
        if before != status:
            mine.status = status
            mine.save(update_fields=["status"])
            audit.record(
                actor=actor,
                action="coach.status",
                target=mine,
                now=now,
                before={"status": before},
                after={"status": status},
            )
    return mine


def _words(coach: Coach) -> dict[str, AuditValue]:
    values: dict[str, AuditValue] = {field: getattr(coach, field) for field in _FIELDS}
    topics = ", ".join(coach.topics.values_list("slug", flat=True))
    zone = User.objects.values_list("time_zone", flat=True).get(pk=coach.user_id)
    return values | {"topics": topics, "time_zone": zone}
