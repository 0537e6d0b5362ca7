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
    CreateChannel,
    DeleteChannel,
    Desired,
    Participant,
    Place,
    Presence,
    SessionFacts,
    SetOverwrites,
)


def desired_room(
    session: SessionFacts, participants: Iterable[Participant], policy: RoomPolicy, now: datetime
) -> Desired:
    """Compute what should be at `now`, afresh every time: a late booking, a move and a cancellation are one case.

    People who have not linked Discord are left out; the room exists without them.
    """
    presence = presence_at(session, policy, now)
    if presence is not Presence.OPEN:
        return Desired(presence)
    linked = (person.discord_user_id for person in participants)
    return Desired(presence, frozenset((user_id, int(PARTICIPANT_ALLOW)) for user_id in linked if user_id is not None))


def overwrites_of(desired: Desired, place: Place) -> frozenset[Overwrite]:
    """Spell a desired room as channel overwrites: nobody, but the bot and the people allowed."""
    keepers = {
        Overwrite(OverwriteTarget.ROLE, place.guild_id, deny=int(EVERYONE_DENY)),
        Overwrite(OverwriteTarget.MEMBER, place.bot_id, allow=int(BOT_ALLOW)),
    }
    people = {Overwrite(OverwriteTarget.MEMBER, user_id, allow=allow) for user_id, allow in desired.allowed}
    return frozenset(keepers | people)


def locked_down(place: Place) -> frozenset[Overwrite]:
    """Spell a room that nobody but the bot can enter."""
    return overwrites_of(Desired(Presence.HIDDEN), place)


def plan(desired: Desired, actual: Actual) -> list[Change]:
    """List what to change, most urgent first: taking away comes before giving.

    Of several channels the oldest is kept, and goes last: it is the one the room holds on to, and spare ones
    are forgotten with it.
    """
    oldest_first = sorted(actual.channels, key=lambda channel: channel.id)
    if desired.presence is Presence.ABSENT:
        return [DeleteChannel(channel.id) for channel in reversed(oldest_first)]
    wanted = overwrites_of(desired, actual.place)
    if not oldest_first:
        return [CreateChannel(wanted)]
    kept, *spare = oldest_first
    changes: list[Change] = [DeleteChannel(channel.id) for channel in spare]
    if frozenset(kept.overwrites) != wanted:
        changes.append(SetOverwrites(kept.id, wanted))
    return changes
