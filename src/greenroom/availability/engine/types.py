"""What the engine is asked with, checked when it is made: every ValueError names the field and the remedy."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Self

from greenroom.availability.engine.instants import EARLIEST, LATEST, find_zone

MINUTES_PER_DAY = 1440
ONE_MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)
ZERO = timedelta(0)
# Bounds of what a coach may ask for; beyond them a typing error is certain and the cost is not bounded.
LONGEST_SESSION = timedelta(days=31)
LONGEST_NOTICE = timedelta(days=3660)
LONGEST_RANGE = timedelta(days=732)


def _require_aware(field: str, instant: datetime) -> None:
    if instant.utcoffset() is None:
        raise ValueError(f"{field}: {instant} has no time zone; give an aware instant, best in UTC")


def require_supported(field: str, instant: datetime) -> None:
    """Refuse an instant without a zone or in a year for which zone rules are not computed.

    Raises: ValueError.
    """
    _require_aware(field, instant)
    if not EARLIEST <= instant < LATEST:
        raise ValueError(f"{field}: {instant} is outside the years {EARLIEST.year} to {LATEST.year - 1}")


def _require_minutes(start_minute: int, end_minute: int) -> None:
    if not 0 <= start_minute < MINUTES_PER_DAY:
        raise ValueError(f"start_minute: {start_minute} is not a minute of the day; use 0 to 1439")
    if not 0 <= end_minute <= MINUTES_PER_DAY:
        raise ValueError(f"end_minute: {end_minute} is not a minute of the day; use 0 to 1440")


def _require_zone(tz: str) -> None:
    if find_zone(tz) is None:
        raise ValueError(f"tz: {tz!r} is not a time zone; use an IANA name such as Europe/Paris")


@dataclass(frozen=True, slots=True)
class Window:
    """One weekly opening in wall-clock minutes: `weekday` is ISO, 1 for Monday to 7 for Sunday.

    It belongs to the date on which it starts; an end at or before the start lies on the next date. One that is not
    active opens nothing.
    """

    weekday: int
    start_minute: int
    end_minute: int
    is_active: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.weekday <= 7:  # noqa: PLR2004 -- the days of an ISO week
            raise ValueError(f"weekday: {self.weekday} is not a day; use 1 for Monday to 7 for Sunday")
        _require_minutes(self.start_minute, self.end_minute)


@dataclass(frozen=True, slots=True)
class Override:
    """The windows of one local date instead of its weekly ones, as (start, end) minutes; none closes it."""

    on: date
    windows: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for start_minute, end_minute in self.windows:
            _require_minutes(start_minute, end_minute)


@dataclass(frozen=True, slots=True)
class Stay:
    """Dates from `first_day` to `last_day`, both included, whose windows are read on the wall clock of `tz`."""

    first_day: date
    last_day: date
    tz: str

    def __post_init__(self) -> None:
        _require_zone(self.tz)
        if self.last_day < self.first_day:
            raise ValueError(f"last_day: {self.last_day} is before first_day {self.first_day}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A coach's weekly windows and overrides, read on the wall clock of one IANA zone.

    A window belongs to a date; the windows of a date in a stay are read in the stay's zone, from their start to
    their end, also beyond midnight of its last day. Everything else keeps `tz`: limits, first and last days,
    wall-clock blackouts and the Mondays at which a long run counts afresh.
    """

    tz: str
    windows: tuple[Window, ...] = ()
    overrides: tuple[Override, ...] = ()
    stays: tuple[Stay, ...] = ()

    def __post_init__(self) -> None:
        _require_zone(self.tz)
        ordered = sorted(self.stays, key=lambda stay: stay.first_day)
        for stay, next_stay in pairwise(ordered):
            if next_stay.first_day <= stay.last_day:
                raise ValueError(f"stays: {next_stay.first_day} is in two of them; end one before the other begins")
        dates = sorted(override.on for override in self.overrides)
        for earlier, later in pairwise(dates):
            if earlier == later:
                raise ValueError(f"overrides: {later} is given twice; put all its windows into one override")


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open stretch of time between two aware instants."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _require_aware("start", self.start)
        _require_aware("end", self.end)
        if self.end <= self.start:
            raise ValueError(f"end: {self.end} is not after the start {self.start}; leave empty intervals out")


@dataclass(frozen=True, slots=True)
class Busy(Interval):
    """Time that is taken by a booked session together with the buffers frozen when it was booked.

    `start` and `end` bound the whole blocked time, `session` the session in it. A candidate keeps its own
    buffers to the blocked time too: the buffers of neighbours add up. `ref` names it in explanations.
    """

    session: Interval | None = None
    ref: str = ""

    def __post_init__(self) -> None:
        Interval.__post_init__(self)
        if self.session and not self.start <= self.session.start < self.session.end <= self.end:
            raise ValueError("session: it is not inside its blocked time; widen start and end around it")


