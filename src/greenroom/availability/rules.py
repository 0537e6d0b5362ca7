"""What hours a coach may have, and who may change them. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from greenroom.availability.engine import Interval, Window
from greenroom.availability.engine.types import MINUTES_PER_DAY
from greenroom.availability.errors import WindowsOverlapError
from greenroom.availability.types import LocalDays
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.notifications.display import EN_DASH, SHORT, WEEKDAYS, day_short

MOST_WINDOWS_A_DAY = 12
MOST_DATES = 366
MOST_SCHEDULES = 20
MOST_BLACKOUTS = 500
MOST_STAYS = 12
# How far ahead a date can be closed or changed: nobody books later than the longest horizon, one year.
FARTHEST = timedelta(days=2 * 366)
_MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY
_MAY_CHANGE = frozenset({ActorKind.COACH, ActorKind.ADMIN})
_FIELD = "windows"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A window as minutes since Monday 00:00; `end` may lie beyond the week."""

    start: int
    end: int
    window: Window


def require(actor: Actor) -> None:
    """Refuse an actor who may not change hours. Raises: NotAllowedError."""
    if actor.kind not in _MAY_CHANGE:
        raise NotAllowedError


def checked_window(weekday: int, start_minute: int, end_minute: int, *, is_active: bool = True) -> Window:
    """Return one weekly window: minutes of the wall clock, an end at or before the start on the next date.

    Raises: InvalidInputError naming `windows.<weekday>`. The same time twice is refused, because nobody can tell
    a slip from a whole day; 00:00 to 24:00 is a whole day.
    """
    check_span((start_minute, end_minute), field=f"{_FIELD}.{weekday}")
    try:
        return Window(weekday, start_minute, end_minute, is_active)
    except ValueError as error:
        raise InvalidInputError(str(error), field=_FIELD) from error


def check_span(span: Span, *, field: str = _FIELD) -> None:
    """Refuse hours that are no minutes of a day, or that end when they begin. Raises: InvalidInputError."""
    start, end = span
    if not 0 <= start < MINUTES_PER_DAY or not 0 <= end <= MINUTES_PER_DAY:
        raise InvalidInputError("Use times from 00:00 to 24:00.", field=field)
    if start == end:
        message = f"{hours_words(span)} begins and ends at the same time. A whole day is 00:00 {EN_DASH} 24:00."
        raise InvalidInputError(message, field=field)


def check_week(windows: Collection[Window]) -> None:
    """Refuse a week in which windows overlap, also across midnight and from Sunday into Monday; touching is fine.

    Raises: WindowsOverlapError naming the day of the later window; InvalidInputError for too many on one day.
    """
    for weekday in {window.weekday for window in windows}:
        if sum(window.weekday == weekday for window in windows) > MOST_WINDOWS_A_DAY:
            message = f"{day_name(weekday)}: use at most {MOST_WINDOWS_A_DAY} windows."
            raise InvalidInputError(message, field=f"{_FIELD}.{weekday}")
    placed = sorted((_placed(window) for window in windows), key=lambda one: (one.start, one.end))
    for earlier, later in pairwise(placed):
        _require_apart(earlier, later, later.start)
    if placed:
        _require_apart(placed[-1], placed[0], placed[0].start + _MINUTES_PER_WEEK)


def too_short(windows: Collection[Window], least: int) -> list[Window]:
    """Return the active windows in which no session of `least` minutes fits, those that touch counted together."""
    runs: list[list[_Placed]] = []
    for one in sorted((_placed(window) for window in windows if window.is_active), key=lambda one: one.start):
        if runs and one.start <= runs[-1][-1].end:
            runs[-1].append(one)
        else:
            runs.append([one])
    lengths = [run[-1].end - run[0].start for run in runs]
    if len(runs) > 1 and runs[-1][-1].end >= runs[0][0].start + _MINUTES_PER_WEEK:
        lengths[0] = lengths[-1] = lengths[0] + lengths[-1]
    return [one.window for run, length in zip(runs, lengths, strict=True) if length < least for one in run]


