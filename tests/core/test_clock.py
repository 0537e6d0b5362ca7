import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.factories.processes import run_python
from tests.factories.waiting import PATIENCE_SECONDS

from greenroom.core import clock
from greenroom.core.clock import ClockMovedBackError, OffsetClock

HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


@pytest.fixture
def _source_is_put_back() -> Iterator[None]:
    before = clock.source()
    yield
    clock.use_source(before)


def _is_about(instant: datetime, expected: datetime) -> bool:
    return timedelta() <= instant - expected < timedelta(seconds=20)


@pytest.mark.usefixtures("_source_is_put_back")
def test_now_comes_from_the_wired_source() -> None:
    instant = datetime(2030, 1, 1, tzinfo=UTC)

    clock.use_source(lambda: instant)

    assert clock.now() is instant


@pytest.mark.usefixtures("_source_is_put_back")
def test_advance_moves_the_wired_sandbox_clock(path: Path) -> None:
    clock.use_source(OffsetClock(path))
    before = clock.now()

    instant = clock.advance(HOUR)

    assert _is_about(instant, before + HOUR)
    assert _is_about(clock.now(), before + HOUR)
    assert OffsetClock(path).offset() == HOUR


@pytest.mark.usefixtures("_source_is_put_back")
def test_advance_of_the_systems_clock_is_refused() -> None:
    clock.use_source(clock.system_now)

    with pytest.raises(ClockMovedBackError, match="Only the sandbox's clock"):
        clock.advance(HOUR)


def test_system_now_is_aware_utc() -> None:
    before = datetime.now(UTC)

    assert _is_about(clock.system_now(), before)
    assert clock.system_now().tzinfo is UTC


def test_offset_clock_without_file_is_system_time(path: Path) -> None:
    before = datetime.now(UTC)

    moved = OffsetClock(path)

    assert moved.offset() == timedelta()
    assert _is_about(moved(), before)
    assert not path.exists()


def test_advance_moves_and_returns_the_new_instant(path: Path) -> None:
    before = datetime.now(UTC)
    moved = OffsetClock(path)

    instant = moved.advance(25 * HOUR)

    assert _is_about(instant, before + 25 * HOUR)
    assert instant.tzinfo is UTC
    assert moved.offset() == 25 * HOUR
    assert instant <= moved()


def test_advance_adds_up_to_the_microsecond(path: Path) -> None:
    moved = OffsetClock(path)

    moved.advance(timedelta(microseconds=1))
    moved.advance(timedelta(days=400, seconds=3))

    assert moved.offset() == timedelta(days=400, seconds=3, microseconds=1)


def test_advance_by_nothing_is_allowed(path: Path) -> None:
    moved = OffsetClock(path)

    moved.advance(timedelta())

    assert moved.offset() == timedelta()


@pytest.mark.parametrize("by", [timedelta(microseconds=-1), timedelta.min])
def test_advance_backwards_is_refused(path: Path, by: timedelta) -> None:
    moved = OffsetClock(path)
    moved.advance(HOUR)

    with pytest.raises(ClockMovedBackError, match="only moves forward"):
        moved.advance(by)

    assert moved.offset() == HOUR


@pytest.mark.parametrize(
    "instant",
    [
        datetime(9000, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 50, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_advance_to_the_calendars_end_is_refused(path: Path, instant: datetime) -> None:
    """Near the end every lease and every month's horizon would overflow, and there is no way back."""
    moved = OffsetClock(path)
    moved.advance(HOUR)

    with pytest.raises(ClockMovedBackError, match="beyond"):
        moved.advance(instant - moved())

    assert moved.offset() == HOUR


def test_advance_by_more_than_the_calendar_is_refused(path: Path) -> None:
    moved = OffsetClock(path)

    with pytest.raises(ClockMovedBackError, match="beyond"):
        moved.advance(timedelta.max)

    assert moved.offset() == timedelta()


def test_advance_far_leaves_a_usable_clock(path: Path) -> None:
    moved = OffsetClock(path)

    moved.advance(datetime(8999, 12, 1, tzinfo=UTC) - moved())

    assert moved() + timedelta(days=3650) > moved()


def test_second_clock_on_the_same_file_sees_every_move(path: Path) -> None:
    first, second = OffsetClock(path), OffsetClock(path)

    # Twenty moves fall into one tick of the file system's own clock.
    for step in range(1, 21):
        first.advance(HOUR)
        assert second.offset() == step * HOUR


def test_restart_keeps_the_offset(path: Path) -> None:
    OffsetClock(path).advance(HOUR)

    assert OffsetClock(path).offset() == HOUR


def test_another_process_sees_the_offset(path: Path) -> None:
    OffsetClock(path).advance(timedelta(days=1000))

    result = run_python(
        "from greenroom.core import clock; print(clock.now().isoformat())", data_dir=path.parent, PORT="8000"
    )

    assert result.stderr == ""
    assert _is_about(
        datetime.fromisoformat(result.stdout.strip()), datetime.now(UTC) + timedelta(days=1000, seconds=-15)
    )


def test_concurrent_moves_all_count(path: Path) -> None:
    clocks = [OffsetClock(path) for _ in range(4)]
    barrier = threading.Barrier(4)

    def move(one: OffsetClock) -> None:
        barrier.wait(PATIENCE_SECONDS)
        for _ in range(25):
            one.advance(HOUR)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, clocks))

    assert [one.offset() for one in clocks] == [100 * HOUR] * 4


def test_readers_never_see_the_clock_go_back(path: Path) -> None:
    mover, shared = OffsetClock(path), OffsetClock(path)
    done = threading.Event()

    def read() -> bool:
        last = shared()
        while not done.is_set():
            now = shared()
            if now < last:
                return False
            last = now
        return True

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for _ in range(100):
            mover.advance(HOUR)
        done.set()

    assert [reader.result() for reader in readers] == [True, True, True]
    assert shared.offset() == 100 * HOUR


def test_file_replaced_within_one_tick_is_read_again(path: Path) -> None:
    moved = OffsetClock(path)
    moved.advance(HOUR)
    seen = path.stat()
    assert moved.offset() == HOUR

    staged = path.with_suffix(".new")
    staged.write_text(json.dumps({"offset_seconds": 7200.0}), encoding="ascii")
    os.utime(staged, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    staged.replace(path)

    assert moved.offset() == 2 * HOUR


def test_moves_leave_no_staged_files(path: Path) -> None:
    moved = OffsetClock(path)

    moved.advance(HOUR)
    moved.advance(HOUR)

    assert [file.name for file in path.parent.iterdir() if file.suffix != ".lock"] == ["clock.json"]