@dataclass(frozen=True, slots=True)
class LocalInterval:
    """A half-open stretch of wall-clock time, naive on both ends, read in the schedule's zone."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for field, moment in (("start", self.start), ("end", self.end)):
            if moment.tzinfo is not None:
                raise ValueError(f"{field}: {moment} carries a zone; give wall-clock time without one")
        if self.end <= self.start:
            raise ValueError(f"end: {self.end} is not after the start {self.start}")

    @classmethod
    def whole_days(cls, date_from: date, date_to: date) -> Self:
        """Return the stretch from the first midnight of `date_from` to the end of `date_to`, both included."""
        if date_to < date_from:
            raise ValueError(f"date_to: {date_to} is before the first date {date_from}")
        if date_to == date.max:
            raise ValueError(f"date_to: {date_to} has no next day; use an earlier date")
        midnight = datetime.min.time()
        return cls(datetime.combine(date_from, midnight), datetime.combine(date_to + ONE_DAY, midnight))


@dataclass(frozen=True, slots=True)
class Rules:
    """What one offer demands of a start. Buffers surround the session; notice and horizon are inclusive.

    A limit counts booked starts on the coach's local date, ISO week or month; None sets no limit. `first_day` and
    `last_day`, both included, are the coach's local dates on which sessions may start.
    """

    duration: timedelta
    increment: timedelta
    buffer_before: timedelta = ZERO
    buffer_after: timedelta = ZERO
    notice: timedelta = ZERO
    horizon: timedelta | None = None
    daily_limit: int | None = None
    weekly_limit: int | None = None
    monthly_limit: int | None = None
    first_day: date | None = None
    last_day: date | None = None

    def __post_init__(self) -> None:
        for field, least in (
            ("duration", ONE_MINUTE),
            ("increment", ONE_MINUTE),
            ("buffer_before", ZERO),
            ("buffer_after", ZERO),
        ):
            span: timedelta = getattr(self, field)
            if not least <= span <= LONGEST_SESSION or span % ONE_MINUTE:
                raise ValueError(f"{field}: {span} will not do; use whole minutes, {least} to {LONGEST_SESSION}")
        for field in ("notice", "horizon"):
            ahead: timedelta | None = getattr(self, field)
            if ahead is not None and not ZERO <= ahead <= LONGEST_NOTICE:
                raise ValueError(f"{field}: {ahead} will not do; use {ZERO} to {LONGEST_NOTICE}")
        for field in ("daily_limit", "weekly_limit", "monthly_limit"):
            limit: int | None = getattr(self, field)
            if limit is not None and limit < 0:
                raise ValueError(f"{field}: {limit} is negative; use 0 or more, or None for no limit")
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError(f"last_day: {self.last_day} is before first_day {self.first_day}")


@dataclass(frozen=True, slots=True)
class Taken:
    """What is already spoken for. Order does not matter, overlaps are fine.

    Blackouts keep the session itself out; busy time keeps the session with its buffers out; `booked_starts` are
    the starts that count for the limits. To move a session, leave it out of both lists.

    `joinable` are sessions of the asked offer and length with free seats, none of them also in `busy`: they are taken
    for every other start, and their own start can be booked, off the grid and whatever the limits say, because no
    session is added by joining one.
    """

    blackouts: tuple[Interval | LocalInterval, ...] = ()
    busy: tuple[Interval, ...] = ()
    booked_starts: tuple[datetime, ...] = ()
    joinable: tuple[Busy, ...] = ()

    def __post_init__(self) -> None:
        for start in self.booked_starts:
            _require_aware("booked_starts", start)
        if any(one.session is None for one in self.joinable):
            raise ValueError("joinable: give each the session in its blocked time; its start is what can be booked")

    @property
    def sessions(self) -> tuple[Interval, ...]:
        """All taken time: what is only busy, then what can be joined."""
        return self.busy + self.joinable

    @property
    def joinable_starts(self) -> tuple[datetime, ...]:
        """The start of each session that can be joined, in order."""
        return tuple(one.session.start for one in self.joinable if one.session is not None)


NOTHING_TAKEN = Taken()


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """One question to the engine: the starts in [range_from, range_to) that can be booked at `now`."""

    schedule: Schedule
    rules: Rules
    now: datetime
    range_from: datetime
    range_to: datetime
    taken: Taken = NOTHING_TAKEN

    def __post_init__(self) -> None:
        _require_aware("now", self.now)
        require_supported("range_from", self.range_from)
        require_supported("range_to", self.range_to)
        if self.range_to < self.range_from:
            raise ValueError(f"range_to: {self.range_to} is before range_from {self.range_from}")
        if self.range_to - self.range_from > LONGEST_RANGE:
            raise ValueError(f"range_to: the range is longer than {LONGEST_RANGE.days} days; ask in parts")
