"""Reading and writing instants and dates as the outside gives them; strict, so that nothing is guessed."""

import re
from datetime import UTC, date, datetime

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-][01]\d:[0-5]\d)\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
# Ranges are built around what is given, and the slot engine ends with the year 2199.
_TO_THE_SECOND = len("YYYY-MM-DDTHH:MM:SS")
_FIRST_YEAR, _LAST_YEAR = 2000, 2198


def parse_instant(text: object) -> datetime:
    """Read an ISO 8601 instant with its offset; returns aware UTC. Raises: ValueError saying what to write."""
    if not isinstance(text, str) or not _INSTANT.match(text):
        raise ValueError("use an instant with its offset, such as 2026-12-03T09:00:00Z")
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such instant") from None
    _require_year(instant.year)
    return instant


def parse_date(text: object) -> date:
    """Read an ISO 8601 date. Raises: ValueError saying what to write."""
    if not isinstance(text, str) or not _DATE.match(text):
        raise ValueError("use a date such as 2026-12-03")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such date") from None
    _require_year(day.year)
    return day


def iso(instant: datetime) -> str:
    """Write an aware instant as YYYY-MM-DDTHH:MM:SSZ, in UTC."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")[:_TO_THE_SECOND] + "Z"


def _require_year(year: int) -> None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(f"use a year from {_FIRST_YEAR} to {_LAST_YEAR}")
