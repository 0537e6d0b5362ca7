"""What a run over a room would change, without changing it."""

from datetime import datetime

from greenroom.core.transactions import unit_of_work
from greenroom.rooms import discord, rules
from greenroom.rooms.errors import NoDiscordError
from greenroom.rooms.models import Room
from greenroom.rooms.services.looking import find, place_of
from greenroom.rooms.services.turns import situation_of
from greenroom.rooms.types import Actual, Change, ObjectKind


def preview_room(room: Room, *, now: datetime) -> list[Change]:
    """Look at a room at Discord and return what a run at `now` would change, the most urgent first.

    One read for each of the room's objects; writes nothing, here and there.
    Raises: NoDiscordError, DiscordError.
    """
    connection = discord.current()
    if connection is None:
        raise NoDiscordError
    with unit_of_work():
        seen = situation_of(room, now=now)
    found, awaited = [], set()
    for row in seen.objects:
        thing = None if row.object_id is None else find(row, connection)
        if thing is not None:
            found.append(thing)
        elif row.object_id is None:
            awaited.add(ObjectKind(row.kind))
    return rules.plan(seen.desired, Actual(place_of(seen, connection), tuple(found), frozenset(awaited)))
