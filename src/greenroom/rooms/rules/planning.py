"""What a room should be, as people and as channel overwrites, and what to change to get there."""

from collections.abc import Iterable
from datetime import datetime

from greenroom.integrations.discord.permissions import BOT_ALLOW, EVERYONE_DENY, PARTICIPANT_ALLOW
from greenroom.integrations.discord.types import Overwrite, OverwriteTarget
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.rules.timing import presence_at
from greenroom.rooms.types import (
    Actual,
    Change,
    CreateObject,
    DeleteObject,
    Desired,
    Found,
    ObjectKind,
    Participant,
    Place,
    Presence,
    SessionFacts,
    SetOverwrites,
)

# A channel goes before the role: it ends access and ejects everybody in one call.
_DELETED_FIRST = (ObjectKind.VOICE, ObjectKind.TEXT, ObjectKind.ROLE)


def desired_room(
    session: SessionFacts, participants: Iterable[Participant], policy: RoomPolicy, now: datetime
) -> Desired:
    """Compute what should be at `now`, afresh every time: a late booking, a move and a cancellation are one case.

    People who have not linked Discord are left out; the room exists without them.
    """
    presence = presence_at(session, policy, now)
    if presence is Presence.ABSENT:
        return Desired(presence)
    kinds = frozenset({ObjectKind.VOICE})
    if presence is not Presence.OPEN:
        return Desired(presence, kinds)
    linked = (person.discord_user_id for person in participants)
    return Desired(presence, kinds, frozenset(user_id for user_id in linked if user_id is not None))


def overwrites_of(desired: Desired, place: Place) -> frozenset[Overwrite]:
    """Spell a desired room as channel overwrites: nobody, but the bot and the people who should see it."""
    people = (Overwrite(OverwriteTarget.MEMBER, user_id, allow=int(PARTICIPANT_ALLOW)) for user_id in desired.people)
    return locked_down(place) | frozenset(people)


def locked_down(place: Place) -> frozenset[Overwrite]:
    """Spell a room that nobody but the bot can enter."""
    return frozenset(
        {
            Overwrite(OverwriteTarget.ROLE, place.guild_id, deny=int(EVERYONE_DENY)),
            Overwrite(OverwriteTarget.MEMBER, place.bot_id, allow=int(BOT_ALLOW)),
        }
    )


def plan(desired: Desired, actual: Actual) -> list[Change]:
    """List what to change, most urgent first: taking away comes before giving.

    Of several objects of a kind the first is kept, and goes last: spare ones are forgotten with it. No second one is
    made while one is awaited.
    """
    kept = _first_of_each_kind(actual)
    spare = [DeleteObject(found) for found in actual.found if kept[found.kind] != found]
    if desired.presence is Presence.ABSENT:
        return [*spare, *(DeleteObject(kept[kind]) for kind in _DELETED_FIRST if kind in kept)]
    wanted = overwrites_of(desired, actual.place)
    changes: list[Change] = [*spare]
    for kind in sorted(desired.kinds):
        if kind in kept:
            changes += [SetOverwrites(kept[kind], wanted)] if kept[kind].overwrites != wanted else []
        elif kind not in actual.awaited:
            changes.append(CreateObject(kind, wanted))
    return changes


def _first_of_each_kind(actual: Actual) -> dict[ObjectKind, Found]:
    kept: dict[ObjectKind, Found] = {}
    for found in actual.found:
        kept.setdefault(found.kind, found)
    return kept
