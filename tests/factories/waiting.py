"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 180.0  # a machine that is busy with other things is no fault


def wait_until(condition: Callable[[], object], what: str = "it", *, every: float = 0.02) -> None:
    """Return as soon as `condition`, asked `every` so many seconds, holds; fail when it does not come true."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends_at, f"{what} did not come"
        time.sleep(every)
