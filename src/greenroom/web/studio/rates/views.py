"""The coach's rates by the hour, and which offers take their price from them."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from greenroom.catalog import services
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import offers_by_rates
from greenroom.coaches.models import Coach, Topic
from greenroom.core import clock
from greenroom.core.errors import InvalidInputError
from greenroom.web import presenters
from greenroom.web.problems import problems_of, status_of
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.rates.forms import RatesForm
from greenroom.web.studio.rows import blame


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def rates_page(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    form = RatesForm(
        request.POST if request.method == "POST" else None,
        topics=_topics(desk.coach),
        rates=list(desk.coach.rates.order_by("pk")),
    )
    if form.is_bound and form.is_valid() and _save(desk, form):
        messages.success(request, f"Your rates are saved. {_count_words(len(offers_by_rates(desk.coach)))}")
        return redirect("studio_rates")
    offers = offers_by_rates(desk.coach)
    problems = problems_of(form) if form.is_bound else []
    context = {
        "form": form,
        "problems": problems,
        "count_words": _count_words(len(offers)),
        "offers": [_row(offer) for offer in offers],
    }
    status = status_of(problems)
    return desk.draw(request, "studio/rates.html", context, section="offers", status=status)


def _topics(coach: Coach) -> list[Topic]:
    """Return the coach's topics, and what has a rate though it is none of them any more."""
    return list(Topic.objects.filter(Q(coaches=coach) | Q(rates__coach=coach)).distinct())


def _save(desk: Desk, form: RatesForm) -> bool:
    wanted: dict[str, Any] = form.cleaned_data
    try:
        services.save_rates(
            coach=desk.coach, currency=wanted["currency"], rates=wanted["rates"], actor=desk.actor, now=clock.now()
        )
    except InvalidInputError as error:
        blame(form, error)
        return False
    return True


def _count_words(count: int) -> str:
    if not count:
        return "No offer takes its price from them."
    return "1 offer takes its price from them." if count == 1 else f"{count} offers take their price from them."


def _row(offer: Offer) -> dict[str, Any]:
    return {
        "title": offer.title,
        "status": offer.status,
        "url": reverse("studio_offer", args=[offer.pk]),
        "prices": [presenters.price_sentence(offer, duration) for duration in offer.durations.all()],
    }
