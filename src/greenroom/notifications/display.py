"""The one formatter: how times, zones, durations and money are written, on pages and in mails.

Every function takes values and returns text; none reads the clock, the database or Django's active time zone. Instants
are aware UTC. The words are English; names of days and months do not depend on the machine's locale.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.numbers import format_currency

from greenroom.core.money import Money

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SHORT = 3
MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"
_SAID_IN_DAYS = timedelta(days=3)
MINUTES_AN_HOUR = 60
HOURS_A_DAY = 24
NOON = 12
# "KWD1.500" reads as one word; symbols such as "€" stand at the number.
_CODE_BEFORE_NUMBER = re.compile(r"([A-Z]{3})(?=\d)")


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person a page or mail is written for: their zone (an IANA name that exists) and their kind of clock."""

    tz: str
    h24: bool = True


def local(instant: datetime, tz: str) -> datetime:
    """Return the instant as wall time in `tz`."""
    return instant.astimezone(ZoneInfo(tz))


def weekday_name(day: date) -> str:
    """Write "Thursday"."""
    return WEEKDAYS[day.weekday()]


def month_name(day: date) -> str:
    """Write "December"."""
    return MONTHS[day.month - 1]


def day_words(day: date) -> str:
    """Write "Thursday 3 December"."""
    return f"{weekday_name(day)} {day.day} {month_name(day)}"


def day_long(day: date) -> str:
    """Write "Thursday 3 December 2026"."""
    return f"{day_words(day)} {day.year}"


def day_short(day: date) -> str:
    """Write "Thu 3 Dec"."""
    return f"{weekday_name(day)[:SHORT]} {day.day} {month_name(day)[:SHORT]}"


def clock(instant: datetime, viewer: Viewer) -> str:
    """Write "19:00", or "7:00 pm" for a twelve-hour viewer."""
    wall = local(instant, viewer.tz)
    if viewer.h24:
        return f"{wall:%H:%M}"
    half = "am" if wall.hour < NOON else "pm"
    return f"{wall.hour % NOON or NOON}:{wall:%M} {half}"


def hours(starts_at: datetime, ends_at: datetime, viewer: Viewer) -> str:
    """Write "19:00 - 20:00" with an en dash; an end on a later local date names its day."""
    first, last = local(starts_at, viewer.tz).date(), local(ends_at, viewer.tz).date()
    end = clock(ends_at, viewer)
    if last != first:
        end = f"{day_short(last)}, {end}"
    return f"{clock(starts_at, viewer)} {EN_DASH} {end}"


def city(tz: str) -> str:
    """Write the place an IANA name stands for: "New York" for America/New_York, "UTC" for UTC."""
    return tz.rpartition("/")[2].replace("_", " ")


def offset(instant: datetime, tz: str) -> str:
    """Write the zone's offset at that instant: "GMT+1", "GMT+5:30", "GMT" (with a true minus sign)."""
    delta = local(instant, tz).utcoffset() or timedelta()
    minutes = round(abs(delta) / timedelta(minutes=1))
    if minutes == 0:
        return "GMT"
    sign = "+" if delta > timedelta() else MINUS
    whole, rest = divmod(minutes, MINUTES_AN_HOUR)
    return f"GMT{sign}{whole}" + (f":{rest:02}" if rest else "")


def zone(instant: datetime, tz: str) -> str:
    """Write "Europe/Berlin, GMT+1", the form for receipts and mails."""
    return f"{tz}, {offset(instant, tz)}"


def interval(starts_at: datetime, ends_at: datetime, viewer: Viewer) -> str:
    """Write "Thursday 3 December 2026, 19:00 - 20:00 (Europe/Berlin, GMT+1)" with an en dash."""
    day = day_long(local(starts_at, viewer.tz).date())
    return f"{day}, {hours(starts_at, ends_at, viewer)} ({zone(starts_at, viewer.tz)})"


def moment(instant: datetime, viewer: Viewer) -> str:
    """Write "Thursday 3 December 2026, 19:00 (Europe/Berlin, GMT+1)"."""
    day = day_long(local(instant, viewer.tz).date())
    return f"{day}, {clock(instant, viewer)} ({zone(instant, viewer.tz)})"


def moment_short(instant: datetime, viewer: Viewer) -> str:
    """Write "Thu 3 Dec, 19:00 Berlin time"."""
    day = day_short(local(instant, viewer.tz).date())
    return f"{day}, {clock(instant, viewer)} {zone_time(viewer.tz)}"


def zone_time(tz: str) -> str:
    """Write "Berlin time", or just "UTC"."""
    return f"{city(tz)} time" if "/" in tz else tz


def duration(length: timedelta) -> str:
    """Write "1 hour 30 minutes" or, from three whole days on, "3 days"; nothing shorter than a minute is said."""
    if length >= _SAID_IN_DAYS and not length % timedelta(days=1):
        return _counted(length.days, "day")
    total = length // timedelta(minutes=1)
    whole, rest = divmod(total, MINUTES_AN_HOUR)
    parts = [_counted(whole, "hour")] if whole else []
    if rest or not parts:
        parts.append(_counted(rest, "minute"))
    return " ".join(parts)


def duration_short(length: timedelta) -> str:
    """Write "45 min", "1 h" or "1 h 30 min"."""
    whole, rest = divmod(length // timedelta(minutes=1), MINUTES_AN_HOUR)
    parts = [f"{whole} h"] if whole else []
    if rest or not parts:
        parts.append(f"{rest} min")
    return " ".join(parts)


def relative(instant: datetime, now: datetime) -> str:
    """Write "in 1 hour 59 minutes", "in 3 hours", "5 minutes ago" or "now" (less than a minute off)."""
    distance = instant - now
    words = _largest_unit(abs(distance))
    if not words:
        return "now"
    return f"in {words}" if distance > timedelta() else f"{words} ago"


def countdown(left: timedelta) -> str:
    """Write "14:59"; below zero it stays "0:00"."""
    seconds = max(0, int(left.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


def money(amount: Money) -> str:
    """Write "€80", "€80.50", "¥8,000"; the fraction is dropped when there is none."""
    value = Decimal(amount.minor).scaleb(-amount.exponent)
    whole = value == value.to_integral_value()
    digits = 0 if whole else amount.exponent
    text = format_currency(value, amount.currency, format=_money_pattern(digits), locale="en", currency_digits=False)
    return _CODE_BEFORE_NUMBER.sub("\\1\N{NO-BREAK SPACE}", text.replace("-", MINUS, 1))


@lru_cache
def _money_pattern(digits: int) -> str:
    number = "#,##0." + "0" * digits if digits else "#,##0"
    return f"¤{number}"


def _largest_unit(length: timedelta) -> str:
    """Write minutes below two hours exactly, then the nearest hour, from two days on the nearest day."""
    minutes = length // timedelta(minutes=1)
    if minutes < 1:
        return ""
    if minutes < 2 * MINUTES_AN_HOUR:
        return duration(timedelta(minutes=minutes))
    nearest_hour = round(length / timedelta(hours=1))
    if nearest_hour < HOURS_A_DAY * 2:
        return _counted(nearest_hour, "hour")
    return _counted(round(length / timedelta(days=1)), "day")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
