"""The conventions computed minute by minute with `zoneinfo`: slow, and sharing only its inputs with the engine."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from greenroom.availability.engine import Interval, LocalInterval, Schedule, SlotQuery

MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)
FOUR_WEEKS = timedelta(days=28)
REACH = timedelta(days=42)


def instant_of(local: datetime, tz: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(tz), fold=0).astimezone(UTC)


@lru_cache(maxsize=10_000)
def has_happened(day: date, tz: str) -> bool:
    noon = datetime.combine(day, time(12), UTC)
    instants = (noon + timedelta(minutes=15 * step) for step in range(-160, 160))
    return any(instant.astimezone(ZoneInfo(tz)).date() == day for instant in instants)


def windows_of(schedule: Schedule, day: date) -> list[tuple[int, int]]:
    for override in schedule.overrides:
        if override.on == day:
            return list(override.windows)
    return [(w.start_minute, w.end_minute) for w in schedule.windows if w.is_active and w.weekday == day.isoweekday()]


def zone_of(schedule: Schedule, day: date) -> str:
    for stay in schedule.stays:
        if stay.first_day <= day <= stay.last_day:
            return stay.tz
    return schedule.tz


def open_minutes(schedule: Schedule, since: datetime, until: datetime) -> bytearray:
    """Mark the minutes in [since, until) that lie in a window."""
    minutes = bytearray((until - since) // MINUTE)
    day = since.date() - 3 * ONE_DAY
    while day <= until.date() + 3 * ONE_DAY:
        tz = zone_of(schedule, day)
        for start, end in windows_of(schedule, day) if has_happened(day, tz) else []:
            midnight = datetime.combine(day, time())
            opens = instant_of(midnight + start * MINUTE, tz)
            closes = instant_of(midnight + end * MINUTE + (ONE_DAY if end <= start else 0 * ONE_DAY), tz)
            first = max(0, (opens - since) // MINUTE)
            last = max(first, min(len(minutes), (closes - since) // MINUTE))
            minutes[first:last] = b"\1" * (last - first)
        day += ONE_DAY
    return minutes


def anchor_of(minutes: bytearray, since: datetime, start: datetime, tz: str) -> datetime:
    index = (start - since) // MINUTE
    began = since + (minutes.rfind(b"\0", 0, index) + 1) * MINUTE
    monday = start.astimezone(ZoneInfo(tz)).date() + ONE_DAY
    while True:
        midnight = instant_of(datetime.combine(monday, time()), tz)
        if midnight < began + FOUR_WEEKS:
            return began
        if monday.isoweekday() == 1 and midnight <= start:
            return midnight
        monday -= ONE_DAY


def overlaps(start: datetime, end: datetime, other: Interval) -> bool:
    return start < other.end and other.start < end


def blackout_intervals(query: SlotQuery) -> Iterator[Interval]:
    for blackout in query.taken.blackouts:
        if isinstance(blackout, LocalInterval):
            start = instant_of(blackout.start, query.schedule.tz)
            end = instant_of(blackout.end, query.schedule.tz)
            if start < end:
                yield Interval(start, end)
        else:
            yield blackout


def is_limited(query: SlotQuery, start: datetime) -> bool:
    zone, rules = ZoneInfo(query.schedule.tz), query.rules
    day = start.astimezone(zone).date()
    booked = [booking.astimezone(zone).date() for booking in query.taken.booked_starts]
    counts = (
        (rules.daily_limit, sum(other == day for other in booked)),
        (rules.weekly_limit, sum(other.isocalendar()[:2] == day.isocalendar()[:2] for other in booked)),
        (rules.monthly_limit, sum((other.year, other.month) == (day.year, day.month) for other in booked)),
    )
    return any(limit is not None and count >= limit for limit, count in counts)


def session_joined_at(query: SlotQuery, start: datetime) -> Interval | None:
    return next((one for one in query.taken.joinable if one.session and one.session.start == start), None)


def is_free(query: SlotQuery, start: datetime) -> bool:
    rules, end = query.rules, start + query.rules.duration
    joined = session_joined_at(query, start)
    if start < query.now + rules.notice or (rules.horizon is not None and start > query.now + rules.horizon):
        return False
    day = start.astimezone(ZoneInfo(query.schedule.tz)).date()
    if (rules.first_day and day < rules.first_day) or (rules.last_day and day > rules.last_day):
        return False
    if any(overlaps(start, end, blackout) for blackout in blackout_intervals(query)):
        return False
    guarded = start - rules.buffer_before, end + rules.buffer_after
    others = [one for one in (*query.taken.busy, *query.taken.joinable) if one is not joined]
    return not any(overlaps(*guarded, one) for one in others) and (joined is not None or not is_limited(query, start))


def slots_by_the_minute(query: SlotQuery) -> list[datetime]:
    """Return the starts that the conventions give. Zones must have whole-minute offsets in the range."""
    rules, tz = query.rules, query.schedule.tz
    first = query.range_from.astimezone(UTC).replace(second=0, microsecond=0)
    since = first - REACH
    minutes = open_minutes(query.schedule, since, query.range_to.astimezone(UTC) + rules.duration + ONE_DAY)
    length = rules.duration // MINUTE
    found = []
    for index in range((first - since) // MINUTE, len(minutes)):
        start = since + index * MINUTE
        if not query.range_from <= start < query.range_to:
            continue
        if minutes.find(b"\0", index, index + length) != -1 or index + length > len(minutes):
            continue
        is_on_grid = not (start - anchor_of(minutes, since, start, tz)) % rules.increment
        if not is_on_grid and session_joined_at(query, start) is None:
            continue
        if is_free(query, start):
            found.append(start)
    return found
