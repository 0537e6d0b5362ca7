"""How the schedule page is drawn, whichever of its forms was sent, and which of the coach's schedules it is about."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from greenroom.availability import rules
from greenroom.availability.engine import Interval, Window
from greenroom.availability.models import Blackout, DateOverride, Schedule, Stay, WeeklyWindow
from greenroom.bookings.models import CoachingSession
from greenroom.bookings.queries import booked_sessions_within, sessions_outside_hours
from greenroom.core import clock
from greenroom.core.errors import NotFoundError
from greenroom.notifications import display
from greenroom.web.problems import Problem, problems_of, status_of
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk
from greenroom.web.studio.schedule.forms import PRESETS, BlackoutForm, NameForm, OverrideForm, StayForm, WeekForm
from greenroom.web.studio.schedule.preview import OFFER_FIELD, preview_of

SECTION = "schedule"
_MOST_SHOWN = 100
_LONGEST_NUMBER = 10


def own_schedule(desk: Desk, pk: int | None) -> Schedule | None:
    """Return one of the coach's own schedules, the default one unless told; None before there is any."""
    if pk is None:
        return Schedule.objects.filter(coach=desk.coach, is_default=True).first()
    schedule = Schedule.objects.filter(coach=desk.coach, pk=pk).first()
    if schedule is None:
        raise NotFoundError("There are no such hours.")
    return schedule


def sent_schedule(request: HttpRequest, desk: Desk) -> Schedule | None:
    """Return the schedule that a form was drawn for; a form that names none is about the default one."""
    text = request.POST.get("schedule", "")
    pk = number(text)
    if text and pk is None:
        raise NotFoundError("There are no such hours.")
    return own_schedule(desk, pk)


def number(text: str) -> int | None:
    """Read a number that a page was drawn with; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER else None


def address(schedule: Schedule | None, part: str = "") -> str:
    """Return where a schedule's page is; `part` is the anchor of one of its parts."""
    page = reverse("studio_schedule", args=[schedule.pk] if schedule and not schedule.is_default else [])
    return f"{page}{part}"


@dataclass(frozen=True, slots=True)
class Sent:
    """The forms that were sent and have to be drawn again as they were; the page has fresh ones for the rest."""

    week: WeekForm | None = None
    override: OverrideForm | None = None
    stay: StayForm | None = None
    blackout: BlackoutForm | None = None
    adding: NameForm | None = None
    renaming: NameForm | None = None

    def problems(self) -> list[Problem]:
        """Return what keeps these forms from being saved."""
        forms = (getattr(self, field.name) for field in fields(self))
        return [problem for form in forms if form is not None for problem in problems_of(form)]


NOTHING_SENT = Sent()


def show(request: HttpRequest, desk: Desk, schedule: Schedule | None, sent: Sent = NOTHING_SENT) -> HttpResponseBase:
    """Draw the page of a schedule, or of a coach who has none yet."""
    now = clock.now()
    tz = schedule.tz if schedule else desk.viewer.tz
    outside, today = _Outside.of(schedule, now), display.local(now, tz).date()
    week = sent.week or _week_form(schedule, tz)
    problems = sent.problems()
    context = {
        "schedule": schedule,
        "schedules": list(Schedule.objects.filter(coach=desk.coach).order_by("-is_default", "name")),
        "adding": sent.adding or NameForm(auto_id="new_%s"),
        "renaming": sent.renaming or NameForm(initial={"name": schedule.name if schedule else ""}),
        "tz": tz,
        "now": now,
        "presets": [(name, rules.hours_words(span)) for name, span in PRESETS.items()],
        "previous": _previous_words(schedule),
        "week": week,
        "preview": preview_of(desk, schedule, week, request.POST.get(OFFER_FIELD, ""), now),
        "override_form": sent.override or OverrideForm(),
        "stay_form": sent.stay or StayForm(),
        "blackout_form": sent.blackout or BlackoutForm(),
        "problems": problems,
        "overrides": _overrides(schedule, outside, today),
        "stays": _stays(outside, today),
        "blackouts": _blackouts(desk, now, tz),
        "students_url": reverse("book", args=[desk.coach.slug]),
    }
    return desk.draw(request, "studio/schedule.html", context, section=SECTION, status=status_of(problems))


