"""Orders for staff: finding one, reading all that happened to it, and giving money back."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from greenroom.bookings.errors import IllegalTransitionError
from greenroom.bookings.services import cancel_with_refund, preview_cancel
from greenroom.bookings.types import BookingStatus
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.ids import new_ref
from greenroom.core.money import Money, total
from greenroom.notifications.display import money as money_words
from greenroom.orders.models import Order
from greenroom.orders.policies import policy_sentences
from greenroom.orders.queries import lines_left
from greenroom.payments import queries as payments
from greenroom.payments.errors import NotRefundableError
from greenroom.payments.services import Form, refund_by_staff
from greenroom.payments.types import AttemptState
from greenroom.web.ops.access import admin_of, staff_only
from greenroom.web.ops.forms import RefundForm, SearchForm
from greenroom.web.ops.movements import PAYMENTS, movements_of
from greenroom.web.ops.queries import OrderFile, get_order, read_file, search_orders
from greenroom.web.ops.timeline import timeline_of
from greenroom.web.presenters import purchase_sentences
from greenroom.web.problems import problems_of
from greenroom.web.studio.forms import price_words

_ON_A_PAGE = 25
_CANCELLED_WITH_MONEY = (BookingStatus.CONFIRMED, BookingStatus.PENDING_APPROVAL)


@staff_only
@require_safe
def order_list(request: HttpRequest) -> HttpResponse:
    """List orders, the latest first, or those that were searched for."""
    form = SearchForm(request.GET)
    words = form.cleaned_data["q"] if form.is_valid() else ""
    page = Paginator(search_orders(words), _ON_A_PAGE).get_page(request.GET.get("page"))
    states = payments.states_of_orders([order.ref for order in page])
    rows = [(order, PAYMENTS[AttemptState(states[order.ref])] if order.ref in states else "") for order in page]
    return render(request, "ops/orders.html", {"rows": rows, "page": page, "form": form, "words": words})


@staff_only
@require_safe
def order_page(request: HttpRequest, ref: str) -> HttpResponse:
    """Show an order and everything that happened to it."""
    order = get_order(ref)
    file = read_file(order)
    context = {
        "file": file,
        "order": order,
        "lines": file.lines,
        "policy": purchase_sentences(order.coach, order.total)
        if order.is_purchase
        else policy_sentences(order.refund_tiers),
        "sums": payments.order_money(order.ref, currency=order.currency),
        "undecided": _undecided(file),
        "movements": movements_of(file),
        "moments": timeline_of(file),
        "left": payments.refundable_of_order(order.ref, currency=order.currency),
    }
    return render(request, "ops/order.html", context)


def _undecided(file: OrderFile) -> Money:
    """Return what banks took and may return; money in another currency did not fit the order and goes back anyway."""
    currency = file.order.currency
    return total([one.undecided for one in file.disputes if one.currency == currency], currency)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def refund(request: HttpRequest, ref: str) -> HttpResponse:
    """Ask how much and why, say exactly what that means, and send it once it is confirmed."""
    order = get_order(ref)
    left = payments.refundable_of_order(order.ref, currency=order.currency)
    can_cancel, lines = _can_cancel(order), lines_left(order)
    if request.method != "POST":
        form = RefundForm(left=left, lines=lines, can_cancel=can_cancel, initial={"amount": price_words(left)})
        return _draw_refund(request, order, left, form)
    is_confirmed = "confirm" in request.POST
    # Once it is done the same form may come again: what it asks is then known by its token, and nothing is left of it.
    form = RefundForm(
        request.POST, left=left, lines=lines, can_cancel=can_cancel or is_confirmed, is_confirmed=is_confirmed
    )
    if not form.is_valid():
        return _draw_refund(request, order, left, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if is_confirmed:
        return _send(request, order, form)
    if form.cleaned_data["amount"].minor > left.minor:
        form.add_error("amount", f"Only {money_words(left)} is left.")
        return _draw_refund(request, order, left, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if "change" in request.POST:
        return _draw_refund(request, order, left, form)
    return _draw_refund(request, order, left, form, token=new_ref())


def _send(request: HttpRequest, order: Order, form: RefundForm) -> HttpResponse:
    amount, said = form.cleaned_data["amount"], form.cleaned_data
    asked: dict[str, Any] = {
        "amount": amount,
        "seen_left": said["seen"],
        "form": Form(said["reason"], said["token"] or new_ref(), said.get("lines", ())),
        "actor": admin_of(request),
        "now": clock.now(),
    }
    booking = getattr(order, "booking", None)
    try:
        if said.get("cancels") and booking:
            cancel_with_refund(booking=booking, **asked)
        else:
            refund_by_staff(order_ref=order.ref, **asked)
    except (NotRefundableError, IllegalTransitionError) as error:
        form.add_error(None, error.message)
        left = payments.refundable_of_order(order.ref, currency=order.currency)
        return _draw_refund(request, order, left, form, status=HTTPStatus.CONFLICT)
    cancelled = "The booking is cancelled. " if said.get("cancels") and booking else ""
    back = f"{money_words(amount)} is on its way back. The gateway is asked in a moment." if amount.minor else ""
    messages.success(request, f"{cancelled}{back}".strip())
    return redirect("ops_order", order.ref)


def _can_cancel(order: Order) -> bool:
    booking = getattr(order, "booking", None)
    return booking is not None and booking.status in _CANCELLED_WITH_MONEY


def _policy_amount(order: Order) -> Money | None:
    """Return what the student would get by the policy for cancelling now; None where that is no question any more."""
    if not _can_cancel(order):
        return None
    return preview_cancel(booking=order.booking, actor=Actor(ActorKind.GUEST), now=clock.now()).refund


def _parts(form: RefundForm) -> list[tuple[str, Money]]:
    """Return the titles of the lines from which something goes back, where several were asked about."""
    amounts = dict(form.cleaned_data.get("lines", ()))
    return [
        (line.title, Money(amounts[line.position], left.currency))
        for line, left in form.lines
        if line.position in amounts
    ]


def _draw_refund(
    request: HttpRequest,
    order: Order,
    left: Money,
    form: RefundForm,
    *,
    token: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """Draw the form, or with a token the preview of what it asks for."""
    amount = form.cleaned_data["amount"] if token else None
    context = {
        "order": order,
        "left": left,
        "form": form,
        "problems": problems_of(form),
        "token": token,
        "amount": amount,
        "amount_words": price_words(amount) if amount else "",
        "typed": [(one.name, one.value() or "") for one in form.amount_fields] if token else [],
        "parts": _parts(form) if token else [],
        "stays": left - amount if amount else left,
        "cancels": bool(token) and bool(form.cleaned_data.get("cancels")),
        "by_policy": _policy_amount(order),
        "sums": payments.order_money(order.ref, currency=order.currency),
        "dispute": payments.find_blocking_dispute_of_order(order.ref),
        "booking": getattr(order, "booking", None),
    }
    return render(request, "ops/refund.html", context, status=status)
