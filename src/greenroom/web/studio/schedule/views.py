"""The weekly hours, single days and closed ranges, on one page. Each form has an address of its own."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import Min, Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from greenroom.availability import rules, services
from greenroom.availability.engine import Interval, Window
from greenroom.availability.errors import ScheduleChangedError, ScheduleInUseError
from greenroom.availability.models import Blackout, DateOverride, Schedule, WeeklyWindow
from greenroom.bookings.models import CoachingSession
from greenroom.bookings.queries import booked_sessions_within, sessions_outside_hours
from greenroom.catalog.models import OfferDuration
from greenroom.catalog.types import OfferStatus
from greenroom.core import clock
from greenroom.core.errors import GreenroomError, InvalidInputError, NotFoundError
from greenroom.notifications import display
from greenroom.web.problems import problems_of
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.rows import blame, reshaped
from greenroom.web.studio.schedule.forms import PRESETS, BlackoutForm, NameForm, OverrideForm, WeekForm, prepared

_SECTION = "schedule"
_MOST_SHOWN = 100
_LONGEST_NUMBER = 10


@require_safe
@coach_only
def schedule_page(request: HttpRequest, desk: Desk, pk: int | None = None) -> HttpResponseBase:
    return _show(request, desk, _own(desk, pk))


def _own(desk: Desk, pk: int | None) -> Schedule | None:
    """Return one of the coach's own schedules, the default one unless told; None before there is any."""
    if pk is None:
        return Schedule.objects.filter(coach=desk.coach, is_default=True).first()
    schedule = Schedule.objects.filter(coach=desk.coach, pk=pk).first()
    if schedule is None:
        raise NotFoundError("There are no such hours.")
    return schedule


def _sent(request: HttpRequest, desk: Desk) -> Schedule | None:
    """Return the schedule that a form was drawn for; a form that names none is about the default one."""
    text = request.POST.get("schedule", "")
    pk = _number(text)
    if text and pk is None:
        raise NotFoundError("There are no such hours.")
    return _own(desk, pk)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER else None


def _address(schedule: Schedule | None, part: str = "") -> str:
    page = reverse("studio_schedule", args=[schedule.pk] if schedule and not schedule.is_default else [])
    return f"{page}{part}"


