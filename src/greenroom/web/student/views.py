"""A booking opened by its link, without signing in: see, cancel, move; and lost links."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from greenroom.bookings import links, queries, rules, services
from greenroom.bookings.calendars import Method, student_file
from greenroom.bookings.errors import SlotNotOfferedError, SlotTakenError
from greenroom.bookings.models import Booking
from greenroom.bookings.types import UPCOMING, BookingStatus
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import GreenroomError
from greenroom.core.http import client_address
from greenroom.core.instants import parse_instant
from greenroom.core.money import Money
from greenroom.core.ratelimit import RateLimit, take
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.orders.models import Order
from greenroom.orders.policies import already_words, dated_policy, dated_sentences
from greenroom.orders.rules import capped_tiers
from greenroom.payments.queries import find_blocking_dispute_of_order, has_held_refund, order_money, was_paid_by_hand
from greenroom.web import presenters, visitors
from greenroom.web.accounts.discord_flow import allows_discord_redirect
from greenroom.web.discord import card_of
from greenroom.web.picker import alternatives
from greenroom.web.public.booking import picker_context
from greenroom.web.public.views import is_partial
from greenroom.web.public.ways import is_paid_by_hand
from greenroom.web.student import sheets
from greenroom.web.student.forms import AskForm, CancelForm, LostLinkForm, MoveForm

_LOOKUPS_PER_ADDRESS = RateLimit("lost-link-by-address", 20, timedelta(hours=1))
_LOOKUPS_PER_EMAIL = RateLimit("lost-link-by-email", 5, timedelta(hours=1))
_QUESTIONS = RateLimit("ask-coach-by-booking", 5, timedelta(days=1))
_AGAIN = (BookingStatus.COMPLETED, BookingStatus.NO_SHOW, BookingStatus.CANCELLED, BookingStatus.EXPIRED)


def _open(request: HttpRequest, token: str) -> tuple[Booking, Actor]:
    return queries.get_booking_by_token(token), Actor(ActorKind.GUEST, address=client_address(request))


def _page_context(request: HttpRequest, booking: Booking, *, change_url: str = "") -> dict[str, Any]:
    return (
        presenters.aside_data(booking)
        | presenters.when_data(booking, change_url=change_url)
        | {
            "ref": booking.ref,
            "status": booking.status,
            "missed_by": booking.no_show_party,
            "viewer": visitors.sight_of(request, coach_tz=booking.contact_tz).viewer,
            "zone_guess": False,
            "discord": card_of(request, booking) if booking.status in UPCOMING else None,
        }
    )


@never_cache
@require_safe
@allows_discord_redirect
def manage(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show a booking to whoever holds its link."""
    booking, _actor = _open(request, token)
    if booking.order is None:
        return redirect(presenters.book_url(booking.session.offer))
    now = clock.now()
    status, starts_at = booking.status, booking.session.starts_at
    is_upcoming = status in UPCOMING
    context = _page_context(request, booking)
    viewer = context["viewer"]
    context |= {
        "order": presenters.order_data(booking.order),
        "documents": sheets.document_links(booking.order.documents.order_by("pk"), by_token=True),
        "rule": " ".join([*_move_sentences(booking, now), *_refund_sentences(booking, booking.order, viewer, now)]),
        "reschedule_url": _reschedule_url(booking, token, now),
        "cancel_url": reverse("manage_cancel", args=[token])
        if rules.can_cancel(status=status, starts_at=starts_at, now=now)
        else "",
        "session_url": links.session_url(booking) if is_upcoming else "",
        "contact_url": reverse("manage_ask", args=[token]) if _can_ask(booking, now) else "",
        "has_asked": bool(booking.move_request),
        "proposals": _proposals(booking, now),
        "proposal_note": booking.proposal_note,
        "pay_url": reverse("pay_by_hand", args=[booking.ref]) if is_paid_by_hand(booking) else "",
        "answer_by": booking.approve_by if status == BookingStatus.PENDING_APPROVAL else None,
        "refund": _refund_sentence(booking),
        "book_again_url": presenters.book_again_url(booking) if booking.status in _AGAIN else "",
        "calendar": presenters.calendar_data(booking) if is_upcoming else None,
    }
    return visitors.keep_key(request, render(request, "student/manage.html", context), token)


def _can_ask(booking: Booking, now: datetime) -> bool:
    """Tell whether only the coach can change the time: too late, too often, or it was never to be moved."""
    can_change = rules.can_propose(status=booking.status, starts_at=booking.session.starts_at, now=now)
    return can_change and bool(_move_refusal(booking, now))


