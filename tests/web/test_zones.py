from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from greenroom.notifications.display import Viewer
from greenroom.web import zones

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
BERLIN = Viewer("Europe/Berlin")


def found(query: str) -> list[str]:
    return [row.tz for row in zones.zone_rows(query, BERLIN, NOW)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("berlin", "Europe/Berlin"),
        ("York", "America/New_York"),
        ("new york", "America/New_York"),
        ("kolkata", "Asia/Kolkata"),
        ("Calcutta", "Asia/Kolkata"),
        ("são paulo", "America/Sao_Paulo"),
        ("india", "Asia/Kolkata"),
        ("us/pacific", "America/Los_Angeles"),
        ("+5:45", "Asia/Kathmandu"),
        ("UTC-3:30", "America/St_Johns"),
        ("gmt\N{MINUS SIGN}3:30", "America/St_Johns"),
        ("utc", "UTC"),
    ],
)
def test_zone_rows_best_match_comes_first(query: str, first: str) -> None:
    assert found(query)[0] == first


def test_zone_rows_by_offset_hold_only_that_offset() -> None:
    rows = zones.zone_rows("utc+2", BERLIN, NOW)

    assert {row.offset for row in rows} == {"GMT+2"}
    assert {"Europe/Helsinki", "Africa/Cairo"} <= {row.tz for row in rows}


def test_zone_rows_offset_zero_means_gmt() -> None:
    assert {row.offset for row in zones.zone_rows("utc+0", BERLIN, NOW)} == {"GMT"}


def test_zone_rows_words_in_any_order() -> None:
    assert found("germany berlin") == ["Europe/Berlin"]


@pytest.mark.parametrize("query", ["qqqq", "utc+99", "'; drop table", "\x00"])
def test_zone_rows_nonsense_finds_nothing(query: str) -> None:
    assert found(query) == []


def test_zone_rows_without_a_query_begin_with_the_viewers_own_zone() -> None:
    tz = found("   ")

    assert tz[0] == "Europe/Berlin"
    assert sorted(tz) == sorted(zones.WELL_KNOWN)


def test_zone_rows_never_more_than_forty() -> None:
    assert len(found("a")) == zones.MOST_ROWS


def test_zone_row_says_city_country_offset_and_time() -> None:
    row = zones.zone_rows("new york", Viewer("Europe/Berlin", h24=False), NOW)[0]

    assert row == zones.ZoneRow("America/New_York", "New York", "United States", "GMT\N{MINUS SIGN}5", "4:00 am")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("UTC", "UTC"),
        ("Etc/UTC", "UTC"),
        ("Zulu", "UTC"),
        ("GMT", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("europe/berlin", None),
        ("localtime", None),
        ("Factory", None),
        ("../../etc/passwd", None),
        ("", None),
        (None, None),
        (["Europe/Berlin"], None),
    ],
)
def test_clean_zone(raw: object, clean: str | None) -> None:
    assert zones.clean_zone(raw) == clean


def test_choose_zone_takes_the_first_that_exists() -> None:
    assert zones.choose_zone("Mars/Olympus", None, "Asia/Calcutta", "Asia/Tokyo", default="UTC") == "Asia/Kolkata"
    assert zones.choose_zone(None, "", default="Europe/Berlin") == "Europe/Berlin"


def test_every_listed_zone_exists_and_is_its_own_present_name() -> None:
    listed = zones.zones()

    assert [zone.tz for zone in listed if zones.clean_zone(zone.tz) != zone.tz] == []
    assert [zone.tz for zone in listed if not ZoneInfo(zone.tz)] == []
    assert {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"} <= {zone.tz for zone in listed}


def test_zone_city_is_the_last_part_of_its_name() -> None:
    assert [zone.city for zone in zones.zones() if zone.tz == "America/Sao_Paulo"] == ["Sao Paulo"]