def check_date(spans: Sequence[Span]) -> None:
    """Refuse windows of one date that overlap or are too many. Raises: WindowsOverlapError, InvalidInputError."""
    if len(spans) > MOST_WINDOWS_A_DAY:
        raise InvalidInputError(f"Use at most {MOST_WINDOWS_A_DAY} windows.", field=_FIELD)
    for span in spans:
        check_span(span)
    for earlier, later in pairwise(sorted(spans)):
        if later[0] < _end_of(earlier):
            message = f"{hours_words(earlier)} and {hours_words(later)} overlap. Join them, or move one."
            raise WindowsOverlapError(message, field=_FIELD)


def check_closed(closed: Interval, now: datetime) -> None:
    """Refuse a range that is over, or that reaches farther than anybody books. Raises: InvalidInputError."""
    if closed.end <= now:
        raise InvalidInputError("This is over already. Choose days to come.", field="ends_at")
    if closed.end > now + FARTHEST:
        raise InvalidInputError("Nobody can book that far ahead: end within two years.", field="ends_at")


def check_stay(days: LocalDays, others: Iterable[LocalDays], today: date) -> None:
    """Refuse a stay that is over, ends before it begins, is too far away, or shares a date with another one.

    `today` is a date of the schedule's own zone. Raises: InvalidInputError naming `first_day` or `last_day`.
    """
    if days.last < days.first:
        raise InvalidInputError("The last day is before the first one.", field="last_day")
    if days.last < today:
        raise InvalidInputError("This is over already. Choose days to come.", field="last_day")
    if days.last > today + FARTHEST:
        raise InvalidInputError("Nobody can book that far ahead: end within two years.", field="last_day")
    for other in others:
        if days.first <= other.last and other.first <= days.last:
            message = f"You are elsewhere from {day_short(other.first)} to {day_short(other.last)} already."
            raise InvalidInputError(f"{message} Remove that first, or choose other days.", field="first_day")


def day_name(weekday: int) -> str:
    """Write "Monday" for ISO weekday 1."""
    return WEEKDAYS[weekday - 1]


def hours_words(span: Span) -> str:
    """Write "09:00 - 17:00" with an en dash; the end of the day is 24:00."""
    return f"{clock_words(span[0])} {EN_DASH} {clock_words(span[1])}"


def clock_words(minute: int) -> str:
    """Write a minute of the day as "09:00"; 1440 is "24:00"."""
    return f"{minute // 60:02}:{minute % 60:02}"


def week_words(windows: Iterable[Window]) -> str:
    """Write a week for the audit log: "Mon 09:00 - 12:00, Tue 09:00 - 10:00 (off)"; empty when there are no hours."""
    ordered = sorted(windows, key=lambda one: (one.weekday, one.start_minute))
    return ", ".join(
        f"{day_name(one.weekday)[:SHORT]} {hours_words((one.start_minute, one.end_minute))}"
        f"{'' if one.is_active else ' (off)'}"
        for one in ordered
    )


def _placed(window: Window) -> _Placed:
    midnight = (window.weekday - 1) * MINUTES_PER_DAY
    end = _end_of((window.start_minute, window.end_minute))
    return _Placed(midnight + window.start_minute, midnight + end, window)


def _end_of(span: Span) -> int:
    """Return the end as minutes after the midnight on which the span's date begins."""
    start, end = span
    return end if end > start else end + MINUTES_PER_DAY


def _require_apart(earlier: _Placed, later: _Placed, later_start: int) -> None:
    if earlier is later or later_start >= earlier.end:
        return
    first, second = earlier.window, later.window
    first_words = hours_words((first.start_minute, first.end_minute))
    if first.weekday != second.weekday:
        first_words = f"{day_name(first.weekday)} {first_words}"
    second_words = hours_words((second.start_minute, second.end_minute))
    message = f"{day_name(second.weekday)}: {first_words} and {second_words} overlap. Join them, or move one."
    raise WindowsOverlapError(message, field=f"{_FIELD}.{second.weekday}")