def _proposals(booking: Booking, now: datetime) -> list[tuple[datetime, str]]:
    """Return the coach's other times, each with the page that moves there, while the student may choose."""
    if _move_refusal(booking, now):
        return []
    return [(start, links.move_url(booking, start)) for start in booking.proposals]


def _move_refusal(booking: Booking, now: datetime) -> str:
    session = booking.session
    return rules.move_refusal(status=booking.status, starts_at=session.starts_at, terms=booking.move_terms, now=now)


def _reschedule_url(booking: Booking, token: str, now: datetime) -> str:
    return "" if _move_refusal(booking, now) else reverse("manage_reschedule", args=[token])


def _move_sentences(booking: Booking, now: datetime) -> list[str]:
    if booking.status == BookingStatus.PENDING_APPROVAL:
        return ["Until the coach answered you can withdraw, and everything comes back."]
    refusal = _move_refusal(booking, now)
    if booking.proposed_times and not refusal:
        return []
    return [refusal] if refusal else presenters.move_sentences(booking.moves_limit, booking.move_terms.notice)


def _refund_sentences(booking: Booking, order: Order, viewer: Viewer, now: datetime) -> list[str]:
    if booking.status == BookingStatus.PENDING_APPROVAL or booking.proposed_times or not order.total_minor:
        return []
    tiers = capped_tiers(order.refund_tiers, booking.refund_cap_percent)
    return dated_policy(tiers, starts_at=booking.session.starts_at, now=now, viewer=viewer)


