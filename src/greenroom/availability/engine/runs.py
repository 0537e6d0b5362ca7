"""From weekly windows to runs: stretches in which windows touch or overlap, and where their grids begin.

**Where a grid begins.** Candidates are counted from the start of their run. A calendar that is open day and
night has a run without a start, so a run of four weeks or more counts afresh from each Monday 00:00 of the
coach's zone: precisely, from every such midnight at least four weeks after the run began. The anchor of an
instant therefore depends on the five weeks before it and never on the range that was asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from greenroom.availability.engine.instants import DAY, FAR, epoch_day
from greenroom.availability.engine.local_clock import LocalClock
from greenroom.availability.engine.types import Override, Schedule, Stay

LONG_RUN_DAYS = 28
# A window may start the day before an instant it covers; the rest is room for zones that cross the date line.
SPILL_DAYS = 3
# How far before the asked range the engine reads overrides, and so how far back a caller must load them.
LOOKBACK_DAYS = 7 + LONG_RUN_DAYS + 2 * SPILL_DAYS

# The clocks of two zones are never further apart: from UTC-12 to UTC+14.
_FARTHEST_CLOCKS = 26 * 3600

_WallSpans = tuple[tuple[int, int], ...]


def gaps(starts: list[int], ends: list[int]) -> list[tuple[int, int]]:
    """Return the gaps in the union of half-open intervals, given their sorted starts and sorted ends.

    The union pauses after the i-th end exactly when the next start lies beyond it: by then as many intervals
    have ended as have begun. Sorting two lists of integers replaces sorting and walking over pairs.
    """
    return [(end, start) for end, start in zip(ends, starts[1:], strict=False) if end < start]


@dataclass(frozen=True, slots=True)
class Runs:
    """Merged windows in order, as instants, and every instant at which a grid begins."""

    starts: list[int]
    ends: list[int]
    anchors: list[int]

    def pauses(self) -> list[tuple[int, int]]:
        """Return the time outside all runs, endless at both sides."""
        return list(zip([-FAR, *self.ends], [*self.starts, FAR], strict=True))


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clock of a schedule's own zone, and those of its stays by the dates (days since 1970) on which they count."""

    own: LocalClock
    away: Mapping[int, LocalClock]

    @classmethod
    def of(cls, schedule: Schedule, first_day: int, last_day: int) -> "Clocks":
        """Build what is needed for windows that belong to dates in [first_day, last_day]."""
        return cls(LocalClock(schedule.tz, first_day, last_day), _clocks_away(schedule.stays, first_day, last_day))

    def of_date(self, day: int) -> LocalClock:
        """Return the clock on which the windows of a date are read."""
        return self.away.get(day, self.own)


def _clocks_away(stays: Iterable[Stay], first_day: int, last_day: int) -> dict[int, LocalClock]:
    away: dict[int, LocalClock] = {}
    for stay in stays:
        since, until = max(first_day, epoch_day(stay.first_day)), min(last_day, epoch_day(stay.last_day))
        if since <= until:
            # Windows end by the second midnight; a skipped date is noticed between the midnights around it.
            clock = LocalClock(stay.tz, since - 1, until + 2)
            away.update(dict.fromkeys(range(since, until + 1), clock))
    return away


def find_runs(schedule: Schedule, clocks: Clocks, first: int, until: int) -> Runs:
    """Return the runs that hold instants in [first, until), each with its true start or grid.

    The clocks must span `LOOKBACK_DAYS` before and `SPILL_DAYS` after. Runs outside may be cut short.
    """
    clock = clocks.own
    first_day = clock.day_of(first) - SPILL_DAYS
    last_day = clock.day_of(until) + SPILL_DAYS - 1
    starts, ends = _merged(schedule, clocks, first_day, last_day)
    # A window of an earlier date ends before the second midnight; the day more is for a skipped one.
    settled = clock.to_instant((first_day + 1) * DAY) + DAY + (_FARTHEST_CLOCKS if clocks.away else 0)
    if any(start <= settled and end > first for start, end in zip(starts, ends, strict=True)):
        starts, ends = _merged(schedule, clocks, first_day + SPILL_DAYS - LOOKBACK_DAYS, last_day)
    anchors = [anchor for start, end in zip(starts, ends, strict=True) for anchor in _anchors(clock, start, end)]
    return Runs(starts, ends, anchors)


def _anchors(clock: LocalClock, start: int, end: int) -> list[int]:
    """Return the start of a run and the Mondays at which a long one counts afresh."""
    settled = start + LONG_RUN_DAYS * DAY
    if settled >= end:
        return [start]
    # 1970-01-01 was a Thursday: day 4 is a Monday.
    monday = clock.day_of(settled) // 7 * 7 - 3
    midnights = (clock.to_instant(day * DAY) for day in range(monday, clock.day_of(end) + 1, 7))
    return [start, *(midnight for midnight in midnights if settled <= midnight < end)]


def _merged(schedule: Schedule, clocks: Clocks, first_day: int, last_day: int) -> tuple[list[int], list[int]]:
    """Return the starts and the ends of the merged windows that belong to these local dates."""
    week = _week(schedule)
    replaced = {epoch_day(override.on): _override_spans(override) for override in schedule.overrides}
    starts, ends = [], []
    for day in range(first_day, last_day + 1):
        spans = replaced.get(day)
        if spans is None:
            spans = week[(day + 3) % 7]
        clock = clocks.of_date(day)
        if day in clock.missing_days:
            continue
        midnight, to_instant = day * DAY, clock.to_instant
        for opens, closes in spans:
            start, end = to_instant(midnight + opens), to_instant(midnight + closes)
            # A clock change can leave nothing of a window: 01:00-02:00 on the night when 01:00 becomes 02:00.
            if start < end:
                starts.append(start)
                ends.append(end)
    starts.sort()
    ends.sort()
    breaks = gaps(starts, ends)
    return [*starts[:1], *(start for _, start in breaks)], [*(end for end, _ in breaks), *ends[-1:]]


def wall_span(start_minute: int, end_minute: int) -> tuple[int, int]:
    """Return a window as seconds after the midnight of the date it belongs to."""
    overnight = DAY if end_minute <= start_minute else 0
    return start_minute * 60, end_minute * 60 + overnight


def _week(schedule: Schedule) -> list[_WallSpans]:
    """Return the wall-clock spans of each weekday, Monday first."""
    return [
        tuple(
            wall_span(window.start_minute, window.end_minute)
            for window in schedule.windows
            if window.is_active and window.weekday == weekday
        )
        for weekday in range(1, 8)
    ]


def _override_spans(override: Override) -> _WallSpans:
    return tuple(wall_span(start_minute, end_minute) for start_minute, end_minute in override.windows)
