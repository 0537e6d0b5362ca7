"""Kinds of jobs for workers in processes of their own, which write down every run in a file."""

import os
import time
from datetime import timedelta
from pathlib import Path

from greenroom.jobs import registry
from greenroom.jobs.models import Job
from greenroom.jobs.registry import HandlerSpec, Lane

LOG = "runs.txt"
_LEASE = timedelta(seconds=4)


def register() -> None:
    """Make them the only kinds of this process."""
    registry.use(
        {
            "test.mail": HandlerSpec(_write_down, Lane.MAIL, lease=_LEASE),
            "test.room": HandlerSpec(_hang_once, Lane.ROOMS, lease=_LEASE),
            "test.stuck": HandlerSpec(_hang_once, Lane.SLOW, lease=timedelta(minutes=5)),
        }
    )


def _write_down(job: Job) -> None:
    """Append the row's key to the log."""
    with (Path(os.environ["GREENROOM_DATA_DIR"]) / LOG).open("a") as log:
        log.write(f"{job.key}\n")


def _hang_once(job: Job) -> None:
    """Write the row down and never come back, the first time."""
    _write_down(job)
    if job.attempts == 1:
        time.sleep(3600)
