"""Choosing a time, saying who one is, and paying."""

from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from greenroom.bookings import links, queries, services
from greenroom.bookings.errors import (
    AlreadyBookedError,
    DiscordRequiredError,
    SlotNotOfferedError,
    SlotTakenError,
)
from greenroom.bookings.explaining import why_nothing
from greenroom.bookings.models import Booking
from greenroom.bookings.types import UNPAID, BookingStatus, Contact, Intake
from greenroom.catalog.models import IntakeQuestion, Offer, OfferDuration
from greenroom.catalog.queries import (
    answer_snapshot,
    priced,
    public_offers,
    topics_of,
)
from greenroom.catalog.types import DiscordRequirement, Venue
from greenroom.coaches.models import Topic
from greenroom.coaches.queries import get_public_coach
from greenroom.core import clock
from greenroom.core.actors import ActorKind
from greenroom.core.errors import GreenroomError
from greenroom.core.http import client_address
from greenroom.core.instants import parse_instant
from greenroom.core.ratelimit import RateLimit, take
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.orders.policies import dated_policy
from greenroom.payments import gateways
from greenroom.payments import queries as payments
from greenroom.rooms.queries import room_view
from greenroom.web import presenters, visitors
from greenroom.web.accounts.discord_flow import allows_discord_redirect, begin
from greenroom.web.discord import card_of
from greenroom.web.picker import (
    Empty,
    OpenTime,
    Picker,
    Reach,
    alternatives,
    build_picker,
    month_bounds,
    parse_query,
)
from greenroom.web.policy import allow_form_action
from greenroom.web.public import choosing
from greenroom.web.public.forms import DetailsForm, TermsForm, known_answers
from greenroom.web.public.views import is_partial, safe_path
from greenroom.web.public.ways import can_be_paid, is_paid_by_hand, to_by_hand, way_choices
from greenroom.web.zones import zone_rows

_ONE_DAY = timedelta(days=1)
_TEN_MINUTES = timedelta(minutes=10)


def hold_limit() -> RateLimit:
    """Return how often one address may hold a time."""
    return RateLimit("hold-by-address", settings.HOLD_LIMIT, _TEN_MINUTES)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request-Type")
def book(request: HttpRequest, coach: str) -> HttpResponseBase:
    """Show free times; a POST holds one."""
    found = get_public_coach(coach)
    offers = priced(public_offers().filter(coach=found).select_related("coach__user"))
    if not offers or not found.is_bookable:
        return redirect("coach", coach)
    is_form = request.method == "POST"
    asked = request.POST if is_form else request.GET
    offer = choosing.chosen_offer(offers, asked.get("offer", ""), is_form=is_form)
    duration = choosing.chosen_duration(offer, asked.get("duration", ""), is_form=is_form)
    topic = choosing.chosen_topic(offer, asked.get("topic", ""), is_form=is_form)
    if is_form:
        return _hold(request, offers, offer, duration, topic)
    return _show_times(request, offers, offer, duration, topic)


def _show_times(
    request: HttpRequest,
    offers: list[Offer],
    offer: Offer,
    duration: OfferDuration,
    topic: Topic | None,
    *,
    taken: tuple[datetime, SlotTakenError] | None = None,
) -> HttpResponse:
    sight = visitors.sight_of(request, coach_tz=offer.coach.user.time_zone)
    topics = topics_of(offer)
    fields = [("offer", offer.slug), ("duration", duration.minutes)]
    if len(topics) > 1 and topic is not None:
        fields.append(("topic", topic.slug))
    context = picker_context(request, offer, duration.length, sight.viewer, taken_at=taken[0] if taken else None) | {
        "coach": presenters.coach_data(offer.coach),
        "offer": presenters.offer_data(offer) | {"topic": topic.name if topic else ""},
        "length": duration.length,
        "price": presenters.price_or_none(offer, duration, topic),
        "choices": choosing.offer_choices(offers, offer, duration),
        "topics": choosing.topic_choices(offer, duration, topic) if len(topics) > 1 else [],
        "zone_guess": sight.is_guess,
        "slot_action": request.path,
        "slot_fields": fields,
        "taken_at": taken[0] if taken else None,
        "alternatives": alternatives(taken[1].alternatives, sight.viewer) if taken else (),
    }
    template = "public/booker.html" if is_partial(request) else "public/book.html"
    status = HTTPStatus.CONFLICT if taken else HTTPStatus.OK
    return visitors.remember_choices(request, render(request, template, context, status=status))


