"""What became of requests and objects, written down in short transactions of their own."""

from datetime import datetime

from django.conf import settings
from django.db.models import Max, QuerySet

from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.types import GuildId
from greenroom.rooms import rules
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.services.turns import Turn, holding, lock_room, set_state
from greenroom.rooms.types import STANDING, ObjectKind, RoomState


def begin_create(turn: Turn, kind: ObjectKind, guild_id: GuildId, *, now: datetime) -> DiscordObject:
    """Write down that an object is about to be asked for, under a new generation and marker. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        generation, marker = _next_marker(room, kind)
        if kind is ObjectKind.VOICE:
            room.opened_at = room.closed_at = None
        set_state(room, RoomState.PROVISIONING, now=now)
        return DiscordObject.objects.create(
            guild_id=guild_id, kind=kind, room=room, generation=generation, marker=marker, asked_at=now
        )


def _next_marker(room: Room, kind: ObjectKind) -> tuple[int, str]:
    """Return a generation no request was made under yet, and its marker; one that another room bears is passed over."""
    of_kind = room.discord_objects.filter(kind=kind)
    generation = of_kind.aggregate(last=Max("generation"))["last"] or 0
    while True:
        generation += 1
        found = rules.marker(str(settings.SECRET_KEY), room.ref, generation)
        if not live_objects().filter(kind=kind, marker=found).exists():
            return generation, found


def live_objects() -> QuerySet[DiscordObject]:
    """Return what stands at Discord or may stand there, of all rooms."""
    return DiscordObject.objects.filter(deleted_at__isnull=True)


def note_created(request: DiscordObject, object_id: int, *, now: datetime) -> bool:
    """Write down the object that a request made; False when nobody waits for it any more.

    Also without the turn: the answer is this run's alone. Not wanted is it when the request was given up meanwhile.
    """
    with unit_of_work():
        room = lock_room(request.room_id or 0)
        row = DiscordObject.objects.get(pk=request.pk)
        if row.object_id is None and row.deleted_at is None:
            _give_object(row, object_id, now)
            return True
        if row.object_id != object_id:
            note_object(room, row.guild_id, ObjectKind(row.kind), object_id, now=now)
        return row.object_id == object_id


def note_refused(turn: Turn, request: DiscordObject, *, now: datetime) -> None:
    """Forget a request that was certainly not carried out. Raises: TurnLostError."""
    with holding(turn, now=now):
        DiscordObject.objects.filter(pk=request.pk, object_id__isnull=True).delete()


def note_found(turn: Turn, request: DiscordObject, object_ids: list[int], *, now: datetime) -> None:
    """Take the first of the objects that a lost request made as the room's own. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        _give_object(request, object_ids[0], now)
        for spare_id in object_ids[1:]:
            note_object(room, request.guild_id, ObjectKind(request.kind), spare_id, now=now)


def give_up_request(turn: Turn, request: DiscordObject, *, now: datetime) -> None:
    """Stop waiting for a lost request. Should it still land, its marker belongs to no live row.

    Raises: TurnLostError.
    """
    with holding(turn, now=now):
        request.deleted_at = now
        request.save(update_fields=["deleted_at"])


def note_gone(turn: Turn, gone: DiscordObject, *, now: datetime) -> None:
    """Write down that Discord does not know one of the room's objects any more. Raises: TurnLostError."""
    with holding(turn, now=now) as room:
        note_deleted(gone.guild_id, gone.object_id or 0, now=now)
        if not live_objects().filter(room=room).exists():
            room.closed_at = room.closed_at or now
        if room.state in STANDING and gone.kind != ObjectKind.ROLE:
            set_state(room, RoomState.PROVISIONING, now=now)


def note_object(room: Room | None, guild_id: int, kind: ObjectKind, object_id: int, *, now: datetime) -> None:
    """Keep for ever that our bot made this object, which nothing asked for; a second call changes nothing."""
    DiscordObject.objects.get_or_create(
        guild_id=guild_id, object_id=object_id, defaults={"kind": kind, "room": room, "seen_at": now}
    )


def note_deleted(guild_id: int, object_id: int, *, now: datetime) -> None:
    """Write down when one of our objects was seen to be gone, once."""
    live_objects().filter(guild_id=guild_id, object_id=object_id).update(deleted_at=now)


def _give_object(request: DiscordObject, object_id: int, now: datetime) -> None:
    request.object_id, request.seen_at = object_id, now
    request.save(update_fields=["object_id", "seen_at"])
