"""A clock that tests set."""

import time
from datetime import UTC, datetime, timedelta

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class SettableClock:
    """A source for `core.clock`: it stands still, or goes on from where it was set, and moves when told to."""

    def __init__(self, start: datetime = MONDAY, *, is_running: bool = False) -> None:
        self._at = start
        self._is_running = is_running
        self._set_at = time.monotonic()

    def __call__(self) -> datetime:
        """Return the current instant."""
        passed = time.monotonic() - self._set_at if self._is_running else 0.0
        return self._at + timedelta(seconds=passed)

    def set(self, instant: datetime) -> datetime:
        """Put the clock at `instant` (aware) and return it."""
        self._at, self._set_at = instant, time.monotonic()
        return instant

    def advance(self, by: timedelta) -> datetime:
        """Move the clock by `by` and return the new instant."""
        return self.set(self() + by)
