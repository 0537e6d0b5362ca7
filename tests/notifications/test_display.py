from datetime import UTC, date, datetime, timedelta

import pytest

from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.notifications.display import Viewer

BERLIN = Viewer("Europe/Berlin")
NEW_YORK_12H = Viewer("America/New_York", h24=False)
SIX_PM = datetime(2026, 12, 3, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_interval_names_day_hours_zone_and_offset() -> None:
    assert display.interval(SIX_PM, SIX_PM + HOUR, BERLIN) == (
        "Thursday 3 December 2026, 19:00 \N{EN DASH} 20:00 (Europe/Berlin, GMT+1)"
    )


def test_interval_for_a_twelve_hour_viewer_says_am_and_pm() -> None:
    assert display.interval(SIX_PM, SIX_PM + HOUR, NEW_YORK_12H) == (
        "Thursday 3 December 2026, 1:00 pm \N{EN DASH} 2:00 pm (America/New_York, GMT\N{MINUS SIGN}5)"
    )


def test_moment_long_and_short() -> None:
    assert display.moment(SIX_PM, BERLIN) == "Thursday 3 December 2026, 19:00 (Europe/Berlin, GMT+1)"
    assert display.moment_short(SIX_PM, BERLIN) == "Thu 3 Dec, 19:00 Berlin time"
    assert display.moment_short(SIX_PM, Viewer("UTC")) == "Thu 3 Dec, 18:00 UTC"


def test_hours_over_midnight_name_the_later_day() -> None:
    late = datetime(2026, 12, 3, 22, 30, tzinfo=UTC)

    assert display.hours(late, late + HOUR, BERLIN) == "23:30 \N{EN DASH} Fri 4 Dec, 00:30"


@pytest.mark.parametrize(
    ("hour", "words"), [(0, "12:00 am"), (1, "1:00 am"), (11, "11:00 am"), (12, "12:00 pm"), (23, "11:00 pm")]
)
def test_clock_twelve_hours(hour: int, words: str) -> None:
    assert display.clock(datetime(2026, 1, 1, hour, tzinfo=UTC), Viewer("UTC", h24=False)) == words


@pytest.mark.parametrize(
    ("tz", "instant", "words"),
    [
        ("Europe/Berlin", datetime(2026, 7, 1, tzinfo=UTC), "GMT+2"),
        ("Asia/Kolkata", SIX_PM, "GMT+5:30"),
        ("America/St_Johns", SIX_PM, "GMT\N{MINUS SIGN}3:30"),
        ("Europe/London", SIX_PM, "GMT"),
        ("Pacific/Kiritimati", SIX_PM, "GMT+14"),
    ],
)
def test_offset(tz: str, instant: datetime, words: str) -> None:
    assert display.offset(instant, tz) == words


def test_offset_changes_with_the_clocks() -> None:
    before = datetime(2026, 10, 25, 0, 59, tzinfo=UTC)
    after = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)

    assert [display.offset(instant, "Europe/Berlin") for instant in (before, after)] == ["GMT+2", "GMT+1"]


def test_days_are_written_long_middle_and_short() -> None:
    day = date(2026, 12, 3)

    assert display.day_long(day) == "Thursday 3 December 2026"
    assert display.day_words(day) == "Thursday 3 December"
    assert display.day_short(day) == "Thu 3 Dec"


@pytest.mark.parametrize(
    ("tz", "place"),
    [("America/New_York", "New York"), ("America/Argentina/Buenos_Aires", "Buenos Aires"), ("UTC", "UTC")],
)
def test_city(tz: str, place: str) -> None:
    assert display.city(tz) == place


@pytest.mark.parametrize(
    ("minutes", "words", "short"),
    [
        (0, "0 minutes", "0 min"),
        (1, "1 minute", "1 min"),
        (45, "45 minutes", "45 min"),
        (60, "1 hour", "1 h"),
        (90, "1 hour 30 minutes", "1 h 30 min"),
        (121, "2 hours 1 minute", "2 h 1 min"),
        (2880, "48 hours", "48 h"),
        (4320, "3 days", "72 h"),
        (4380, "73 hours", "73 h"),
    ],
)
def test_duration(minutes: int, words: str, short: str) -> None:
    assert display.duration(timedelta(minutes=minutes)) == words
    assert display.duration_short(timedelta(minutes=minutes)) == short


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "now"),
        (-59, "now"),
        (60, "in 1 minute"),
        (-300, "5 minutes ago"),
        (119 * 60, "in 1 hour 59 minutes"),
        (7200, "in 2 hours"),
        (165 * 60, "in 3 hours"),
        (int(23.7 * 3600), "in 24 hours"),
        (47 * 3600, "in 47 hours"),
        (48 * 3600, "in 2 days"),
        (-72 * 3600, "3 days ago"),
    ],
)
def test_relative(seconds: int, words: str) -> None:
    assert display.relative(SIX_PM + timedelta(seconds=seconds), SIX_PM) == words


@pytest.mark.parametrize(("seconds", "text"), [(900, "15:00"), (59, "0:59"), (0, "0:00"), (-5, "0:00")])
def test_countdown(seconds: int, text: str) -> None:
    assert display.countdown(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(8000, "EUR"), "€80"),
        (Money(8050, "EUR"), "€80.50"),
        (Money(0, "EUR"), "€0"),
        (Money(-8000, "EUR"), "\N{MINUS SIGN}€80"),
        (Money(123456789, "USD"), "$1,234,567.89"),
        (Money(8000, "JPY"), "¥8,000"),
        (Money(1500, "KWD"), "KWD\N{NO-BREAK SPACE}1.500"),
        (Money(2000, "KWD"), "KWD\N{NO-BREAK SPACE}2"),
        (Money(-900000, "CHF"), "\N{MINUS SIGN}CHF\N{NO-BREAK SPACE}9,000"),
    ],
)
def test_money(amount: Money, text: str) -> None:
    assert display.money(amount) == text
