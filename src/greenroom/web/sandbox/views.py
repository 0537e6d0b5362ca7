"""The console's pages and the three endpoints that tests from outside use; none needs a cookie or a CSRF token.

They are mounted in the demo alone, which binds to loopback and checks Host.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from greenroom.core import clock
from greenroom.core.clock import ClockMovedBackError
from greenroom.core.errors import InvalidInputError
from greenroom.core.instants import iso, parse_instant
from greenroom.core.money import Money
from greenroom.integrations.discord.sandbox import queries as guild_queries
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.sandbox import faults
from greenroom.integrations.stripe.protocol import GatewayRejectedError
from greenroom.integrations.stripe.sandbox import disputes
from greenroom.integrations.stripe.sandbox.cards import cards_to_try
from greenroom.integrations.stripe.sandbox.queries import disputable_payments
from greenroom.jobs.services import work_arrived
from greenroom.web.sandbox.state import state

_LONGEST_STEP_SECONDS = 10 * 366 * 24 * 3600
# The slot engine and what people may type end a little later, and the clock never comes back.
_LAST_INSTANT = datetime(2190, 1, 1, tzinfo=UTC)
_STEPS = ((300, "5 minutes"), (900, "15 minutes"), (3600, "1 hour"), (86_400, "1 day"), (604_800, "1 week"))
_MAILS_A_PAGE = 25
_MOST_DISPUTABLE = 20


def _json_endpoint(view: Callable[[HttpRequest, dict[str, Any]], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """Hand a view the JSON object that was posted, and answer its errors as 422 with the field."""

    @never_cache
    @csrf_exempt
    @require_POST
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse(view(request, _posted_object(request)))
        except InvalidInputError as error:
            body = {"code": error.code, "detail": error.message, "field": error.field}
            return JsonResponse(body, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    return answer


def _posted_object(request: HttpRequest) -> dict[str, Any]:
    try:
        posted = json.loads(request.body)
    except (ValueError, RecursionError):
        raise InvalidInputError("Send a JSON object.", field="body") from None
    if not isinstance(posted, dict):
        raise InvalidInputError("Send a JSON object.", field="body")
    return posted


@never_cache
@require_safe
def state_json(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(state())


@_json_endpoint
def move_clock(_request: HttpRequest, posted: dict[str, Any]) -> dict[str, Any]:
    """Move the sandbox clock forward; what became due is worked off right after."""
    return {"now": iso(_advance(_wanted_step(posted), field="now" if "now" in posted else "advance_seconds"))}


def _wanted_step(posted: dict[str, Any]) -> timedelta:
    seconds = posted.get("advance_seconds")
    if set(posted) == {"advance_seconds"} and isinstance(seconds, int | float) and not isinstance(seconds, bool):
        if not abs(seconds) <= _LONGEST_STEP_SECONDS:
            raise InvalidInputError("Send at most ten years.", field="advance_seconds")
        return timedelta(seconds=seconds)
    if set(posted) != {"now"}:
        raise InvalidInputError("Send a number of seconds, up to ten years, or `now`.", field="advance_seconds")
    try:
        wanted = parse_instant(posted["now"])
    except ValueError as error:
        raise InvalidInputError(f"{str(error).capitalize()}.", field="now") from None
    return wanted - clock.now()


def _advance(by: timedelta, *, field: str = "seconds") -> datetime:
    if clock.now() + by > _LAST_INSTANT:
        raise InvalidInputError(f"The sandbox clock ends with {_LAST_INSTANT:%Y}.", field=field)
    try:
        moved = clock.advance(by)
    except ClockMovedBackError as error:
        raise InvalidInputError(str(error), field=field) from None
    work_arrived.set()
    return moved


@_json_endpoint
def arm_fault(_request: HttpRequest, posted: dict[str, Any]) -> dict[str, Any]:
    """Arm a fault at one seam for the next fitting calls."""
    seam, name, count = posted.get("seam"), posted.get("fault"), posted.get("count", 1)
    if not isinstance(seam, str) or not isinstance(name, str):
        raise InvalidInputError("Name a seam and a fault.", field="seam" if not isinstance(seam, str) else "fault")
    if type(count) is not int:
        raise InvalidInputError("Use a whole number.", field="count")
    faults.arm(seam=seam, fault=name, count=count)
    return {"seam": seam, "fault": name, "count": count}


@never_cache
@require_safe
def console(request: HttpRequest) -> HttpResponse:
    """Show what is simulated, and which settings replace it."""
    armed = faults.remaining()
    seams = [
        (seam.value, [(name, text, armed.get((seam.value, name), 0)) for name, text in table.items()])
        for seam, table in faults.known_faults().items()
    ]
    shown = state()
    payments = [
        (one, Money(one["amount_minor"], one["currency"]), Money(one["refunded_minor"], one["currency"]))
        for one in shown["payments"]
    ]
    context = {
        "now": clock.now(),
        "seams": seams,
        "steps": _STEPS,
        "state": shown,
        "payments": payments,
        "disputable": disputable_payments(limit=_MOST_DISPUTABLE),
        "cards": cards_to_try(),
    }
    return render(request, "sandbox/console.html", context)


@require_POST
def step_clock(request: HttpRequest) -> HttpResponse:
    """Move the clock from the console's buttons."""
    step = next((seconds for seconds, _name in _STEPS if str(seconds) == request.POST.get("seconds")), None)
    if step is not None:
        _advance(timedelta(seconds=step))
        messages.success(request, "The clock was moved. What became due is being worked off.")
    return redirect("sandbox")


