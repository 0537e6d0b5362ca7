"""Stripe's interface as its documentation prints it at the pinned version, over the sandbox's tables.

It answers what the adapter asks for, in Stripe's words and shapes, and refuses what Stripe refuses: parameters it does
not know, sessions that are not open, payments that nobody knows. Lists come in pages of two, newest first.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import stripe
from django.conf import settings
from django.db.models import Manager, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.test import RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.integrations.stripe.calls import API_VERSION, open_client
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.protocol import (
    CheckoutLine,
    CheckoutRequest,
    GatewayConflictError,
    GatewayRejectedError,
    GatewayUnavailableError,
    PayState,
)
from greenroom.integrations.stripe.sandbox import checkouts, refunds
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Checkout, Dispute, Event, Refund

Row = TypeVar("Row", Checkout, Refund, Dispute)

KEY = "sk_test_contract"
_PAGE = 2
_SESSION_PARAMS = {
    "mode", "payment_method_types", "adaptive_pricing", "line_items", "customer_email", "client_reference_id",
    "success_url", "cancel_url", "expires_at", "metadata", "payment_intent_data", "expand",
}  # fmt: skip
_REFUND_PARAMS = {"payment_intent", "amount", "metadata"}
# Session status, payment status, and the payment's own status.
_STATUS = {
    PayState.OPEN: ("open", "unpaid", "requires_payment_method"),
    PayState.REQUIRES_ACTION: ("open", "unpaid", "requires_action"),
    PayState.PROCESSING: ("complete", "unpaid", "processing"),
    PayState.PAID: ("complete", "paid", "succeeded"),
    PayState.FAILED: ("complete", "unpaid", "requires_payment_method"),
    PayState.DEAD: ("expired", "unpaid", "canceled"),
}


class StripeSaysNoError(Exception):
    def __init__(self, status: int, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind


def answering(view: Callable[..., dict[str, Any]]) -> Callable[..., HttpResponse]:
    """Check what Stripe checks of every request, and print its errors as Stripe does."""

    @csrf_exempt
    def answer(request: HttpRequest, **kwargs: str) -> HttpResponse:
        if request.headers.get("Authorization") != f"Bearer {KEY}" or request.headers["Stripe-Version"] != API_VERSION:
            return problem(401, "Invalid API Key provided")
        try:
            return JsonResponse(view(request, **kwargs))
        except StripeSaysNoError as error:
            return problem(error.status, error.message, error.kind)
        except GatewayConflictError as error:
            return problem(409, str(error), "idempotency_error")
        except GatewayRejectedError as error:
            status, _, words = str(error).rpartition(": ")
            return problem(int(status or 400), words)
        except GatewayUnavailableError as error:
            return problem(500, str(error), "api_error") if error.has_answered else HttpResponse(b"", status=503)

    return answer


def problem(status: int, message: str, kind: str = "invalid_request_error") -> HttpResponse:
    return JsonResponse({"error": {"message": message, "type": kind}}, status=status)


def nested(data: QueryDict) -> dict[str, Any]:
    """Read `a[b][0]=c` as Stripe does."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        keys = re.findall(r"[^\[\]]+", name)
        place = found
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return found


def checked(request: HttpRequest, known: set[str]) -> dict[str, Any]:
    params = nested(request.POST)
    unknown = sorted(set(params) - known)
    if unknown:
        raise StripeSaysNoError(400, f"Received unknown parameter: {unknown[0]}")
    return params


