"""Payments by hand for staff: the methods, what waits for an answer, what is to be sent back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from greenroom.core import clock
from greenroom.integrations.manual.models import PayMethod
from greenroom.payments.services import MethodWords, save_method
from greenroom.web.by_hand import deciding
from greenroom.web.by_hand.forms import MethodForm
from greenroom.web.ops.access import admin_of, staff_only
from greenroom.web.problems import problems_of, status_of

_NEW: dict[str, Any] = {"hours_to_pay": 48, "is_active": True}


@staff_only
@require_safe
def by_hand(request: HttpRequest) -> HttpResponse:
    """List what needs an answer, and the methods."""
    context = deciding.list_context(
        None,
        payment_url=lambda ref: reverse("ops_by_hand_payment", args=[ref]),
        refund_url=lambda ref: reverse("ops_by_hand_refund", args=[ref]),
        now=clock.now(),
    )
    return render(request, "ops/by_hand.html", context | {"methods": PayMethod.objects.order_by("pk")})


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def payment(request: HttpRequest, ref: str) -> HttpResponse:
    """Show one payment; a POST says what arrived."""
    found = deciding.get_payment(None, ref)
    context = deciding.answer_payment(request, found, admin_of(request))
    if context is None:
        return redirect("ops_by_hand")
    proof_urls = [(one, reverse("ops_by_hand_proof", args=[ref, one.ref])) for one in context["proofs"]]
    order_url = reverse("ops_order", args=[found.order_ref]) if context["order"] else ""
    context |= {"proof_urls": proof_urls, "order_url": order_url}
    return render(request, "ops/by_hand_payment.html", context, status=status_of(context["problems"]))


@staff_only
@require_safe
def proof(_request: HttpRequest, ref: str, proof_ref: str) -> HttpResponse:
    """Give a proof as a file."""
    return deciding.proof_file(deciding.get_payment(None, ref), proof_ref)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def refund(request: HttpRequest, ref: str) -> HttpResponse:
    """Show one refund; a POST says that it was sent, or why not."""
    context = deciding.answer_refund(request, deciding.get_refund(None, ref), admin_of(request))
    if context is None:
        return redirect("ops_by_hand")
    return render(request, "ops/by_hand_refund.html", context, status=status_of(context["problems"]))


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def method(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a method."""
    known = get_object_or_404(PayMethod, pk=pk) if pk else None
    names = list(MethodForm.base_fields)
    initial = {name: getattr(known, name) for name in names} if known else _NEW
    form = MethodForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        save_method(MethodWords(**form.cleaned_data), pk=pk, actor=admin_of(request), now=clock.now())
        messages.success(request, "Saved.")
        return redirect("ops_by_hand")
    problems = problems_of(form)
    context = {"form": form, "problems": problems, "method": known}
    return render(request, "ops/by_hand_method.html", context, status=status_of(problems))
