"""Instants as whole seconds since 1970, which is what the engine computes with, and their printed form."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400
# The ordinal of 1970-01-01: local dates are counted in days from it.
EPOCH_ORDINAL = EPOCH.toordinal()
# Beyond every instant that a datetime can hold; stands for "always" at both ends of a bar.
FAR = 1 << 48

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

# Names that depend on the machine or count leap seconds: the same schedule would differ between servers.
_FOREIGN_ZONES = ("localtime", "posixrules", "Factory", "posix/", "right/")


def floor_seconds(instant: datetime) -> int:
    """Return the last whole second at or before an aware instant."""
    return floor_span(instant - EPOCH)


def ceil_seconds(instant: datetime) -> int:
    """Return the first whole second at or after an aware instant."""
    return ceil_span(instant - EPOCH)


def floor_span(span: timedelta) -> int:
    """Return the whole seconds in a span."""
    return span.days * DAY + span.seconds


def ceil_span(span: timedelta) -> int:
    """Return the whole seconds in a span, a begun one included."""
    return span.days * DAY + span.seconds + (span.microseconds > 0)


def from_seconds(seconds: int) -> datetime:
    """Return the aware UTC instant of a number of seconds since 1970."""
    return EPOCH + timedelta(seconds=seconds)


def epoch_day(day: date) -> int:
    """Return a date as days since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL


def epoch_date(day: int) -> date:
    """Return the date that lies so many days after 1970-01-01."""
    return date.fromordinal(day + EPOCH_ORDINAL)


class _DatePart(dict[int, str]):
    def __missing__(self, day: int) -> str:
        text = self[day] = f"{epoch_date(day).isoformat()}T"
        return text


class _TimePart(dict[int, str]):
    def __missing__(self, second: int) -> str:
        text = self[second] = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
        return text


def iso_instants(starts: Iterable[int]) -> list[str]:
    """Print seconds since 1970 as `YYYY-MM-DDTHH:MM:SSZ`.

    Starts share few dates and few times of day, so each half is made once and joined: a fifth of what
    `strftime` costs.
    """
    dates, times = _DatePart(), _TimePart()
    return [dates[start // DAY] + times[start % DAY] for start in starts]


def find_zone(key: str) -> ZoneInfo | None:
    """Return the IANA zone of that name, or None when there is none that means the same everywhere."""
    if not key or key.startswith(_FOREIGN_ZONES):
        return None
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A folder ("America"), a path ("../x") and a name with a zero byte fail in ways of their own.
        return None
