"""Connecting and disconnecting Discord.

`callback` is, beside the cron address, the one place where a GET changes something: OAuth 2.0 (RFC 6749, 4.1.2)
answers with a redirect. Its state was made by a POST of the same browser, is 256 random bits, and works once.
"""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from greenroom.accounts import queries, services
from greenroom.accounts.errors import CodeOverError, LinkRefusedError, WrongCodeError
from greenroom.accounts.limits import CODE_TRIES_BY_ADDRESS
from greenroom.accounts.models import LinkAttempt, User
from greenroom.accounts.paths import internal_path
from greenroom.accounts.services.callbacks import digest
from greenroom.accounts.types import LinkState
from greenroom.core import clock
from greenroom.core.actors import ActorKind
from greenroom.core.errors import NotFoundError
from greenroom.core.http import client_address
from greenroom.core.ratelimit import take
from greenroom.web.accounts.discord_flow import begin, browser_secret
from greenroom.web.accounts.forms import DiscordCodeForm
from greenroom.web.visitors import open_booking, signed_in


@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    return_path = internal_path(request.POST.get("next"))
    booking_id = None
    if request.POST.get("booking"):
        booking, actor = open_booking(request, request.POST["booking"])
        if actor.kind is ActorKind.COACH:
            raise NotFoundError  # the seat is the student's; coaches connect Discord for their account
        booking_id = booking.pk
    elif user is None:
        raise NotFoundError
    return begin(request, booking_id=booking_id, user=user, return_path=return_path)


@never_cache
@require_http_methods(["GET"])  # a HEAD must not use the state up
def callback(request: HttpRequest) -> HttpResponse:
    try:
        attempt = services.receive_callback(
            state=request.GET.get("state", ""),
            code=request.GET.get("code", ""),
            error=request.GET.get("error", ""),
            browser_secret=browser_secret(request),
            now=clock.now(),
        )
    except LinkRefusedError as error:
        response = _problem(request, error.message, error.return_path)
    else:
        response = HttpResponseRedirect(attempt.return_path)
    # This address holds a code: links of the page must not pass it on as a referrer.
    response["Referrer-Policy"] = "strict-origin"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest, ref: str) -> HttpResponse:
    attempt = queries.get_attempt(ref, browser_digest=digest(browser_secret(request)))
    if request.method == "POST" and attempt.state == LinkState.NEEDS_CODE:
        return _confirm(request, attempt)
    if attempt.state in {LinkState.LINKED, LinkState.CHECKING}:
        return HttpResponseRedirect(attempt.return_path)
    if attempt.state == LinkState.NEEDS_CODE and attempt.expires_at > clock.now():
        return _ask(request, attempt, DiscordCodeForm())
    return _problem(request, queries.problem_words(attempt), attempt.return_path)


@require_POST
@login_required
def disconnect(request: HttpRequest) -> HttpResponse:
    services.unlink(user=cast("User", request.user), now=clock.now())
    return HttpResponseRedirect(internal_path(request.POST.get("next")))


def _confirm(request: HttpRequest, attempt: LinkAttempt) -> HttpResponse:
    now = clock.now()
    take(CODE_TRIES_BY_ADDRESS, client_address(request), now=now)
    form = DiscordCodeForm(request.POST)
    if form.is_valid():
        try:
            services.confirm_code(attempt=attempt, code=form.cleaned_data["code"], now=now)
        except WrongCodeError as error:
            form.add_error("code", error.message)
        except CodeOverError as error:
            return _problem(request, error.message, attempt.return_path)
        else:
            return HttpResponseRedirect(attempt.return_path)
    return _ask(request, attempt, form, status=422)


def _ask(request: HttpRequest, attempt: LinkAttempt, form: DiscordCodeForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "back_url": attempt.return_path}
    return render(request, "accounts/discord_code.html", context, status=status)


def _problem(request: HttpRequest, words: str, back_url: str) -> HttpResponse:
    context = {"words": words, "back_url": back_url}
    return render(request, "accounts/discord_problem.html", context, status=400)
