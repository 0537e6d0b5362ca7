"""The command as an operator runs it, and what a crash at every point leaves behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from tests.factories.jobs import do_nothing, make_job, use_handler
from tests.factories.processes import process_environment, run_python
from tests.factories.waiting import PATIENCE_SECONDS, wait_until

from greenroom.accounts.models import User
from greenroom.core import clock
from greenroom.core.clock import OffsetClock
from greenroom.core.faults import KILLED_STATUS
from greenroom.jobs.models import Job, Run

pytestmark = pytest.mark.django_db(transaction=True)

TICK = [sys.executable, "-m", "greenroom", "tick"]
LEASE = timedelta(seconds=60)
WORKER = """
import sys, time
from datetime import timedelta
from greenroom.accounts.models import User
from greenroom.jobs import registry
from greenroom.jobs.ticker import run_until_idle

def work(job):
    User.objects.create_user(f"{job.key}.{job.attempts}@example.org", name="effect")
    if "slow" in job.key and job.attempts == 1:
        print("started", flush=True)
        time.sleep(60)

registry.use({"test.work": registry.HandlerSpec(work, registry.Lane.ROOMS, max_attempts=2)})
report = run_until_idle(source="test", budget=timedelta(seconds=20))
print(report.done_count, report.failed_count)
"""


@pytest.fixture
def planned() -> Callable[[str], Job]:
    return lambda key: make_job(now=clock.system_now(), key=key)


@pytest.fixture
def _signals_are_put_back() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _effects() -> list[str]:
    return sorted(User.objects.values_list("email", flat=True))


def test_tick_runs_what_is_due_and_says_so(tmp_path: Path) -> None:
    make_job(now=clock.system_now(), kind="jobs.prune", key="prune:now")

    result = subprocess.run(  # noqa: S603 -- our own command
        TICK, env=process_environment(tmp_path), capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )

    assert result.returncode == 0
    report = Run.objects.get(source="command")
    assert result.stdout == (
        f"{report.done_count} done, {report.retried_count} to be tried again, {report.failed_count} failed\n"
    )
    assert report.done_count >= 1
    assert Job.objects.get(key="prune:now").state == "done"


@pytest.mark.usefixtures("handlers")
def test_tick_inside_this_process_takes_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    use_handler("test.work", do_nothing)
    make_job(now=clock.now())

    call_command("tick", seconds=0.0)
    call_command("tick")

    assert capsys.readouterr().out.splitlines() == [
        "0 done, 0 to be tried again, 0 failed",
        "1 done, 0 to be tried again, 0 failed",
    ]


@pytest.mark.usefixtures("handlers", "_signals_are_put_back")
def test_tick_forever_inside_this_process_ends_by_a_signal() -> None:
    use_handler("test.work", lambda _job: os.kill(os.getpid(), signal.SIGTERM))
    make_job(now=clock.now())

    call_command("tick", forever=True)

    assert Job.objects.get().state == "done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_tick_forever_runs_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [*TICK, "--forever"], env=process_environment(tmp_path), stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(Run.objects.filter(source="command").exists)
        make_job(now=clock.system_now(), kind="jobs.prune", key="prune:now")
        wait_until(Job.objects.filter(key="prune:now", state="done").exists)

        process.send_signal(number)
        _output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0
    assert "A visit to the due rows failed" not in errors
    assert Run.objects.get(source="command").done_count >= 1


def test_crash_after_the_claim_is_continued_after_the_lease(tmp_path: Path, planned: Callable[[str], Job]) -> None:
    planned("a")

    killed = run_python(WORKER, data_dir=tmp_path, GREENROOM_FAULT_POINT="jobs.after_claim")
    assert (killed.returncode, killed.stdout, killed.stderr) == (KILLED_STATUS, "", "")
    row = Job.objects.get()
    assert (row.state, row.claim_no, row.attempts) == ("due", 1, 0)
    assert _effects() == []
    assert Run.objects.get().finished_at is None

    early = run_python(WORKER, data_dir=tmp_path)
    assert (early.stdout, _effects()) == ("0 0\n", [])

    OffsetClock(tmp_path / "clock.json").advance(LEASE)
    late = run_python(WORKER, data_dir=tmp_path)
    assert (late.returncode, late.stdout) == (0, "1 0\n")
    assert _effects() == ["a.1@example.org"]
    row = Job.objects.get()
    assert (row.state, row.claim_no, row.attempts) == ("done", 2, 1)


def test_crash_before_the_close_is_continued_and_stops_at_the_limit(
    tmp_path: Path, planned: Callable[[str], Job]
) -> None:
    planned("a")

    for attempt in (1, 2):
        killed = run_python(WORKER, data_dir=tmp_path, GREENROOM_FAULT_POINT="jobs.before_close")
        assert killed.returncode == KILLED_STATUS
        row = Job.objects.get()
        assert (row.state, row.claim_no, row.attempts) == ("due", attempt, attempt)
        OffsetClock(tmp_path / "clock.json").advance(LEASE)

    assert _effects() == ["a.1@example.org", "a.2@example.org"]
    stopped = run_python(WORKER, data_dir=tmp_path)
    assert stopped.stdout == "0 1\n"
    row = Job.objects.get()
    assert (row.state, row.last_error) == ("failed", "Started 2 times and never came back.")
    assert len(_effects()) == 2


def test_process_killed_in_a_handler_is_continued_after_the_lease(
    tmp_path: Path, planned: Callable[[str], Job]
) -> None:
    planned("slow")
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter
        [sys.executable, "-c", f"import django; django.setup()\n{WORKER}"],
        env=process_environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.kill()

    assert Job.objects.get().state == "due"
    OffsetClock(tmp_path / "clock.json").advance(LEASE)
    again = run_python(WORKER, data_dir=tmp_path)

    assert again.stdout == "1 0\n"
    assert _effects() == ["slow.1@example.org", "slow.2@example.org"]
    assert Job.objects.get().state == "done"
