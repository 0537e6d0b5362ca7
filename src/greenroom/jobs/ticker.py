"""The loop behind every door: plan what recurs, claim what is due, run it, leave a row about the visit.

Doors: a thread of the server (`start_in_background`), `greenroom tick [--forever]`, and HTTP cron. They may all
be open at once and on several machines: claims keep them apart.
"""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, close_old_connections, connections

from greenroom.core import clock
from greenroom.jobs import registry, services
from greenroom.jobs.models import Job, JobState, Run
from greenroom.jobs.registry import Lane
from greenroom.jobs.services import Claim, Outcome

logger = logging.getLogger(__name__)

WORKERS = 4
_PATIENT_WORKERS = WORKERS - 1  # mail and slow work never take the last one
_POLL_SECONDS = 1.0
_QUIET_REPORT_SECONDS = 10.0
_QUIET_STRETCH = timedelta(hours=1)
_URGENT = (Lane.ROOMS, Lane.MONEY)
_PATIENT = (Lane.MAIL, Lane.SLOW)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Rows that this process runs now, whichever door took them: a jump of the sandbox clock ends their leases early.
_running: set[int] = set()
_running_lock = threading.Lock()


def run_until_idle(*, source: str, budget: timedelta) -> Run:
    """Run what is due, one row after another in this thread, until nothing is or `budget` is used up.

    Always leaves one `Run` row, also when it ends in an error.
    """
    report = Run.objects.create(source=source, started_at=clock.now())
    deadline = time.monotonic() + budget.total_seconds()
    try:
        plan_recurring(clock.now())
        while time.monotonic() < deadline:
            claims = _take(Lane, 1, clock.now())
            if not claims:
                break
            _count(report, _run(claims[0]))
    except Exception as error:
        report.error = f"{type(error).__name__}: {error}"
        raise
    finally:
        report.finished_at = clock.now()
        report.save()
    return report


def plan_recurring(now: datetime) -> None:
    """Plan each recurring kind for the stretch of time that `now` lies in; a second call does nothing.

    Missed stretches are not made up for: the jobs compare what is with what should be.
    """
    for kind, every in registry.recurring():
        began_at = _EPOCH + ((now - _EPOCH) // every) * every
        key = f"{kind}:{began_at:%Y-%m-%dT%H:%M:%S}"
        if not Job.objects.filter(key=key).exists():
            services.plan(kind=kind, key=key, due_at=began_at, now=now, expires_at=began_at + every)


class Ticker:
    """Works due rows off with a small pool of threads until it is told to stop."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="ticker")
        self._lock = threading.Lock()
        self._busy_count = 0
        self._outcomes: list[Outcome] = []
        self._report: Run | None = None
        self._reported_at = -_QUIET_REPORT_SECONDS

    def run_forever(self, stop: threading.Event) -> None:
        """Dispatch until `stop` is set, then wait for the rows that still run. Survives every error."""
        while not stop.is_set():
            services.work_arrived.clear()
            try:
                started = self._visit()
            except Exception:  # the loop outlives a database restart
                logger.exception("A visit to the due rows failed")
                started = 0
                stop.wait(_POLL_SECONDS)
            finally:
                close_old_connections()
            if not started:
                services.work_arrived.wait(_POLL_SECONDS)
        self._wind_up()

    def _wind_up(self) -> None:
        """Let the running rows end, note them, and close the connections of every thread."""
        leaving = threading.Barrier(WORKERS)

        def leave() -> None:
            leaving.wait()  # so that each thread of the pool does this once
            connections.close_all()

        for _ in range(WORKERS):
            self._pool.submit(leave)
        self._pool.shutdown(wait=True)
        try:
            self._note_visit(clock.now(), 0)
        except DatabaseError:
            logger.exception("The last visit could not be noted")
        connections.close_all()

    def _visit(self) -> int:
        now = clock.now()
        plan_recurring(now)
        claims = self._claim(_URGENT, WORKERS, now)
        claims += self._claim(_PATIENT, _PATIENT_WORKERS, now)
        self._note_visit(now, len(claims))
        return len(claims)

    def _claim(self, lanes: tuple[Lane, ...], most: int, now: datetime) -> list[Claim]:
        with self._lock:
            free = most - self._busy_count
        # A plain look first: on SQLite every claim takes the write lock.
        if free <= 0 or not _anything_due(lanes, now):
            return []
        claims = _take(lanes, free, now)
        with self._lock:
            self._busy_count += len(claims)
        for claimed in claims:
            self._pool.submit(self._run, claimed)
        return claims

    def _run(self, claimed: Claim) -> None:
        outcome = Outcome.LOST
        try:
            outcome = _run(claimed)
        except Exception:  # the database went away between claim and close: the lease brings the row back
            logger.exception("Running job %s broke", claimed.job_id)
        finally:
            close_old_connections()
            with self._lock:
                self._busy_count -= 1
                self._outcomes.append(outcome)
            services.work_arrived.set()

    def _note_visit(self, now: datetime, started: int) -> None:
        """Keep the `Run` row of this stretch; a quiet one is written every ten seconds, not every second."""
        quiet_for = time.monotonic() - self._reported_at
        with self._lock:
            outcomes, self._outcomes = self._outcomes, []
        if not started and not outcomes and quiet_for < _QUIET_REPORT_SECONDS:
            return
        self._reported_at = time.monotonic()
        report = self._report
        if report is None or now - report.started_at > _QUIET_STRETCH:
            report = self._report = Run(source=self._source, started_at=now, visits=0)
        report.visits += 1
        for outcome in outcomes:
            _count(report, outcome)
        report.finished_at = now
        report.save()


def start_in_background(source: str = "server") -> threading.Event:
    """Start a ticker thread in this process and return the event that stops it. Call it after any fork."""
    stop = threading.Event()
    ticker = Ticker(source)
    threading.Thread(target=ticker.run_forever, args=(stop,), name="ticker", daemon=True).start()
    return stop


def _take(lanes: Iterable[Lane], limit: int, now: datetime) -> list[Claim]:
    """Claim rows that this process does not run already."""
    with _running_lock:
        claims = services.claim(lanes=lanes, limit=limit, now=now, skip=_running)
        _running.update(claimed.job_id for claimed in claims)
    return claims


def _run(claimed: Claim) -> Outcome:
    try:
        return services.run(claimed)
    finally:
        with _running_lock:
            _running.discard(claimed.job_id)


def _anything_due(lanes: Iterable[Lane], now: datetime) -> bool:
    with _running_lock:
        running = frozenset(_running)
    due = Job.objects.filter(lane__in=list(lanes), state=JobState.DUE, due_at__lte=now)
    return due.exclude(pk__in=running).exists()


def _count(report: Run, outcome: Outcome) -> None:
    if outcome is Outcome.RETRIED:
        report.retried_count += 1
    elif outcome is Outcome.FAILED:
        report.failed_count += 1
    elif outcome in {Outcome.DONE, Outcome.EXPIRED}:
        report.done_count += 1
