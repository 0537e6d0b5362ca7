"""The front door, the directory, a coach's page, and small things every page needs."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from greenroom.bookings.queries import Wish, next_slots
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import get_public_offer, public_offers, refund_tiers
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import get_public_coach, public_coaches
from greenroom.core import clock
from greenroom.core.errors import NotFoundError
from greenroom.web import presenters
from greenroom.web.public.forms import DirectoryForm
from greenroom.web.visitors import remember_choices, remember_theme, sight_of
from greenroom.web.zones import zone_rows

_ON_HOME = 4
_ON_A_PAGE = 12


@never_cache
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    cards = coach_cards(list(_listed()[:_ON_A_PAGE]))
    soon = sorted((card for card in cards if card["next_at"]), key=lambda card: card["next_at"])
    return render(request, "public/home.html", {"coaches": soon[:_ON_HOME]})


@never_cache
@require_GET
def directory(request: HttpRequest) -> HttpResponse:
    form = DirectoryForm(request.GET if set(request.GET) & set(DirectoryForm.base_fields) else None)
    found = _filtered(form.cleaned_data) if form.is_valid() else _listed()
    page = Paginator(found, _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "coaches": coach_cards(list(page)),
        "count": page.paginator.count,
        "clear_url": request.path,
        "page": page,
    }
    return remember_choices(request, render(request, "public/directory.html", context))


def _listed() -> QuerySet[Coach]:
    return public_coaches().select_related("user").prefetch_related("topics").order_by("pk")


def _filtered(wanted: dict[str, Any]) -> QuerySet[Coach]:
    coaches = _listed()
    for word in wanted["q"].split():
        named = Q(display_name__icontains=word) | Q(headline__icontains=word) | Q(topics__name__icontains=word)
        coaches = coaches.filter(pk__in=Coach.objects.filter(named).values("pk"))
    if wanted["topic"]:
        coaches = coaches.filter(topics=wanted["topic"])
    if wanted["max_price"] is not None:
        cheap = public_offers().annotate(least=Min("durations__price_minor"))
        coaches = coaches.filter(pk__in=cheap.filter(least__lte=wanted["max_price"] * 100).values("coach_id"))
    return coaches


def coach_cards(coaches: Sequence[Coach]) -> list[dict[str, Any]]:
    """Return cards with each coach's first offer and next free time; a fixed number of queries for all of them."""
    now = clock.now()
    offers: dict[int, list[Offer]] = {}
    for offer in public_offers().filter(coach__in=coaches):
        offers.setdefault(offer.coach_id, []).append(offer)
    bookable = [offers[coach.pk][0] for coach in coaches if coach.is_bookable and coach.pk in offers]
    starts = next_slots([Wish(offer, offer.durations.all()[0].length) for offer in bookable], now=now)
    next_of = {offer.coach_id: (offer, at) for offer, at in zip(bookable, starts, strict=True)}
    return [_card(coach, offers.get(coach.pk, []), next_of.get(coach.pk)) for coach in coaches]


def _card(coach: Coach, offers: list[Offer], following: tuple[Offer, Any] | None) -> dict[str, Any]:
    prices = [duration.price for offer in offers for duration in offer.durations.all() if duration.price_minor]
    offer, next_at = following or (None, None)
    return presenters.coach_data(coach) | {
        "from_price": min(prices, key=lambda price: price.minor) if prices else None,
        "next_at": next_at,
        "book_url": presenters.book_url(offer) if offer and next_at else "",
    }


@never_cache
@require_GET
def coach_page(request: HttpRequest, coach: str) -> HttpResponse:
    found = get_public_coach(coach)
    offers = list(public_offers().filter(coach=found).prefetch_related("refund_tiers"))
    rows = [_offer_row(offer) for offer in offers]
    context = {
        "coach": presenters.coach_data(found),
        "offers": rows,
        "policy": presenters.policy_sentences(refund_tiers(offers[0])) if offers else [],
        "paused": "" if found.is_bookable else f"{found.display_name} takes no new bookings at present.",
        "book_url": next((row["book_url"] for row in rows if row["book_url"]), ""),
    }
    return render(request, "public/coach.html", context)


def _offer_row(offer: Offer) -> dict[str, Any]:
    duration = offer.durations.all()[0]
    return presenters.offer_data(offer) | {
        "length": duration.length,
        "price": presenters.price_or_none(duration),
        "book_url": presenters.book_url(offer) if offer.coach.is_bookable else "",
        "blocked": "Not bookable at present",
    }


@require_GET
def offer_page(_request: HttpRequest, coach: str, offer: str) -> HttpResponse:
    return redirect(presenters.book_url(get_public_offer(coach, offer)))


@never_cache
@require_GET
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
