"""Planning, claiming and running due rows."""

import logging
import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import F, QuerySet

from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.jobs import registry
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import Lane

logger = logging.getLogger(__name__)

PayloadValue = str | int | bool | None
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=30)
_UNKNOWN_KIND_RETRY = timedelta(minutes=1)
_MAX_ERROR_LENGTH = 2000

# Woken when a row that is already due was committed, so that an idle ticker need not be polled often.
work_arrived = threading.Event()


class Outcome(StrEnum):
    """What one run of one row came to."""

    DONE = "done"
    RETRIED = "retried"
    FAILED = "failed"
    EXPIRED = "expired"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one row: it holds while no later claim was made."""

    job_id: int
    claim_no: int


def plan(
    *,
    kind: str,
    key: str,
    due_at: datetime,
    now: datetime,
    expires_at: datetime | None = None,
    payload: Mapping[str, PayloadValue] | None = None,
) -> Job:
    """Plan one row in the caller's transaction, or move the due one of the same key to this time, as if new.

    `due_at`, `expires_at` and `now` are aware UTC. A key that is done, failed, expired or cancelled stays as it
    is: planning it again does nothing. Time-bound keys therefore carry the session's SEQUENCE.
    """
    values = {"due_at": due_at, "expires_at": expires_at, "payload": dict(payload or {})}
    job, made = Job.objects.get_or_create(
        key=key, defaults={**values, "kind": kind, "lane": registry.lane_of(kind), "created_at": now}
    )
    if not made:
        Job.objects.filter(pk=job.pk, state=JobState.DUE).update(**values, attempts=0, claim_no=F("claim_no") + 1)
    if due_at <= now:
        transaction.on_commit(work_arrived.set)
    return job


def plan_first(*, kind: str, key: str, now: datetime, payload: Mapping[str, PayloadValue]) -> None:
    """Plan a row that is due at once, under a key that names what the caller's transaction has just made.

    Nobody can have planned it before, so nothing is looked up: for the doors where thousands come in.
    Raises: IntegrityError when the key is there all the same.
    """
    lane = registry.lane_of(kind)
    Job.objects.create(kind=kind, key=key, lane=lane, due_at=now, created_at=now, payload=dict(payload))
    transaction.on_commit(work_arrived.set)


def cancel(*, keys: Iterable[str], now: datetime) -> int:
    """Cancel the due rows with these keys; a row that is already running may still finish. Returns how many."""
    due = Job.objects.filter(key__in=list(keys), state=JobState.DUE)
    return due.update(state=JobState.CANCELLED, closed_at=now, claim_no=F("claim_no") + 1)


def retry(job: Job, *, now: datetime) -> bool:
    """Make a failed or expired row due again with fresh attempts; an operator's button. False when it is neither."""
    return bool(_make_due(Job.objects.filter(pk=job.pk, state__in=(JobState.FAILED, JobState.EXPIRED)), now))


def look_again(*, keys: Iterable[str], now: datetime) -> int:
    """Make the failed rows among these due again, because what they told a person may be over. Returns how many."""
    return _make_due(Job.objects.filter(key__in=keys, state=JobState.FAILED), now)


def _make_due(stopped: QuerySet[Job], now: datetime) -> int:
    changed = stopped.update(
        state=JobState.DUE,
        due_at=now,
        expires_at=None,
        closed_at=None,
        attempts=0,
        claim_no=F("claim_no") + 1,
    )
    transaction.on_commit(work_arrived.set)
    return changed


def close_earlier(job: Job, *, now: datetime) -> int:
    """Cancel the failed rows of the same kind that are older than this one, which says it anew. Returns how many.

    For kinds whose every run looks at everything: what an earlier run found is found again, or is no longer so.
    """
    earlier = Job.objects.filter(kind=job.kind, state=JobState.FAILED, pk__lt=job.pk)
    return earlier.update(state=JobState.CANCELLED, closed_at=now)


def claim(*, lanes: Iterable[Lane], limit: int, now: datetime, skip: Iterable[int] = ()) -> list[Claim]:
    """Take up to `limit` due rows, the most urgent lane first and the earliest first in a lane.

    Locks the rows it takes (others are skipped, not waited for) and moves their `due_at` to the lease's end.
    `skip` are rows that this very process still runs: the sandbox clock may jump over a lease.
    """
    claims: list[Claim] = []
    skip = frozenset(skip)
    with transaction.atomic():
        for lane in lanes:
            claims += _claim_lane(lane, limit - len(claims), now, skip)
            if len(claims) >= limit:
                break
    if claims:
        fault_point("jobs.after_claim")
    return claims


