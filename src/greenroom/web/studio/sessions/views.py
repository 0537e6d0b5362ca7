"""Sessions: the lists, one of them, and what the coach says about it. Each action is its own POST."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from greenroom.bookings import links, services
from greenroom.bookings.models import Booking
from greenroom.bookings.queries import answer_token
from greenroom.bookings.types import UPCOMING, BookingStatus, Party, SessionStatus
from greenroom.core import clock
from greenroom.core.errors import GreenroomError
from greenroom.core.money import Money
from greenroom.web import presenters
from greenroom.web.student.sheets import document_links
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk, coach_only, when_words
from greenroom.web.studio.sessions.actions import Actions, actions_for
from greenroom.web.studio.sessions.forms import CancelForm, NoShowForm
from greenroom.web.studio.sessions.proposing import can_propose

_ON_A_PAGE = 20
_SECTION = "sessions"


@require_safe
@coach_only
def session_list(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    now = clock.now()
    is_past = request.GET.get("show") == "past"
    found = (queries.past_bookings if is_past else queries.upcoming_bookings)(desk.coach, now=now)
    page = Paginator(found, _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"lines": desk.lines(page, are_sessions=True), "page": page, "is_past": is_past, "now": now}
    return desk.draw(request, "studio/sessions.html", context, section=_SECTION)


@require_safe
@coach_only
def session_page(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    booking = queries.get_coach_booking(desk.coach, ref)
    now = clock.now()
    context = _page_context(booking) | {
        "actions": _actions(booking),
        "starts_in": when_words(booking.session.starts_at, now) if booking.status in UPCOMING else "",
        "answer_url": reverse("request", args=[answer_token(booking)])
        if booking.status == BookingStatus.PENDING_APPROVAL
        else "",
        "is_near": booking.status in UPCOMING and booking.session.ends_at > now,
        "session_url": links.session_page_url(booking.session),
        "order": presenters.order_data(booking.order, says_why=True) if booking.order else None,
        "documents": document_links(booking.order.documents.order_by("pk")) if booking.order else [],
        "refund": _refunded(booking),
        "group": queries.group_of(booking),
        "can_call_off": _can_call_off(booking),
        "can_propose": can_propose(booking, now),
    }
    return desk.draw(request, "studio/session.html", context, section=_SECTION)


def _page_context(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "session": booking.session,
        "offer": presenters.offer_data(booking.session.offer),
        "length": presenters.length_of(booking),
        "page_url": reverse("studio_session", args=[booking.ref]),
    }


def _actions(booking: Booking) -> Actions:
    session = booking.session
    return actions_for(
        status=booking.status,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        now=clock.now(),
        is_manual=booking.is_manual,
    )


def _refunded(booking: Booking) -> Money | None:
    if booking.order is None or not booking.refund_minor:
        return None
    return Money(booking.refund_minor, booking.order.currency)


def _can_call_off(booking: Booking) -> bool:
    return booking.session.is_group and booking.session.status == SessionStatus.CONFIRMED


@require_POST
@coach_only
def start(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    booking = queries.get_coach_booking(desk.coach, ref)
    return _act(
        request,
        ref,
        lambda: services.start_session(booking=booking, actor=desk.actor, now=clock.now()),
        "The session has begun.",
    )


@require_POST
@coach_only
def complete(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    booking = queries.get_coach_booking(desk.coach, ref)
    return _act(
        request,
        ref,
        lambda: services.complete_session(booking=booking, actor=desk.actor, now=clock.now()),
        "The session is completed.",
    )


def _act(request: HttpRequest, ref: str, verb: Callable[[], object], words: str) -> HttpResponseBase:
    """Run one verb and come back to the session's page, with its words or those of its refusal."""
    try:
        verb()
    except GreenroomError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, words)
    return redirect("studio_session", ref)


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def no_show(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    booking = queries.get_coach_booking(desk.coach, ref)
    if request.method != "POST" and not _actions(booking).can_mark_no_show:
        return redirect("studio_session", ref)
    preview = services.preview_no_show(booking=booking)
    form = NoShowForm(request.POST if request.method == "POST" else None, preview=preview)
    if form.is_valid():
        party = Party(form.cleaned_data["party"])
        return _act(
            request,
            ref,
            lambda: services.mark_no_show(booking=booking, party=party, actor=desk.actor, now=clock.now()),
            "Written down: the session did not take place.",
        )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = _page_context(booking) | {"form": form}
    return desk.draw(request, "studio/no_show.html", context, section=_SECTION, status=status)


def _too_late_to_cancel(request: HttpRequest, ref: str) -> HttpResponseBase:
    if request.method == "POST":
        messages.error(request, "This session can't be cancelled any more.")
    return redirect("studio_session", ref)


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def cancel(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    booking = queries.get_coach_booking(desk.coach, ref)
    if not _actions(booking).can_cancel:
        return _too_late_to_cancel(request, ref)
    form = CancelForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        return _act(
            request,
            ref,
            lambda: services.cancel_booking(booking=booking, actor=desk.actor, now=clock.now(), reason=reason),
            "The session is cancelled. The student is told by mail.",
        )
    preview = services.preview_cancel(booking=booking, actor=desk.actor, now=clock.now())
    context = _page_context(booking) | {"form": form, "refund": preview.refund if preview.refund.minor else None}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return desk.draw(request, "studio/cancel.html", context, section=_SECTION, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def call_off(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    """Cancel a whole group session."""
    booking = queries.get_coach_booking(desk.coach, ref)
    if not _can_call_off(booking):
        return _too_late_to_cancel(request, ref)
    form = CancelForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        return _act(
            request,
            ref,
            lambda: services.cancel_session(session=booking.session, actor=desk.actor, now=clock.now(), reason=reason),
            "The whole session is cancelled. Everybody in it is told by mail.",
        )
    context = _page_context(booking) | {"form": form, "group": queries.group_of(booking)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return desk.draw(request, "studio/call_off.html", context, section=_SECTION, status=status)
