"""The month grid and the times of one day, as values a template only has to print. Pure: no Django, no clock.

The viewer's zone only groups and prints: which starts exist was decided before. Weeks start on Monday. Query parameters
are `month=YYYY-MM`, `date=YYYY-MM-DD`, `tz=IANA`, `h=12|24`; anything else in them is as if it were not there.
"""

import re
from calendar import Calendar
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.web.zones import clean_zone

FEW_UP_TO = 3
SOME_UP_TO = 7
DAWN = 5
NOON = 12
EVENING = 17
DECEMBER = 12
_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
WEEKDAYS = tuple((name[:2], name) for name in display.WEEKDAYS)


class Level(StrEnum):
    """How much room a day has; NONE is a day that can't be chosen."""

    NONE = "none"
    FEW = "few"
    SOME = "some"
    MANY = "many"


class Empty(StrEnum):
    """Why no times are shown."""

    NO_DAY_CHOSEN = "no_day_chosen"
    DAY_FULL = "day_full"
    MONTH_FULL = "month_full"
    NOTHING_FREE = "nothing_free"


class PartOfDay(StrEnum):
    """Under which heading a time stands: before 5:00, before noon, before 17:00, after."""

    NIGHT = "Night"
    MORNING = "Morning"
    AFTERNOON = "Afternoon"
    EVENING = "Evening"


@dataclass(frozen=True, slots=True)
class OpenTime:
    """One start that can be booked. `starts_at` is aware UTC; `seats_left` is None for a session of two."""

    starts_at: datetime
    seats_left: int | None = None


@dataclass(frozen=True, slots=True)
class PickerQuery:
    """What the address asked for, cleaned; None where it asked for nothing, or for nonsense."""

    month: date | None = None
    day: date | None = None
    tz: str | None = None
    h24: bool | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """The viewer's own today and the last local date that can hold a bookable start, both inclusive."""

    today: date
    last_day: date


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day of the grid, with the sentence a screen reader speaks for it."""

    day: date
    count: int
    level: Level
    is_chosen: bool
    is_today: bool

    @property
    def key(self) -> str:
        """An id that stays the same between two answers, so that focus stays on the pressed day."""
        return f"day-{self.day:%Y%m%d}"

    @property
    def label(self) -> str:
        """Write "Thursday 3 December, 7 times, today, selected"."""
        parts = [display.day_words(self.day), times_words(self.count)]
        parts += ["today"] if self.is_today else []
        parts += ["selected"] if self.is_chosen else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class TimeButton:
    """One bookable start: the instant that is posted (ISO 8601, UTC) and the words on the button."""

    value: str
    text: str
    seats_left: int | None = None


@dataclass(frozen=True, slots=True)
class TimeGroup:
    """The times of a night, a morning, an afternoon or an evening."""

    part: PartOfDay
    times: tuple[TimeButton, ...]


@dataclass(frozen=True, slots=True)
class Picker:
    """Everything the booking page prints about time. Dates are the viewer's local dates."""

    month: date
    month_name: str
    weeks: tuple[tuple[DayCell | None, ...], ...]
    previous_month: date | None
    next_month: date | None
    day: date | None
    groups: tuple[TimeGroup, ...]
    soonest: date | None
    empty: Empty | None
    status: str
    weekdays: tuple[tuple[str, str], ...] = WEEKDAYS


def parse_query(params: Mapping[str, object]) -> PickerQuery:
    """Read the picker's four parameters. Nonsense counts as absent; nothing raises.

    A day decides the month when both are given and disagree, because it is the more exact wish.
    """
    day = _read_day(params.get("date"))
    month = day.replace(day=1) if day else _read_month(params.get("month"))
    return PickerQuery(
        month=month,
        day=day,
        tz=clean_zone(params.get("tz")),
        h24={"12": False, "24": True}.get(str(params.get("h"))),
    )


def shown_month(query: PickerQuery, reach: Reach, next_free: date | None = None) -> date:
    """Return the first day of the month to show: the wished one, else that of the next free day, else this one.

    A month that can't be reached becomes the nearest one that can.
    """
    wished = query.month or next_free or reach.today
    return min(max(wished, reach.today), max(reach.last_day, reach.today)).replace(day=1)


def month_bounds(month: date, tz: str) -> tuple[datetime, datetime]:
    """Return the instants [start, end) of the local month, in UTC: the range to ask free times for."""
    zone = ZoneInfo(tz)
    following = _next_month(month)
    starts, ends = (datetime.combine(day, time(), tzinfo=zone) for day in (month, following))
    return starts.astimezone(ZoneInfo("UTC")), ends.astimezone(ZoneInfo("UTC"))