def _refund_sentence(booking: Booking) -> str:
    if booking.order is None or not booking.refund_minor:
        return ""
    amount = display.money(Money(booking.refund_minor, booking.order.currency))
    if has_held_refund(booking.order.ref):
        return f"{amount} goes back once your bank has decided about the payment, unless it gave you the money itself."
    return f"{amount} goes back the way you paid."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show what cancelling gives back; a POST cancels."""
    booking, actor = _open(request, token)
    now = clock.now()
    preview = services.preview_cancel(booking=booking, actor=actor, now=now)
    if not preview.is_allowed:
        return redirect("manage", token)
    form = CancelForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        services.cancel_booking(booking=booking, actor=actor, now=now, reason=form.words)
        messages.success(request, "The session is cancelled.")
        return redirect("manage", token)
    context = _page_context(request, booking)
    context |= {
        "form": form,
        "refund": _refund_preview(booking, preview.refund, context["viewer"], now),
        "manage_url": reverse("manage", args=[token]),
        "reschedule_url": _reschedule_url(booking, token, now),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "student/cancel.html", context, status=status)


def _refund_preview(booking: Booking, amount: Money, viewer: Viewer, now: datetime) -> dict[str, Any] | None:
    order = booking.order
    if order is None or not order.total_minor:
        return None
    money = order_money(order.ref, currency=order.currency)
    already = already_words(money)
    return {
        "paid": order.total,
        "amount": amount,
        "kept": money.left - amount if money.captured.minor else order.total - amount,
        "to": "you, the way you paid" if was_paid_by_hand(order.ref) else "the card you paid with",
        "rule": already or f"{_refund_rule(booking, order, viewer, now)}{_bank_words(order)}",
    }


def _bank_words(order: Order) -> str:
    """Say that a dispute comes first, if there is one."""
    if find_blocking_dispute_of_order(order.ref) is None:
        return ""
    return (
        " Your bank is looking into this payment: nothing moves before it has decided, and it may give it back itself."
    )


def _refund_rule(booking: Booking, order: Order, viewer: Viewer, now: datetime) -> str:
    if booking.status == BookingStatus.PENDING_APPROVAL:
        return "Your coach has not answered yet, so everything comes back."
    if booking.proposed_times:
        return "Your coach asked for another time, so everything comes back."
    tiers = capped_tiers(order.refund_tiers, booking.refund_cap_percent)
    return " ".join(dated_sentences(tiers, starts_at=booking.session.starts_at, now=now, viewer=viewer))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request-Type")
def reschedule(request: HttpRequest, token: str) -> HttpResponseBase:
    """Choose another time on the same picker, look at it, and POST it."""
    booking, actor = _open(request, token)
    now = clock.now()
    refusal = _move_refusal(booking, now)
    if refusal:
        messages.error(request, refusal)
        return redirect("manage", token)
    starts_at = _asked_start(request)
    if request.method != "POST":
        return _show_reschedule(request, booking, token, starts_at)
    if starts_at is None:
        raise SlotNotOfferedError
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _show_reschedule(request, booking, token, starts_at, form=form)
    reason = form.cleaned_data["reason"]
    try:
        services.reschedule_booking(booking=booking, starts_at=starts_at, actor=actor, now=now, reason=reason)
    except SlotTakenError:
        return _show_reschedule(request, booking, token, None, taken_at=starts_at)
    except GreenroomError as error:
        messages.error(request, error.message)
        return redirect("manage_reschedule", token)
    messages.success(request, "The session has a new time.")
    return redirect("manage", token)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, token: str) -> HttpResponseBase:
    """Ask the coach for another time once one may not choose it alone any more."""
    booking, actor = _open(request, token)
    now = clock.now()
    if not _can_ask(booking, now):
        return redirect("manage", token)
    form = AskForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        take(_QUESTIONS, booking.ref, now=now)
        services.request_move(booking=booking, words=form.cleaned_data["words"], actor=actor, now=now)
        messages.success(request, "Your coach is asked. The session stays where it is until you agree on another time.")
        return redirect("manage", token)
    context = _page_context(request, booking) | {"form": form, "manage_url": reverse("manage", args=[token])}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "student/ask.html", context, status=status)


def _asked_start(request: HttpRequest) -> datetime | None:
    asked = request.POST if request.method == "POST" else request.GET
    try:
        return parse_instant(asked.get("starts_at"))
    except ValueError:
        return None


def _show_reschedule(
    request: HttpRequest,
    booking: Booking,
    token: str,
    chosen: datetime | None,
    *,
    taken_at: datetime | None = None,
    form: MoveForm | None = None,
) -> HttpResponse:
    context = _page_context(request, booking)
    length = presenters.length_of(booking)
    picker = picker_context(
        request, booking.session.offer, length, context["viewer"], taken_at=taken_at, moving=booking
    )
    nearest: list[datetime] = []
    if taken_at is not None:
        nearest = queries.nearest_slots(
            booking.session.offer, length=length, wanted=taken_at, now=clock.now(), moving=booking.session
        )
    context |= picker | {
        "manage_url": reverse("manage", args=[token]),
        "slot_method": "get",
        "slot_action": request.path,
        "taken_at": taken_at,
        "alternatives": alternatives(nearest, context["viewer"]),
    }
    if chosen is not None:
        day = f"{display.local(chosen, context['viewer'].tz):%Y-%m-%d}"
        context |= {
            "chosen_starts_at": chosen,
            "chosen_ends_at": chosen + length,
            "chosen_value": f"{chosen:%Y-%m-%dT%H:%M:%SZ}",
            "choose_url": f"{request.path}?date={day}",
            "form": form or MoveForm(),
        }
    template = "public/booker.html" if is_partial(request) and chosen is None else "student/reschedule.html"
    status = HTTPStatus.OK if form is None else HTTPStatus.UNPROCESSABLE_ENTITY
    status = HTTPStatus.CONFLICT if taken_at else status
    return visitors.remember_choices(request, render(request, template, context, status=status))


@never_cache
@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """Give the session as a calendar file."""
    booking, _actor = _open(request, token)
    file = student_file(booking, method=Method.PUBLISH, now=clock.now())
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return HttpResponse(file.content, content_type=file.content_type, headers=headers)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def lost_link(request: HttpRequest) -> HttpResponse:
    """Mail the links of somebody's sessions; known and unknown addresses get the same answer."""
    form = LostLinkForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        now, email = clock.now(), form.cleaned_data["email"].lower()
        take(_LOOKUPS_PER_ADDRESS, client_address(request), now=now)
        take(_LOOKUPS_PER_EMAIL, email, now=now)
        services.mail_manage_links(email=email, now=now)
        return render(request, "student/lost_link.html", {"sent": True})
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "student/lost_link.html", {"form": form, "sent": False}, status=status)


@never_cache
@require_safe
def cancel_by_ref(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Lead from a booking's public reference to its cancel page, for those who may open it."""
    booking, actor = visitors.open_booking(request, ref)
    if actor.kind is ActorKind.COACH:  # cancelling by the student's key would keep the student's money
        return redirect("studio_session_cancel", booking.ref)
    return redirect("manage_cancel", queries.manage_token(booking))
