"""The verbs that change when a coach works. Each locks the coach first: it changes what can be booked.

Sessions that are booked already stay where they are, whatever becomes of the hours around them.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import ProtectedError

from greenroom.availability import rules
from greenroom.availability.engine import Interval, Window
from greenroom.availability.engine.instants import find_zone
from greenroom.availability.errors import NothingToUndoError, ScheduleChangedError, ScheduleInUseError
from greenroom.availability.models import Blackout, DateOverride, OverrideWindow, Schedule, Stay, WeeklyWindow
from greenroom.availability.queries import WINDOW_FIELDS
from greenroom.availability.rules import Span
from greenroom.availability.types import LocalDays
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.errors import InvalidInputError, NotFoundError
from greenroom.core.transactions import unit_of_work

_ONE_DAY = timedelta(days=1)
_LONGEST_REASON = 140
_LONGEST_NAME = 60


def replace_week(
    *,
    coach: Coach,
    windows: Sequence[Window],
    tz: str,
    actor: Actor,
    now: datetime,
    schedule: Schedule | None = None,
    version: int | None = None,
) -> Schedule:
    """Give a schedule exactly these weekly windows, read on the wall clock of `tz`; returns the schedule.

    None stands for the coach's default schedule, which is made when there is none. Overrides and blackouts stay.
    `version` is that of the week which the change began from (0 for none): a newer one is not overwritten. The week
    before is kept for `undo_week`. Locks the coach. A second call changes nothing.
    Raises: ScheduleChangedError, WindowsOverlapError naming the day, InvalidInputError for an unknown zone or too many
    windows, NotFoundError for somebody else's schedule, BusyError.
    """
    rules.require(actor)
    _require_zone(tz)
    rules.check_week(windows)
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _schedule_of(coach, schedule) or Schedule.objects.create(coach=coach, tz=tz)
        before, after = _week_of(mine), sorted(windows, key=_in_order)
        if mine.tz == tz and before == after:
            return mine
        if version is not None and version != mine.version:
            raise ScheduleChangedError
        _change_week(mine, before, after, tz, action="schedule.replace_week", actor=actor, now=now)
    return mine


def undo_week(*, coach: Coach, version: int, actor: Actor, now: datetime, schedule: Schedule | None = None) -> Schedule:
    """Put the week back that stood before the last change; undoing again brings the change back.

    `version` is that of the change to undo. Locks the coach.
    Raises: ScheduleChangedError when there was another one since, NothingToUndoError, NotFoundError, BusyError.
    """
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _schedule_of(coach, schedule)
        if mine is None or mine.previous_week is None:
            raise NothingToUndoError
        if version != mine.version:
            raise ScheduleChangedError
        after = [Window(*row) for row in mine.previous_week["windows"]]
        tz = mine.previous_week["tz"]
        _change_week(mine, _week_of(mine), after, tz, action="schedule.undo_week", actor=actor, now=now)
    return mine


def _change_week(
    mine: Schedule,
    before: Sequence[Window],
    after: Sequence[Window],
    tz: str,
    *,
    action: str,
    actor: Actor,
    now: datetime,
) -> None:
    old_tz, mine.tz = mine.tz, tz
    mine.previous_week = {"tz": old_tz, "windows": [astuple(window) for window in before]}
    mine.version += 1
    mine.save(update_fields=["tz", "previous_week", "version"])
    wanted = {_in_order(window): window for window in after}
    for row in mine.windows.all():
        window = wanted.pop(_in_order(row), None)
        if window is None:
            row.delete()
        elif row.is_active != window.is_active:
            row.is_active = window.is_active
            row.save(update_fields=["is_active"])
    # Windows that stay keep their ids.
    WeeklyWindow.objects.bulk_create(_row(mine, window) for window in wanted.values())
    audit.record(
        actor=actor,
        action=action,
        target=mine,
        now=now,
        before={"week": rules.week_words(before), "tz": old_tz},
        after={"week": rules.week_words(after), "tz": tz},
    )


def add_window(*, coach: Coach, window: Window, tz: str | None, actor: Actor, now: datetime) -> WeeklyWindow:
    """Add one weekly window to the coach's default schedule, which is made in `tz` when there is none.

    None takes the zone the schedule has (the account's for a new one). Locks the coach. Adding a window that is
    there returns it, switched on or off as wanted.
    Raises: WindowsOverlapError, InvalidInputError naming `tz` when the schedule is read in another zone, BusyError.
    """
    rules.require(actor)
    wanted = tz or coach.user.time_zone
    _require_zone(wanted)
    rules.check_span((window.start_minute, window.end_minute))
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _schedule_of(coach, None) or Schedule.objects.create(coach=coach, tz=wanted)
        if tz is not None and mine.tz != tz:
            raise InvalidInputError(f"The schedule is kept in {mine.tz}: send the times of that zone.", field="tz")
        before = _week_of(mine)
        if window not in before:
            others = [one for one in before if _in_order(one) != _in_order(window)]
            after = sorted([*others, window], key=_in_order)
            rules.check_week(after)
            _change_week(mine, before, after, mine.tz, action="schedule.add_window", actor=actor, now=now)
        return mine.windows.get(weekday=window.weekday, start_minute=window.start_minute, end_minute=window.end_minute)


def add_schedule(*, coach: Coach, name: str, actor: Actor, now: datetime) -> Schedule:
    """Make one more named schedule, which begins as a copy of the default one; returns it. Locks the coach.

    Offers do not use it until one chooses it. Raises: InvalidInputError naming `name`, BusyError.
    """
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        words = _checked_name(coach, name)
        if coach.schedules.count() >= rules.MOST_SCHEDULES:
            raise InvalidInputError("These are too many. Remove one first.", field="name")
        default = _schedule_of(coach, None)
        made = Schedule.objects.create(
            coach=coach, name=words, tz=default.tz if default else coach.user.time_zone, is_default=default is None
        )
        WeeklyWindow.objects.bulk_create(_row(made, window) for window in (_week_of(default) if default else ()))
        audit.record(actor=actor, action="schedule.add", target=made, now=now, after={"name": words})
    return made


def rename_schedule(*, coach: Coach, schedule: Schedule, name: str, actor: Actor, now: datetime) -> Schedule:
    """Give a schedule another name. Locks the coach.

    Raises: InvalidInputError naming `name`, NotFoundError, BusyError.
    """
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _own_schedule(coach, schedule)
        words = _checked_name(coach, name, mine)
        if mine.name != words:
            before, mine.name = mine.name, words
            mine.save(update_fields=["name"])
            audit.record(
                actor=actor,
                action="schedule.rename",
                target=mine,
                now=now,
                before={"name": before},
                after={"name": words},
            )
    return mine


def make_default_schedule(*, coach: Coach, schedule: Schedule, actor: Actor, now: datetime) -> Schedule:
    """Let a schedule be the one of all offers that chose none. Locks the coach. Raises: NotFoundError, BusyError."""
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _own_schedule(coach, schedule)
        if not mine.is_default:
            coach.schedules.filter(is_default=True).update(is_default=False)
            mine.is_default = True
            mine.save(update_fields=["is_default"])
            audit.record(actor=actor, action="schedule.make_default", target=mine, now=now)
    return mine


def remove_schedule(*, coach: Coach, schedule: Schedule, actor: Actor, now: datetime) -> None:
    """Remove a schedule that neither is the default one nor any offer's. Locks the coach.

    Raises: ScheduleInUseError, NotFoundError, BusyError.
    """
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _own_schedule(coach, schedule)
        if mine.is_default:
            raise ScheduleInUseError("These are your usual hours. Make others the usual ones first.")
        before: dict[str, audit.AuditValue] = {
            "name": mine.name,
            "tz": mine.tz,
            "week": rules.week_words(_week_of(mine)),
        }
        audit.record(actor=actor, action="schedule.remove", target=mine, now=now, before=before)
        try:
            mine.delete()
        except ProtectedError as error:
            raise ScheduleInUseError from error


def _checked_name(coach: Coach, name: str, mine: Schedule | None = None) -> str:
    words = " ".join(name.split())
    if not words or len(words) > _LONGEST_NAME:
        raise InvalidInputError(f"Write a name of up to {_LONGEST_NAME} characters.", field="name")
    others = coach.schedules.filter(name__iexact=words)
    if (others.exclude(pk=mine.pk) if mine else others).exists():
        raise InvalidInputError("Other hours of yours have this name.", field="name")
    return words


def _own_schedule(coach: Coach, schedule: Schedule) -> Schedule:
    mine = _schedule_of(coach, schedule)
    if mine is None:
        raise NotFoundError
    return mine


def set_override(
    *,
    coach: Coach,
    on: date,
    spans: Sequence[Span],
    actor: Actor,
    now: datetime,
    schedule: Schedule | None = None,
) -> DateOverride:
    """Give one local date of a schedule windows of its own, as minutes of the wall clock; none closes it.

    Replaces an earlier override of that date. Locks the coach. A second call changes nothing.
    Raises: InvalidInputError for a date that is past or too far, WindowsOverlapError, NotFoundError, BusyError.
    """
    rules.require(actor)
    rules.check_date(spans)
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _schedule_of(coach, schedule)
        if mine is None:
            raise InvalidInputError("Save your weekly hours first.", field="on")
        _require_date(mine, on, now)
        override, is_new = DateOverride.objects.get_or_create(schedule=mine, on=on)
        before = sorted(override.windows.values_list("start_minute", "end_minute"))
        after = sorted(spans)
        if is_new or before != after:
            override.windows.all().delete()
            OverrideWindow.objects.bulk_create(
                OverrideWindow(override=override, start_minute=start, end_minute=end) for start, end in after
            )
            audit.record(
                actor=actor,
                action="schedule.set_override",
                target=override,
                now=now,
                before={} if is_new else {"hours": _date_words(before)},
                after={"on": on.isoformat(), "hours": _date_words(after)},
            )
    return override


def remove_override(*, coach: Coach, override_id: int, actor: Actor, now: datetime) -> None:
    """Let the weekly windows count again on a date. Locks the coach. Raises: NotFoundError, BusyError."""
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        override = DateOverride.objects.filter(schedule__coach=coach, pk=override_id).first()
        if override is None:
            raise NotFoundError
        spans = sorted(override.windows.values_list("start_minute", "end_minute"))
        before = {"on": override.on.isoformat(), "hours": _date_words(spans)}
        audit.record(actor=actor, action="schedule.remove_override", target=override, now=now, before=before)
        override.delete()


def add_stay(
    *,
    coach: Coach,
    days: LocalDays,
    tz: str,
    actor: Actor,
    now: datetime,
    schedule: Schedule | None = None,
) -> Stay:
    """Let the windows that belong to some dates be read in `tz`, because the coach is there; returns the stay.

    The dates keep their weekly windows and overrides. Stays of a schedule do not overlap. None stands for the coach's
    default schedule. Locks the coach. The same stay again returns the row that is there.
    Raises: InvalidInputError naming `tz`, `first_day` or `last_day`, NotFoundError, BusyError.
    """
    rules.require(actor)
    _require_zone(tz)
    with unit_of_work():
        lock_coach(coach.pk)
        mine = _schedule_of(coach, schedule)
        if mine is None:
            raise InvalidInputError("Save your weekly hours first.", field="first_day")
        same = mine.stays.filter(first_day=days.first, last_day=days.last, tz=tz).first()
        if same is not None:
            return same
        if tz == mine.tz:
            raise InvalidInputError("Your hours are on this clock anyway.", field="tz")
        today = now.astimezone(ZoneInfo(mine.tz)).date()
        coming = list(mine.stays.filter(last_day__gte=today))
        if len(coming) >= rules.MOST_STAYS:
            raise InvalidInputError("These are too many journeys. Remove one first.", field="first_day")
        rules.check_stay(days, [LocalDays(one.first_day, one.last_day) for one in mine.stays.all()], today)
        stay = Stay.objects.create(schedule=mine, first_day=days.first, last_day=days.last, tz=tz)
        audit.record(actor=actor, action="schedule.add_stay", target=stay, now=now, after=_stay_words(stay))
    return stay


def remove_stay(*, coach: Coach, stay_id: int, actor: Actor, now: datetime) -> Schedule:
    """Let the schedule's own zone count again on the dates of a stay; returns the schedule. Locks the coach.

    Raises: NotFoundError, BusyError.
    """
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        stay = Stay.objects.filter(schedule__coach=coach, pk=stay_id).select_related("schedule").first()
        if stay is None:
            raise NotFoundError
        audit.record(actor=actor, action="schedule.remove_stay", target=stay, now=now, before=_stay_words(stay))
        stay.delete()
    return stay.schedule


def _stay_words(stay: Stay) -> dict[str, audit.AuditValue]:
    return {"first_day": stay.first_day.isoformat(), "last_day": stay.last_day.isoformat(), "tz": stay.tz}


def add_blackout(
    *, coach: Coach, closed: Interval | LocalDays, reason: str = "", actor: Actor, now: datetime
) -> Blackout:
    """Close a range to new bookings: two aware instants, the end excluded, or whole local days, both included.

    Local days are those of the coach's default schedule (the account's zone without one). What is booked in the
    range stays booked. Locks the coach. The same range again returns the same row, with the new reason.
    Raises: InvalidInputError naming `ends_at` or `reason`, BusyError.
    """
    rules.require(actor)
    words = _checked_reason(reason)
    with unit_of_work():
        lock_coach(coach.pk)
        interval = _interval_of(coach, closed)
        rules.check_closed(interval, now)
        if Blackout.objects.filter(coach=coach, ends_at__gt=now).count() >= rules.MOST_BLACKOUTS:
            raise InvalidInputError("These are too many closed ranges. Remove some first.", field="ends_at")
        blackout, is_new = Blackout.objects.get_or_create(
            coach=coach, starts_at=interval.start, ends_at=interval.end, defaults={"reason": words}
        )
        if not is_new and blackout.reason == words:
            return blackout
        blackout.reason = words
        blackout.save(update_fields=["reason"])
        after = {"starts_at": interval.start.isoformat(), "ends_at": interval.end.isoformat()}
        audit.record(actor=actor, action="blackout.add", target=blackout, now=now, after=after, reason=words)
    return blackout


def remove_blackout(*, coach: Coach, blackout_id: int, actor: Actor, now: datetime) -> None:
    """Open a closed range again. Locks the coach. Raises: NotFoundError, BusyError."""
    rules.require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        blackout = Blackout.objects.filter(coach=coach, pk=blackout_id).first()
        if blackout is None:
            raise NotFoundError
        before = {"starts_at": blackout.starts_at.isoformat(), "ends_at": blackout.ends_at.isoformat()}
        audit.record(actor=actor, action="blackout.remove", target=blackout, now=now, before=before)
        blackout.delete()


def _require_zone(tz: str) -> None:
    if find_zone(tz) is None:
        raise InvalidInputError("Choose a time zone from the list.", field="tz")


def _schedule_of(coach: Coach, schedule: Schedule | None) -> Schedule | None:
    """Return the coach's own row as it is now; None while the coach has no default schedule."""
    if schedule is None:
        return Schedule.objects.filter(coach=coach, is_default=True).first()
    mine = Schedule.objects.filter(coach=coach, pk=schedule.pk).first()
    if mine is None:
        raise NotFoundError
    return mine


