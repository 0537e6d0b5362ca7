"""The page for who pays by hand, for a time or for what needs none: how, until when, and saying that it was done."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

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
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import GreenroomError, NotFoundError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.manual import rows
from greenroom.integrations.manual.models import ManualPayment
from greenroom.integrations.stripe.protocol import PayState
from greenroom.orders.models import Order
from greenroom.orders.queries import find_purchase
from greenroom.orders.services import hand_in_payment
from greenroom.payments.queries import refunds_of_order
from greenroom.payments.services import look_by_hand, withdraw
from greenroom.web import presenters, visitors
from greenroom.web.by_hand.forms import HandInForm
from greenroom.web.problems import problems_of
from greenroom.web.public.buying import order_aside


@dataclass(frozen=True, slots=True)
class _Paying:
    """What is paid by hand: a booking or a purchase, by whom, and its latest payment.

    `is_over`: it is not for sale to them any more, whatever the payment says. `elsewhere` is the page at which they
    belong instead, or "".
    """

    thing: Booking | Order
    actor: Actor
    payment: ManualPayment
    is_over: bool
    elsewhere: str


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay_by_hand(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Show how to pay; a POST says that it was done, with or without a proof."""
    arrived = visitors.arrive(request, "pay_by_hand", ref)
    if arrived:
        return arrived
    paying = _open(request, ref)
    if paying.elsewhere:
        return redirect(paying.elsewhere)
    form = HandInForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and not form.is_bound:
        form = HandInForm({})
    if form.is_valid():
        try:
            hand_in_payment(
                ref=paying.payment.ref,
                note=form.cleaned_data["note"],
                proof=form.cleaned_data["proof"],
                actor=paying.actor,
                now=clock.now(),
            )
            return redirect("pay_by_hand", ref)
        except GreenroomError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _draw(request, paying, form)


@never_cache
@require_POST
def cancel_by_hand(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Change one's mind: the time is free again; what needs no time can be paid another way."""
    paying = _open(request, ref)
    now = clock.now()
    with unit_of_work():
        withdraw(ref=paying.payment.ref, actor=paying.actor, now=now)
    if isinstance(paying.thing, Order):
        look_by_hand(gateway_ref=paying.payment.ref, now=now)  # at once: only then another way can be chosen
        return redirect("checkout", ref)
    release_hold(booking=paying.thing, actor=paying.actor, now=now)
    words = " If you sent money, it comes back to you." if paying.payment.times_handed_in else ""
    messages.success(request, f"You have let the time go.{words}")
    return redirect(presenters.book_url(paying.thing.session.offer))


def _open(request: HttpRequest, ref: str) -> _Paying:
    """Return what is paid by hand at this address. Raises: NotFoundError for everybody else, and where nothing is."""
    if find_purchase(ref) is not None:
        order, actor = visitors.open_purchase(request, ref)
        elsewhere = reverse("purchase", args=[ref]) if order.fulfilled_at else ""
        return _Paying(order, actor, _payment_of(order), order.open_key is None, elsewhere)
    booking, actor = visitors.open_booking(request, ref)
    is_over = bool(booking.cancelled_by) or booking.status not in UNPAID
    elsewhere = ""
    if actor.kind is ActorKind.COACH:  # this page is the buyer's
        elsewhere = reverse("studio_session", args=[ref])
    elif booking.status not in UNPAID and booking.confirmed_at:
        elsewhere = reverse("confirmed", args=[ref])
    return _Paying(booking, actor, _payment_of(booking.order), is_over, elsewhere)


def _payment_of(order: Order | None) -> ManualPayment:
    payments = ManualPayment.objects.select_related("method").filter(method__isnull=False)
    found = payments.filter(order_ref=order.ref).order_by("-pk").first() if order else None
    if found is None:
        raise NotFoundError
    return found


def _state_of(paying: _Paying, now: datetime) -> str:
    """Return how the payment stands for who reads the page; "back" where the money that arrived is sent back."""
    payment = paying.payment
    state = rows.state_at(payment, now)
    if state is PayState.PAID:
        goes_back = payment.received != payment.amount or refunds_of_order(payment.order_ref).exists()
        return "back" if goes_back else str(state)
    return str(PayState.DEAD if paying.is_over else state)


def _draw(request: HttpRequest, paying: _Paying, form: HandInForm) -> HttpResponse:
    thing, payment = paying.thing, paying.payment
    coach_answers = payment.method is not None and payment.method.coach_approves
    own = _of_purchase(thing) if isinstance(thing, Order) else _of_booking(thing)
    tz = thing.buyer_tz if isinstance(thing, Order) else thing.contact_tz
    context = own | {
        "payment": payment,
        "method": payment.method,
        "state": _state_of(paying, clock.now()),
        "who": thing.coach.display_name if coach_answers else "our staff",
        "proofs": payment.proofs.count(),
        "form": form,
        "problems": problems_of(form),
        "cancel_url": reverse("cancel_by_hand", args=[thing.ref]),
        "checkout_url": reverse("checkout", args=[thing.ref]) + "?change=1",
        "viewer": visitors.sight_of(request, coach_tz=tz).viewer,
        "zone_guess": False,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "public/by_hand.html", context, status=status)


def _of_booking(booking: Booking) -> dict[str, Any]:
    own = {
        "is_purchase": False,
        "order": presenters.order_data(presenters.order_of(booking)),
        "again_url": presenters.book_again_url(booking),
        "mine_url": reverse("manage", args=[queries.manage_token(booking)]),
    }
    return presenters.aside_data(booking) | presenters.when_data(booking) | own


def _of_purchase(order: Order) -> dict[str, Any]:
    own = {
        "is_purchase": True,
        "order": presenters.order_data(order),
        "mine_url": reverse("purchase", args=[order.ref]),
    }
    aside = order_aside(order)
    return aside | own | {"again_url": aside["offer_url"]}
