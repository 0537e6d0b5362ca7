from decimal import Decimal
from urllib.parse import urlsplit

from babel.numbers import format_currency
from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import PayState
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.cards import cards_to_try
from greenroom.integrations.stripe.sandbox.checkouts import Try
from greenroom.integrations.stripe.sandbox.models import Checkout

_DECLINED, _NOT_A_TEST_CARD, _GONE = 402, 422, 410


class SeeOther(HttpResponseRedirect):
    """A redirect that turns a POST into a GET (RFC 9110, 15.4.4)."""

    status_code = 303


@never_cache
@csrf_exempt  # the page stands for another company's site: no session and no cookie of ours is involved
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, ref: str) -> HttpResponse:
    if not settings.SANDBOX_ENABLED:
        raise Http404
    checkout = get_object_or_404(Checkout, ref=ref)
    if request.method == "POST":
        return _answer(request, checkout, _act(request, ref))
    return _page(request, checkout, Try(checkouts.state_at(checkout, clock.now())))


def _act(request: HttpRequest, ref: str) -> Try:
    now = clock.now()
    if "bank" in request.POST:
        return checkouts.answer_bank(ref, is_approved=request.POST["bank"] == "approve", now=now)
    if "debit" in request.POST:
        return checkouts.pay_by_debit(ref, will_bounce=request.POST["debit"] == "bounce", now=now)
    return checkouts.pay_by_card(ref, request.POST.get("card", ""), now=now)


def _answer(request: HttpRequest, checkout: Checkout, result: Try) -> HttpResponse:
    if result.state in {PayState.PAID, PayState.PROCESSING}:
        return SeeOther(checkout.success_url)
    if result.state is PayState.REQUIRES_ACTION:
        return SeeOther(request.path)
    return _page(request, checkout, result)


def _page(request: HttpRequest, checkout: Checkout, result: Try) -> HttpResponse:
    context = {
        "cards": cards_to_try(),
        "checkout": checkout,
        "lines": [(line["name"], _amount(line["minor"], checkout.currency)) for line in checkout.lines],
        "result": result,
        "total": _amount(checkout.amount_minor, checkout.currency),
    }
    page = HttpResponse(render_to_string("payments_sandbox/pay.html", context), status=_status(result))
    # Browsers apply form-action to the redirect after the POST as well, and that one leaves to the shop.
    back = urlsplit(checkout.success_url)
    csp_update({"form-action": [f"{back.scheme}://{back.netloc}"]})(lambda _request: page)(request)
    return page


def _status(result: Try) -> int:
    if result.state in {PayState.DEAD, PayState.FAILED}:
        return _GONE
    if not result.words:
        return 200
    return _DECLINED if result.is_known_card else _NOT_A_TEST_CARD


def _amount(minor: int, currency: str) -> str:
    major = Decimal(minor).scaleb(-Money(minor, currency).exponent)
    return str(format_currency(major, currency, locale="en"))
