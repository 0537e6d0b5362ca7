"""The only place that reads the time.

Durable times (due rows, holds, leases, tokens) come from `now()`. Waiting inside a process uses
`time.monotonic` and never this clock, because the sandbox's clock can be moved forward.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

Source = Callable[[], datetime]
# Far enough from the year 9999 that leases, horizons and retention never overflow: the clock cannot come back.
_END = datetime(9000, 1, 1, tzinfo=UTC)


class ClockMovedBackError(ValueError):
    """The sandbox clock was asked to go where it cannot: back, or beyond the calendar's end."""


def system_now() -> datetime:
    """Return the machine's time as an aware UTC instant."""
    return datetime.now(UTC)


_source: Source = system_now


def now() -> datetime:
    """Return the current instant, aware and in UTC, from the wired source."""
    return _source()


def use_source(source: Source) -> None:
    """Wire the clock's source; `config.wiring` calls this once per process."""
    global _source  # noqa: PLW0603 -- the one wired value of this module
    _source = source


def source() -> Source:
    """Return the wired source, so that whoever wires another for a while can put it back."""
    return _source


def advance(by: timedelta) -> datetime:
    """Move the sandbox's clock forward for every process and return the new instant.

    Raises: ClockMovedBackError when it would go back, or when the wired clock is not the sandbox's.
    """
    if not isinstance(_source, OffsetClock):
        raise ClockMovedBackError("Only the sandbox's clock can be moved.")
    return _source.advance(by)


class OffsetClock:
    """The system's time plus an offset kept in a file, so that every process and a restart see it.

    The file is replaced by renaming, so a reader sees the old or the new offset and never half of one. It is read
    every time: file systems stamp changes too coarsely to tell two quick moves apart (measured).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> datetime:
        """Return the moved instant, aware and in UTC."""
        return system_now() + self.offset()

    def offset(self) -> timedelta:
        """Return how far this clock is ahead of the system's; zero before the first move."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return timedelta()
        return timedelta(seconds=json.loads(text)["offset_seconds"])

    def advance(self, by: timedelta) -> datetime:
        """Move the clock forward by `by` and return the new instant. Moves of several processes add up.

        Raises: ClockMovedBackError when `by` is negative or leads past the year 8999.
        """
        if by < timedelta():
            raise ClockMovedBackError("The sandbox clock only moves forward.")
        with self._alone():
            try:
                offset = self.offset() + by
                moved = system_now() + offset
            except OverflowError as error:
                raise ClockMovedBackError("That is beyond the calendar's end.") from error
            if moved >= _END:
                raise ClockMovedBackError("That is beyond the calendar's end.")
            self._write(offset)
            return moved

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other movers out, in this process and in others, between reading and writing."""
        with self._path.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write(self, offset: timedelta) -> None:
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump({"offset_seconds": offset.total_seconds()}, file)
        Path(name).replace(self._path)