def _week_form(schedule: Schedule | None, tz: str) -> WeekForm:
    windows = list(WeeklyWindow.objects.filter(schedule=schedule)) if schedule else []
    rows = {
        f"day{weekday}": [
            {"start": window.start_minute, "end": window.end_minute, "off": not window.is_active}
            for window in windows
            if window.weekday == weekday
        ]
        for weekday in range(1, 8)
    }
    return WeekForm(initial={"tz": tz, "version": schedule.version if schedule else 0}, rows=rows)


def _previous_words(schedule: Schedule | None) -> str:
    """Write the week that undoing brings back; "" where there is none."""
    if schedule is None or schedule.previous_week is None:
        return ""
    words = rules.week_words([Window(*row) for row in schedule.previous_week["windows"]]) or "closed all week"
    return words if schedule.previous_week["tz"] == schedule.tz else f"{words} ({schedule.previous_week['tz']})"


@dataclass(frozen=True, slots=True)
class _Outside:
    """The booked sessions that a schedule's hours no longer hold, by the dates whose hours they miss."""

    stays: list[Stay]
    by_date: dict[date, list[CoachingSession]]

    @classmethod
    def of(cls, schedule: Schedule | None, now: datetime) -> "_Outside":
        if schedule is None:
            return cls([], {})
        stays = list(schedule.stays.all())
        by_date: dict[date, list[CoachingSession]] = {}
        for session in sessions_outside_hours(schedule, now=now):
            by_date.setdefault(_date_of(session.starts_at, schedule, stays), []).append(session)
        return cls(stays, by_date)


def _date_of(instant: datetime, schedule: Schedule, stays: list[Stay]) -> date:
    """Return the local date of an instant on the clock that counts on that date."""
    for stay in stays:
        day = display.local(instant, stay.tz).date()
        if stay.first_day <= day <= stay.last_day:
            return day
    return display.local(instant, schedule.tz).date()


def _overrides(schedule: Schedule | None, outside: _Outside, today: date) -> list[dict[str, Any]]:
    if schedule is None:
        return []
    rows = DateOverride.objects.filter(schedule=schedule, on__gte=today).prefetch_related("windows").order_by("on")
    return [
        {
            "on": row.on,
            "hours": [rules.hours_words((one.start_minute, one.end_minute)) for one in row.windows.all()],
            "sessions": outside.by_date.get(row.on, []),
            "remove_url": reverse("studio_override_remove", args=[row.pk]),
        }
        for row in rows[:_MOST_SHOWN]
    ]


def _stays(outside: _Outside, today: date) -> list[dict[str, Any]]:
    return [
        {
            "first_day": stay.first_day,
            "last_day": stay.last_day,
            "tz": stay.tz,
            "sessions": [
                session
                for day, sessions in outside.by_date.items()
                if stay.first_day <= day <= stay.last_day
                for session in sessions
            ],
            "remove_url": reverse("studio_stay_remove", args=[stay.pk]),
        }
        for stay in outside.stays
        if stay.last_day >= today
    ]


def _blackouts(desk: Desk, now: datetime, tz: str) -> list[dict[str, Any]]:
    rows = list(Blackout.objects.filter(coach=desk.coach, ends_at__gt=now)[:_MOST_SHOWN])
    hit = booked_sessions_within(desk.coach, [Interval(row.starts_at, row.ends_at) for row in rows])
    return [
        {
            "words": range_words(row.starts_at, row.ends_at, tz),
            "reason": row.reason,
            "sessions": sessions,
            "remove_url": reverse("studio_blackout_remove", args=[row.pk]),
        }
        for row, sessions in zip(rows, hit, strict=True)
    ]


def range_words(starts_at: datetime, ends_at: datetime, tz: str) -> str:
    """Write a closed range as its days, with the times where it does not begin and end at midnight."""
    first, end = display.local(starts_at, tz), display.local(ends_at, tz)
    is_whole = queries.local_midnight(starts_at, tz) == starts_at and queries.local_midnight(ends_at, tz) == ends_at
    if not is_whole:
        words = f"{display.day_short(first.date())} {first:%H:%M}"
        return f"{words} {display.EN_DASH} {display.day_short(end.date())} {end:%H:%M}"
    last = display.local(ends_at - (ends_at - starts_at).resolution, tz).date()
    if last == first.date():
        return display.day_long(last)
    return f"{display.day_short(first.date())} {display.EN_DASH} {display.day_long(last)}"
