"""Reading coaches' hours into the engine's own types, for one coach or many with the same queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from greenroom.availability.engine import Interval, Override, Stay, Window
from greenroom.availability.engine import Schedule as EngineSchedule
from greenroom.availability.models import Blackout, DateOverride, Schedule, WeeklyWindow

# A row of `WeeklyWindow` in the order of the engine's `Window`.
WINDOW_FIELDS = ("weekday", "start_minute", "end_minute", "is_active")
_CLOSED = EngineSchedule(tz="UTC")


@dataclass(frozen=True, slots=True)
class Hours:
    """The schedules of some coaches, as the engine takes them."""

    by_schedule: dict[int, EngineSchedule]
    default_of_coach: dict[int, int]

    def of(self, *, coach_id: int, schedule_id: int | None) -> EngineSchedule:
        """Return the named schedule, else the coach's default one, else one that is never open."""
        wanted = schedule_id or self.default_of_coach.get(coach_id)
        return self.by_schedule.get(wanted, _CLOSED) if wanted else _CLOSED


def hours_of(coach_ids: Collection[int]) -> Hours:
    """Read all schedules of these coaches; three queries, whatever their number."""
    rows, stays = _schedules(coach_ids)
    pks = [pk for pk, _coach_id, _tz, _is_default in rows]
    windows: defaultdict[int, list[Window]] = defaultdict(list)
    for pk, *values in WeeklyWindow.objects.filter(schedule_id__in=pks).values_list("schedule_id", *WINDOW_FIELDS):
        windows[pk].append(Window(*values))
    overrides = _overrides(pks)
    return Hours(
        by_schedule={pk: EngineSchedule(tz, tuple(windows[pk]), overrides[pk], stays[pk]) for pk, _, tz, _ in rows},
        default_of_coach={coach_id: pk for pk, coach_id, _tz, is_default in rows if is_default},
    )


def _schedules(
    coach_ids: Collection[int],
) -> tuple[list[tuple[int, int, str, bool]], defaultdict[int, tuple[Stay, ...]]]:
    """Return pk, coach, zone and whether it is the default of each schedule, and the stays of each; one query."""
    joined: Iterable[tuple[int, int, str, bool, date | None, date | None, str | None]] = Schedule.objects.filter(
        coach_id__in=coach_ids
    ).values_list("pk", "coach_id", "tz", "is_default", "stays__first_day", "stays__last_day", "stays__tz")
    rows: dict[int, tuple[int, int, str, bool]] = {}
    stays: defaultdict[int, tuple[Stay, ...]] = defaultdict(tuple)
    for pk, coach_id, tz, is_default, first_day, last_day, stay_tz in joined:
        rows[pk] = (pk, coach_id, tz, is_default)
        if first_day and last_day and stay_tz:
            stays[pk] += (Stay(first_day, last_day, stay_tz),)
    return list(rows.values()), stays


def _overrides(schedule_ids: Collection[int]) -> defaultdict[int, tuple[Override, ...]]:
    # A closed date has no window, so the outer join gives it one row of nulls.
    rows: Iterable[tuple[int, date, int | None, int | None]] = DateOverride.objects.filter(
        schedule_id__in=schedule_ids
    ).values_list("schedule_id", "on", "windows__start_minute", "windows__end_minute")
    windows: defaultdict[tuple[int, date], list[tuple[int, int]]] = defaultdict(list)
    for schedule_id, on, start_minute, end_minute in rows:
        spans = windows[schedule_id, on]
        if start_minute is not None and end_minute is not None:
            spans.append((start_minute, end_minute))
    overrides: defaultdict[int, tuple[Override, ...]] = defaultdict(tuple)
    for (schedule_id, on), spans in windows.items():
        overrides[schedule_id] += (Override(on, tuple(sorted(spans))),)
    return overrides


def blackouts_of(
    coach_ids: Collection[int], *, range_from: datetime, range_to: datetime
) -> defaultdict[int, tuple[Interval, ...]]:
    """Return the closed ranges of each coach that touch [range_from, range_to), in UTC; one query."""
    rows = Blackout.objects.filter(coach_id__in=coach_ids, ends_at__gt=range_from, starts_at__lt=range_to)
    closed: defaultdict[int, tuple[Interval, ...]] = defaultdict(tuple)
    for coach_id, starts_at, ends_at in rows.values_list("coach_id", "starts_at", "ends_at"):
        closed[coach_id] += (Interval(starts_at, ends_at),)
    return closed
