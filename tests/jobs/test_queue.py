"""Workers on a real broker: what is killed, emptied or doubled loses nothing and repeats nothing that was done."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from django.db import connection
from tests.factories import queue_kinds
from tests.factories.processes import process_environment
from tests.factories.waiting import wait_until

from greenroom.core import clock
from greenroom.jobs import services
from greenroom.jobs.models import Job, JobState

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="several machines share PostgreSQL, never SQLite"),
]
_ROOT = Path(__file__).resolve().parents[2]
_URGENT, _PATIENT = "ticks,rooms,money", "mail,slow"

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """Run a Redis of its own and yield its address."""
    server = shutil.which("redis-server")
    assert server, "install redis-server: this is what runs with several machines"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL)  # noqa: S603 -- found on the machine's path
    url = f"redis://127.0.0.1:{port}/0"

    def answers() -> bool:
        with suppress(redis.ConnectionError):
            return bool(redis.Redis.from_url(url).ping())
        return False

    wait_until(answers, "Redis")
    yield url
    process.kill()
    process.wait()


@pytest.fixture
def start(broker: str, tmp_path: Path) -> Iterator[Start]:
    """Start Celery processes by their arguments; all of them are killed afterwards."""
    environment = process_environment(tmp_path, GREENROOM_REDIS_URL=broker) | {"PYTHONPATH": str(_ROOT)}
    started: list[subprocess.Popen[bytes]] = []

    def start_one(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "tests.factories.queue_app", *arguments]
        process = subprocess.Popen(command, env=environment, cwd=_ROOT, start_new_session=True)  # noqa: S603 -- our own
        started.append(process)
        return process

    yield start_one
    for process in started:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all its children, as a machine that loses power."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def worker(queues: str) -> tuple[str, ...]:
    return ("worker", "-Q", queues, "-c", "2", "-l", "warning", "--without-gossip", "--without-mingle", "-n", queues)


def runs(data_dir: Path) -> Counter[str]:
    log = data_dir / queue_kinds.LOG
    return Counter(log.read_text().split()) if log.exists() else Counter()


def plan(kind: str, key: str) -> None:
    now = clock.now()
    services.plan(kind=kind, key=key, due_at=now, now=now)


@pytest.fixture(autouse=True)
def _kinds(handlers: None) -> None:  # noqa: ARG001 -- wanted for what it does
    queue_kinds.register()


def test_killed_worker_emptied_broker_and_two_beats_lose_and_repeat_nothing(
    broker: str, start: Start, tmp_path: Path
) -> None:
    for number in range(300):
        plan("test.mail", f"mail:{number}")
    plan("test.room", "room:1")
    for _ in range(2):
        start("beat", "-l", "warning")
    urgent = start(*worker(_URGENT))
    wait_until(lambda: runs(tmp_path)["room:1"] == 1, "the room's row to start")

    kill(urgent)
    redis.Redis.from_url(broker).flushall()
    start(*worker(_URGENT))
    start(*worker(_PATIENT))

    wait_until(lambda: not Job.objects.filter(state=JobState.DUE).exists(), "every row to be done")
    done = runs(tmp_path)
    assert done.pop("room:1") == 2
    assert len(done) == 300
    assert set(done.values()) == {1}
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}


def test_rooms_do_not_wait_behind_slow_work(start: Start, tmp_path: Path) -> None:
    for number in range(20):
        plan("test.stuck", f"stuck:{number}")
    start("beat", "-l", "warning")
    start(*worker(_PATIENT))
    start(*worker(_URGENT))
    wait_until(lambda: len(runs(tmp_path)) >= 2, "slow work to fill its worker")

    plan("test.room", "room:1")
    Job.objects.filter(key="room:1").update(attempts=1)  # so that it does not hang

    wait_until(lambda: Job.objects.get(key="room:1").state == JobState.DONE, "the room's row")
    assert Job.objects.filter(kind="test.stuck", state=JobState.DONE).count() == 0
