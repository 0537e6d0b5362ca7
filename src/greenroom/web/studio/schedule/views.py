"""What the forms of the schedule page do. Each form has an address of its own."""

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
from greenroom.availability.models import DateOverride, Schedule
from greenroom.availability.types import LocalDays
from greenroom.bookings.queries import booked_sessions_within, sessions_outside_hours
from greenroom.catalog.models import OfferDuration
from greenroom.catalog.types import OfferStatus
from greenroom.core import clock
from greenroom.core.errors import GreenroomError, InvalidInputError, NotFoundError
from greenroom.notifications import display
from greenroom.web.public.views import is_partial
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.rows import blame, reshaped
from greenroom.web.studio.schedule.forms import BlackoutForm, NameForm, OverrideForm, StayForm, WeekForm, prepared
from greenroom.web.studio.schedule.page import SECTION, Sent, address, number, own_schedule, sent_schedule, show
from greenroom.web.studio.schedule.preview import OFFER_FIELD, preview_of


@require_safe
@coach_only
def schedule_page(request: HttpRequest, desk: Desk, pk: int | None = None) -> HttpResponseBase:
    return show(request, desk, own_schedule(desk, pk))


@require_POST
@coach_only
def save_week(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    schedule = sent_schedule(request, desk)
    changed = prepared(request.POST) or reshaped(request.POST, WeekForm.groups)
    if changed is not None:
        return show(request, desk, schedule, Sent(week=WeekForm(changed, is_quiet=True)))
    form = WeekForm(request.POST)
    if not form.is_valid():
        return show(request, desk, schedule, Sent(week=form))
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
        return show(request, desk, newest, Sent(week=_on_top_of_the_newest(request, newest, error)))
    messages.success(request, "Your weekly hours are saved. Sessions that are booked stay where they are.")
    _warn_of_sessions_outside(request, schedule or own_schedule(desk, None))
    _warn_of_short_windows(request, desk, schedule, form.cleaned_data["windows"])
    return redirect(address(schedule))


@require_POST
@coach_only
def preview_week(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    """Show what students would see with these hours; saves nothing."""
    schedule, week = sent_schedule(request, desk), WeekForm(request.POST)
    if not is_partial(request):
        return show(request, desk, schedule, Sent(week=week))
    preview = preview_of(desk, schedule, week, request.POST.get(OFFER_FIELD, ""), clock.now())
    return desk.draw(request, "studio/schedule_preview.html", {"preview": preview}, section=SECTION)


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
    version, schedule = number(request.POST.get("version", "")), sent_schedule(request, desk)
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
        _warn_of_sessions_outside(request, schedule or own_schedule(desk, None))
    return redirect(address(schedule))


@require_POST
@coach_only
def add_schedule(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    return _name(request, desk, None)


@require_POST
@coach_only
def rename_schedule(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    return _name(request, desk, own_schedule(desk, pk))


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
        return show(request, desk, own_schedule(desk, None), Sent(adding=form))
    if form.errors:
        return show(request, desk, schedule, Sent(renaming=form))
    messages.success(request, f"Saved as “{form.cleaned_data['name']}”.")
    return redirect(address(schedule))


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
        return redirect(address(schedule))
    messages.success(request, f"“{schedule.name}” are removed.")
    return redirect("studio_schedule")


def _chosen(desk: Desk, pk: int) -> Schedule:
    schedule = own_schedule(desk, pk)
    if schedule is None:
        raise NotFoundError
    return schedule


@require_POST
@coach_only
def add_override(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    form, schedule = OverrideForm(request.POST), sent_schedule(request, desk)
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
        return show(request, desk, schedule, Sent(override=form))
    messages.success(request, f"Saved for {display.day_long(form.cleaned_data['on'])}.")
    return redirect(address(schedule, "#days"))


@require_POST
@coach_only
def remove_override(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    row = DateOverride.objects.filter(schedule__coach=desk.coach, pk=pk).select_related("schedule").first()
    schedule = row.schedule if row else None
    services.remove_override(coach=desk.coach, override_id=pk, actor=desk.actor, now=clock.now())
    messages.success(request, "Your weekly hours count again on that day.")
    return redirect(address(schedule, "#days"))


@require_POST
@coach_only
def add_stay(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    form, schedule = StayForm(request.POST), sent_schedule(request, desk)
    if form.is_valid():
        days, tz = LocalDays(form.cleaned_data["first_day"], form.cleaned_data["last_day"]), form.cleaned_data["tz"]
        try:
            services.add_stay(coach=desk.coach, days=days, tz=tz, schedule=schedule, actor=desk.actor, now=clock.now())
        except InvalidInputError as error:
            blame(form, error)
    if form.errors:
        return show(request, desk, schedule, Sent(stay=form))
    span = f"From {display.day_short(days.first)} to {display.day_long(days.last)}"
    messages.success(request, f"{span} your hours are on {display.city(tz)} time.")
    _warn_of_sessions_outside(request, schedule or own_schedule(desk, None))
    return redirect(address(schedule, "#travel"))


@require_POST
@coach_only
def remove_stay(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    schedule = services.remove_stay(coach=desk.coach, stay_id=pk, actor=desk.actor, now=clock.now())
    messages.success(request, f"On these days your hours are on {display.city(schedule.tz)} time again.")
    _warn_of_sessions_outside(request, schedule)
    return redirect(address(schedule, "#travel"))


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
        return show(request, desk, sent_schedule(request, desk), Sent(blackout=form))
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
