"""A coach's clients are the people whose bookings were confirmed, told apart by their e-mail address."""

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from greenroom.core import clock
from greenroom.core.errors import NotFoundError
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk, coach_only

_ON_A_PAGE = 20
_SECTION = "clients"


class SearchForm(forms.Form):
    q = PlainTextField(label="Name or address", required=False, max_length=100)


@require_safe
@coach_only
def client_list(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    form = SearchForm(request.GET)
    words = form.cleaned_data["q"] if form.is_valid() else ""
    found = queries.clients(desk.coach, now=clock.now(), words=words)
    page = Paginator(found, _ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [{"client": client, "url": reverse("studio_client", args=[client["ref"]])} for client in page]
    context = {"rows": rows, "page": page, "form": form, "words": words}
    return desk.draw(request, "studio/clients.html", context, section=_SECTION)


@require_safe
@coach_only
def client_page(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    """Show the person of one of the coach's bookings: an address stands in no link."""
    email = queries.get_coach_booking(desk.coach, ref).contact_email
    client = queries.clients(desk.coach, now=clock.now()).filter(contact_email=email).first()
    if client is None:  # nothing of theirs was confirmed yet
        raise NotFoundError("There is no such client.")
    page = Paginator(queries.bookings_of_client(desk.coach, email), _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "client": client,
        "paid": queries.paid_by_client(desk.coach, email),
        "lines": desk.lines(page),
        "page": page,
    }
    return desk.draw(request, "studio/client.html", context, section=_SECTION)
