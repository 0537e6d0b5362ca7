"""Read a scenario, the JSON form of one question to the engine, and files of cases that hold many.

Weekdays count from 0 for Monday here, spans are minutes (`..._min`), instants carry `Z` or an offset, and
`bookings` are both busy and counted for limits. `docs/architecture/slot-engine.md` lists the fields.
"""

import json
from dataclasses import dataclass, replace
from datetime import timedelta

from greenroom.availability.engine.json_fields import Fields, ScenarioError
from greenroom.availability.engine.types import (
    LONGEST_NOTICE,
    LONGEST_SESSION,
    Busy,
    Interval,
    LocalInterval,
    Override,
    Rules,
    Schedule,
    SlotQuery,
    Stay,
    Taken,
    Window,
)

# More bookings than a coach can have in a month; beyond it a limit is a typing error.
_MOST_BOOKINGS = 100_000
_SPAN = frozenset({"start", "end"})
_WALL_SPAN = frozenset({"start_local", "end_local"})
_DATE_SPAN = frozenset({"date_from", "date_to"})
_SCENARIO = frozenset(
    {
        "tz",
        "windows",
        "overrides",
        "stays",
        "blackouts",
        "busy",
        "bookings",
        "daily_limit",
        "weekly_limit",
        "monthly_limit",
        "first_day",
        "last_day",
        "duration_min",
        "increment_min",
        "buffer_before_min",
        "buffer_after_min",
        "min_notice_min",
        "max_advance_min",
        "now",
        "range",
        "viewer_tz",
        "asked_local_days",
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario of a case file and its id."""

    id: str
    query: SlotQuery


def parse_json(text: str) -> object:
    """Return the JSON value of a text.

    Raises: ScenarioError, also for numbers of absurd length, nesting of absurd depth and repeated names.
    """
    try:
        document: object = json.loads(text, object_pairs_hook=_without_repeats)
    except ScenarioError:
        raise
    except ValueError as error:
        raise ScenarioError(f"not valid JSON: {error}") from error
    except RecursionError as error:
        raise ScenarioError("not valid JSON: nested too deeply") from error
    return document


def parse_cases(document: object) -> list[Case]:
    """Return the scenarios of a case file, an object with `cases`, each with `id` and `input`.

    Raises: ScenarioError.
    """
    return list(Fields.of(document, "").each("cases", _case))


def parse_scenario(document: object, path: str = "") -> SlotQuery:
    """Return the question that a scenario asks; `path` says where it stands in a larger file.

    Raises: ScenarioError.
    """
    fields = Fields.of(document, path, _SCENARIO)
    if fields.has("viewer_tz"):
        fields.zone("viewer_tz")
    if fields.has("asked_local_days"):
        _check_asked_days(fields)
    schedule, rules, taken = _schedule(fields), _rules(fields), _taken(fields)
    span = fields.child("range", "an object with from and to", frozenset({"from", "to"}))
    now, range_from, range_to = fields.instant("now"), span.instant("from"), span.instant("to")
    try:
        return SlotQuery(schedule, rules, now, range_from, range_to, taken)
    except ValueError as error:
        raise ScenarioError(fields.at(str(error).replace("range_", "range."))) from error


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ScenarioError(f"{repeated}: given twice in one object; keep one")
    return fields


def _case(value: object, path: str) -> Case:
    fields = Fields.of(value, path)
    name = fields.text("id")
    scenario = fields.child("input", "a scenario")
    return Case(name, parse_scenario(scenario.values, scenario.path))


def _check_asked_days(fields: Fields) -> None:
    """Check the note on which local days the range stands for; the range itself decides."""
    asked = fields.child("asked_local_days", "an object", frozenset({"tz", "from", "to"}))
    asked.zone("tz")
    asked.date("from")
    asked.date("to")


def _schedule(fields: Fields) -> Schedule:
    tz = fields.zone("tz")
    fields.require("windows", "a list of weekly windows, empty for none")
    windows = tuple(window for group in fields.each("windows", _windows) for window in group)
    overrides, stays = fields.each("overrides", _override), fields.each("stays", _stay)
    try:
        return Schedule(tz, windows, overrides, stays)
    except ValueError as error:
        raise ScenarioError(fields.at(str(error))) from error


def _windows(value: object, path: str) -> tuple[Window, ...]:
    fields = Fields.of(value, path, frozenset({"days", "start", "end", "active"}))
    fields.require("days", "a list of weekdays, 0 for Monday to 6 for Sunday")
    start, end = fields.opening("start"), fields.closing("end")
    is_active = fields.flag("active", default=True)
    return tuple(Window(day + 1, start, end, is_active) for day in fields.each("days", _weekday))


def _weekday(value: object, path: str) -> int:
    container, _, index = path.rpartition(".")
    return Fields({index: value}, container).count(index, 0, 6)


def _override(value: object, path: str) -> Override:
    fields = Fields.of(value, path, frozenset({"date", "windows"}))
    fields.require("windows", "a list of windows, empty to close the date")
    return Override(fields.date("date"), fields.each("windows", _times))


def _stay(value: object, path: str) -> Stay:
    fields = Fields.of(value, path, frozenset({"first_day", "last_day", "tz"}))
    try:
        return Stay(fields.date("first_day"), fields.date("last_day"), fields.zone("tz"))
    except ScenarioError:
        raise
    except ValueError as error:
        raise ScenarioError(fields.at(str(error))) from error


def _times(value: object, path: str) -> tuple[int, int]:
    fields = Fields.of(value, path, _SPAN)
    return fields.opening("start"), fields.closing("end")


def _rules(fields: Fields) -> Rules:
    def optional(name: str, most: timedelta) -> timedelta:
        return fields.minutes(name, 0, most) if fields.has(name) else timedelta(0)

    rules = Rules(
        duration=fields.minutes("duration_min", 1, LONGEST_SESSION),
        increment=fields.minutes("increment_min", 1, LONGEST_SESSION),
        buffer_before=optional("buffer_before_min", LONGEST_SESSION),
        buffer_after=optional("buffer_after_min", LONGEST_SESSION),
        notice=optional("min_notice_min", LONGEST_NOTICE),
        horizon=optional("max_advance_min", LONGEST_NOTICE) if fields.has("max_advance_min") else None,
        daily_limit=fields.optional_count("daily_limit", _MOST_BOOKINGS),
        weekly_limit=fields.optional_count("weekly_limit", _MOST_BOOKINGS),
        monthly_limit=fields.optional_count("monthly_limit", _MOST_BOOKINGS),
    )
    first, last = (fields.date(name) if fields.has(name) else None for name in ("first_day", "last_day"))
    try:
        return replace(rules, first_day=first, last_day=last)
    except ValueError as error:
        raise ScenarioError(fields.at(str(error))) from error


def _taken(fields: Fields) -> Taken:
    bookings = fields.each("bookings", _booking)
    return Taken(
        blackouts=fields.each("blackouts", _blackout),
        busy=(*fields.each("busy", _interval), *bookings),
        booked_starts=tuple(booking.start for booking in bookings),
    )


def _interval(value: object, path: str) -> Interval:
    fields = Fields.of(value, path, _SPAN)
    start, end = fields.instant("start"), fields.instant("end")
    try:
        return Interval(start, end)
    except ValueError as error:
        raise ScenarioError(fields.at(str(error))) from error


def _booking(value: object, path: str) -> Busy:
    interval = _interval(value, path)
    return Busy(interval.start, interval.end, ref=path)


def _blackout(value: object, path: str) -> Interval | LocalInterval:
    fields = Fields.of(value, path)
    names = frozenset(fields.values)
    if names == _SPAN:
        return _interval(value, path)
    try:
        if names == _WALL_SPAN:
            return LocalInterval(fields.local("start_local"), fields.local("end_local"))
        if names == _DATE_SPAN:
            return LocalInterval.whole_days(fields.date("date_from"), fields.date("date_to"))
    except ScenarioError:
        raise
    except ValueError as error:
        raise ScenarioError(fields.at(str(error).replace("end:", "end_local:", 1))) from error
    raise ScenarioError(f"{path}: give date_from and date_to, or start_local and end_local, or start and end")
