"""The page for who pays by hand: how, until when, and saying that it was done."""

from datetime import datetime
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from greenroom.bookings import queries
from greenroom.bookings.models import Booking
from greenroom.bookings.services import release_hold
from greenroom.bookings.types import UNPAID
from greenroom.core import clock
from greenroom.core.actors import ActorKind
from greenroom.core.errors import GreenroomError, NotFoundError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.manual import rows
from greenroom.integrations.manual.models import ManualPayment
from greenroom.integrations.stripe.protocol import PayState
from greenroom.orders.services import hand_in_payment
from greenroom.payments.queries import refunds_of_order
from greenroom.payments.services import withdraw
from greenroom.web import presenters, visitors
from greenroom.web.by_hand.forms import HandInForm
from greenroom.web.problems import problems_of
from greenroom.web.public.booking import arrive


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay_by_hand(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Show how to pay; a POST says that it was done, with or without a proof."""
    arrived = arrive(request, "pay_by_hand", ref)
    if arrived:
        return arrived
    booking, actor = visitors.open_booking(request, ref)
    if actor.kind is ActorKind.COACH:  # this page is the buyer's
        return redirect("studio_session", booking.ref)
    payment = _payment_of(booking)
    if booking.status not in UNPAID and booking.confirmed_at:
        return redirect("confirmed", ref)
    form = HandInForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and not form.is_bound:
        form = HandInForm({})
    if form.is_valid():
        try:
            hand_in_payment(
                ref=payment.ref,
                note=form.cleaned_data["note"],
                proof=form.cleaned_data["proof"],
                actor=actor,
                now=clock.now(),
            )
            return redirect("pay_by_hand", ref)
        except GreenroomError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _draw(request, booking, payment, form)


@never_cache
@require_POST
def cancel_by_hand(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Change one's mind: the time is free again."""
    booking, actor = visitors.open_booking(request, ref)
    payment = _payment_of(booking)
    now = clock.now()
    with unit_of_work():
        withdraw(ref=payment.ref, actor=actor, now=now)
    release_hold(booking=booking, actor=actor, now=now)
    messages.success(request, "You have let the time go.")
    return redirect(presenters.book_url(booking.session.offer))


def _payment_of(booking: Booking) -> ManualPayment:
    payments = ManualPayment.objects.select_related("method").filter(method__isnull=False)
    found = payments.filter(order_ref=booking.order.ref).order_by("-pk").first() if booking.order else None
    if found is None:
        raise NotFoundError
    return found


def _state_of(booking: Booking, payment: ManualPayment, now: datetime) -> str:
    """Return how the payment stands for who reads the page; "back" where the money that arrived is sent back."""
    state = rows.state_at(payment, now)
    if state is PayState.PAID:
        goes_back = payment.received != payment.amount or refunds_of_order(payment.order_ref).exists()
        return "back" if goes_back else str(state)
    is_off = bool(booking.cancelled_by) or booking.status not in UNPAID
    return str(PayState.DEAD if is_off else state)


def _draw(request: HttpRequest, booking: Booking, payment: ManualPayment, form: HandInForm) -> HttpResponse:
    now = clock.now()
    coach_answers = payment.method is not None and payment.method.coach_approves
    context = (
        presenters.aside_data(booking)
        | presenters.when_data(booking)
        | {
            "payment": payment,
            "method": payment.method,
            "state": _state_of(booking, payment, now),
            "who": booking.coach.display_name if coach_answers else "our staff",
            "order": presenters.order_data(presenters.order_of(booking)),
            "proofs": payment.proofs.count(),
            "form": form,
            "problems": problems_of(form),
            "cancel_url": reverse("cancel_by_hand", args=[booking.ref]),
            "checkout_url": reverse("checkout", args=[booking.ref]) + "?change=1",
            "again_url": presenters.book_again_url(booking),
            "manage_url": reverse("manage", args=[queries.manage_token(booking)]),
            "viewer": visitors.sight_of(request, coach_tz=booking.contact_tz).viewer,
            "zone_guess": False,
        }
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "public/by_hand.html", context, status=status)
