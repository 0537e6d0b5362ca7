"""Receipts and refund notes, and the list of what a person bought."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from greenroom.core.errors import NotFoundError
from greenroom.orders import rules
from greenroom.orders.models import Document, Order
from greenroom.orders.queries import document_token, find_document_by_token
from greenroom.orders.types import DocumentKind
from greenroom.web import visitors
from greenroom.web.student import queries
from greenroom.web.student.pdf import pdf_of
from greenroom.web.student.sheets import document_links, sheet_of

_ON_A_PAGE = 20
_TOKEN_MARK = "."  # noqa: S105 -- what a signed key has and a bare reference has not


@never_cache
@require_safe
def receipt(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show one document to whoever holds its link, or may see it by their account."""
    document = _find(request, key)
    if document is None:
        return _refuse(request, key)
    context = {
        "sheet": sheet_of(document),
        "refers_to_url": _refers_to_url(document, key),
        "pdf_url": reverse("receipt_pdf", args=[key]),
        "back": _back(request, document, key),
    }
    return render(request, "student/receipt.html", context)


@never_cache
@require_safe
def receipt_pdf(request: HttpRequest, key: str) -> HttpResponseBase:
    """Give one document as a PDF file, to the same people."""
    document = _find(request, key)
    if document is None:
        return _refuse(request, key)
    headers = {"Content-Disposition": f'attachment; filename="{document.label}.pdf"'}
    return HttpResponse(pdf_of(sheet_of(document)), content_type="application/pdf", headers=headers)


def _find(request: HttpRequest, key: str) -> Document | None:
    if _TOKEN_MARK in key:
        return find_document_by_token(key)
    user = visitors.signed_in(request)
    return queries.find_document_for(user, key) if user else None


def _refuse(request: HttpRequest, key: str) -> HttpResponseBase:
    """Send people who are not signed in to do so, whether there is such a document or not; others find nothing."""
    if _TOKEN_MARK in key or visitors.signed_in(request):
        raise NotFoundError
    return redirect_to_login(request.get_full_path(), "account_login")


def _back(request: HttpRequest, document: Document, key: str) -> tuple[str, str] | None:
    """Return address and name of the list a document stands in; none for those who came by a link, and for staff."""
    user = visitors.signed_in(request)
    if user is None or _TOKEN_MARK in key:
        return None
    if document.order.coach.user_id == user.pk:
        return reverse("studio_orders"), "Orders"
    return None if user.is_staff else (reverse("purchases"), "My purchases")


def _refers_to_url(document: Document, key: str) -> str:
    """Return the page of the document it refers to, opened as this one was."""
    if document.refers_to is None:
        return ""
    same = document_token(document.refers_to) if _TOKEN_MARK in key else document.refers_to.ref
    return reverse("receipt", args=[same])


@never_cache
@require_safe
def purchases(request: HttpRequest) -> HttpResponseBase:
    """List what the signed-in person paid for, the latest first."""
    user = visitors.signed_in(request)
    if user is None:
        return redirect_to_login(request.get_full_path(), "account_login")
    page = Paginator(queries.purchases_of(user), _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [_row(order) for order in page], "viewer": visitors.sight_of(request).viewer}
    return render(request, "student/purchases.html", context)


def _row(order: Order) -> dict[str, Any]:
    documents = list(order.documents.all())
    sums = rules.sums_of([(DocumentKind(one.kind), one.amount) for one in documents], order.currency)
    return {
        "title": "; ".join(line.title for line in order.lines.all()),
        "coach_name": order.coach.display_name,
        "bought_at": order.accepted_at or order.created_at,
        "state": rules.purchase_state(sums),
        "paid": sums.gross if documents else order.total,
        "given_back": sums.given_back,
        "documents": document_links(documents),
        "is_test": order.is_test,
    }
