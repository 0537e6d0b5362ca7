"""The health page: what is simulated, is the due work done, what needs a person."""

from http import HTTPStatus

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.jobs import queries as jobs
from greenroom.jobs import services as job_services
from greenroom.jobs.models import Job
from greenroom.orders.queries import count_by_hand
from greenroom.payments import gateways
from greenroom.payments.ways import ways_to_pay
from greenroom.rooms.queries import rooms_needing_attention
from greenroom.web.ops.access import staff_only
from greenroom.web.problems import problems_of
from greenroom.web.studio.explain.page import explain_context

_MOST_ROWS = 50


class CoachForm(forms.Form):
    coach = forms.ModelChoiceField(
        Coach.objects.order_by("display_name"),
        to_field_name="slug",
        label="Coach",
        empty_label="Choose a coach",
        error_messages={"required": "Choose a coach.", "invalid_choice": "Choose one from the list."},
    )


@staff_only
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    context = {
        "now": now,
        "health": jobs.health(now=now),
        "failed": jobs.failed_jobs()[:_MOST_ROWS],
        "struggling": jobs.struggling_jobs()[:_MOST_ROWS],
        "by_hand_count": count_by_hand(),
        "rooms": rooms_needing_attention()[:_MOST_ROWS],
        "seams": _seams(),
    }
    return render(request, "ops/health.html", context)


@staff_only
@require_POST
def retry_job(request: HttpRequest, pk: int) -> HttpResponse:
    if job_services.retry(get_object_or_404(Job, pk=pk), now=clock.now()):
        messages.success(request, "The job is due again.")
    return redirect("ops")


@staff_only
@require_safe
def explain(request: HttpRequest) -> HttpResponse:
    """Why is a time not offered? For support: the same page as the coach's own, for any coach."""
    form = CoachForm(request.GET if "coach" in request.GET else None)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return render(request, "ops/explain.html", {"form": form, "problems": problems_of(form)}, status=status)
    coach = form.cleaned_data["coach"]
    context = explain_context(
        request, coach, booking_url=lambda booking: reverse("admin:bookings_booking_change", args=[booking.pk])
    )
    return render(request, "ops/explain.html", context | {"coach": coach}, status=context["status"])


def _seams() -> list[tuple[str, str, str]]:
    """Return each side of the outside: its name, how it stands, and the settings that decide."""
    if settings.SANDBOX_ENABLED:
        return [
            ("Payments", "simulated", "STRIPE_SECRET_KEY"),
            ("Discord", "simulated", "DISCORD_CLIENT_ID, DISCORD_CLIENT_SECRET, DISCORD_BOT_TOKEN, DISCORD_GUILD_ID"),
            ("Mail", "simulated", "GREENROOM_SMTP_URL"),
        ]
    gateway = gateways.find_hosted()
    without = "by hand only" if ways_to_pay() else "off: only free offers can be booked"
    money = without if gateway is None else "test mode" if gateway.is_test else "real"
    return [
        ("Payments", money, "STRIPE_SECRET_KEY"),
        ("Discord", "real" if settings.DISCORD else "off", "DISCORD_BOT_TOKEN and three more"),
        ("Mail", "real" if settings.ENVIRONMENT.smtp else "off: mails wait", "GREENROOM_SMTP_URL"),
    ]
