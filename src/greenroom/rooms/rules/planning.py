"""What a room should be, as people and as channel overwrites, and what to change to get there."""

from collections.abc import Iterable
from datetime import datetime

from greenroom.integrations.discord.permissions import (
    ARCHIVE_ALLOW,
    ARCHIVE_DENY,
    BOT_ALLOW,
    EVERYONE_DENY,
    PARTICIPANT_ALLOW,
    Permission,
)
from greenroom.integrations.discord.types import Overwrite, OverwriteTarget
from greenroom.rooms.policies import RoomKind, RoomPolicy
from greenroom.rooms.rules.timing import presence_at
from greenroom.rooms.types import (
    AFTERWARDS,
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

_CHANNELS = (ObjectKind.VOICE, ObjectKind.TEXT)
_CHANNELS_OF = {
    RoomKind.VOICE: frozenset({ObjectKind.VOICE}),
    RoomKind.TEXT_AND_VOICE: frozenset({ObjectKind.VOICE, ObjectKind.TEXT}),
}
# Deleting a channel ends access and ejects everybody in one call; a role only ends access.
_DELETED_FIRST = (*_CHANNELS, ObjectKind.ROLE)


def desired_room(
    session: SessionFacts,
    participants: Iterable[Participant],
    policy: RoomPolicy,
    now: datetime,
    *,
    has_role: bool = False,
    stands: bool = True,
) -> Desired:
    """Compute what should be at `now`, afresh every time: a late booking, a move and a cancellation are one case.

    People who have not linked Discord are left out; the room exists without them. `has_role`: they are let in by a
    role of the room's own. `stands`: something of the room is at Discord, or may be; else nothing is kept of it.
    """
    presence = presence_at(session, policy, now)
    if presence is Presence.ABSENT or (presence in AFTERWARDS and not stands):
        return Desired(Presence.ABSENT)
    needs_role = has_role and presence not in AFTERWARDS
    kinds = _CHANNELS_OF[policy.kind] | ({ObjectKind.ROLE} if needs_role else frozenset())
    if presence in {Presence.HIDDEN, Presence.CLOSED}:
        return Desired(presence, kinds)
    linked = (person.discord_user_id for person in participants)
    return Desired(presence, kinds, frozenset(user_id for user_id in linked if user_id is not None))


def overwrites_of(desired: Desired, place: Place, role_id: int | None = None) -> frozenset[Overwrite]:
    """Spell a desired room as channel overwrites: nobody, but the bot and the people who should see it.

    With a role the channels let in who has it, from the beginning; nobody has it before the room opens.
    """
    if role_id is not None:
        return locked_down(place) | {Overwrite(OverwriteTarget.ROLE, role_id, allow=int(PARTICIPANT_ALLOW))}
    is_archive = desired.presence is Presence.ARCHIVED
    allow, deny = (ARCHIVE_ALLOW, ARCHIVE_DENY) if is_archive else (PARTICIPANT_ALLOW, Permission(0))
    people = (Overwrite(OverwriteTarget.MEMBER, it, allow=int(allow), deny=int(deny)) for it in desired.people)
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
    made while one is awaited. Channels wait for the role that they let in; a role that is not wanted any more goes
    once they let people in without it.
    """
    kept = _first_of_each_kind(actual)
    spare = [DeleteObject(found) for found in actual.found if kept[found.kind] != found]
    if desired.presence is Presence.ABSENT:
        return [*spare, *(DeleteObject(kept[kind]) for kind in _DELETED_FIRST if kind in kept)]
    is_over = desired.presence in AFTERWARDS
    missing = [kind for kind in desired.kinds if not is_over and kind not in kept and kind not in actual.awaited]
    if ObjectKind.ROLE in desired.kinds and ObjectKind.ROLE not in kept:
        return [*spare, *(CreateObject(kind) for kind in missing if kind is ObjectKind.ROLE)]
    role_id = kept[ObjectKind.ROLE].id if ObjectKind.ROLE in desired.kinds else None
    wanted = overwrites_of(desired, actual.place, role_id)
    channels = [kept[kind] for kind in _CHANNELS if kind in kept and kind in desired.kinds]
    return [
        *spare,
        *(SetOverwrites(channel, wanted) for channel in channels if channel.overwrites != wanted),
        *(CreateObject(kind, wanted) for kind in _CHANNELS if kind in missing),
        *(DeleteObject(kept[kind]) for kind in _DELETED_FIRST if kind in kept and kind not in desired.kinds),
    ]


def _first_of_each_kind(actual: Actual) -> dict[ObjectKind, Found]:
    kept: dict[ObjectKind, Found] = {}
    for found in actual.found:
        kept.setdefault(found.kind, found)
    return kept
