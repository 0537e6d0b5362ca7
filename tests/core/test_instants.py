from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from greenroom.core.instants import iso, parse_date, parse_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-03T09:00:00Z", datetime(2026, 12, 3, 9, tzinfo=UTC)),
        ("2026-12-03T09:00Z", datetime(2026, 12, 3, 9, tzinfo=UTC)),
        ("2026-12-03T09:00:00+05:30", datetime(2026, 12, 3, 3, 30, tzinfo=UTC)),
        ("2026-12-03T23:00:00-14:00", datetime(2026, 12, 4, 13, tzinfo=UTC)),
        ("2026-12-03T09:00:00.5Z", datetime(2026, 12, 3, 9, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-12-03T09:00:00.000001Z", datetime(2026, 12, 3, 9, 0, 0, 1, tzinfo=UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2198-12-31T23:59:59Z", datetime(2198, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_parse_instant_returns_utc(text: str, instant: datetime) -> None:
    parsed = parse_instant(text)

    assert (parsed, parsed.tzinfo) == (instant, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-03T09:00:00",
        "2026-12-03 09:00:00Z",
        "2026-12-03T09:00:00z",
        "2026-12-03",
        "2026-12-3T09:00:00Z",
        "2026-W10-1T09:00:00Z",
        "2026-12-03T09:00:00,5Z",
        "2026-12-03T09:00:00.1234567Z",
        "2026-12-03T09:00:00Z\n",
        " 2026-12-03T09:00:00Z",
        "٢٠٢٦-12-03T09:00:00Z",
        "1764752400",
        "2026-12-03T09:00:00+99:00",
        "2026-12-03T09:00:00+20:00",
        "2026-12-03T09:00:00+00:99",
        "+12026-12-03T09:00:00Z",
        "-2026-12-03T09:00:00Z",
        "",
        "\x00",
        "now",
        1764752400,
        12.5,
        None,
        True,
        ["2026-12-03T09:00:00Z"],
        datetime(2026, 12, 3, tzinfo=UTC),
    ],
)
def test_parse_instant_guesses_nothing(text: object) -> None:
    with pytest.raises(ValueError, match="use an instant with its offset"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T09:00:00Z",
        "2026-13-01T09:00:00Z",
        "2026-12-03T24:30:00Z",
        "2026-12-03T09:60:00Z",
        "2026-12-31T23:59:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_parse_instant_that_is_not_in_the_calendar(text: str) -> None:
    with pytest.raises(ValueError, match="there is no such instant"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["1999-12-31T23:59:59Z", "2199-01-01T00:00:00Z", "2000-01-01T00:00:00+00:01"])
def test_parse_instant_of_an_absurd_year(text: str) -> None:
    with pytest.raises(ValueError, match="use a year from 2000 to 2198"):
        parse_instant(text)


def test_parse_date_reads_a_plain_date() -> None:
    assert parse_date("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("20260303", "use a date such as"),
        ("2026-3-3", "use a date such as"),
        ("2026-03-03T00:00", "use a date such as"),
        ("2026-W10-2", "use a date such as"),
        ("2026-03-03\n", "use a date such as"),
        (date(2026, 3, 3), "use a date such as"),
        (None, "use a date such as"),
        ("2026-02-29", "there is no such date"),
        ("2026-00-10", "there is no such date"),
        ("1999-12-31", "use a year from"),
        ("2199-01-01", "use a year from"),
    ],
)
def test_parse_date_of_anything_else_is_refused(text: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_date(text)


def test_iso_writes_utc_to_the_second() -> None:
    east = timezone(timedelta(hours=5, minutes=30))

    assert iso(datetime(2026, 12, 3, 9, 0, 0, 999_999, tzinfo=east)) == "2026-12-03T03:30:00Z"
