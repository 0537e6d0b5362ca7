"""The door for many machines: what is due is claimed here and handed to a queue, whose workers run it.

The queue is never the truth: a message that is lost, repeated or late changes nothing, because the row comes back when
its lease ends and only the latest claim may close it. Two of these doors at once hand out no row twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F

from greenroom.jobs import services
from greenroom.jobs.models import Run
from greenroom.jobs.registry import Lane
from greenroom.jobs.services import Claim
from greenroom.jobs.ticker import plan_recurring

SOURCE = "queue"
# What waits in a queue longer than its lease is claimed and sent again, for nothing.
MOST_WAITING = 200
_STRETCH = timedelta(hours=1)


def hand_out(*, send: Callable[[Lane, Claim], None], waiting: Callable[[Lane], int], now: datetime) -> int:
    """Plan what recurs, claim what is due at `now` (aware UTC) and send each row to the queue of its lane.

    `waiting` says how many messages a lane's queue holds already; a lane is filled up to `MOST_WAITING`, so that no
    backlog of one delays another and little waits beyond its lease. Attempts are counted by whoever runs the row, so
    that waiting costs none. Notes the visit; returns how many rows were sent. What `send` raises ends the visit, and
    the rows that were claimed and not sent come back when their leases end.
    """
    plan_recurring(now)
    count = 0
    for lane in Lane:
        room = MOST_WAITING - waiting(lane)
        for claimed in services.claim(lanes=[lane], limit=room, now=now) if room > 0 else ():
            send(lane, claimed)
            count += 1
    _note_visit(now)
    return count


def _note_visit(now: datetime) -> None:
    stretch = Run.objects.filter(source=SOURCE, started_at__gt=now - _STRETCH).order_by("-started_at")[:1]
    if not Run.objects.filter(pk__in=stretch.values("pk")).update(visits=F("visits") + 1, finished_at=now):
        Run.objects.create(source=SOURCE, started_at=now, finished_at=now)
