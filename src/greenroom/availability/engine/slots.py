"""The one answer to "which starts can be booked?", for listing, booking and rescheduling alike."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from greenroom.availability.engine.bars import (
    Bars,
    LimitBar,
    blackout_bars,
    busy_bars,
    date_bars,
    holds,
    limit_bars,
    time_bars,
    window_bars,
)
from greenroom.availability.engine.instants import (
    DAY,
    ceil_seconds,
    epoch_date,
    floor_seconds,
    floor_span,
    from_seconds,
)
from greenroom.availability.engine.local_clock import LocalClock
from greenroom.availability.engine.reasons import ReasonCode
from greenroom.availability.engine.runs import LOOKBACK_DAYS, SPILL_DAYS, Clocks, Runs, find_runs, gaps
from greenroom.availability.engine.types import SlotQuery

# The longest period a limit counts over reaches so far to either side of a start.
_LIMIT_DAYS = 31


@dataclass(frozen=True, slots=True)
class Plan:
    """A query turned into integers: where grids run and every bar across them, valid for [first, until).

    `joinable` maps the start of each session that can be joined to the place of its own bar in `busy`.
    """

    clocks: Clocks
    runs: Runs
    increment: int
    windows: Bars
    busy: Bars
    blackouts: Bars
    times: list[tuple[ReasonCode, int, int]]
    limits: list[LimitBar]
    joinable: dict[int, int]

    def joined_starts(self) -> list[int]:
        """Return the starts of sessions that can be joined: what nothing but their own bar stands in the way of."""
        if not self.joinable:
            return []
        fixed = self.windows + self.blackouts + [(start, end) for _, start, end in self.times]
        return [
            start
            for start, own in self.joinable.items()
            if not any(holds(bar, start) for bar in fixed)
            and not any(holds(bar, start) for place, bar in enumerate(self.busy) if place != own)
        ]

    def next_on_grid(self, instant: int) -> int:
        """Return the first start at or after an instant inside a run, on the grid that holds there."""
        anchor = self.runs.anchors[bisect_right(self.runs.anchors, instant) - 1]
        return instant + (anchor - instant) % self.increment

    def around_on_grid(self, instant: int) -> list[int]:
        """Return the grid starts just before and just after an instant inside a run, as far as they fit."""
        before = self.next_on_grid(instant)
        if before != instant:
            before -= self.increment
        later = bisect_right(self.runs.anchors, instant)
        after = min([self.next_on_grid(instant + 1), *self.runs.anchors[later : later + 1]])
        return [start for start in (before, after) if not any(holds(bar, start) for bar in self.windows)]


def make_plan(query: SlotQuery, first: int, until: int) -> Plan:
    """Return everything that decides about starts in [first, until)."""
    rules, taken = query.rules, query.taken
    session_end = until + floor_span(rules.duration)
    first_day, last_day = first // DAY - 1, session_end // DAY + 1
    clocks = Clocks.of(query.schedule, first_day - LOOKBACK_DAYS, last_day + max(_LIMIT_DAYS, SPILL_DAYS))
    clock, runs = clocks.own, find_runs(query.schedule, clocks, first, session_end)
    return Plan(
        clocks=clocks,
        runs=runs,
        increment=floor_span(rules.increment),
        windows=window_bars(runs, rules),
        busy=busy_bars(taken.sessions, rules),
        blackouts=blackout_bars(taken.blackouts, clock, rules),
        times=time_bars(query) + date_bars(rules, clock),
        limits=limit_bars(query, clock, range(first_day - _LIMIT_DAYS, last_day + _LIMIT_DAYS + 1)),
        joinable={
            floor_seconds(start): place for place, start in enumerate(taken.joinable_starts, start=len(taken.busy))
        },
    )


def open_starts(query: SlotQuery) -> list[int]:
    """Return the bookable starts in [range_from, range_to) as sorted seconds since 1970."""
    plan = make_plan(query, ceil_seconds(query.range_from), ceil_seconds(query.range_to))
    bars = plan.windows + plan.busy + plan.blackouts
    bars += [(start, end) for _, start, end in plan.times]
    bars += [(bar.start, bar.end) for bar in plan.limits]
    # An empty bar at each anchor: no stretch of free starts then spans two grids.
    bars += [(anchor, anchor) for anchor in plan.runs.anchors]
    found: list[int] = []
    for free_from, free_until in gaps(sorted([start for start, _ in bars]), sorted([end for _, end in bars])):
        found.extend(range(plan.next_on_grid(free_from), free_until, plan.increment))
    joined = plan.joined_starts()
    return sorted(found + joined) if joined else found


def open_slots(query: SlotQuery) -> list[datetime]:
    """Return the bookable starts in [range_from, range_to), aware UTC and sorted.

    `overrides` must be loaded from `LOOKBACK_DAYS` before the range; booked starts, where limits are set, for
    the whole weeks and months that the range touches.
    """
    return [from_seconds(start) for start in open_starts(query)]


def group_by_day(starts: Iterable[datetime], tz: str) -> dict[date, list[datetime]]:
    """Return sorted instants by their local date in `tz`, dates in the order in which they occur."""
    dated = [(floor_seconds(start), start) for start in starts]
    if not dated:
        return {}
    clock = LocalClock(tz, dated[0][0] // DAY - 1, dated[-1][0] // DAY + 1)
    groups: dict[int, list[datetime]] = {}
    for second, start in dated:
        groups.setdefault(clock.day_of(second), []).append(start)
    return {epoch_date(day): group for day, group in groups.items()}