def _week_of(schedule: Schedule) -> list[Window]:
    rows = schedule.windows.values_list(*WINDOW_FIELDS)
    return sorted((Window(*row) for row in rows), key=_in_order)


def _in_order(window: Window | WeeklyWindow) -> tuple[int, int, int]:
    return window.weekday, window.start_minute, window.end_minute


def _row(schedule: Schedule, window: Window) -> WeeklyWindow:
    return WeeklyWindow(schedule=schedule, **asdict(window))


def _require_date(schedule: Schedule, on: date, now: datetime) -> None:
    today = now.astimezone(ZoneInfo(schedule.tz)).date()
    if on < today:
        raise InvalidInputError("This day is past. Choose today or a later day.", field="on")
    if on > today + rules.FARTHEST:
        raise InvalidInputError("Nobody can book that far ahead: choose a day within two years.", field="on")
    dates = schedule.overrides.filter(on__gte=today).exclude(on=on)
    if dates.count() >= rules.MOST_DATES:
        raise InvalidInputError("These are too many single days. Remove some first.", field="on")


def _date_words(spans: Sequence[Span]) -> str:
    return ", ".join(rules.hours_words(span) for span in spans) or "closed"


def _checked_reason(reason: str) -> str:
    words = reason.strip()
    if len(words) > _LONGEST_REASON:
        raise InvalidInputError(f"Use at most {_LONGEST_REASON} characters.", field="reason")
    return words


def _interval_of(coach: Coach, closed: Interval | LocalDays) -> Interval:
    if isinstance(closed, Interval):
        return closed
    if closed.last < closed.first:
        raise InvalidInputError("The last day is before the first one.", field="ends_at")
    schedule = _schedule_of(coach, None)
    zone = ZoneInfo(schedule.tz if schedule else coach.user.time_zone)
    return Interval(_midnight(closed.first, zone), _midnight(closed.last + _ONE_DAY, zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a local date begins; a missing midnight is read as RFC 5545 3.3.5 says."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
