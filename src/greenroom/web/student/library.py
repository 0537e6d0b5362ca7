"""What a person bought without a time: the page of one purchase, its files, and the library of all."""

from datetime import datetime
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from greenroom.core import clock
from greenroom.core.errors import NotFoundError
from greenroom.entitlements.models import Entitlement
from greenroom.entitlements.queries import entitlements_of
from greenroom.entitlements.types import EntitlementKind
from greenroom.orders.models import Order, OrderLine
from greenroom.orders.queries import get_purchase_by_token, lines_by_source
from greenroom.payments import queries as payments
from greenroom.web import presenters, visitors
from greenroom.web.public.buying import order_aside
from greenroom.web.public.ways import is_paid_by_hand
from greenroom.web.student import queries
from greenroom.web.student.sheets import document_links

_ON_A_PAGE = 20
_TOKEN_MARK = "."  # noqa: S105 -- what a signed key has and a bare reference has not
_ANY_BYTES = "application/octet-stream"


@never_cache
@require_safe
def purchase(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show one purchase to whoever holds its link, made it in this browser, or bought it with this account."""
    order = _open(request, key)
    if order is None:
        return redirect_to_login(request.get_full_path(), "account_login")
    now = clock.now()
    state = state_of(order)
    if state == "open" or is_paid_by_hand(order):
        return _to_checkout(request, order, key)
    context = order_aside(order) | {
        "state": state,
        "ref": order.ref,
        "email": order.email,
        "order": presenters.order_data(order),
        "documents": document_links(order.documents.order_by("pk"), by_token=_TOKEN_MARK in key),
        "content": _content(order, key, now),
        "checkout_url": reverse("checkout", args=[order.ref]),
        "viewer": visitors.sight_of(request, coach_tz=order.buyer_tz).viewer,
        "zone_guess": False,
    }
    return render(request, "student/purchase.html", context)


def _to_checkout(request: HttpRequest, order: Order, key: str) -> HttpResponseBase:
    answer = redirect("checkout", order.ref)
    return visitors.keep_key(request, answer, key) if _TOKEN_MARK in key else answer


def state_of(order: Order) -> str:
    """Return the word by which the page of a purchase knows what became of it."""
    if order.fulfilled_at is not None:
        return "ready" if order.revoked_at is None else "revoked"
    if payments.order_money(order.ref, currency=order.currency).captured.minor > 0:
        return "waiting" if order.ended_at is None else "refused"
    if order.ended_at is not None:
        return "ended"
    return "waiting" if payments.has_live_attempt(order.ref) else "open"


def _content(order: Order, key: str, now: datetime) -> dict[str, Any]:
    """Return what the buyer gets: of now, not of when it was bought; nothing that can't be used."""
    found = queries.downloads_in(order, now=now)
    return {
        "texts": [part.text for part in found if part.text.strip()],
        "links": [part.link for part in found if part.link],
        "files": [
            {"name": file.name, "bytes": file.size_bytes, "url": reverse("purchase_file", args=[key, file.ref])}
            for part in found
            for file in part.offer.files.all()
        ],
    }


@never_cache
@require_safe
def file(request: HttpRequest, key: str, ref: str) -> HttpResponseBase:
    """Hand out one file of a purchase, as a file and never as a page, to the same people."""
    order = _open(request, key)
    if order is None:
        return redirect_to_login(request.get_full_path(), "account_login")
    files = [one for part in queries.downloads_in(order, now=clock.now()) for one in part.offer.files.all()]
    found = next((one for one in files if one.ref == ref), None)
    if found is None:
        raise NotFoundError
    # Whatever it is: a browser must neither show it nor guess what it is, so that nobody's HTML runs as our page.
    return FileResponse(found.content.open("rb"), as_attachment=True, filename=found.name, content_type=_ANY_BYTES)


def _open(request: HttpRequest, key: str) -> Order | None:
    """Return the purchase; None when signing in may open it. Raises: NotFoundError for everybody else."""
    if _TOKEN_MARK in key:
        return get_purchase_by_token(key)
    try:
        return visitors.open_purchase(request, key)[0]
    except NotFoundError:
        if visitors.signed_in(request):
            raise
        return None


@never_cache
@require_safe
def library(request: HttpRequest) -> HttpResponseBase:
    """List what the signed-in person may use, the latest first."""
    user = visitors.signed_in(request)
    if user is None:
        return redirect_to_login(request.get_full_path(), "account_login")
    mine = entitlements_of(user.pk, now=clock.now()).filter(kind=EntitlementKind.DOWNLOAD)
    page = Paginator(mine, _ON_A_PAGE).get_page(request.GET.get("page"))
    lines = lines_by_source(one.source for one in page)
    rows = [_row(one, lines[one.source]) for one in page if one.source in lines]
    context = {"page": page, "rows": rows, "viewer": visitors.sight_of(request).viewer}
    return render(request, "student/library.html", context)


def _row(entitlement: Entitlement, line: OrderLine) -> dict[str, Any]:
    return {
        "title": line.offer.title if line.offer else line.title,
        "coach_name": line.order.coach.display_name,
        "since": entitlement.granted_at,
        "url": reverse("purchase", args=[line.order.ref]),
    }