def _show(
    request: HttpRequest,
    desk: Desk,
    schedule: Schedule | None,
    *,
    week: WeekForm | None = None,
    override: OverrideForm | None = None,
    blackout: BlackoutForm | None = None,
    adding: NameForm | None = None,
    renaming: NameForm | None = None,
) -> HttpResponseBase:
    """Draw the page with the forms that were sent, and fresh ones for the rest."""
    now = clock.now()
    sent = [form for form in (week, override, blackout, adding, renaming) if form is not None]
    tz = schedule.tz if schedule else desk.viewer.tz
    context = {
        "schedule": schedule,
        "schedules": list(Schedule.objects.filter(coach=desk.coach).order_by("-is_default", "name")),
        "adding": adding or NameForm(auto_id="new_%s"),
        "renaming": renaming or NameForm(initial={"name": schedule.name if schedule else ""}),
        "tz": tz,
        "now": now,
        "presets": [(name, rules.hours_words(span)) for name, span in PRESETS.items()],
        "previous": _previous_words(schedule),
        "week": week or _week_form(schedule, tz),
        "override_form": override or OverrideForm(),
        "blackout_form": blackout or BlackoutForm(),
        "problems": [problem for form in sent for problem in problems_of(form)],
        "overrides": _overrides(schedule, now, tz),
        "blackouts": _blackouts(desk, now, tz),
        "students_url": reverse("book", args=[desk.coach.slug]),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if context["problems"] else HTTPStatus.OK
    return desk.draw(request, "studio/schedule.html", context, section=_SECTION, status=status)


def _week_form(schedule: Schedule | None, tz: str) -> WeekForm:
    windows = list(WeeklyWindow.objects.filter(schedule=schedule)) if schedule else []
    rows = {
        f"day{weekday}": [
            {"start": window.start_minute, "end": window.end_minute} for window in windows if window.weekday == weekday
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


def _overrides(schedule: Schedule | None, now: datetime, tz: str) -> list[dict[str, Any]]:
    if schedule is None:
        return []
    today = display.local(now, tz).date()
    rows = DateOverride.objects.filter(schedule=schedule, on__gte=today).prefetch_related("windows").order_by("on")
    outside: dict[date, list[CoachingSession]] = {}
    for session in sessions_outside_hours(schedule, now=now):
        outside.setdefault(display.local(session.starts_at, tz).date(), []).append(session)
    return [
        {
            "on": row.on,
            "hours": [rules.hours_words((one.start_minute, one.end_minute)) for one in row.windows.all()],
            "sessions": outside.get(row.on, []),
            "remove_url": reverse("studio_override_remove", args=[row.pk]),
        }
        for row in rows[:_MOST_SHOWN]
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


@require_POST
@coach_only
def save_week(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    schedule = _sent(request, desk)
    changed = prepared(request.POST) or reshaped(request.POST, WeekForm.groups)
    if changed is not None:
        return _show(request, desk, schedule, week=WeekForm(changed, is_quiet=True))
    form = WeekForm(request.POST)
    if not form.is_valid():
        return _show(request, desk, schedule, week=form)
    try:
        services.replace_week(
            coach=desk.coach,
            windows=form.cleaned_data["windows"],
            tz=form.cleaned_data["tz"],
            version=form.cleaned_data["version"],
            schedule=schedule,
            actor=desk.actor,
            now=clock.now(),
        )
    except ScheduleChangedError as error:
        newest = schedule or Schedule.objects.get(coach=desk.coach, is_default=True)
        return _show(request, desk, newest, week=_on_top_of_the_newest(request, newest, error))
    messages.success(request, "Your weekly hours are saved. Sessions that are booked stay where they are.")
    _warn_of_sessions_outside(request, schedule or _own(desk, None))
    _warn_of_short_windows(request, desk, schedule, form.cleaned_data["windows"])
    return redirect(_address(schedule))


def _on_top_of_the_newest(request: HttpRequest, newest: Schedule, error: ScheduleChangedError) -> WeekForm:
    """Return what was sent, to be compared with what is stored now; sending it again replaces that knowingly."""
    sent = request.POST.copy()
    sent["version"] = str(newest.version)
    form = WeekForm(sent)
    windows = [Window(*row) for row in newest.windows.values_list("weekday", "start_minute", "end_minute")]
    stored = rules.week_words(windows) or "nothing"
    form.add_error(None, f"{error.message} Stored now: {stored}. Below is what you wrote: change it, or save it again.")
    return form


def _warn_of_sessions_outside(request: HttpRequest, schedule: Schedule | None) -> None:
    """Name the first booked session that the hours no longer hold, and how many there are."""
    outside = sessions_outside_hours(schedule, now=clock.now()) if schedule else []
    if schedule and outside:
        first = display.moment_short(outside[0].starts_at, display.Viewer(schedule.tz))
        count = "1 booked session lies" if len(outside) == 1 else f"{len(outside)} booked sessions lie"
        messages.warning(
            request, f"{count} outside these hours now, the first on {first}. Move or cancel what you can't keep."
        )


def _warn_of_short_windows(request: HttpRequest, desk: Desk, schedule: Schedule | None, windows: list[Window]) -> None:
    """Name the hours in which none of the published offers that use this schedule fits."""
    chosen = Q(offer__schedule=schedule)
    if schedule is None or schedule.is_default:
        chosen |= Q(offer__schedule__isnull=True)
    offers = OfferDuration.objects.filter(chosen, offer__coach=desk.coach, offer__status=OfferStatus.PUBLISHED)
    shortest = offers.aggregate(shortest=Min("minutes"))["shortest"]
    short = rules.too_short(windows, shortest) if shortest else []
    if short:
        words = f"Nobody can book in {rules.week_words(short)}: your shortest offer takes {shortest} minutes."
        messages.warning(request, words)


@require_POST
@coach_only
def undo_week(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    version, schedule = _number(request.POST.get("version", "")), _sent(request, desk)
    try:
        services.undo_week(
            coach=desk.coach,
            version=-1 if version is None else version,
            schedule=schedule,
            actor=desk.actor,
            now=clock.now(),
        )
    except GreenroomError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The week is as it was before.")
        _warn_of_sessions_outside(request, schedule or _own(desk, None))
    return redirect(_address(schedule))


@require_POST
@coach_only
def add_schedule(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    return _name(request, desk, None)


@require_POST
@coach_only
def rename_schedule(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    return _name(request, desk, _own(desk, pk))


def _name(request: HttpRequest, desk: Desk, schedule: Schedule | None) -> HttpResponseBase:
    """Rename a schedule, or make a new one of that name."""
    form = NameForm(request.POST, auto_id="new_%s" if schedule is None else "id_%s")
    if form.is_valid():
        now, name = clock.now(), form.cleaned_data["name"]
        try:
            if schedule is None:
                schedule = services.add_schedule(coach=desk.coach, name=name, actor=desk.actor, now=now)
            else:
                services.rename_schedule(coach=desk.coach, schedule=schedule, name=name, actor=desk.actor, now=now)
        except InvalidInputError as error:
            blame(form, error)
    if form.errors and schedule is None:
        return _show(request, desk, _own(desk, None), adding=form)
    if form.errors:
        return _show(request, desk, schedule, renaming=form)
    messages.success(request, f"Saved as “{form.cleaned_data['name']}”.")
    return redirect(_address(schedule))


@require_POST
@coach_only
def make_default(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    schedule = services.make_default_schedule(
        coach=desk.coach, schedule=_chosen(desk, pk), actor=desk.actor, now=clock.now()
    )
    messages.success(
        request, f"“{schedule.name}” are your usual hours now: every offer without hours of its own has them."
    )
    _warn_of_sessions_outside(request, schedule)
    return redirect("studio_schedule")


@require_POST
@coach_only
def remove_schedule(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    schedule = _chosen(desk, pk)
    try:
        services.remove_schedule(coach=desk.coach, schedule=schedule, actor=desk.actor, now=clock.now())
    except ScheduleInUseError as error:
        messages.error(request, error.message)
        return redirect(_address(schedule))
    messages.success(request, f"“{schedule.name}” are removed.")
    return redirect("studio_schedule")


def _chosen(desk: Desk, pk: int) -> Schedule:
    schedule = _own(desk, pk)
    if schedule is None:
        raise NotFoundError
    return schedule


@require_POST
@coach_only
def add_override(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    form, schedule = OverrideForm(request.POST), _sent(request, desk)
    if form.is_valid():
        try:
            services.set_override(
                coach=desk.coach,
                on=form.cleaned_data["on"],
                spans=form.cleaned_data["spans"],
                schedule=schedule,
                actor=desk.actor,
                now=clock.now(),
            )
        except InvalidInputError as error:
            blame(form, error)
    if form.errors:
        return _show(request, desk, schedule, override=form)
    messages.success(request, f"Saved for {display.day_long(form.cleaned_data['on'])}.")
    return redirect(_address(schedule, "#days"))


@require_POST
@coach_only
def remove_override(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    row = DateOverride.objects.filter(schedule__coach=desk.coach, pk=pk).select_related("schedule").first()
    schedule = row.schedule if row else None
    services.remove_override(coach=desk.coach, override_id=pk, actor=desk.actor, now=clock.now())
    messages.success(request, "Your weekly hours count again on that day.")
    return redirect(_address(schedule, "#days"))


@require_POST
@coach_only
def add_blackout(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    form = BlackoutForm(request.POST)
    if form.is_valid():
        try:
            row = services.add_blackout(
                coach=desk.coach,
                closed=form.cleaned_data["days"],
                reason=form.cleaned_data["reason"],
                actor=desk.actor,
                now=clock.now(),
            )
        except InvalidInputError as error:
            blame(form, error, field={"ends_at": "last"}.get(error.field or ""))
    if form.errors:
        return _show(request, desk, _sent(request, desk), blackout=form)
    [sessions] = booked_sessions_within(desk.coach, [Interval(row.starts_at, row.ends_at)])
    messages.add_message(request, *_closed_words(len(sessions)))
    return redirect(f"{reverse('studio_schedule')}#blackouts")


def _closed_words(sessions_count: int) -> tuple[int, str]:
    if not sessions_count:
        return messages.SUCCESS, "Closed. Nothing is booked in this time."
    stay = "1 session stays" if sessions_count == 1 else f"{sessions_count} sessions stay"
    return messages.WARNING, f"Closed for new bookings. {stay} booked in this time: see below."


@require_POST
@coach_only
def remove_blackout(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    services.remove_blackout(coach=desk.coach, blackout_id=pk, actor=desk.actor, now=clock.now())
    messages.success(request, "Open again: your weekly hours count in that time.")
    return redirect(f"{reverse('studio_schedule')}#blackouts")
