"""Due rows and tables of handlers."""

from collections.abc import Callable
from datetime import datetime, timedelta

from greenroom.jobs import registry, services
from greenroom.jobs.models import Job
from greenroom.jobs.registry import HandlerSpec, Lane
from greenroom.jobs.services import Claim


def use_handler(
    kind: str,
    run: Callable[[Job], None],
    *,
    lane: Lane = Lane.SLOW,
    lease: timedelta = timedelta(seconds=60),
    max_attempts: int = 12,
    every: timedelta | None = None,
) -> None:
    """Add one kind to the table of handlers; the `handlers` fixture empties it again."""
    spec = HandlerSpec(run, lane, lease=lease, max_attempts=max_attempts, every=every)
    registry.use({**registry.table(), kind: spec})


def do_nothing(_job: Job) -> None:
    """Be a handler that succeeds."""


def make_job(*, now: datetime, kind: str = "test.work", key: str = "work:1", due_at: datetime | None = None) -> Job:
    """Plan one row that is due at `now` unless told otherwise."""
    return services.plan(kind=kind, key=key, due_at=due_at or now, now=now)


def claim_one(*, now: datetime) -> Claim:
    """Claim the only row that is due."""
    [claimed] = services.claim(lanes=Lane, limit=1, now=now)
    return claimed