@answering
def sessions(request: HttpRequest) -> dict[str, Any]:
    params = checked(request, _SESSION_PARAMS)
    assert (params["mode"], params["payment_method_types"]) == ("payment", {"0": "card"})
    assert params["adaptive_pricing"] == {"enabled": "false"}
    items = [item["price_data"] for item in params["line_items"].values()]
    lines = [
        CheckoutLine(item["product_data"]["name"], Money(int(item["unit_amount"]), item["currency"].upper()))
        for item in items
    ]
    metadata = params["metadata"]
    assert params["payment_intent_data"] == {"metadata": metadata, "transfer_group": metadata["order_ref"]}
    asked = CheckoutRequest(
        attempt_ref=metadata.pop("attempt_ref"),
        order_ref=metadata.pop("order_ref"),
        total=Money(sum(line.amount.minor for line in lines), lines[0].amount.currency if lines else "EUR"),
        lines=lines,
        email=params["customer_email"],
        success_url=params["success_url"],
        cancel_url=params["cancel_url"],
        expires_at=datetime.fromtimestamp(int(params["expires_at"]), tz=UTC),
        metadata=metadata,
    )
    handle = SandboxGateway().create_checkout(asked, idempotency_key=request.headers["Idempotency-Key"])
    return session_of(Checkout.objects.get(ref=handle.gateway_ref), is_expanded=False)


@answering
def session(request: HttpRequest, ref: str) -> dict[str, Any]:
    SandboxGateway().fetch(ref)
    return session_of(
        find_checkout(ref), is_expanded="payment_intent.latest_charge.balance_transaction" in request.GET.values()
    )


@answering
def expire(request: HttpRequest, ref: str) -> dict[str, Any]:
    is_expanded = "payment_intent.latest_charge.balance_transaction" in request.POST.values()
    before = SandboxGateway().fetch(ref).state
    if before not in {PayState.OPEN, PayState.REQUIRES_ACTION}:
        words = f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {before}.'
        raise StripeSaysNoError(400, words)
    SandboxGateway().expire_checkout(ref)
    return session_of(find_checkout(ref), is_expanded=is_expanded)


@answering
def all_refunds(request: HttpRequest) -> dict[str, Any]:
    if request.method == "GET" and "payment_intent" not in request.GET:
        assert request.GET["expand[0]"] == "data.payment_intent"
        return page_of(request, [refund_object(row) | whole_payment(row) for row in began(request, Refund.objects)])
    if request.method == "GET":
        wanted = request.GET["payment_intent"]
        if not Checkout.objects.filter(payment_ref=wanted).exists():
            raise StripeSaysNoError(404, f"No such payment_intent: '{wanted}'")
        rows = Refund.objects.filter(checkout__payment_ref=wanted).order_by("-pk")
        return page_of(request, [refund_object(row) for row in rows])
    params = checked(request, _REFUND_PARAMS)
    checkout = Checkout.objects.filter(payment_ref=params["payment_intent"]).first()
    amount = Money(int(params["amount"]), checkout.captured_currency or "EUR" if checkout else "EUR")
    snapshot = SandboxGateway().refund(
        params["payment_intent"],
        amount,
        idempotency_key=request.headers["Idempotency-Key"],
        metadata=params.get("metadata", {}),
    )
    row = Refund.objects.get(ref=snapshot.refund_ref)
    return refund_object(row) | {"status": snapshot.state.value}


@answering
def one_refund(_request: HttpRequest, ref: str) -> dict[str, Any]:
    SandboxGateway().fetch_refund(ref)
    return refund_object(Refund.objects.get(ref=ref))


@answering
def events(request: HttpRequest) -> dict[str, Any]:
    since = datetime.fromtimestamp(int(request.GET["created[gte]"]), tz=UTC)
    types = [value for name, value in request.GET.items() if name.startswith("types")]
    rows = Event.objects.filter(created_at__gte=since, type__in=types).order_by("-pk")
    return page_of(request, [json.loads(row.body) for row in rows])


def find_checkout(ref: str) -> Checkout:
    return Checkout.objects.get(ref=ref)


