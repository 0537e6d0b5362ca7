"""Discord's ids carry the moment they were made: 42 bits of milliseconds since 2015, then 22 bits of sequence."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
MAX_SNOWFLAKE = (1 << 63) - 1  # also the largest id a signed 64-bit column holds
SEQUENCE_BITS = 22
MAX_SEQUENCE = (1 << SEQUENCE_BITS) - 1


def instant_of(snowflake: int) -> datetime:
    """Tell when an id was made: an aware UTC instant, exact to the millisecond."""
    return EPOCH + timedelta(milliseconds=snowflake >> SEQUENCE_BITS)


def snowflake_at(instant: datetime, sequence: int = 0) -> int:
    """Mint the id of `instant` (aware); ids of one millisecond differ by `sequence`, 0 to MAX_SEQUENCE."""
    milliseconds = (instant - EPOCH) // timedelta(milliseconds=1)
    return (milliseconds << SEQUENCE_BITS) | (sequence & MAX_SEQUENCE)
