"""One zone's wall clock over a span of dates, in both directions, in whole seconds.

Local times become instants as RFC 5545 3.3.5 says: a time that happens twice is its first occurrence, a time
that is skipped is read with the offset in force before the gap. Python's `fold=0` means exactly that.
"""

from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast
from zoneinfo import ZoneInfo

from greenroom.availability.engine.instants import DAY, EPOCH_ORDINAL, FAR, floor_span

_LOCAL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- the zero of wall-clock seconds is naive by nature


class LocalClock:
    """The offsets of `tz` between two local dates, given as days since 1970 and both included.

    Built by one look-up a day and a bisection at each change. No zone has changed twice within three days
    since 1900 (measured over tzdata 2026), so a daily look-up misses nothing. Outside the span the offset
    at its edge goes on.
    """

    __slots__ = ("_changes", "_local_changes", "_offsets", "missing_days", "tz")

    def __init__(self, tz: str, first_day: int, last_day: int) -> None:
        self.tz = tz
        zone = ZoneInfo(tz)
        ordinals = range(first_day + EPOCH_ORDINAL, last_day + EPOCH_ORDINAL + 1)
        # The type stubs allow None for a missing datetime, which is never passed here.
        midnights = cast("list[timedelta]", [zone.utcoffset(datetime.fromordinal(n)) for n in ordinals])
        self._offsets = [floor_span(midnights[0])]
        self._changes: list[int] = []
        self._local_changes: list[int] = []
        self.missing_days: set[int] = set()
        for day, (before, after) in enumerate(pairwise(midnights), first_day):
            if before != after:
                self._add_change(_find_change(zone, day, before), floor_span(after))

    def _add_change(self, local: int, after: int) -> None:
        """Note a change whose later wall-clock edge is `local`; the date line skips whole dates."""
        before = self._offsets[-1]
        change = local - max(before, after)
        self._changes.append(change)
        self._local_changes.append(local)
        self._offsets.append(after)
        self.missing_days.update(range(-(-(change + before) // DAY), (change + after) // DAY))

    def to_instant(self, local: int) -> int:
        """Return the instant of wall-clock seconds since 1970-01-01 00:00 local."""
        return local - self._offsets[bisect_right(self._local_changes, local)]

    def to_local(self, instant: int) -> int:
        """Return the wall-clock seconds since 1970-01-01 00:00 local at an instant."""
        return instant + self._offsets[bisect_right(self._changes, instant)]

    def day_of(self, instant: int) -> int:
        """Return the local date of an instant as days since 1970."""
        return self.to_local(instant) // DAY

    def spans_of_days(self, first_day: int, end_day: int) -> list[tuple[int, int]]:
        """Return the stretches of instants whose local date is in [first_day, end_day).

        Usually one; more where a clock set back across midnight returns to the date before.
        """
        edges = [-FAR, *self._changes, FAR]
        spans = [
            (max(since, first_day * DAY - offset), min(until, end_day * DAY - offset))
            for (since, until), offset in zip(pairwise(edges), self._offsets, strict=True)
        ]
        return [(start, end) for start, end in spans if start < end]


def _find_change(zone: ZoneInfo, day: int, before: timedelta) -> int:
    """Return the first wall-clock second after midnight of `day` whose offset is no longer `before`."""
    low, high = day * DAY, (day + 1) * DAY
    while high - low > 1:
        middle = (low + high) // 2
        if zone.utcoffset(_LOCAL_EPOCH + timedelta(seconds=middle)) == before:
            low = middle
        else:
            high = middle
    return high