def session_of(checkout: Checkout, *, is_expanded: bool) -> dict[str, Any]:
    state = checkouts.state_at(checkout, clock.now())
    status, payment_status, _ = _STATUS[state]
    is_sent_off = state is not PayState.OPEN or bool(checkout.problem)
    payment = payment_of(checkout, state) if is_sent_off and is_expanded else checkout.payment_ref
    return {
        "id": checkout.ref,
        "object": "checkout.session",
        "amount_subtotal": checkout.amount_minor,
        "amount_total": checkout.amount_minor,
        "currency": checkout.currency.lower(),
        "expires_at": int(checkout.expires_at.timestamp()),
        "livemode": False,
        "metadata": checkout.metadata,
        "payment_intent": payment if is_sent_off else None,
        "payment_status": payment_status,
        "status": status,
        "url": checkouts.pay_url(checkout.ref) if status == "open" else None,
    }


def payment_of(checkout: Checkout, state: PayState) -> dict[str, Any]:
    captured = checkouts.captured(checkout)
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount_refunded": refunds.refunded(checkout).minor,
        "balance_transaction": balance_transaction_of(checkout),
    }
    error = {"code": checkout.problem, "type": "card_error"} if checkout.problem else None
    return {
        "id": checkout.payment_ref,
        "object": "payment_intent",
        "amount": checkout.amount_minor,
        "amount_received": captured.minor,
        "currency": captured.currency.lower(),
        "last_payment_error": error,
        "latest_charge": charge if state is PayState.PAID else None,
        "livemode": False,
        "metadata": checkout.metadata,
        "status": _STATUS[state][2],
    }


def balance_transaction_of(checkout: Checkout) -> dict[str, Any] | None:
    fee = checkouts.fee(checkout)
    if fee is None:
        return None
    return {"id": "txn_1", "object": "balance_transaction", "fee": fee.minor, "currency": fee.currency.lower()}


def refund_object(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.ref,
        "object": "refund",
        "amount": refund.amount_minor,
        "currency": refund.checkout.captured_currency.lower(),
        "metadata": refund.metadata,
        "payment_intent": refund.checkout.payment_ref,
        "status": refund.state,
        **({"failure_reason": refund.problem} if refund.problem else {}),
    }


def page_of(request: HttpRequest, things: Sequence[dict[str, Any]]) -> dict[str, Any]:
    after = request.GET.get("starting_after")
    first = next((place + 1 for place, thing in enumerate(things) if thing["id"] == after), 0)
    return {
        "object": "list",
        "data": list(things[first : first + _PAGE]),
        "has_more": len(things) > first + _PAGE,
        "url": request.path,
    }


@answering
def payments(request: HttpRequest) -> dict[str, Any]:
    assert request.GET["expand[0]"] == "data.latest_charge.balance_transaction"
    rows = began(request, Checkout.objects)
    return page_of(request, [payment_of(row, checkouts.state_at(row, clock.now())) for row in rows])


def began(request: HttpRequest, rows: Manager[Row]) -> QuerySet[Row]:
    since, until = (datetime.fromtimestamp(int(request.GET[f"created[{end}]"]), tz=UTC) for end in ("gte", "lt"))
    assert request.GET["limit"] == "100"
    return rows.filter(created_at__gte=since, created_at__lt=until).order_by("-pk")


def whole_payment(row: Refund | Dispute) -> dict[str, Any]:
    return {"payment_intent": payment_of(row.checkout, checkouts.state_at(row.checkout, clock.now()))}


@answering
def disputes(request: HttpRequest) -> dict[str, Any]:
    if "payment_intent" not in request.GET:
        assert request.GET["expand[0]"] == "data.payment_intent"
        return page_of(request, [dispute_of(row) | whole_payment(row) for row in began(request, Dispute.objects)])
    wanted = request.GET["payment_intent"]
    if not Checkout.objects.filter(payment_ref=wanted).exists():
        raise StripeSaysNoError(404, f"No such payment_intent: '{wanted}'")
    rows = Dispute.objects.filter(checkout__payment_ref=wanted).order_by("-pk")
    return page_of(request, [dispute_of(row) for row in rows])


