import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from tests.factories.clock import SettableClock
from tests.factories.jobs import do_nothing, make_job, use_handler
from tests.factories.waiting import PATIENCE_SECONDS, wait_until

from greenroom.jobs import registry, services, ticker
from greenroom.jobs.errors import PermanentFailureError
from greenroom.jobs.models import Job, Run
from greenroom.jobs.registry import Lane
from greenroom.jobs.ticker import Ticker, run_until_idle, start_in_background

pytestmark = [pytest.mark.usefixtures("handlers")]

BUDGET = timedelta(seconds=30)
HOUR = timedelta(hours=1)


def _stop(stop: threading.Event, *threads: threading.Thread) -> None:
    stop.set()
    services.work_arrived.set()  # it need not sleep its second out
    for thread in threads:
        thread.join(PATIENCE_SECONDS)


class Gate:
    """A handler that waits to be let through, and knows who came."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.opened = threading.Event()

    def __call__(self, job: Job) -> None:
        """Note the row and wait."""
        self.came.append(job.key)
        self.opened.wait(PATIENCE_SECONDS)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def moving_clock(transactional_db: None, handlers: None, moving_clock: SettableClock) -> SettableClock:  # noqa: ARG001 -- commits must be real and the table of handlers empty before a ticker starts
    return moving_clock


@pytest.fixture
def running_ticker(moving_clock: SettableClock) -> Iterator[threading.Event]:  # noqa: ARG001 -- a clock that goes on
    """Run a ticker in a thread until the test ends; the event stops it."""
    stop = threading.Event()
    thread = threading.Thread(target=Ticker("test").run_forever, args=(stop,))
    thread.start()
    yield stop
    _stop(stop, thread)
    assert not thread.is_alive()


@pytest.fixture
def _ticker_looks_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "_POLL_SECONDS", HOUR.total_seconds())


@pytest.mark.usefixtures("_ticker_looks_once_an_hour", "running_ticker")
def test_ticker_is_woken_by_new_work(moving_clock: SettableClock) -> None:
    use_handler("test.work", do_nothing)
    time.sleep(0.3)  # it is idle now

    make_job(now=moving_clock())

    wait_until(lambda: Job.objects.get().state == "done")


@pytest.mark.usefixtures("running_ticker")
def test_ticker_sees_work_that_another_process_planned(moving_clock: SettableClock) -> None:
    use_handler("test.work", do_nothing)
    time.sleep(0.3)

    make_job(now=moving_clock(), due_at=moving_clock() + timedelta(seconds=0.1))  # nobody is woken for later work

    wait_until(lambda: Job.objects.get().state == "done")


@pytest.mark.usefixtures("running_ticker")
def test_ticker_follows_a_jump_of_the_clock(moving_clock: SettableClock) -> None:
    use_handler("test.work", do_nothing)
    make_job(now=moving_clock(), due_at=moving_clock() + timedelta(days=30))
    time.sleep(0.2)
    assert Job.objects.get().state == "due"

    moving_clock.advance(timedelta(days=30))

    wait_until(lambda: Job.objects.get().state == "done")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("moving_clock")
def test_ticker_that_is_stopped_lets_running_rows_end(moving_clock: SettableClock, gate: Gate) -> None:
    use_handler("test.work", gate)
    make_job(now=moving_clock())
    stop = threading.Event()
    thread = threading.Thread(target=Ticker("test").run_forever, args=(stop,))
    thread.start()
    wait_until(lambda: gate.came)

    stop.set()
    thread.join(1.5)
    assert thread.is_alive()
    make_job(now=moving_clock(), key="work:2")
    gate.opened.set()
    thread.join(PATIENCE_SECONDS)

    assert not thread.is_alive()
    assert list(Job.objects.order_by("key").values_list("state", "claim_no")) == [("done", 1), ("due", 0)]
    assert Run.objects.get().done_count == 1


@pytest.mark.usefixtures("running_ticker")
def test_ticker_survives_a_visit_that_fails(moving_clock: SettableClock, caplog: pytest.LogCaptureFixture) -> None:
    use_handler("test.broken", do_nothing, every=timedelta())
    wait_until(lambda: "A visit to the due rows failed" in caplog.text)

    registry.use({})
    use_handler("test.work", do_nothing)
    make_job(now=moving_clock())

    wait_until(lambda: Job.objects.get().state == "done")


@pytest.mark.usefixtures("running_ticker")
def test_ticker_keeps_the_last_worker_from_mail(moving_clock: SettableClock, gate: Gate) -> None:
    rooms: list[str] = []
    use_handler("mail.work", gate, lane=Lane.MAIL)
    use_handler("slow.work", gate, lane=Lane.SLOW)
    use_handler("rooms.work", lambda job: rooms.append(job.key), lane=Lane.ROOMS)
    for number in range(4):
        make_job(now=moving_clock(), kind="mail.work", key=f"mail:{number}")
        make_job(now=moving_clock(), kind="slow.work", key=f"slow:{number}")
    wait_until(lambda: len(gate.came) == 3)

    for number in range(3):
        make_job(now=moving_clock(), kind="rooms.work", key=f"room:{number}")
        wait_until(lambda wanted=number + 1: len(rooms) == wanted)  # while the others' gate is closed
    time.sleep(1.2)

    assert len(gate.came) == 3
    assert Job.objects.filter(lane__in=["mail", "slow"], claim_no=1).count() == 3


@pytest.mark.usefixtures("running_ticker")
def test_ticker_runs_at_most_four_rows_at_once(moving_clock: SettableClock, gate: Gate) -> None:
    use_handler("rooms.work", gate, lane=Lane.ROOMS)
    for number in range(6):
        make_job(now=moving_clock(), kind="rooms.work", key=f"room:{number}")

    wait_until(lambda: len(gate.came) == 4)
    time.sleep(1.2)

    assert sorted(gate.came) == ["room:0", "room:1", "room:2", "room:3"]
    gate.opened.set()
    wait_until(lambda: Job.objects.filter(state="done").count() == 6)


@pytest.mark.usefixtures("running_ticker")
def test_row_is_not_run_twice_when_the_clock_jumps_over_its_lease(moving_clock: SettableClock, gate: Gate) -> None:
    use_handler("test.work", gate)
    make_job(now=moving_clock())
    wait_until(lambda: gate.came)

    moving_clock.advance(timedelta(days=1))
    services.work_arrived.set()
    time.sleep(1.2)
    report = run_until_idle(source="cron", budget=timedelta(seconds=2))  # the other door of this process

    assert gate.came == ["work:1"]
    assert report.done_count == 0
    gate.opened.set()
    wait_until(lambda: Job.objects.get().state == "done")
    assert Job.objects.get().claim_no == 1


@pytest.mark.usefixtures("running_ticker")
def test_row_that_cron_runs_is_left_alone_by_the_ticker(moving_clock: SettableClock, gate: Gate) -> None:
    use_handler("test.jump", lambda _job: moving_clock.advance(timedelta(days=1)) and gate(_job))
    runs: list[Run] = []
    gate.opened.set()
    make_job(now=moving_clock(), kind="test.jump")
    runs.append(run_until_idle(source="cron", budget=timedelta(seconds=5)))

    wait_until(lambda: Job.objects.get().state == "done")

    assert gate.came == ["work:1"]


def _rename_jobs(before: str, after: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")


@pytest.mark.usefixtures("running_ticker")
def test_row_whose_table_went_away_comes_back_after_the_lease(
    moving_clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []

    def lose_the_table(job: Job) -> None:
        attempts.append(job.attempts)
        if len(attempts) == 1:
            _rename_jobs("jobs_job", "jobs_lost")

    use_handler("test.work", lose_the_table)
    make_job(now=moving_clock())
    wait_until(lambda: "broke" in caplog.text)
    _rename_jobs("jobs_lost", "jobs_job")
    assert Job.objects.get().state == "due"

    moving_clock.advance(timedelta(seconds=60))

    wait_until(lambda: Job.objects.get().state == "done")
    assert attempts == [1, 2]


@pytest.mark.postgres
@pytest.mark.usefixtures("running_ticker")
def test_row_whose_connection_went_away_comes_back_after_the_lease(
    moving_clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []

    def lose_the_connection(job: Job) -> None:
        attempts.append(job.attempts)
        if len(attempts) == 1:
            connection.connection.close()

    use_handler("test.work", lose_the_connection)
    make_job(now=moving_clock())
    wait_until(lambda: "broke" in caplog.text)

    moving_clock.advance(timedelta(seconds=60))

    wait_until(lambda: Job.objects.get().state == "done")
    assert attempts == [1, 2]


def _fail(_job: Job) -> None:
    raise PermanentFailureError("gone")


@pytest.mark.usefixtures("running_ticker")
def test_ticker_leaves_one_row_an_hour_with_what_became_of_its_work(moving_clock: SettableClock) -> None:
    use_handler("test.work", do_nothing)
    use_handler("test.fail", _fail)
    make_job(now=moving_clock(), key="work:1")
    make_job(now=moving_clock(), key="work:2")
    make_job(now=moving_clock(), kind="test.fail", key="fail")
    make_job(now=moving_clock(), kind="test.unknown", key="unknown")

    def counts() -> tuple[int, ...]:
        return tuple(Run.objects.values_list("done_count", "retried_count", "failed_count").get())

    wait_until(lambda: Run.objects.exists() and counts() == (2, 1, 1))
    assert Run.objects.get().finished_at is not None

    moving_clock.advance(timedelta(hours=1, seconds=5))
    make_job(now=moving_clock(), key="work:3")
    wait_until(lambda: Run.objects.count() == 2)

    assert set(Run.objects.values_list("source", flat=True)) == {"test"}


@pytest.mark.usefixtures("running_ticker")
def test_quiet_ticker_does_not_write_at_every_visit() -> None:
    wait_until(Run.objects.exists)
    time.sleep(2.2)

    assert Run.objects.get().visits == 1


@pytest.mark.django_db(transaction=True)
def test_quiet_ticker_still_shows_that_it_lives(moving_clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "_QUIET_REPORT_SECONDS", 0.5)
    stop = threading.Event()
    thread = threading.Thread(target=Ticker("test").run_forever, args=(stop,))
    thread.start()

    wait_until(lambda: Run.objects.filter(visits__gte=3).exists())
    _stop(stop, thread)

    report = Run.objects.get()
    assert report.started_at < report.finished_at <= moving_clock()


@pytest.mark.django_db(transaction=True)
def test_ticker_that_cannot_note_its_last_visit_still_ends(
    moving_clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    def lose_the_table(_job: Job) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE jobs_run RENAME TO jobs_run_lost")
        stop.set()

    use_handler("test.work", lose_the_table)
    make_job(now=moving_clock())
    stop = threading.Event()
    thread = threading.Thread(target=Ticker("test").run_forever, args=(stop,))
    thread.start()
    thread.join(PATIENCE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_run_lost RENAME TO jobs_run")

    assert not thread.is_alive()
    assert "The last visit could not be noted" in caplog.text
    assert Job.objects.get().state == "done"


@pytest.mark.django_db(transaction=True)
def test_start_in_background_works_until_its_event_is_set(moving_clock: SettableClock) -> None:
    use_handler("test.work", do_nothing)
    make_job(now=moving_clock())

    stop = start_in_background()

    [thread] = [thread for thread in threading.enumerate() if thread.name == "ticker"]
    assert thread.daemon
    wait_until(lambda: Job.objects.get().state == "done")
    _stop(stop, thread)
    assert not thread.is_alive()
    assert Run.objects.get().source == "server"


@pytest.mark.django_db(transaction=True)
def test_two_tickers_share_the_work(moving_clock: SettableClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    ran: list[str] = []
    use_handler("test.work", lambda job: ran.append(job.key))
    for number in range(60):
        make_job(now=moving_clock(), key=f"work:{number}")
    stop = threading.Event()
    threads = [threading.Thread(target=Ticker(name).run_forever, args=(stop,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()

    wait_until(lambda: Job.objects.filter(state="done").count() == 60)
    _stop(stop, *threads)

    assert sorted(ran) == sorted(f"work:{number}" for number in range(60))
    assert sum(Run.objects.values_list("done_count", flat=True)) == 60
    assert caplog.text == ""
