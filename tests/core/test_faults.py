from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.factories.processes import run_python

from greenroom.core import faults
from greenroom.core.faults import FAULT_POINTS, KILLED_STATUS, fault_point


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    faults.arm("")


@pytest.mark.parametrize("name", sorted(FAULT_POINTS))
def test_unarmed_point_does_nothing(name: str) -> None:
    fault_point(name)


def test_point_beside_the_armed_one_does_nothing() -> None:
    faults.arm("jobs.after_claim")

    fault_point("jobs.before_close")


def test_unlisted_point_is_an_error() -> None:
    with pytest.raises(LookupError, match="nowhere is not a listed fault point"):
        fault_point("nowhere")
    with pytest.raises(LookupError, match="nowhere is not a listed fault point"):
        faults.arm("nowhere")
    with pytest.raises(LookupError, match="is not a listed fault point"):
        fault_point("")


def test_armed_point_kills_the_process_without_clean_up(tmp_path: Path) -> None:
    code = """
import atexit
from greenroom.core.faults import fault_point
atexit.register(print, "cleaned up")
try:
    fault_point("jobs.before_close")
    print("still here", flush=True)
finally:
    print("finally", flush=True)
"""
    killed = run_python(code, data_dir=tmp_path, GREENROOM_FAULT_POINT="jobs.before_close")
    spared = run_python(code, data_dir=tmp_path, GREENROOM_FAULT_POINT="jobs.after_claim")

    assert KILLED_STATUS == 86
    assert (killed.returncode, killed.stdout, killed.stderr) == (86, "", "")
    assert (spared.returncode, spared.stdout) == (0, "still here\nfinally\ncleaned up\n")


def test_watcher_is_told_of_every_point_until_the_block_ends() -> None:
    reached: list[str] = []

    with faults.watched(reached.append):
        fault_point("jobs.after_claim")
        fault_point("jobs.before_close")
    fault_point("jobs.after_claim")

    assert reached == ["jobs.after_claim", "jobs.before_close"]


def test_unknown_armed_point_stops_the_start(tmp_path: Path) -> None:
    result = run_python("print('started')", data_dir=tmp_path, GREENROOM_FAULT_POINT="nowhere")

    assert result.returncode == 1
    assert "nowhere is not a listed fault point" in result.stderr
    assert result.stdout == ""