def _claim_lane(lane: Lane, limit: int, now: datetime, skip: frozenset[int]) -> list[Claim]:
    due = Job.objects.select_for_update(skip_locked=True).filter(lane=lane, state=JobState.DUE, due_at__lte=now)
    rows = list(due.exclude(pk__in=skip).order_by("due_at", "pk")[:limit])
    for row in rows:
        spec = registry.find_handler(row.kind)
        lease = spec.lease if spec else _UNKNOWN_KIND_RETRY
        Job.objects.filter(pk=row.pk).update(due_at=now + lease, claim_no=F("claim_no") + 1)
    return [Claim(row.pk, row.claim_no + 1) for row in rows]


def run(mine: Claim) -> Outcome:
    """Run one claimed row to its outcome, outside any transaction. Never raises for a handler's failure.

    A claim that was overtaken (the lease ended and somebody else took the row) changes nothing.
    """
    now = clock.now()
    job = Job.objects.filter(pk=mine.job_id, claim_no=mine.claim_no, state=JobState.DUE).first()
    if job is None:
        return Outcome.LOST
    if job.expires_at is not None and job.expires_at <= now:
        return _close(mine, JobState.EXPIRED, now, Outcome.EXPIRED)
    spec = registry.find_handler(job.kind)
    if spec is None:
        return _postpone(mine, now + _UNKNOWN_KIND_RETRY, f"No handler knows {job.kind!r}.")
    if job.attempts >= spec.max_attempts:
        died = f"Started {job.attempts} times and never came back. {job.last_error}".rstrip()
        return _close(mine, JobState.FAILED, now, Outcome.FAILED, died)
    if not _mine(mine).update(attempts=F("attempts") + 1):
        return Outcome.LOST
    job.attempts += 1
    return _run_handler(mine, job, spec)


def _run_handler(mine: Claim, job: Job, spec: registry.HandlerSpec) -> Outcome:
    try:
        spec.run(job)
        fault_point("jobs.before_close")
    except RetryLaterError as error:
        _mine(mine).update(attempts=F("attempts") - 1)
        return _postpone(mine, clock.now() + error.delay, str(error))
    except PermanentFailureError as error:
        logger.warning("Job %s stopped for good: %s", job.key, error)
        return _close(mine, JobState.FAILED, clock.now(), Outcome.FAILED, str(error))
    except Exception as error:  # a poisoned row must not stop the loop
        logger.exception("Job %s failed, attempt %s of %s", job.key, job.attempts, spec.max_attempts)
        text = f"{type(error).__name__}: {error}"
        if job.attempts >= spec.max_attempts:
            return _close(mine, JobState.FAILED, clock.now(), Outcome.FAILED, text)
        return _postpone(mine, clock.now() + _backoff(job.attempts), text)
    return _close(mine, JobState.DONE, clock.now(), Outcome.DONE)


def _mine(mine: Claim) -> QuerySet[Job]:
    return Job.objects.filter(pk=mine.job_id, claim_no=mine.claim_no, state=JobState.DUE)


def _close(mine: Claim, state: JobState, now: datetime, outcome: Outcome, error: str | None = None) -> Outcome:
    values: dict[str, object] = {"state": state, "closed_at": now}
    if error is not None:
        values["last_error"] = _storable(error)
    return outcome if _mine(mine).update(**values) else Outcome.LOST


def _postpone(mine: Claim, until: datetime, error: str) -> Outcome:
    changed = _mine(mine).update(due_at=until, last_error=_storable(error))
    return Outcome.RETRIED if changed else Outcome.LOST


def _storable(text: str) -> str:
    """Return the text without what a database refuses: NUL (PostgreSQL) and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:_MAX_ERROR_LENGTH]


def _backoff(attempts: int) -> timedelta:
    """Return 5 s, 10 s, 20 s ... up to half an hour, with a quarter of jitter either way."""
    delay: timedelta = min(_FIRST_RETRY * 2 ** min(attempts - 1, 20), _LONGEST_RETRY)
    return delay * random.uniform(0.75, 1.25)  # noqa: S311 -- spreads load, guards nothing
