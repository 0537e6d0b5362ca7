"""The front door, the directory, a coach's page, and small things every page needs."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from greenroom.catalog.models import Offer
from greenroom.catalog.queries import offers_to_buy, priced, public_offers, refund_tiers
from greenroom.coaches.queries import get_public_coach, get_public_coach_by_number
from greenroom.core import clock
from greenroom.core.errors import NotFoundError
from greenroom.directory.queries import cards, find_cards, find_coaches
from greenroom.directory.types import Card, Search
from greenroom.orders.policies import policy_sentences
from greenroom.web import presenters
from greenroom.web.public.forms import DirectoryForm
from greenroom.web.visitors import remember_choices, remember_theme, sight_of
from greenroom.web.zones import zone_rows

_ON_HOME = 4
_ON_A_PAGE = 12


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    found = find_cards(Search(), page=1, size=_ON_A_PAGE, now=clock.now())
    soon = sorted((_card_data(card) for card in found.cards if card.next_slot), key=itemgetter("next_at"))
    return render(request, "public/home.html", {"coaches": soon[:_ON_HOME]})


@never_cache
@require_safe
def directory(request: HttpRequest) -> HttpResponse:
    form = DirectoryForm(request.GET if set(request.GET) & set(DirectoryForm.base_fields) else None)
    search = form.search if form.is_valid() else Search()
    page = Paginator(find_coaches(search), _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "coaches": [_card_data(card) for card in cards(list(page), now=clock.now(), search=search)],
        "count": page.paginator.count,
        "clear_url": request.path,
        "page": page,
    }
    return remember_choices(request, render(request, "public/directory.html", context))


def _card_data(card: Card) -> dict[str, Any]:
    """Return a card; its price is that of the offer to which its button leads, or the least that anything costs."""
    slot = card.next_slot
    return presenters.coach_data(card.coach) | {
        **(_least_price(slot.offer) if slot else {"price": card.price_from, "is_from": True}),
        "next_at": slot.starts_at if slot else None,
        "book_url": presenters.book_url(slot.offer) if slot else "",
    }


def _policy_sentences(offers: Sequence[Offer]) -> list[str]:
    """Say the policy that all offers share; where they differ each is said when it is booked."""
    policies = {refund_tiers(offer) for offer in offers}
    if len(policies) == 1:
        return policy_sentences(policies.pop())
    return ["What comes back when you cancel depends on the offer, and is said before you pay."] if policies else []


@never_cache
@require_safe
def coach_page(request: HttpRequest, coach: str) -> HttpResponse:
    found = get_public_coach(coach)
    offers = priced(public_offers().filter(coach=found).prefetch_related("refund_tiers"))
    rows = [_offer_row(offer) for offer in offers]
    context = {
        "coach": presenters.coach_data(found),
        "offers": rows,
        "to_buy": [presenters.buy_row(offer) for offer in offers_to_buy().filter(coach=found)],
        "policy": _policy_sentences(offers),
        "paused": "" if found.is_bookable else f"{found.display_name} takes no new bookings at present.",
        "book_url": next((row["book_url"] for row in rows if row["book_url"]), ""),
    }
    return render(request, "public/coach.html", context)


@require_safe
def coach_by_number(request: HttpRequest, number: int, to: str) -> HttpResponse:
    """Lead an older address, which names a coach's account by its number, to the page called `to`."""
    found = get_public_coach_by_number(number)
    query = request.META.get("QUERY_STRING", "")
    return redirect(reverse(to, args=[found.slug]) + (f"?{query}" if query else ""), permanent=True)


def _offer_row(offer: Offer) -> dict[str, Any]:
    duration = offer.durations.all()[0]
    return presenters.offer_data(offer) | {
        "length": duration.length,
        **_least_price(offer),
        "book_url": presenters.book_url(offer) if offer.coach.is_bookable else "",
        "blocked": "Not bookable at present",
    }


def _least_price(offer: Offer) -> dict[str, Any]:
    return presenters.least_price(offer, offer.durations.all()[0])


@never_cache
@require_safe
def zones(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "")[:60]
    following = safe_path(request, request.GET.get("next", ""))
    viewer = sight_of(request).viewer
    context = {"zones": zone_rows(query, viewer, clock.now()), "q": query, "next_path": following, "viewer": viewer}
    if is_partial(request):
        return render(request, "components/zone_list.html", context)
    return render(request, "public/zones.html", context | {"standalone": True})


@require_POST
def theme(request: HttpRequest) -> HttpResponseBase:
    following = safe_path(request, request.POST.get("next", ""))
    return remember_theme(redirect(following), request.POST.get("theme", ""))


@csrf_exempt
def nothing(_request: HttpRequest, rest: str = "") -> HttpResponse:  # noqa: ARG001 -- the address names it
    raise NotFoundError


def is_partial(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a part of a page; never when it restores one from its history."""
    return request.headers.get("HX-Request-Type") == "partial"


def safe_path(request: HttpRequest, wanted: str) -> str:
    """Return a wanted path of this site, or the front door for anything else."""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if is_ours and wanted.startswith("/") else "/"