def build_picker(
    times: Sequence[OpenTime],
    *,
    query: PickerQuery,
    reach: Reach,
    viewer: Viewer,
    next_free_at: datetime | None = None,
) -> Picker:
    """Lay out the month that `shown_month` answers for the same query and reach.

    `times` are the free starts in that month, in any order; others are ignored. `next_free_at` is the first free start
    from now on, which may lie in a later month; without it, only this month is known.
    """
    next_free = display.local(next_free_at, viewer.tz).date() if next_free_at else None
    month = shown_month(query, reach, next_free)
    by_day = _by_local_day(times, viewer.tz, month)
    day = query.day if query.day and query.day.replace(day=1) == month else None
    chosen = by_day.get(day, []) if day else []
    soonest = min(by_day, default=next_free)
    counts = Counter({date_: len(starts) for date_, starts in by_day.items()})
    return Picker(
        month=month,
        month_name=display.month_name(month),
        weeks=_weeks(month, counts, day, reach.today),
        previous_month=_step(month, -1, reach),
        next_month=_step(month, +1, reach),
        day=day,
        groups=_groups(chosen, viewer),
        soonest=soonest,
        empty=_why_empty(day, chosen, by_day, next_free),
        status=_status(month, day, len(chosen), viewer),
    )


def alternatives(starts: Sequence[datetime], viewer: Viewer) -> tuple[TimeButton, ...]:
    """Return buttons that name their day, "Thu 3 Dec, 19:30": what is offered when a time was taken meanwhile."""
    return tuple(
        TimeButton(_posted(start), f"{display.day_short(day)}, {display.clock(start, viewer)}")
        for start in starts
        for day in [display.local(start, viewer.tz).date()]
    )


def times_words(count: int) -> str:
    """Write "no times", "1 time" or "7 times"."""
    return {0: "no times", 1: "1 time"}.get(count, f"{count} times")


def _read_month(raw: object) -> date | None:
    return _read_date(f"{raw}-01") if isinstance(raw, str) and _MONTH.fullmatch(raw) else None


def _read_day(raw: object) -> date | None:
    return _read_date(raw) if isinstance(raw, str) and _DAY.fullmatch(raw) else None


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _next_month(month: date) -> date:
    return date(month.year + 1, 1, 1) if month.month == DECEMBER else month.replace(month=month.month + 1)


def _step(month: date, direction: int, reach: Reach) -> date | None:
    """Return the neighbouring month, or None when it can't be reached."""
    first, last = reach.today.replace(day=1), reach.last_day.replace(day=1)
    if direction < 0:
        return (month - timedelta(days=1)).replace(day=1) if month > first else None
    return _next_month(month) if month < last else None


def _by_local_day(times: Sequence[OpenTime], tz: str, month: date) -> dict[date, list[OpenTime]]:
    days: dict[date, list[OpenTime]] = {}
    for open_time in sorted(times, key=lambda item: item.starts_at):
        day = display.local(open_time.starts_at, tz).date()
        if day.replace(day=1) == month:
            days.setdefault(day, []).append(open_time)
    return days


def _weeks(
    month: date, counts: Mapping[date, int], chosen: date | None, today: date
) -> tuple[tuple[DayCell | None, ...], ...]:
    def cell(number: int) -> DayCell | None:
        if not number:
            return None
        day = month.replace(day=number)
        count = counts.get(day, 0)
        return DayCell(day, count, _level(count), is_chosen=day == chosen, is_today=day == today)

    weeks = Calendar().monthdayscalendar(month.year, month.month)
    return tuple(tuple(cell(number) for number in week) for week in weeks)


def _posted(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _level(count: int) -> Level:
    if count == 0:
        return Level.NONE
    if count <= FEW_UP_TO:
        return Level.FEW
    return Level.SOME if count <= SOME_UP_TO else Level.MANY


def _groups(times: Sequence[OpenTime], viewer: Viewer) -> tuple[TimeGroup, ...]:
    # When clocks go back, two starts read the same: only their offset tells them apart.
    texts = Counter(display.clock(item.starts_at, viewer) for item in times)

    def part(item: OpenTime) -> PartOfDay:
        hour = display.local(item.starts_at, viewer.tz).hour
        if hour < DAWN:
            return PartOfDay.NIGHT
        if hour < NOON:
            return PartOfDay.MORNING
        return PartOfDay.AFTERNOON if hour < EVENING else PartOfDay.EVENING

    def button(item: OpenTime) -> TimeButton:
        text = display.clock(item.starts_at, viewer)
        if texts[text] > 1:
            text = f"{text} {display.offset(item.starts_at, viewer.tz)}"
        return TimeButton(_posted(item.starts_at), text, item.seats_left)

    return tuple(TimeGroup(name, tuple(button(item) for item in items)) for name, items in groupby(times, key=part))


def _why_empty(
    day: date | None, chosen: Sequence[OpenTime], by_day: Mapping[date, object], next_free: date | None
) -> Empty | None:
    if chosen:
        return None
    if by_day:
        return Empty.DAY_FULL if day else Empty.NO_DAY_CHOSEN
    return Empty.MONTH_FULL if next_free else Empty.NOTHING_FREE


def _status(month: date, day: date | None, count: int, viewer: Viewer) -> str:
    """Write the line that is spoken after each choice: "7 times on Thursday 3 December, Berlin time"."""
    if day is None:
        return f"{display.month_name(month)} {month.year}. No day chosen."
    words = times_words(count)
    return f"{words[0].upper()}{words[1:]} on {display.day_words(day)}, {display.zone_time(viewer.tz)}"
