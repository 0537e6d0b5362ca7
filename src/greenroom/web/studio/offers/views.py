"""Offers: the list, the form, and one POST for each change of state."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from greenroom.bookings.queries import sessions_over_capacity
from greenroom.catalog import services
from greenroom.catalog.errors import OfferIncompleteError
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import price_to_buy, with_prices
from greenroom.catalog.types import OfferKind, OfferStatus
from greenroom.core import clock
from greenroom.core.errors import InvalidInputError
from greenroom.rooms.queries import policy_for, why_no_rooms
from greenroom.web import presenters
from greenroom.web.problems import problems_of, status_of
from greenroom.web.rooms.words import policy_words
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.offers import downloads
from greenroom.web.studio.offers.acting import act, own_offer
from greenroom.web.studio.offers.forms import OfferForm
from greenroom.web.studio.rows import reshaped

_SECTION = "offers"


@require_safe
@coach_only
def offer_list(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    offers = list(with_prices(Offer.objects.filter(coach=desk.coach).select_related("download")))
    context = {
        "offers": [_row(offer) for offer in offers if offer.status != OfferStatus.ARCHIVED],
        "archived": [_row(offer) for offer in offers if offer.status == OfferStatus.ARCHIVED],
        "coach": desk.coach,
    }
    return desk.draw(request, "studio/offers.html", context, section=_SECTION)


def _row(offer: Offer) -> dict[str, Any]:
    durations = list(offer.durations.all())
    is_download = offer.kind == OfferKind.DOWNLOAD
    return {
        "title": offer.title,
        "status": offer.status,
        "venue": presenters.offer_data(offer)["venue"],
        "lengths": [(duration.length, presenters.price_words(offer, duration)) for duration in durations],
        "is_download": is_download,
        "price": price_to_buy(offer) if is_download else None,
        "edit_url": reverse("studio_offer", args=[offer.pk]),
        "pk": offer.pk,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def new_offer(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    return _edit(request, desk, Offer(coach=desk.coach))


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def edit_offer(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    offer = own_offer(desk, pk)
    return downloads.edit(request, desk, offer) if offer.kind == OfferKind.DOWNLOAD else _edit(request, desk, offer)


def _edit(request: HttpRequest, desk: Desk, offer: Offer) -> HttpResponseBase:
    if request.method != "POST":
        return _show_form(request, desk, offer, OfferForm(offer=offer))
    changed = reshaped(request.POST, OfferForm.groups)
    if changed is not None:
        return _show_form(request, desk, offer, OfferForm(changed, offer=offer, is_quiet=True))
    form = OfferForm(request.POST, offer=offer)
    saved = _save(desk, offer, form) if form.is_valid() else None
    if saved is None:
        return _show_form(request, desk, _stored(offer, desk), form)
    if "publish" in request.POST:
        return act(request, desk, saved.pk, services.publish_offer, "Saved and published.")
    messages.success(request, "The offer is saved.")
    crowded = sessions_over_capacity(saved, now=clock.now())
    if crowded:
        words = "A session to come has" if crowded == 1 else f"{crowded} sessions to come have"
        messages.info(request, f"{words} more students than that. They keep their seats; nobody else is taken.")
    return redirect("studio_offer", saved.pk)


def _stored(offer: Offer, desk: Desk) -> Offer:
    return own_offer(desk, offer.pk) if offer.pk else Offer(coach=desk.coach)


def _save(desk: Desk, offer: Offer, form: OfferForm) -> Offer | None:
    """Save what was written; what the service refuses goes to the form's fields."""
    try:
        return services.save_offer(
            coach=desk.coach, offer_id=offer.pk, terms=form.terms, actor=desk.actor, now=clock.now()
        )
    except OfferIncompleteError as error:
        for missing in error.missing:
            form.blame(InvalidInputError(missing.message, field=missing.field))
    except InvalidInputError as error:
        form.blame(error)
    return None


def _show_form(request: HttpRequest, desk: Desk, offer: Offer, form: OfferForm) -> HttpResponseBase:
    problems = problems_of(form) if form.is_bound else []
    context = {
        "form": form,
        "problems": problems,
        "offer": offer,
        "is_new": offer.pk is None,
        "missing": services.missing_for_publishing(offer) if offer.status == OfferStatus.DRAFT and offer.pk else (),
        "prices": [presenters.price_sentence(offer, one) for one in offer.durations.all()] if offer.pk else [],
        "room_words": policy_words(policy_for(offer)) if offer.pk else "",
        "no_rooms": why_no_rooms(),
        "is_approved": desk.coach.is_public,
        "preview_url": presenters.book_url(offer) if offer.status == OfferStatus.PUBLISHED else "",
    }
    status = status_of(problems)
    return desk.draw(request, "studio/offer.html", context, section=_SECTION, status=status)


@require_POST
@coach_only
def publish(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    return act(request, desk, pk, services.publish_offer, "The offer is published.")


@require_POST
@coach_only
def unpublish(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    return act(request, desk, pk, services.unpublish_offer, "The offer is a draft again. What is booked stays.")


@require_POST
@coach_only
def archive(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    return act(request, desk, pk, services.archive_offer, "The offer is archived. What is booked stays.")


@require_POST
@coach_only
def restore(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    return act(request, desk, pk, services.restore_offer, "The offer is back, as a draft.")