@require_POST
def arm_from_console(request: HttpRequest) -> HttpResponse:
    """Arm one fault once from the console's buttons."""
    try:
        faults.arm(seam=request.POST.get("seam", ""), fault=request.POST.get("fault", ""), count=1)
    except InvalidInputError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The next fitting call meets this fault.")
    return redirect("sandbox")


@require_POST
def act_on_dispute(request: HttpRequest) -> HttpResponse:
    """Play the cardholder or the bank: dispute a payment, ask about it, decide."""
    step, now = request.POST.get("step", ""), clock.now()
    try:
        if step in {"inquire", "dispute"}:
            disputes.raise_dispute(request.POST.get("payment", ""), is_inquiry=step == "inquire", now=now)
        else:
            disputes.take_step(request.POST.get("dispute", ""), step, now=now)
    except GatewayRejectedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Done. The gateway tells Greenroom in a moment.")
    return redirect("sandbox")


@never_cache
@require_safe
def guild(request: HttpRequest) -> HttpResponse:
    """Show the simulated Discord server as one of its people would see it."""
    people = guild_queries.people()
    wanted = request.GET.get("as", "")
    chosen = next((person for person in people if str(person.id) == wanted), people[0] if people else None)
    view = guild_queries.guild_view(chosen.id) if chosen else None
    return render(request, "sandbox/guild.html", {"people": people, "chosen": chosen, "guild": view})


@require_safe
def channel(request: HttpRequest, guild_id: str, channel_id: str) -> HttpResponse:  # noqa: ARG001 -- the address names them
    """Stand in for a channel's page at Discord, where a Join button leads: show the server."""
    return guild(request)


@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """List the mails that arrived, newest first."""
    mails = DeliveredMail.objects.order_by("-pk")
    wanted = request.GET.get("to", "")
    wanted = wanted if wanted.isprintable() else ""  # PostgreSQL refuses to compare NUL
    page = Paginator(mails.filter(to=wanted) if wanted else mails, _MAILS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "sandbox/mailbox.html", {"page": page, "to": wanted})


@never_cache
@require_safe
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one mail as text."""
    return render(request, "sandbox/mail.html", {"mail": get_object_or_404(DeliveredMail, pk=pk)})
