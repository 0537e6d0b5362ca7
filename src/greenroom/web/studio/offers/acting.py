"""What every page about an offer does: find the coach's own one, and run a verb on it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from greenroom.catalog.models import Offer
from greenroom.catalog.queries import with_prices
from greenroom.core import clock
from greenroom.core.errors import GreenroomError, NotFoundError
from greenroom.web.studio.access import Desk


def own_offer(desk: Desk, pk: int) -> Offer:
    """Return the coach's own offer. Raises: NotFoundError, the same for somebody else's and for none."""
    offer = with_prices(Offer.objects.filter(coach=desk.coach, pk=pk).select_related("schedule", "download")).first()
    if offer is None:
        raise NotFoundError("There is no such offer.")
    return offer


def act(request: HttpRequest, desk: Desk, pk: int, verb: Callable[..., Offer], words: str) -> HttpResponseBase:
    """Run one verb and come back to the offer, with its words or those of its refusal."""
    try:
        verb(coach=desk.coach, offer_id=pk, actor=desk.actor, now=clock.now())
    except NotFoundError:
        raise
    except GreenroomError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, words)
    return redirect("studio_offer", pk)
