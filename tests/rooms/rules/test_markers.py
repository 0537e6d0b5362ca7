from datetime import UTC, datetime, timedelta

import pytest

from greenroom.integrations.discord.snowflake import snowflake_at
from greenroom.rooms import rules

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_marker_is_the_beginning_of_a_keyed_digest() -> None:
    # HMAC-SHA256("secret", "rooms.marker:ref:1"), computed apart from this code.
    assert rules.marker("secret", "ref", 1) == "f357927a"


def test_marker_differs_by_secret_room_and_generation() -> None:
    markers = {rules.marker(*key) for key in [("s", "r", 1), ("s", "r", 2), ("s", "q", 1), ("t", "r", 1)]}

    assert len(markers) == 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("coaching-0123abcd", "0123abcd"),
        ("🎤 stunde 0123abcd!", "0123abcd"),
        ("🎤-stunde-0123abcd!", "0123abcd"),
        ("coaching-0123abcde", None),
        ("coaching-0123abc", None),
        ("my coaching-0123abcd", None),
        ("coaching-0123ABCD", None),
        ("coaching-", None),
        ("stunde 0123abcd", None),
        ("General", None),
    ],
)
def test_marker_is_read_from_our_own_names_only(name: str, expected: str | None) -> None:
    assert rules.marker_in(name, ["coaching-{short8}", "🎤 stunde {short8}!"]) == expected


@pytest.mark.parametrize(
    ("age", "name", "expected"),
    [
        (timedelta(), "coaching-0123abcd", True),
        (120 * SECOND, "coaching-0123abcd", True),
        (121 * SECOND, "coaching-0123abcd", False),
        (timedelta(), "coaching-ffffffff", False),
    ],
)
def test_answer_to_a_lost_request_bears_its_marker_and_is_no_older(age: timedelta, name: str, expected: bool) -> None:  # noqa: FBT001 -- a table's column
    assert rules.is_answer_to(snowflake_at(AT - age), name, "0123abcd", AT) is expected


def test_lost_request_settles_after_time_out_and_late_landing() -> None:
    assert rules.settles_at(AT) == AT + 23 * SECOND
