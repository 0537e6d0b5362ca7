"""How many rooms may be kept for reading: they use up the channels of the server."""

from datetime import datetime, timedelta

from django.conf import settings

from greenroom.core import audit
from greenroom.core.actors import SYSTEM
from greenroom.core.transactions import unit_of_work
from greenroom.rooms.models import Room
from greenroom.rooms.services.planning import request_reconcile
from greenroom.rooms.services.turns import lock_room
from greenroom.rooms.types import RoomState


def trim_archives(*, now: datetime) -> int:
    """End the oldest archives beyond the site's maximum; returns how many. They are deleted within seconds.

    Locks and writes one room after the other. A second call finds nothing more to end.
    """
    archived = Room.objects.filter(state=RoomState.ARCHIVED, archive_for__gt=timedelta())
    newest_first = archived.order_by("-session__ends_at", "-pk").values_list("pk", flat=True)
    too_many = list(newest_first[settings.ARCHIVED_ROOMS :])
    for room_id in too_many:
        with unit_of_work():
            room = lock_room(room_id)
            before = {"archive_days": room.archive_for // timedelta(days=1)}
            room.archive_for = timedelta()
            room.save(update_fields=["archive_for"])
            audit.record(actor=SYSTEM, action="room.end_archive", target=room, now=now, before=before, after={})
            request_reconcile(room.session_id, now=now)
    return len(too_many)
