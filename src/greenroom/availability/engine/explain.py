"""Say why one instant is, or is not, among the starts that `open_slots` lists.

Both look at the same plan: listing subtracts its bars, explaining names those that hold the instant.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from greenroom.availability.engine.bars import holds
from greenroom.availability.engine.instants import (
    DAY,
    EARLIEST,
    LATEST,
    ceil_seconds,
    epoch_date,
    epoch_day,
    floor_seconds,
    floor_span,
    from_seconds,
)
from greenroom.availability.engine.reasons import Explanation, Reason, ReasonCode
from greenroom.availability.engine.runs import wall_span
from greenroom.availability.engine.slots import Plan, make_plan
from greenroom.availability.engine.types import (
    Busy,
    Interval,
    LocalInterval,
    Override,
    Rules,
    Schedule,
    SlotQuery,
    require_supported,
)

_PERIODS = {
    ReasonCode.DAILY_LIMIT: "day",
    ReasonCode.WEEKLY_LIMIT: "week that begins on",
    ReasonCode.MONTHLY_LIMIT: "month that begins on",
}
_FARTHEST_DATES = 2
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def explain(query: SlotQuery, instant: datetime) -> Explanation:
    """Return every reason why an aware instant is not offered; there is none exactly when it is. And what allows it.

    Sentences give wall-clock times of the schedule's zone and name it.
    Raises: ValueError for a naive instant or one outside the supported years.
    """
    require_supported("instant", instant)
    second = floor_seconds(instant)
    plan = make_plan(query, second, second + 1)
    joined = plan.joinable.get(second) if second == ceil_seconds(instant) else None
    reasons = (
        *_times(query, plan, second),
        *_windows(query, plan, second),
        *(_grid(query, plan, instant) if joined is None else ()),
        *_blackouts(query, plan, second),
        *_busy(query, plan, second, joined),
        *(_limits(query, plan, second) if joined is None else ()),
    )
    openings = (*_joined(query, joined), *_openings(query, plan, second))
    return Explanation(instant, reasons, openings)


def _joined(query: SlotQuery, joined: int | None) -> Iterator[str]:
    session = query.taken.sessions[joined] if joined is not None else None
    if isinstance(session, Busy):
        yield f"It is the start of {session.ref or 'a session'}, which has free seats."


def _times(query: SlotQuery, plan: Plan, second: int) -> Iterator[Reason]:
    tz, rules = query.schedule.tz, query.rules
    for code, start, end in plan.times:
        if not holds((start, end), second):
            continue
        if code is ReasonCode.OUT_OF_RANGE:
            asked = f"{_at(query.range_from, tz)} to {_at(query.range_to, tz)}"
            yield Reason(code, f"It is outside the asked range, {asked}.")
        elif code is ReasonCode.OUTSIDE_DATES:
            yield Reason(code, f"It is outside the dates on which this can be booked: {_dates(rules)} ({tz}).")
        elif code is ReasonCode.TOO_FAR_AHEAD:
            yield Reason(code, f"It is too far ahead: bookings open {_span(rules.horizon)} before the start.")
        elif rules.notice:
            yield Reason(code, f"It is too soon: the coach asks for {_span(rules.notice)} of notice.")
        else:
            yield Reason(code, f"It has passed: it is {_at(query.now, tz)} now.")


def _dates(rules: Rules) -> str:
    words = [f"from {rules.first_day}"] if rules.first_day else []
    return " ".join([*words, *([f"until {rules.last_day}"] if rules.last_day else [])])


def _windows(query: SlotQuery, plan: Plan, second: int) -> Iterator[Reason]:
    tz = query.schedule.tz
    barred = next((n for n, bar in enumerate(plan.windows) if holds(bar, second)), None)
    if barred is None:
        return
    if overrides := _guilty_overrides(query, plan, second):
        for override in overrides:
            yield Reason(ReasonCode.CLOSED_BY_OVERRIDE, _replaced(override))
        return
    switched_on = tuple(replace(window, is_active=True) for window in query.schedule.windows)
    if _fits(replace(query.schedule, windows=switched_on), query, second):
        yield Reason(ReasonCode.WINDOW_OFF, "The weekly hours that would hold the session are switched off.")
        return
    closed, _ = plan.runs.pauses()[barred]
    if second < closed:
        ends = second + floor_span(query.rules.duration)
        sentence = f"The session would end at {_at(ends, tz)}, after closing time, {_at(closed, tz)}."
        yield Reason(ReasonCode.ENDS_AFTER_WINDOW, sentence)
        return
    yield Reason(ReasonCode.OUTSIDE_WINDOWS, "The coach has no open window then.")


def _openings(query: SlotQuery, plan: Plan, second: int) -> Iterator[str]:
    """Name the windows that the session would touch, where together they hold all of it."""
    if any(holds(bar, second) for bar in plan.windows):
        return
    ends = second + floor_span(query.rules.duration)
    replaced = {override.on: override.windows for override in query.schedule.overrides}
    for day in _dates_near(query, plan, second, ends - 1):
        on, clock = epoch_date(day), plan.clocks.of_date(day)
        if day in clock.missing_days:
            continue
        weekly = [
            (one.start_minute, one.end_minute)
            for one in query.schedule.windows
            if one.is_active and one.weekday == on.isoweekday()
        ]
        for window in sorted(replaced.get(on, weekly)):
            opens, closes = (clock.to_instant(day * DAY + edge) for edge in wall_span(*window))
            if opens < ends and second < closes:
                hours = f"{_wall(window[0])}-{_wall(window[1])} ({clock.tz})"
                yield f"Hours of {on} only: {hours}." if on in replaced else f"Weekly hours: {on:%A} {hours}."


def _dates_near(query: SlotQuery, plan: Plan, first: int, last: int) -> range:
    """Return the dates, as days since 1970, whose windows can reach an instant in [first, last]."""
    # Windows of the day before can; the date of a place far away is up to two days off.
    away = _FARTHEST_DATES if query.schedule.stays else 0
    return range(plan.clocks.own.day_of(first) - 1 - away, plan.clocks.own.day_of(last) + 1 + away)


def _guilty_overrides(query: SlotQuery, plan: Plan, second: int) -> list[Override]:
    """Return the overrides without which the windows would hold the session, in order of date.

    Those that alone stand in the way are named; where only several together do, all of these.
    """
    ends = second + floor_span(query.rules.duration)
    dates = _dates_near(query, plan, second, ends)
    near = sorted(
        (override for override in query.schedule.overrides if epoch_day(override.on) in dates),
        key=lambda override: override.on,
    )
    alone = [override for override in near if _fits_without(query, second, [override])]
    if alone or not _fits_without(query, second, near):
        return alone
    return near


def _fits_without(query: SlotQuery, second: int, ignored: list[Override]) -> bool:
    kept = tuple(override for override in query.schedule.overrides if override not in ignored)
    return _fits(replace(query.schedule, overrides=kept), query, second)


def _fits(schedule: Schedule, query: SlotQuery, second: int) -> bool:
    """Tell whether the windows of another schedule would hold the session."""
    plan = make_plan(replace(query, schedule=schedule), second, second + 1)
    return not any(holds(bar, second) for bar in plan.windows)


def _replaced(override: Override) -> str:
    if not override.windows:
        return f"An override closes {override.on}."
    windows = ", ".join(f"{_wall(start)}-{_wall(end)}" for start, end in sorted(override.windows))
    return f"An override opens {override.on} at {windows} only."


def _grid(query: SlotQuery, plan: Plan, instant: datetime) -> Iterator[Reason]:
    second = floor_seconds(instant)
    if any(closed <= second < opened for closed, opened in plan.runs.pauses()):
        return
    if plan.next_on_grid(second) == second == ceil_seconds(instant):
        return
    nearest = " or ".join(_at(start, query.schedule.tz) for start in plan.around_on_grid(second))
    sentence = f"It is not on the grid of a start every {_span(query.rules.increment)}"
    yield Reason(ReasonCode.OFF_GRID, f"{sentence}; nearest: {nearest}." if nearest else f"{sentence}.")


def _blackouts(query: SlotQuery, plan: Plan, second: int) -> Iterator[Reason]:
    for blackout, bar in zip(query.taken.blackouts, plan.blackouts, strict=True):
        if holds(bar, second):
            interval = _as_interval(blackout, query.schedule.tz)
            sentence = f"The session would overlap a blackout, {_from_to(interval, query.schedule.tz)}."
            yield Reason(ReasonCode.BLACKOUT, sentence, interval)


def _as_interval(blackout: Interval | LocalInterval, tz: str) -> Interval:
    if isinstance(blackout, Interval):
        return blackout
    zone = ZoneInfo(tz)
    return Interval(blackout.start.replace(tzinfo=zone), blackout.end.replace(tzinfo=zone))


def _busy(query: SlotQuery, plan: Plan, second: int, joined: int | None) -> Iterator[Reason]:
    tz, ends = query.schedule.tz, second + floor_span(query.rules.duration)
    for place, (interval, bar) in enumerate(zip(query.taken.sessions, plan.busy, strict=True)):
        if place == joined or not holds(bar, second):
            continue
        name, core = "busy time", interval
        if isinstance(interval, Busy):
            name, core = interval.ref or name, interval.session or interval
        if second < ceil_seconds(core.end) and floor_seconds(core.start) < ends:
            sentence = f"The session would overlap {name}, {_from_to(core, tz)}."
            yield Reason(ReasonCode.BUSY, sentence, interval)
        else:
            sentence = f"There would be no room for the buffers beside {name}, {_from_to(core, tz)}."
            yield Reason(ReasonCode.BUFFER, sentence, interval)


def _limits(query: SlotQuery, plan: Plan, second: int) -> Iterator[Reason]:
    for bar in plan.limits:
        if holds((bar.start, bar.end), second):
            period = f"{_PERIODS[bar.code]} {epoch_date(bar.first_day)} ({query.schedule.tz})"
            yield Reason(bar.code, f"The {period} has as many bookings as the coach takes: {bar.count}.")


def _from_to(interval: Interval, tz: str) -> str:
    return f"{_at(interval.start, tz)} to {_at(interval.end, tz)}"


def _at(moment: datetime | int, tz: str) -> str:
    """Print an instant as wall-clock time with its zone; one in an absurd year as it was given."""
    instant = from_seconds(moment) if isinstance(moment, int) else moment
    if not EARLIEST <= instant < LATEST:
        return instant.isoformat()
    local = instant.astimezone(ZoneInfo(tz))
    return f"{local:%Y-%m-%d %H:%M}{f':{local:%S}' if local.second else ''} {tz}"


def _wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _span(span: timedelta | None) -> str:
    """Print a span in days, hours and minutes; a rest below a minute as Python prints it."""
    rest, parts = span or timedelta(0), []
    for unit, length in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join([*parts, *([f"{rest.total_seconds():g} seconds"] if rest else [])]) or "no time"
