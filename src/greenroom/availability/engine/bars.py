"""Bars: half-open ranges of starts that something rules out.

Every rule that can refuse a start is turned into bars over the starts it refuses. Listing removes their union
from the grid; explaining names those that hold an instant. There is no other predicate.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from greenroom.availability.engine.instants import (
    DAY,
    EPOCH,
    FAR,
    ceil_seconds,
    ceil_span,
    epoch_date,
    epoch_day,
    floor_seconds,
    floor_span,
)
from greenroom.availability.engine.local_clock import LocalClock
from greenroom.availability.engine.reasons import ReasonCode
from greenroom.availability.engine.runs import Runs
from greenroom.availability.engine.types import Interval, LocalInterval, Rules, SlotQuery

Bars = list[tuple[int, int]]
# The first local day of a date, week or month and the day after its last.
_Period = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LimitBar:
    """A stretch of starts in a day, week or month that already has as many bookings as allowed."""

    code: ReasonCode
    count: int
    first_day: int
    start: int
    end: int


def holds(bar: tuple[int, int], start: int) -> bool:
    """Tell whether a bar rules out a start."""
    return bar[0] <= start < bar[1]


def window_bars(runs: Runs, rules: Rules) -> Bars:
    """Bar every start from which the session would not lie inside one run; one bar per pause."""
    reach = floor_span(rules.duration) - 1
    return [(closed - reach, opened) for closed, opened in runs.pauses()]


def busy_bars(busy: Iterable[Interval], rules: Rules) -> Bars:
    """Bar every start whose session with its buffers would overlap a busy interval; one bar each, in order.

    A busy time with fractions of a second covers the whole seconds it touches: starts are whole seconds, so
    nothing is lost or gained. The conversions are written out because they are most of the engine's cost.
    """
    reach = floor_span(rules.duration + rules.buffer_after) - 1
    after = floor_span(rules.buffer_before)
    return [
        (
            (since := interval.start - EPOCH).days * DAY + since.seconds - reach,
            (until := interval.end - EPOCH).days * DAY + until.seconds + (until.microseconds > 0) + after,
        )
        for interval in busy
    ]


def blackout_bars(blackouts: Iterable[Interval | LocalInterval], clock: LocalClock, rules: Rules) -> Bars:
    """Bar every start whose session, without its buffers, would overlap a blackout; one bar each, in order.

    A wall-clock blackout that a clock change leaves empty bars nothing.
    """
    reach = floor_span(rules.duration) - 1
    edges = [_edges(blackout, clock) for blackout in blackouts]
    return [(start - reach if start < end else end, end) for start, end in edges]


def _edges(blackout: Interval | LocalInterval, clock: LocalClock) -> tuple[int, int]:
    if isinstance(blackout, Interval):
        return floor_seconds(blackout.start), ceil_seconds(blackout.end)
    start, end = (moment.replace(tzinfo=EPOCH.tzinfo) for moment in (blackout.start, blackout.end))
    return clock.to_instant(floor_seconds(start)), clock.to_instant(ceil_seconds(end))


def time_bars(query: SlotQuery) -> list[tuple[ReasonCode, int, int]]:
    """Bar the starts outside the asked range, before notice and beyond the horizon."""
    elapsed = query.now - EPOCH
    bars = [
        (ReasonCode.OUT_OF_RANGE, -FAR, ceil_seconds(query.range_from)),
        (ReasonCode.OUT_OF_RANGE, ceil_seconds(query.range_to), FAR),
        (ReasonCode.TOO_SOON, -FAR, ceil_span(elapsed + query.rules.notice)),
    ]
    if query.rules.horizon is not None:
        bars.append((ReasonCode.TOO_FAR_AHEAD, floor_span(elapsed + query.rules.horizon) + 1, FAR))
    return bars


def date_bars(rules: Rules, clock: LocalClock) -> list[tuple[ReasonCode, int, int]]:
    """Bar the starts on local dates before the first and after the last on which sessions may start."""
    spans = clock.spans_of_days(-FAR // DAY, epoch_day(rules.first_day)) if rules.first_day else []
    spans += clock.spans_of_days(epoch_day(rules.last_day) + 1, FAR // DAY) if rules.last_day else []
    return [(ReasonCode.OUTSIDE_DATES, start, end) for start, end in spans]


def limit_bars(query: SlotQuery, clock: LocalClock, days: range) -> list[LimitBar]:
    """Bar the dates, ISO weeks and months in which the booked starts have reached a limit.

    Only bookings on these local dates, which the clock must span, are counted; the dates have to cover the
    whole months of the starts in question.
    """
    rules = query.rules
    limits = (
        (ReasonCode.DAILY_LIMIT, rules.daily_limit, _date),
        (ReasonCode.WEEKLY_LIMIT, rules.weekly_limit, _week),
        (ReasonCode.MONTHLY_LIMIT, rules.monthly_limit, _month),
    )
    if all(limit is None for _, limit, _ in limits):
        return []
    booked = [clock.day_of(floor_seconds(start)) for start in query.taken.booked_starts]
    booked = [day for day in booked if day in days]
    return [
        LimitBar(code, count, first_day, start, end)
        for code, limit, period_of in limits
        if limit is not None
        for (first_day, end_day), count in _counts(booked, days if limit == 0 else (), period_of).items()
        if count >= limit
        for start, end in clock.spans_of_days(first_day, end_day)
    ]


def _counts(booked: Iterable[int], empty: Iterable[int], period_of: Callable[[int], _Period]) -> dict[_Period, int]:
    """Count the booked days by period; periods of `empty` days are there even with no booking."""
    counts = Counter(map(period_of, booked))
    return {**dict.fromkeys(map(period_of, empty), 0), **counts}


def _date(day: int) -> _Period:
    return day, day + 1


def _week(day: int) -> _Period:
    """Return the ISO week of a day; 1970-01-01 was a Thursday."""
    monday = day - (day + 3) % 7
    return monday, monday + 7


def _month(day: int) -> _Period:
    first = epoch_date(day).replace(day=1)
    return epoch_day(first), epoch_day((first + timedelta(days=31)).replace(day=1))
