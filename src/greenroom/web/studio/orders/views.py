"""A coach's orders, month by month, and the same as a file."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from greenroom.coaches.models import Coach
from greenroom.core.money import Money, total
from greenroom.notifications import display
from greenroom.orders import rules
from greenroom.orders.models import Order
from greenroom.orders.types import DocumentKind
from greenroom.payments.models import Dispute
from greenroom.payments.queries import disputes_of_orders, fees_of_orders
from greenroom.web.student.sheets import document_links
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.orders import queries
from greenroom.web.studio.orders.export import csv_lines
from greenroom.web.studio.orders.queries import Period

_ON_A_PAGE = 20
_ROWS_AT_ONCE = 500
_SECTION = "orders"


class MonthForm(forms.Form):
    month = forms.ChoiceField(label="Month", required=False)

    def __init__(self, months: list[date], chosen: date | None) -> None:
        super().__init__(initial={"month": _address_of(chosen)})
        choices = [(_address_of(month), f"{display.month_name(month)} {month.year}") for month in months]
        self.fields["month"].choices = [("", "All months"), *choices]  # type: ignore[attr-defined]  # a ChoiceField


@require_safe
@coach_only
def order_list(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    months = queries.months_of(desk.coach)
    period = _period(request, desk.coach)
    page = Paginator(queries.orders_of(period), _ON_A_PAGE).get_page(request.GET.get("page"))
    query = f"?month={_address_of(period.month)}" if period.month else ""
    refs = [order.ref for order in page]
    fees, disputes = fees_of_orders(refs), defaultdict(list)
    for dispute in disputes_of_orders(refs):
        disputes[dispute.attempt.order_ref].append(dispute)
    context = {
        "form": MonthForm(months, period.month),
        "takings": queries.takings_of(period),
        "rows": [_row(order, fees.get(order.ref, []), disputes[order.ref]) for order in page],
        "page": page,
        "is_all": period.month is None,
        "export_url": f"{reverse('studio_orders_export')}{query}",
    }
    return desk.draw(request, "studio/orders.html", context, section=_SECTION)


@require_safe
@coach_only
def export(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    period = _period(request, desk.coach)
    documents = queries.documents_for_export(period).iterator(chunk_size=_ROWS_AT_ONCE)
    name = f"greenroom-{_address_of(period.month) or 'all'}.csv"
    return StreamingHttpResponse(
        csv_lines(documents),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _period(request: HttpRequest, coach: Coach) -> Period:
    """Read the month that is asked for; nonsense counts as all of them."""
    try:
        month = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        month = None
    return Period(coach, month)


def _address_of(month: date | None) -> str:
    return f"{month:%Y-%m}" if month else ""


def _row(order: Order, fees: Sequence[Money], disputes: Sequence[Dispute]) -> dict[str, Any]:
    documents = list(order.documents.all())
    last = documents[-1]
    booking = getattr(order, "booking", None)
    sums = rules.sums_of([(DocumentKind(one.kind), one.amount) for one in documents], order.currency)
    has_receipt = documents[0].kind == DocumentKind.RECEIPT
    taken = [one.charged_back for one in disputes if one.currency == order.currency] if has_receipt else []
    return {
        "buyer": last.buyer_name,
        "title": last.printed_lines[0][0],
        "day": last.issued_on,
        "sums": sums,
        "left": total([sums.net, *(-one for one in taken)], order.currency),
        "disputes": [words for words in map(_dispute_words, disputes) if words],
        "documents": document_links(documents),
        "session_url": reverse("studio_session", args=[booking.ref]) if booking else "",
        "is_test": order.is_test,
        "fees": fees if has_receipt else [],
    }


def _dispute_words(dispute: Dispute) -> str:
    """Say what a dispute means for the coach; nothing once it is over without a loss."""
    if dispute.charged_back.minor:
        return f"The bank took {display.money(dispute.charged_back)} back for good."
    if dispute.closed_at:
        return ""
    if dispute.is_inquiry:
        return "The cardholder\N{RIGHT SINGLE QUOTATION MARK}s bank asks about this payment. Staff answer it."
    return f"The cardholder disputes this payment: their bank holds {display.money(dispute.amount)} until it decides."
