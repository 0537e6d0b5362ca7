"""Booking over the API: hold, pay, look, cancel, move."""

import json
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router

from greenroom.api import callers, schemas
from greenroom.api.idempotency import answer_once
from greenroom.api.inputs import Word
from greenroom.bookings import rules, services
from greenroom.bookings.links import checkout_url, manage_url, return_addresses
from greenroom.bookings.models import Booking
from greenroom.bookings.queries import bookings_for
from greenroom.bookings.types import UNPAID, BookingStatus, Contact, Intake
from greenroom.catalog.queries import answer_snapshot, find_duration, find_topic, get_public_offer
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.http import client_address
from greenroom.core.instants import iso
from greenroom.core.ratelimit import RateLimit, take

router = Router(tags=["bookings"])
_TEN_MINUTES = timedelta(minutes=10)
_ON_A_PAGE = 20
TOKEN: Any = Query(  # type: ignore[type-arg]  # a function to us, a generic type to the checker
    "", description="The last part of the manage link, for callers without an account.", max_length=200
)
KEY: Any = Header(  # type: ignore[type-arg]  # as above
    "", alias="Idempotency-Key", description="The same key with the same body gets the same answer.", max_length=200
)


@router.post("bookings", response={201: schemas.BookingHeldOut}, url_name="bookings")
def create_booking(request: HttpRequest, payload: schemas.BookingIn, key: str = KEY) -> HttpResponse:
    """Hold a time for fifteen minutes, with the details of who books. Send an Idempotency-Key to repeat safely."""
    now = clock.now()
    take(RateLimit("hold-by-address", settings.HOLD_LIMIT, _TEN_MINUTES), client_address(request), now=now)
    return answer_once(request, key, lambda is_again: _create(request, payload, now, is_again=is_again), now=now)


def _create(request: HttpRequest, payload: schemas.BookingIn, now: datetime, *, is_again: bool) -> HttpResponse:
    user = callers.find_user(request)
    holder = rules.holder_digest("user", str(user.pk)) if user else rules.holder_digest("email", payload.email)
    kind = ActorKind.STUDENT if user else ActorKind.GUEST
    is_proven = user is not None or is_again
    actor = Actor(kind, user.pk if user else None, client_address(request))
    services.refuse_early(
        coach=payload.coach,
        offer=payload.offer,
        minutes=payload.duration,
        starts_at=payload.starts_at,
        holder=holder,
        now=now,
        is_proven=is_proven,
    )
    offer = get_public_offer(payload.coach, payload.offer)
    duration = find_duration(offer, payload.duration)
    topic = find_topic(offer, payload.topic)
    answers = answer_snapshot(offer, payload.answers)
    booking = services.hold_slot(
        wanted=services.Wanted(offer, duration, payload.starts_at, topic),
        holder=holder,
        student=user,
        actor=actor,
        now=now,
        is_proven=is_proven,
    )
    if booking.status == BookingStatus.HELD:
        booking = services.submit_details(
            booking=booking,
            contact=Contact(payload.name, payload.email, payload.tz),
            intake=Intake(payload.goals, payload.notes, answers),
            student=user,
            actor=actor,
            now=now,
        )
    body = {
        "ref": booking.ref,
        "status": booking.status,
        "hold_expires_at": iso(booking.hold_expires_at),
        "checkout_url": checkout_url(booking),
        "manage_url": manage_url(booking),
    }
    return HttpResponse(json.dumps(body), status=HTTPStatus.CREATED, content_type="application/json")


@router.get("bookings", response=schemas.BookingPageOut, url_name="bookings_list")
def list_bookings(request: HttpRequest, asked: Query[schemas.BookingsIn]) -> dict[str, object]:
    """What the signed-in person booked, and as a coach what was booked with them; twenty on a page."""
    found = bookings_for(callers.get_user(request, asked.user_id))
    first = (asked.page - 1) * _ON_A_PAGE
    items = [_booking_data(booking) for booking in found[first : first + _ON_A_PAGE]]
    return {"items": items, "count": found.count(), "page": asked.page}


@router.get("bookings/{ref}", response=schemas.BookingOut, url_name="booking")
def get_booking(request: HttpRequest, ref: Word, token: str = TOKEN) -> dict[str, object]:
    """Look at a booking."""
    booking, _actor = callers.find_booking(request, ref, token)
    return _booking_data(booking)


def _booking_data(booking: Booking) -> dict[str, object]:
    session, order = booking.session, booking.order
    return {
        "ref": booking.ref,
        "status": booking.status,
        "legacy_status": rules.legacy_status(booking.status),
        "coach": booking.coach.slug,
        "offer": session.offer.slug,
        "starts_at": iso(session.starts_at),
        "ends_at": iso(session.ends_at),
        "tz": booking.contact_tz,
        "hold_expires_at": iso(booking.hold_expires_at) if booking.status in UNPAID else None,
        "total_minor": order.total_minor if order else 0,
        "currency": order.currency if order else session.offer.currency,
        "session": session.ref,
    }


@router.post("bookings/{ref}/pay", response=schemas.PaymentOut, url_name="booking_pay")
def pay_booking(
    request: HttpRequest, ref: Word, payload: schemas.PayIn | None = None, token: str = TOKEN
) -> dict[str, object]:
    """Accept the order and begin to pay, by card unless `method` names another way; again, it gives the same page."""
    booking, actor = callers.find_booking(request, ref, token)
    start = services.start_payment(
        booking=booking,
        addresses=return_addresses(booking),
        actor=actor,
        now=clock.now(),
        method=payload.method if payload else "",
    )
    return {"status": start.status, "pay_url": start.pay_url}


@router.post("bookings/{ref}/cancel", response=schemas.CancelOut, url_name="booking_cancel")
def cancel_booking(
    request: HttpRequest, ref: Word, payload: schemas.CancelIn | None = None, token: str = TOKEN
) -> dict[str, object]:
    """Cancel; what goes back follows the policy that stood on the order."""
    booking, actor = callers.find_booking(request, ref, token)
    reason = payload.reason if payload else ""
    refund = services.cancel_booking(booking=booking, actor=actor, now=clock.now(), reason=reason)
    booking.refresh_from_db(fields=["status"])
    back = {"amount_minor": refund.minor, "currency": refund.currency, "to": "original_payment"}
    return {"status": booking.status, "refund": back}


@router.post("bookings/{ref}/reschedule", response=schemas.BookingOut, url_name="booking_reschedule")
def reschedule_booking(
    request: HttpRequest, ref: Word, payload: schemas.RescheduleIn, token: str = TOKEN
) -> dict[str, object]:
    """Move a confirmed session to another free time of the same offer and length."""
    booking, actor = callers.find_booking(request, ref, token)
    services.reschedule_booking(
        booking=booking, starts_at=payload.starts_at, actor=actor, now=clock.now(), reason=payload.reason
    )
    return get_booking(request, ref, token)
