"""Reading what callers send: instants, dates, zones, people."""

from datetime import date, datetime
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, BeforeValidator, StringConstraints

from greenroom.core.instants import parse_date, parse_instant
from greenroom.core.text import PLAIN_TEXT


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("use a time zone name such as Europe/Berlin")
    return value


def _email(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError:
        raise ValueError("use an e-mail address such as name@example.org") from None
    return value.lower()


def _plain(value: str) -> str:
    if not PLAIN_TEXT.match(value):
        raise ValueError("use plain text without control characters")
    return value.strip()


def _line(value: str) -> str:
    return " ".join(_plain(value).split())


def parse_moment(value: object) -> date | datetime:
    """Read a date or an instant. Raises: ValueError saying what to write."""
    return parse_instant(value) if isinstance(value, str) and "T" in value else parse_date(value)


Instant = Annotated[datetime, BeforeValidator(parse_instant)]
Day = Annotated[date, BeforeValidator(parse_date)]
Moment = Annotated[date | datetime, BeforeValidator(parse_moment)]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
Word = Annotated[str, StringConstraints(max_length=80), AfterValidator(_plain)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), AfterValidator(_line)]
Text = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_plain)]
