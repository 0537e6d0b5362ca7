"""Payments by hand that the coach answers, where the method lets them."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from greenroom.core import clock
from greenroom.web.by_hand import deciding
from greenroom.web.problems import status_of
from greenroom.web.studio.access import Desk, coach_only

_SECTION = "orders"


@require_safe
@coach_only
def by_hand(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    context = deciding.list_context(
        desk.coach,
        payment_url=lambda ref: reverse("studio_payment", args=[ref]),
        refund_url=lambda ref: reverse("studio_payment_refund", args=[ref]),
        now=clock.now(),
    )
    return desk.draw(request, "studio/by_hand.html", context, section=_SECTION)


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def payment(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    found = deciding.get_payment(desk.coach, ref)
    context = deciding.answer_payment(request, found, desk.actor)
    if context is None:
        return redirect("studio_payments")
    context["proof_urls"] = [(one, reverse("studio_payment_proof", args=[ref, one.ref])) for one in context["proofs"]]
    status = status_of(context["problems"])
    return desk.draw(request, "studio/by_hand_payment.html", context, section=_SECTION, status=status)


@require_safe
@coach_only
def proof(_request: HttpRequest, desk: Desk, ref: str, proof_ref: str) -> HttpResponseBase:
    return deciding.proof_file(deciding.get_payment(desk.coach, ref), proof_ref)


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def refund(request: HttpRequest, desk: Desk, ref: str) -> HttpResponseBase:
    context = deciding.answer_refund(request, deciding.get_refund(desk.coach, ref), desk.actor)
    if context is None:
        return redirect("studio_payments")
    status = status_of(context["problems"])
    return desk.draw(request, "studio/by_hand_refund.html", context, section=_SECTION, status=status)