@answering
def dispute(_request: HttpRequest, ref: str) -> dict[str, Any]:
    SandboxGateway().fetch_dispute(ref)
    return dispute_of(Dispute.objects.get(ref=ref))


def dispute_of(row: Dispute) -> dict[str, Any]:
    currency = row.checkout.captured_currency.lower()
    moved = [-row.withdrawn_minor, row.reinstated_minor]
    return {
        "id": row.ref,
        "object": "dispute",
        "amount": row.amount_minor,
        "balance_transactions": [
            {"id": f"txn_{place}", "amount": number, "currency": currency, "fee": fee, "net": number - fee}
            for place, (number, fee) in enumerate(zip(moved, (1500, 0), strict=True))
            if number
        ],
        "created": int(row.created_at.timestamp()),
        "currency": currency,
        "evidence_details": {"due_by": int(row.evidence_due_at.timestamp()) if row.evidence_due_at else None},
        "metadata": {},
        "payment_intent": row.checkout.payment_ref,
        "reason": row.reason,
        "status": row.status,
    }


ENDPOINTS: list[dict[str, Any]] = []


@answering
def account(_request: HttpRequest) -> dict[str, Any]:
    return {
        "id": "acct_1",
        "object": "account",
        "business_profile": {"name": "Ilse's Chess"},
        "charges_enabled": True,
        "country": "NL",
        "default_currency": "eur",
        "email": None,
    }


@answering
def endpoints(request: HttpRequest) -> dict[str, Any]:
    if request.method == "GET":
        return page_of(request, ENDPOINTS[::-1])
    params = checked(request, {"url", "enabled_events", "api_version", "description"})
    if not params["url"].startswith("https://"):
        raise StripeSaysNoError(400, "Invalid URL: An explicit scheme (such as https) must be provided.")
    made = {
        "id": f"we_{len(ENDPOINTS) + 1}",
        "object": "webhook_endpoint",
        "api_version": params["api_version"],
        "enabled_events": list(params["enabled_events"].values()),
        "status": "enabled",
        "url": params["url"],
    }
    ENDPOINTS.append(made)
    return made | {"secret": f"whsec_of_{made['id']}"}


@answering
def endpoint(request: HttpRequest, ref: str) -> dict[str, Any]:
    assert request.method == "DELETE"
    ENDPOINTS[:] = [one for one in ENDPOINTS if one["id"] != ref]
    return {"id": ref, "object": "webhook_endpoint", "deleted": True}


_ADDRESSES = [
    path("v1/checkout/sessions", sessions),
    path("v1/checkout/sessions/<ref>", session),
    path("v1/checkout/sessions/<ref>/expire", expire),
    path("v1/payment_intents", payments),
    path("v1/refunds", all_refunds),
    path("v1/refunds/<ref>", one_refund),
    path("v1/events", events),
    path("v1/disputes", disputes),
    path("v1/disputes/<ref>", dispute),
    path("v1/account", account),
    path("v1/webhook_endpoints", endpoints),
    path("v1/webhook_endpoints/<ref>", endpoint),
]


class InProcess(stripe.HTTPClient):
    """Carries the requests of Stripe's own client to these views, as they would arrive."""

    name = "in-process"

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        parts = urlsplit(url)
        found = next(filter(None, (one.resolve(parts.path.removeprefix("/")) for one in _ADDRESSES)))
        body = {"data": post_data or "", "content_type": "application/x-www-form-urlencoded"}
        sent = RequestFactory().generic(
            method.upper(), f"{parts.path}?{parts.query}", **body, headers=dict(headers or {})
        )
        answer = found.func(sent, **found.kwargs)
        return answer.content, answer.status_code, dict(answer.items())


def stripe_gateway() -> StripeGateway:
    """Return the adapter, connected to this Stripe, whose account has no endpoint yet."""
    ENDPOINTS.clear()
    secrets = settings.ENVIRONMENT.stripe_webhook_secrets
    return StripeGateway(KEY, lambda: secrets, client=open_client(KEY, http_client=InProcess()))
