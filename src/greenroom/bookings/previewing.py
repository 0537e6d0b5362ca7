"""What students would be offered if a coach's hours were other ones, before they are saved."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from greenroom.availability.engine import Window
from greenroom.availability.engine import open_slots as engine_open_slots
from greenroom.bookings.queries import Wish, slot_queries


def slots_with_hours(
    wish: Wish, *, windows: Sequence[Window], tz: str, range_from: datetime, range_to: datetime, now: datetime
) -> list[datetime]:
    """Return the free starts in [range_from, range_to), aware UTC, if the offer's schedule had this week in `tz`.

    Everything else counts as it is stored: single days, stays, time off, sessions and the offer's rules. Whether
    the offer takes bookings at all does not. Saves nothing; five queries.
    """
    [query] = slot_queries([wish], range_from=range_from, range_to=range_to, now=now)
    schedule = replace(query.schedule, tz=tz, windows=tuple(windows))
    return engine_open_slots(replace(query, schedule=schedule))
