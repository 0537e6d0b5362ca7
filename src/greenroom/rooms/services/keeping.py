"""Keeping policies: the site's, a coach's, an offer's."""

from dataclasses import asdict
from datetime import datetime, timedelta

from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.transactions import unit_of_work
from greenroom.rooms.models import KeptPolicy
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.queries import PolicyOwner, owner_columns

_MINUTE = timedelta(minutes=1)


def keep_policy(owner: PolicyOwner, policy: RoomPolicy | None, *, actor: Actor, now: datetime) -> None:
    """Keep a policy for an offer, a coach or (None) the site; None as policy takes the next one above it again.

    It counts for rooms that are planned from now on: a session that is booked keeps the one it was booked with.
    A second call with the same policy changes nothing. Writes the policy and an entry of the audit log.
    Raises: NotAllowedError for what is not the actor's own; the site's is staff's.
    """
    _check_may(actor, owner)
    with unit_of_work():
        columns = owner_columns(owner)
        kept = KeptPolicy.objects.select_for_update(no_key=True).filter(**columns).first()
        if (kept.policy if kept else None) == policy:
            return
        before = _spelled(kept.policy) if kept else {}
        after = _spelled(policy) if policy else {}
        if policy is not None:
            # Of two first ones at once the constraint lets one in, and the other changes it.
            kept, _made = KeptPolicy.objects.update_or_create(defaults=asdict(policy), **columns)
        if kept is not None:
            audit.record(actor=actor, action="rooms.keep_policy", target=kept, now=now, before=before, after=after)
        if kept is not None and policy is None:
            kept.delete()


def _check_may(actor: Actor, owner: PolicyOwner) -> None:
    if actor.kind is ActorKind.ADMIN:
        return
    coach = owner.coach if isinstance(owner, Offer) else owner
    if actor.kind is not ActorKind.COACH or not isinstance(coach, Coach) or coach.user_id != actor.user_id:
        raise NotAllowedError


def _spelled(policy: RoomPolicy) -> dict[str, audit.AuditValue]:
    """Write a policy as the audit log takes it: durations in minutes."""
    return {
        name: value // _MINUTE if isinstance(value, timedelta) else str(value) for name, value in asdict(policy).items()
    }
