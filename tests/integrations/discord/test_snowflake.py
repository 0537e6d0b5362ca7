from datetime import UTC, datetime, timedelta

from greenroom.integrations.discord.snowflake import MAX_SNOWFLAKE, instant_of, snowflake_at


def test_instant_of_the_documentations_example() -> None:
    assert instant_of(175928847299117063) == datetime(2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC)


def test_snowflake_at_round_trips_to_the_millisecond_and_orders_by_sequence() -> None:
    at = datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)

    assert instant_of(snowflake_at(at)) == at.replace(microsecond=123000)
    assert snowflake_at(at) < snowflake_at(at, 1) < snowflake_at(at + timedelta(milliseconds=1))


def test_snowflake_at_fits_a_signed_column_for_long() -> None:
    assert snowflake_at(datetime(2084, 1, 1, tzinfo=UTC)) < MAX_SNOWFLAKE