def picker_context(
    request: HttpRequest,
    offer: Offer,
    length: timedelta,
    viewer: Viewer,
    *,
    taken_at: datetime | None = None,
    moving: Booking | None = None,
) -> dict[str, Any]:
    """Return the month grid and times for one offer, from now to its horizon; one question to the engine."""
    now = clock.now()
    session, end = moving.session if moving else None, now + offer.horizon + _ONE_DAY
    starts = queries.open_slots(offer, length=length, range_from=now, range_to=end, now=now, moving=session)
    seats = queries.seats_left(offer, length=length, range_from=now, range_to=end, now=now)
    is_group = offer.capacity > 1 and (session is None or session.is_group)
    asked = dict(request.GET.items())
    if taken_at is not None:
        asked["date"] = f"{display.local(taken_at, viewer.tz):%Y-%m-%d}"
    picker = build_picker(
        [OpenTime(start, seats.get(start, offer.capacity) if is_group else None) for start in starts],
        query=parse_query(asked),
        reach=Reach(display.local(now, viewer.tz).date(), display.local(now + offer.horizon, viewer.tz).date()),
        viewer=viewer,
        next_free_at=starts[0] if starts else None,
    )
    return {
        "picker": picker,
        "viewer": viewer,
        "now": now,
        "zones": zone_rows("", viewer, now),
        "why_empty": _why_empty(offer, length, picker, viewer, now),
    }


def _why_empty(offer: Offer, length: timedelta, picker: Picker, viewer: Viewer, now: datetime) -> str:
    """Say why the month that is shown has no free time at all; "" where it has some."""
    if picker.empty not in {Empty.MONTH_FULL, Empty.NOTHING_FREE}:
        return ""
    first, end = month_bounds(picker.month, viewer.tz)
    why = why_nothing(offer, length=length, range_from=first, range_to=end, now=now)
    return presenters.why_nothing_words(offer, why, picker.month_name)


def _hold(
    request: HttpRequest, offers: list[Offer], offer: Offer, duration: OfferDuration, topic: Topic | None
) -> HttpResponseBase:
    now = clock.now()
    take(hold_limit(), client_address(request), now=now)
    try:
        starts_at = parse_instant(request.POST.get("starts_at"))
    except ValueError:
        raise SlotNotOfferedError from None
    secret = visitors.hold_secret(request)
    holder = visitors.holder_of(request, secret)
    try:
        services.refuse_early(
            coach=offer.coach.slug,
            offer=offer.slug,
            minutes=duration.minutes,
            starts_at=starts_at,
            holder=holder,
            now=now,
        )
        booking = services.hold_slot(
            wanted=services.Wanted(offer, duration, starts_at, topic),
            holder=holder,
            student=visitors.signed_in(request),
            actor=visitors.actor_of(request),
            now=now,
        )
    except AlreadyBookedError as error:
        messages.error(request, error.message)
        return redirect(presenters.book_url(offer, duration))
    except SlotTakenError as error:
        return _show_times(request, offers, offer, duration, topic, taken=(starts_at, error))
    return visitors.keep_hold_secret(redirect("booking_details", booking.ref), secret)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@allows_discord_redirect
