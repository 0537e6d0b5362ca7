"""Buying what needs no time: its page, and the checkout."""

from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from greenroom.catalog.models import Offer
from greenroom.catalog.queries import (
    get_public_offer,
    get_public_offer_by_number,
    is_without_time,
    offers_to_buy,
    price_to_buy,
)
from greenroom.core import clock
from greenroom.core.errors import GreenroomError
from greenroom.core.http import client_address
from greenroom.core.ratelimit import RateLimit, take
from greenroom.notifications import display
from greenroom.orders import links, services
from greenroom.orders.errors import AlreadyYoursError, NotForSaleError
from greenroom.orders.models import Order
from greenroom.orders.queries import find_purchase
from greenroom.orders.types import Buyer, LineKind
from greenroom.payments import gateways
from greenroom.web import presenters, visitors
from greenroom.web.policy import allow_form_action
from greenroom.web.public import booking
from greenroom.web.public.forms import BuyerForm, PurchaseTermsForm
from greenroom.web.public.ways import can_be_paid, to_by_hand, way_choices

_TEN_MINUTES = timedelta(minutes=10)


def order_limit() -> RateLimit:
    """Return how often one address may begin to buy."""
    return RateLimit("order-by-address", settings.HOLD_LIMIT, _TEN_MINUTES)


def offer_page(request: HttpRequest, coach: str, offer: str) -> HttpResponseBase:
    """Lead to the times of an offer; what needs none is bought right here."""
    found = offers_to_buy().filter(coach__slug=coach, slug=offer).select_related("coach__user", "download").first()
    if found is not None:
        return _buy(request, found)
    if request.method == "POST" and is_without_time(coach, offer):  # its page was open while it was taken away
        raise NotForSaleError
    return _lead_to_times(request, coach, offer)


@require_safe
def _lead_to_times(_request: HttpRequest, coach: str, offer: str) -> HttpResponseBase:
    return redirect(presenters.book_url(get_public_offer(coach, offer)))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def _buy(request: HttpRequest, offer: Offer) -> HttpResponseBase:
    """Show an offer that needs no time; a POST says who buys it, and freezes an order."""
    secret = visitors.hold_secret(request)
    user = visitors.signed_in(request)
    holder = visitors.holder_of(request, secret)
    if request.method != "POST":
        known = {"name": user.name, "email": user.email} if user else {}
        return _show_offer(request, offer, BuyerForm(initial=known), holder)
    form = BuyerForm(request.POST)
    if not form.is_valid():
        return _show_offer(request, offer, form, holder, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if not can_be_paid(price_to_buy(offer)):
        return _show_offer(request, offer, form, holder, status=HTTPStatus.CONFLICT)  # which says so
    now = clock.now()
    take(order_limit(), client_address(request), now=now)
    tz = visitors.sight_of(request, coach_tz=offer.coach.user.time_zone).viewer.tz
    buyer = Buyer(form.cleaned_data["name"], form.cleaned_data["email"], tz, holder, user.pk if user else None)
    try:
        order = services.order_offer(offer=offer, buyer=buyer, actor=visitors.actor_of(request), now=now)
    except AlreadyYoursError:
        return redirect(request.path)  # which says so
    return visitors.keep_hold_secret(redirect("checkout", order.ref), secret)


def _show_offer(
    request: HttpRequest, offer: Offer, form: BuyerForm, holder: str, *, status: int = HTTPStatus.OK
) -> HttpResponse:
    user, price = visitors.signed_in(request), price_to_buy(offer)
    person = Buyer("", "", "", holder, user.pk if user else None)
    given = services.find_given_to(offer, person, now=clock.now())
    context = _aside(offer) | {
        "form": form,
        "description": offer.description,
        "submit_text": f"Continue to payment · {display.money(price)}" if price.minor else "Continue",
        "policy": presenters.purchase_sentences(offer.coach, price),
        "owned_url": reverse("purchase", args=[given.ref]) if given else "",
        "can_be_paid": can_be_paid(price),
        "is_signed_in": user is not None,
    }
    return render(request, "public/buy.html", context, status=status)


def _aside(offer: Offer) -> dict[str, Any]:
    price = price_to_buy(offer)
    return {
        "coach": presenters.coach_data(offer.coach),
        "offer": presenters.buy_data(offer),
        "length": None,
        "price": price if price.minor else None,
    }


@require_safe
def offer_by_number(_request: HttpRequest, number: int) -> HttpResponseBase:
    """Lead an older address, which names an offer by its number, to where it is booked or bought."""
    found = get_public_offer_by_number(number)
    return redirect("offer", found.coach.slug, found.slug)


def checkout(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Show what is to be paid: of a booking, or of what needs no time."""
    order = find_purchase(ref)
    return booking.checkout(request, ref) if order is None else _checkout(request, ref)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def _checkout(request: HttpRequest, ref: str) -> HttpResponseBase:
    """Show a purchase and what is promised; a POST accepts it and leads to the gateway."""
    arrived = visitors.arrive(request, "checkout", ref)
    if arrived:
        return arrived
    order, actor = visitors.open_purchase(request, ref)
    if order.open_key is None:
        return redirect("purchase", order.ref)
    elsewhere = to_by_hand(request, order)
    if elsewhere:
        return elsewhere
    viewer = visitors.sight_of(request, coach_tz=order.coach.user.time_zone).viewer
    ways = way_choices(order, viewer, partial(services.pay_by_hand_until, order))
    form = PurchaseTermsForm(request.POST if request.method == "POST" else None, ways=ways)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return _show_checkout(request, order, form, status=status)
    try:
        pay_url = services.start_purchase(
            order=order,
            addresses=links.return_addresses(order),
            actor=actor,
            now=clock.now(),
            method=form.cleaned_data.get("method", ""),
        )
    except GreenroomError as error:
        return _show_checkout(request, order, form, failure=error.message, status=HTTPStatus.CONFLICT)
    return redirect(pay_url or reverse("purchase", args=[order.ref]))


def _show_checkout(
    request: HttpRequest, order: Order, form: PurchaseTermsForm, *, failure: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    context = order_aside(order) | {
        "form": form,
        "order": presenters.order_data(order),
        "policy": presenters.purchase_sentences(order.coach, order.total),
        "can_be_paid": can_be_paid(order.total),
        "failure": failure,
        "email": order.email,
        "name": order.name,
        "is_over": order.pay_until is None or order.pay_until <= clock.now(),
        "pay_until": order.pay_until,
        "viewer": visitors.sight_of(request, coach_tz=order.coach.user.time_zone).viewer,
        "zone_guess": False,
    }
    page = render(request, "public/buy_checkout.html", context, status=status)
    for gateway in gateways.wired():
        allow_form_action(page, gateway.pages_origin)
    return page


def order_aside(order: Order) -> dict[str, Any]:
    """Return what stands beside every step of a purchase: as it was called when it was ordered."""
    line = next(line for line in order.lines.all() if line.kind != LineKind.TAX)
    offer = line.offer
    return {
        "coach": presenters.coach_data(order.coach),
        "offer": {
            "title": line.title,
            "summary": offer.summary if offer else "",
            "venue": "",
            "group": "",
            "topic": "",
        },
        "offer_url": reverse("offer", args=[order.coach.slug, offer.slug]) if offer else "",
        "length": None,
        "price": line.price if line.price.minor else None,
    }
