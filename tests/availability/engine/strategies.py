"""Random questions to the engine, drawn to where zones, grids and rules are most likely to disagree."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from greenroom.availability.engine import (
    Busy,
    Interval,
    LocalInterval,
    Override,
    Rules,
    Schedule,
    SlotQuery,
    Stay,
    Taken,
    Window,
)

MINUTE = timedelta(minutes=1)
# Zones with the dates at which something odd happens to their clocks.
ODD_DATES = (
    ("UTC", date(2028, 2, 29)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kathmandu", date(1986, 1, 1)),  # from +5:30 to +5:45
    ("Pacific/Chatham", date(2026, 9, 27)),  # +12:45
    ("Pacific/Apia", date(2011, 12, 30)),  # the date that never was
    ("Pacific/Kiritimati", date(1994, 12, 31)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("America/Havana", date(2026, 11, 1)),  # midnight twice
    ("America/Havana", date(2026, 3, 8)),  # no midnight
    ("America/St_Johns", date(2006, 10, 29)),  # 00:01 back to 23:01 of the day before
    ("America/Sao_Paulo", date(2018, 2, 18)),  # 00:00 back to 23:00
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("Antarctica/Troll", date(2026, 3, 29)),  # two hours
    ("America/Caracas", date(2007, 12, 9)),
)

minutes_of_day = st.one_of(
    st.integers(0, 1439), st.integers(0, 95).map(lambda quarter: quarter * 15), st.integers(0, 23).map(lambda h: h * 60)
)
ends_of_day = st.one_of(minutes_of_day, st.sampled_from((0, 1440)))
are_active = st.integers(0, 4).map(bool)
windows = st.lists(
    st.builds(Window, st.integers(1, 7), minutes_of_day, ends_of_day, are_active), min_size=3, max_size=12
).map(tuple)
round_the_clock = st.sampled_from(((0, 1440), (0, 0), (600, 600))).map(
    lambda times: tuple(Window(day, *times) for day in range(1, 8))
)


@st.composite
def overrides(draw: st.DrawFn, around: date, *, spread: int = 4) -> tuple[Override, ...]:
    days = draw(st.lists(st.integers(-spread, spread), max_size=3, unique=True))
    times = st.lists(st.tuples(minutes_of_day, ends_of_day), max_size=3).map(tuple)
    return tuple(Override(around + timedelta(days=day), draw(times)) for day in days)


@st.composite
def stays(draw: st.DrawFn, around: date) -> tuple[Stay, ...]:
    """Draw mostly none; else up to two, next to each other or apart, in zones that change their clocks then or not."""
    count = draw(st.sampled_from((0, 0, 1, 1, 2)))
    edges = sorted(draw(st.lists(st.integers(-40, 8), min_size=2 * count, max_size=2 * count, unique=True)))
    zones = st.sampled_from(tuple(tz for tz, _ in ODD_DATES))
    return tuple(
        Stay(around + timedelta(days=first), around + timedelta(days=last), draw(zones))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    )


@st.composite
def intervals(draw: st.DrawFn, around: datetime) -> Interval:
    start = around + timedelta(seconds=draw(st.integers(-3 * 86400, 4 * 86400)))
    if draw(st.booleans()):
        start = start.replace(second=0)
    end = start + timedelta(seconds=draw(st.one_of(st.integers(1, 90), st.integers(1, 400).map(lambda m: m * 60))))
    if draw(st.booleans()):
        return Interval(start, end)
    before, after = (timedelta(minutes=draw(st.integers(0, 20))) for _ in range(2))
    return Busy(start - before, end + after, session=Interval(start, end), ref="a session")


@st.composite
def joinable(draw: st.DrawFn, around: datetime, length: timedelta) -> Busy:
    """A session of the asked length with free seats; sessions start at whole minutes."""
    start = around + draw(st.integers(-3 * 96, 4 * 96)) * 15 * MINUTE
    before, after = (timedelta(minutes=draw(st.integers(0, 20))) for _ in range(2))
    return Busy(start - before, start + length + after, session=Interval(start, start + length), ref="a session")


@st.composite
def blackouts(draw: st.DrawFn, around: date) -> Interval | LocalInterval:
    midnight = datetime(around.year, around.month, around.day, tzinfo=UTC)
    if draw(st.booleans()):
        return draw(intervals(midnight))
    first = around + timedelta(days=draw(st.integers(-2, 3)))
    if draw(st.booleans()):
        return LocalInterval.whole_days(first, first + timedelta(days=draw(st.integers(0, 1))))
    start = midnight.replace(tzinfo=None) + draw(st.integers(-2000, 4000)) * MINUTE
    return LocalInterval(start, start + draw(st.integers(1, 600)) * MINUTE)


# Mostly none: three limits that close everything would leave nothing to compare.
limits = st.sampled_from((None,) * 12 + (0, 1, 2, 3))


@st.composite
def rules(draw: st.DrawFn, around: date) -> Rules:
    first, last = sorted(around + timedelta(days=day) for day in draw(st.tuples(*[st.integers(-2, 3)] * 2)))
    lengths = st.sampled_from((15, 30, 45, 60, 90)) | st.integers(7, 200)
    buffers = st.sampled_from((0, 0, 5, 10, 30))
    return Rules(
        duration=draw(lengths) * MINUTE,
        increment=draw(lengths) * MINUTE,
        buffer_before=draw(buffers) * MINUTE,
        buffer_after=draw(buffers) * MINUTE,
        notice=timedelta(seconds=draw(st.sampled_from((0, 0, 3600, 86400, 90061)))),
        horizon=draw(st.sampled_from((None, None, None, timedelta(days=2, seconds=1), timedelta(days=21)))),
        daily_limit=draw(limits),
        weekly_limit=draw(limits),
        monthly_limit=draw(limits),
        first_day=draw(st.sampled_from((None, None, None, first))),
        last_day=draw(st.sampled_from((None, None, None, last))),
    )


@st.composite
def queries(draw: st.DrawFn, *, longest_minutes: int = 4 * 1440, spread: int = 4) -> SlotQuery:
    tz, day = draw(st.sampled_from(ODD_DATES))
    around = draw(st.just(day) | st.dates(date(1995, 1, 1), date(2036, 1, 1)))
    midnight = datetime(around.year, around.month, around.day, tzinfo=UTC)
    range_from = midnight + draw(st.sampled_from((0, -1440)) | st.integers(-2 * 1440, 1440)) * MINUTE
    now = draw(st.sampled_from((midnight - timedelta(days=20), midnight + timedelta(hours=9, microseconds=1))))
    busy = draw(st.lists(intervals(midnight), max_size=5))
    starts = draw(st.lists(st.integers(-12 * 1440, 12 * 1440), max_size=5))
    asked = draw(rules(around))
    groups = draw(st.lists(joinable(midnight, asked.duration), max_size=3, unique_by=lambda one: one.session.start))
    return SlotQuery(
        Schedule(tz, draw(windows | round_the_clock), draw(overrides(around, spread=spread)), draw(stays(around))),
        asked,
        now,
        range_from,
        range_from + draw(st.just(longest_minutes) | st.integers(0, longest_minutes)) * MINUTE,
        Taken(
            tuple(draw(st.lists(blackouts(around), max_size=2))),
            tuple(busy),
            tuple(midnight + start * MINUTE for start in starts),
            tuple(groups),
        ),
    )