def details(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Ask who books, while the time is held."""
    booking, actor = visitors.open_booking(request, ref)
    elsewhere = _way_on(request, booking, details_wanted=True)
    if elsewhere:
        return elsewhere
    questions = list(booking.session.offer.questions.all())
    if request.method != "POST":
        return _show_details(request, booking, DetailsForm(questions, initial=_known(request, booking, questions)))
    form = DetailsForm(questions, request.POST)
    _require_discord(form, booking)
    if not form.is_valid():
        return _show_details(request, booking, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    viewer = visitors.sight_of(request, coach_tz=booking.coach.user.time_zone).viewer
    wanted = form.cleaned_data
    answers = answer_snapshot(booking.session.offer, form.answers)
    services.submit_details(
        booking=booking,
        contact=Contact(wanted["name"], wanted["email"], viewer.tz),
        intake=Intake(wanted["goals"], wanted["notes"], answers, wanted["wants_reminders"]),
        student=visitors.signed_in(request),
        actor=actor,
        now=clock.now(),
    )
    return redirect("checkout", booking.ref)


def _require_discord(form: DetailsForm, booking: Booking) -> None:
    wants_it_now = booking.session.offer.discord_requirement == DiscordRequirement.BEFORE_BOOKING
    if wants_it_now and not services.has_discord(booking):
        form.add_error(None, DiscordRequiredError.message)


def _known(request: HttpRequest, booking: Booking, questions: list[IntakeQuestion]) -> dict[str, object]:
    """Return what is known of the person: what was written before, for an earlier booking, or in the account."""
    user = visitors.signed_in(request)
    earlier = queries.find_earlier_booking(booking)
    source = booking if booking.contact_email or earlier is None else earlier
    return {
        **known_answers(questions, source.answers),
        "name": source.contact_name or (user.name if user else ""),
        "email": user.email if user and not booking.contact_email else source.contact_email,
        "goals": source.goals,
        "notes": booking.notes,
        "wants_reminders": booking.wants_reminders,
        **booking.draft,
    }


def _show_details(request: HttpRequest, booking: Booking, form: DetailsForm, *, status: int = 200) -> HttpResponse:
    price = presenters.aside_data(booking)["price"]
    context = step_context(request, booking) | {
        "form": form,
        "hold": presenters.hold_data(booking, clock.now()) | {"form_id": "details-form"},
        "question_fields": form.question_fields,
        "submit_text": f"Continue to payment · {display.money(price)}" if price else "Continue",
    }
    return render(request, "public/details.html", context, status=status)


def step_context(request: HttpRequest, booking: Booking) -> dict[str, Any]:
    """Return what every step between choosing and paying shows."""
    sight = visitors.sight_of(request, coach_tz=booking.coach.user.time_zone)
    change_url = presenters.change_time_url(booking)
    tiers = booking.order.refund_tiers if booking.order else presenters.refund_tiers_of(booking)
    now = clock.now()
    aside = presenters.aside_data(booking)
    has_price = aside["price"] is not None
    return (
        aside
        | presenters.when_data(booking, change_url=change_url)
        | {
            "viewer": sight.viewer,
            "zone_guess": False,
            "hold": presenters.hold_data(booking, clock.now()),
            "change_url": change_url,
            "policy": [
                *presenters.minimum_sentences(booking.session),
                *presenters.approval_sentences(booking.coach, booking.approval_hours),
                *(
                    dated_policy(tiers, starts_at=booking.session.starts_at, now=now, viewer=sight.viewer)
                    if has_price
                    else ()
                ),
                *presenters.move_sentences(booking.moves_limit, booking.move_terms.notice),
            ],
            "discord": card_of(request, booking),
        }
    )


@never_cache
@require_POST
@allows_discord_redirect
def connect_discord(request: HttpRequest, ref: str) -> HttpResponse:
    """Begin to link Discord for a booking; what was typed into the details form is kept meanwhile."""
    booking, _actor = visitors.open_booking(request, ref)
    _keep_typed(request, booking)
    return begin(
        request,
        return_path=safe_path(request, request.GET.get("next", "")),
        booking_id=booking.pk,
        user=visitors.signed_in(request),
    )


def _keep_typed(request: HttpRequest, booking: Booking) -> None:
    """Keep what was typed into the details form, which travels along with its page's other buttons."""
    names = DetailsForm(list(booking.session.offer.questions.all())).fields
    # Nothing is checked before the form is sent; NUL alone cannot be kept by PostgreSQL.
    draft = {name: request.POST[name].replace("\x00", "") for name in names if name in request.POST}
    if draft:
        services.keep_draft(booking=booking, draft=draft, now=clock.now())


@never_cache
@require_POST
def extend(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Keep the time for fifteen more minutes, once."""
    booking, actor = visitors.open_booking(request, ref)
    _keep_typed(request, booking)
    services.extend_hold(booking=booking, actor=actor, now=clock.now())
    return redirect("checkout" if booking.order else "booking_details", ref)


@never_cache
@require_POST
def release(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Let the time go."""
    booking, actor = visitors.open_booking(request, ref)
    services.release_hold(booking=booking, actor=actor, now=clock.now())
    return redirect(presenters.book_url(booking.session.offer))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@allows_discord_redirect
def checkout(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Show what is to be paid under which rules; a POST accepts it and leads to the gateway."""
    arrived = visitors.arrive(request, "checkout", ref)
    if arrived:
        return arrived
    booking, actor = visitors.open_booking(request, ref)
    elsewhere = to_by_hand(request, booking) or _way_on(request, booking)
    if elsewhere:
        return elsewhere
    viewer = visitors.sight_of(request, coach_tz=booking.coach.user.time_zone).viewer
    ways = way_choices(booking.order, viewer, partial(services.pay_by_hand_until, booking))
    form = TermsForm(request.POST if request.method == "POST" else None, ways=ways)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return _show_checkout(request, booking, form, status=status)
    try:
        start = services.start_payment(
            booking=booking,
            addresses=links.return_addresses(booking),
            actor=actor,
            now=clock.now(),
            method=form.cleaned_data.get("method", ""),
        )
    except GreenroomError as error:
        return _show_checkout(request, booking, form, failure=error.message, status=HTTPStatus.CONFLICT)
    return redirect(start.pay_url or reverse("confirmed", args=[booking.ref]))


def _show_checkout(
    request: HttpRequest, booking: Booking, form: TermsForm, *, failure: str = "", status: int = 200
) -> HttpResponse:
    context = step_context(request, booking) | {
        "form": form,
        "order": presenters.order_data(presenters.order_of(booking)),
        "can_be_paid": can_be_paid(presenters.order_of(booking).total),
        "failure": failure,
        "details_url": reverse("booking_details", args=[booking.ref]),
    }
    page = render(request, "public/checkout.html", context, status=status)
    for gateway in gateways.wired():
        allow_form_action(page, gateway.pages_origin)
    return page


def _way_on(request: HttpRequest, booking: Booking, *, details_wanted: bool = False) -> HttpResponseBase | None:
    """Return where somebody belongs whose booking is at another step than the page asked for."""
    if booking.status not in UNPAID:
        return _choose_again(request, booking) if booking.order is None else redirect("confirmed", booking.ref)
    if booking.hold_expires_at <= clock.now():
        # While the gateway may still take the money nobody knows yet whether anything is charged.
        is_being_paid = booking.order is not None and payments.has_live_attempt(booking.order.ref)
        return redirect("confirmed", booking.ref) if is_being_paid else _choose_again(request, booking)
    if booking.order is None and not details_wanted:
        return redirect("booking_details", booking.ref)
    if details_wanted and booking.status == BookingStatus.PENDING_PAYMENT:
        return redirect("checkout", booking.ref)
    return None


_GONE = "We no longer hold this time for you, and nothing was charged. It may still be free."
_GONE_WHILE_PAYING = (
    "We no longer hold this time for you, and no payment has arrived. It may still be free. "
    "If you have just paid, you get a mail in a minute: "
    "the time is yours if it is free, else all of your money goes back."
)


def _choose_again(request: HttpRequest, booking: Booking) -> HttpResponseBase:
    """Lead back to the day that was held, with a word about why."""
    # Whoever was at the gateway may come back before we hear of their money.
    has_been_to_pay = booking.order is not None and payments.attempts_of_order(booking.order.ref).exists()
    words = _GONE_WHILE_PAYING if has_been_to_pay else _GONE
    messages.error(request, words)
    return redirect(presenters.change_time_url(booking))


@never_cache
@require_safe
@allows_discord_redirect
def confirmed(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Say what the payment came to; while it is being processed the page looks again by itself."""
    arrived = visitors.arrive(request, "confirmed", ref)
    if arrived:
        return arrived
    booking, actor = visitors.open_booking(request, ref)
    if actor.kind is ActorKind.COACH:  # this page holds the student's key
        return redirect("studio_session", booking.ref)
    if booking.order is None:
        return redirect("booking_details", ref) if booking.status in UNPAID else _choose_again(request, booking)
    if booking.status == BookingStatus.HELD or is_paid_by_hand(booking):  # nothing was paid yet
        return redirect("checkout", ref)
    token = queries.manage_token(booking)
    state = outcome_of(booking)
    if state is None:
        return redirect("manage", token) if booking.confirmed_at else _choose_again(request, booking)
    context = (
        presenters.aside_data(booking)
        | presenters.when_data(booking)
        | {
            "state": state,
            "ref": booking.ref,
            "email": booking.contact_email,
            "order": presenters.order_data(booking.order),
            "calendar": presenters.calendar_data(booking),
            "manage_url": reverse("manage", args=[token]),
            "session_url": links.session_url(booking),
            "room_opens_at": _room_opens_at(booking),
            "prepare": [],
            "discord": card_of(request, booking) if state == "confirmed" else None,
            "answer_by": booking.approve_by,
            "again_url": presenters.book_url(booking.session.offer),
            "viewer": visitors.sight_of(request, coach_tz=booking.contact_tz).viewer,
            "zone_guess": False,
        }
    )
    return render(request, "public/confirmed.html", context)


def _room_opens_at(booking: Booking) -> datetime | None:
    if booking.session.venue != Venue.DISCORD:
        return None
    return room_view(booking.session, booking, now=clock.now()).opens_at


def outcome_of(booking: Booking) -> str | None:
    """Return the word by which the confirmation page knows what a payment came to; None when that page is past."""
    if booking.status in UNPAID:
        return "processing"
    if booking.status not in {BookingStatus.EXPIRED, BookingStatus.CANCELLED}:
        return "pending_approval" if booking.status == BookingStatus.PENDING_APPROVAL else "confirmed"
    has_paid = payments.has_taken_money(presenters.order_of(booking).ref)
    return "lost" if has_paid and booking.confirmed_at is None else None
