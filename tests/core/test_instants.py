from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from greenroom.core.instants import iso, parse_date, parse_instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-03T09:00:00Z", datetime(2026, 12, 3, 9, tzinfo=UTC)),
        ("2026-12-03T09:00Z", datetime(2026, 12, 3, 9, tzinfo=UTC)),
        ("2026-12-03T09:00:00.25Z", datetime(2026, 12, 3, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-12-03T09:00:00+05:30", datetime(2026, 12, 3, 3, 30, tzinfo=UTC)),
        ("2026-12-31T23:30:00-01:00", datetime(2027, 1, 1, 0, 30, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_instant_is_read_as_utc(text: str, expected: datetime) -> None:
    instant = parse_instant(text)

    assert instant == expected
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2026-12-03T09:00:00", "with its offset"),
        ("2026-12-03 09:00:00Z", "with its offset"),
        ("2026-12-03", "with its offset"),
        ("2026-12-03T09:00:00z", "with its offset"),
        ("2026-12-03T09:00:00Z\n", "with its offset"),
        (" 2026-12-03T09:00:00Z", "with its offset"),
        ("\u0662\u0660\u0662\u0666-12-03T09:00:00Z", "with its offset"),
        ("2026-12-03T09:00:00.1234567Z", "with its offset"),
        ("", "with its offset"),
        (None, "with its offset"),
        (1_764_752_400, "with its offset"),
        ("2026-02-30T09:00:00Z", "no such instant"),
        ("2026-12-03T25:00:00Z", "no such instant"),
        ("2026-12-03T09:00:60Z", "no such instant"),
        ("2026-12-03T09:00:00+24:00", "no such instant"),
        ("0000-12-03T09:00:00Z", "no such instant"),
        ("0001-01-01T00:00:00+01:00", "no such instant"),
        ("9999-12-31T23:59:59-01:00", "no such instant"),
        ("1999-12-31T23:59:59Z", "year from 2000 to 2199"),
        ("2200-01-01T00:00:00Z", "year from 2000 to 2199"),
        ("2199-12-31T23:59:59-01:00", "year from 2000 to 2199"),
    ],
)
def test_what_is_no_instant_is_refused(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_instant(given)


def test_date_is_read() -> None:
    assert parse_date("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2026-2-3", "use a date"),
        ("20260203", "use a date"),
        ("2026-02-03T00:00:00Z", "use a date"),
        ("2026-02-03\n", "use a date"),
        ("2026-W06-2", "use a date"),
        (None, "use a date"),
        ("2026-02-29", "no such date"),
        ("0000-01-01", "no such date"),
        ("1999-12-31", "year from 2000 to 2199"),
        ("2200-01-01", "year from 2000 to 2199"),
    ],
)
def test_what_is_no_date_is_refused(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_date(given)


def test_instant_is_written_in_utc_to_the_second() -> None:
    half_past = timezone(timedelta(hours=5, minutes=30))

    assert iso(datetime(2026, 12, 3, 9, 0, 0, 999_999, tzinfo=half_past)) == "2026-12-03T03:30:00Z"
    assert parse_instant(iso(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
