"""Saying what arrived and what was sent back; staff and coaches do it on pages of their own, the same way."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.core.actors import Actor
from greenroom.core.errors import GreenroomError, NotFoundError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.manual import rows
from greenroom.integrations.manual.models import ManualPayment, ManualRefund, Proof
from greenroom.integrations.manual.proofs import TYPES
from greenroom.integrations.stripe.protocol import PayState, RefundState
from greenroom.notifications.display import money
from greenroom.orders import queries
from greenroom.orders.messages import title_of
from greenroom.orders.models import Order
from greenroom.orders.services import approve_payment, refuse_payment
from greenroom.payments.services import decide_refund
from greenroom.web.by_hand.forms import ApproveForm, CannotSendForm, RefuseForm
from greenroom.web.problems import problems_of

_MOST_ROWS = 50
UrlOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One payment or refund in a list: for what, where it is decided, and whether its time is over."""

    one: ManualPayment | ManualRefund
    order: Order | None
    url: str
    is_over: bool = False

    @property
    def what(self) -> str:
        """What was bought."""
        return title_of(self.order) if self.order else ""

    @property
    def starts_at(self) -> datetime | None:
        """When the session begins that was bought, if it was one; aware."""
        return _starts_at(self.order)


def list_context(coach: Coach | None, *, payment_url: UrlOf, refund_url: UrlOf, now: datetime) -> dict[str, Any]:
    """Return what waits for an answer, what is still to be paid, and what is to be sent back; five queries at most."""
    mine = queries.payments_by_hand(coach).filter(received_at__isnull=True)
    waiting = list(mine.filter(handed_in_at__isnull=False).order_by("handed_in_at")[:_MOST_ROWS])
    unpaid = mine.filter(handed_in_at__isnull=True, ended_at__isnull=True, expires_at__gt=now)
    to_pay = list(unpaid.order_by("expires_at")[:_MOST_ROWS])
    refunds = list(queries.refunds_by_hand(coach).filter(state=RefundState.PENDING)[:_MOST_ROWS])
    orders = _orders([*(one.order_ref for one in (*waiting, *to_pay)), *(one.payment.order_ref for one in refunds)])

    def rows_of(payments: Iterable[ManualPayment]) -> list[Row]:
        return [
            Row(one, orders.get(one.order_ref), payment_url(one.ref), rows.state_at(one, now) is PayState.DEAD)
            for one in payments
        ]

    return {
        "waiting": rows_of(waiting),
        "to_pay": rows_of(to_pay),
        "refunds": [Row(one, orders.get(one.payment.order_ref), refund_url(one.ref)) for one in refunds],
    }


def _orders(refs: Iterable[str]) -> dict[str, Order]:
    found = Order.objects.filter(ref__in=set(refs)).select_related("booking__session", "coach")
    return {order.ref: order for order in found.prefetch_related("lines")}


def _starts_at(order: Order | None) -> datetime | None:
    """Return when the session begins that was bought, if it was one."""
    booking = getattr(order, "booking", None)
    return booking.session.starts_at if booking else None


def get_payment(coach: Coach | None, ref: str) -> ManualPayment:
    """Return a payment that staff, or that coach, may decide. Raises: NotFoundError."""
    payment = queries.payments_by_hand(coach).filter(ref=ref).first()
    if payment is None:
        raise NotFoundError
    return payment


def get_refund(coach: Coach | None, ref: str) -> ManualRefund:
    """Return a refund that staff, or that coach, may send. Raises: NotFoundError."""
    refund = queries.refunds_by_hand(coach).filter(ref=ref).first()
    if refund is None:
        raise NotFoundError
    return refund


def answer_payment(request: HttpRequest, payment: ManualPayment, actor: Actor) -> dict[str, Any] | None:
    """Take an answer from a POST; None when it was taken. Else return what the page shows."""
    verb = request.POST.get("answer", "")
    approve = ApproveForm(request.POST if verb == "approve" else None, payment=payment)
    refuse = RefuseForm(request.POST if verb == "refuse" else None)
    now = clock.now()
    try:
        if approve.is_valid():
            received = approve.cleaned_data["received"]
            approve_payment(ref=payment.ref, received=received, actor=actor, now=now)
            if received == payment.amount:
                messages.success(request, "Written down. What follows happens within a minute.")
            else:
                words = (
                    f"{money(received)} is written down. It is not {money(payment.amount)}: it does not count as paid"
                )
                messages.warning(request, f"{words}, and in a minute it stands below as to be sent back.")
            return None
        if refuse.is_valid():
            refuse_payment(ref=payment.ref, reason=refuse.cleaned_data["reason"], actor=actor, now=now)
            messages.success(request, "The payer has been told.")
            return None
    except GreenroomError as error:
        (approve if approve.is_bound else refuse).add_error(None, error.message)
    order = _orders([payment.order_ref]).get(payment.order_ref)
    return {
        "payment": payment,
        "order": order,
        "what": title_of(order) if order else "",
        "starts_at": _starts_at(order),
        "proofs": payment.proofs.defer("content").order_by("pk"),
        "is_over": rows.state_at(payment, now) is PayState.DEAD,
        "approve": approve,
        "refuse": refuse,
        "problems": problems_of(approve) + problems_of(refuse),
    }


def answer_refund(request: HttpRequest, refund: ManualRefund, actor: Actor) -> dict[str, Any] | None:
    """Take an answer from a POST; None when it was taken. Else return what the page shows."""
    is_impossible = "problem" in request.POST
    form = CannotSendForm(request.POST if is_impossible else None)
    if (request.method == "POST" and not is_impossible) or form.is_valid():
        problem = form.cleaned_data["problem"] if is_impossible else ""
        try:
            with unit_of_work():
                decide_refund(refund_ref=refund.ref, problem=problem, actor=actor, now=clock.now())
            messages.success(request, "Written down.")
        except GreenroomError as error:
            messages.error(request, error.message)
        return None
    order = Order.objects.filter(ref=refund.payment.order_ref).first()
    return {"refund": refund, "order": order, "form": form, "problems": problems_of(form)}


def proof_file(payment: ManualPayment, ref: str) -> HttpResponse:
    """Return a proof as a file to be saved: nothing that a stranger sent is ever shown as a page of ours.

    Raises: NotFoundError.
    """
    proof = Proof.objects.filter(payment=payment, ref=ref).first()
    if proof is None:
        raise NotFoundError
    headers = {"Content-Disposition": f'attachment; filename="{proof}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(bytes(proof.content), content_type=TYPES[proof.kind], headers=headers)
