from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from greenroom.availability.engine.instants import (
    ceil_seconds,
    epoch_date,
    epoch_day,
    find_zone,
    floor_seconds,
    from_seconds,
    iso_instants,
)


@pytest.mark.parametrize(
    ("instant", "floor", "ceil"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0, 0),
        (datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 0, 1),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1, 0),
        (datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 0, 0),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 253_402_300_799, 253_402_300_800),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), -62_135_647_200, -62_135_647_200),
    ],
)
def test_seconds_of_an_instant_round_to_either_side(instant: datetime, floor: int, ceil: int) -> None:
    assert (floor_seconds(instant), ceil_seconds(instant)) == (floor, ceil)


def test_from_seconds_undoes_floor_seconds() -> None:
    instant = datetime(2026, 3, 8, 7, 30, 15, tzinfo=UTC)

    assert from_seconds(floor_seconds(instant)) == instant
    assert from_seconds(floor_seconds(instant)).tzinfo is UTC


def test_epoch_day_counts_from_1970() -> None:
    assert [epoch_day(date(1970, 1, 1)), epoch_day(date(1969, 12, 31)), epoch_day(date(2026, 1, 1))] == [0, -1, 20454]
    assert epoch_date(20454) == date(2026, 1, 1)


@pytest.mark.parametrize("seconds", [0, 1, -1, 59, 3600, 86_399, 1_800_000_000, -2_208_988_800, 7_258_118_399])
def test_iso_instants_prints_like_the_standard_library(seconds: int) -> None:
    assert iso_instants([seconds]) == [from_seconds(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")]


@pytest.mark.parametrize("key", ["UTC", "Europe/Paris", "America/Argentina/Ushuaia", "EST5EDT"])
def test_find_zone_iana_name_finds_it(key: str) -> None:
    zone = find_zone(key)

    assert zone is not None
    assert zone.key == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "Mars/Olympus",
        "America",
        "../etc/passwd",
        "/etc/passwd",
        "a\0b",
        "localtime",
        "right/UTC",
        "posix/UTC",
        "\ud800",
    ],
)
def test_find_zone_anything_else_finds_none(key: str) -> None:
    assert find_zone(key) is None
