"""The HTTP door to the due rows, for installations whose scheduler can only call an address."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from greenroom.jobs.ticker import run_until_idle

# Cron services give up after about thirty seconds.
_BUDGET = timedelta(seconds=20)


@never_cache
@csrf_exempt
@require_http_methods(["GET", "POST"])
def process_sessions(request: HttpRequest) -> JsonResponse:
    """Run what is due and say what was done. GET acts too, the one named exception: many cron services only GET.

    Answers 401 without the right bearer secret, and to everybody when CRON_SECRET is not set.
    """
    if not _is_authorised(request):
        problem = {"type": "about:blank", "title": "Unauthorized", "status": 401, "code": "unauthorized"}
        return JsonResponse(
            problem,
            status=401,
            content_type="application/problem+json",
            headers={"WWW-Authenticate": "Bearer"},
        )
    report = run_until_idle(source="cron", budget=_BUDGET)
    return JsonResponse({"done": report.done_count, "retried": report.retried_count, "failed": report.failed_count})


def _is_authorised(request: HttpRequest) -> bool:
    expected = f"Bearer {settings.CRON_SECRET}".encode()
    # A server hands the header's bytes over as Latin-1 text (PEP 3333).
    given = request.headers.get("Authorization", "").encode("latin-1", "backslashreplace")
    return bool(settings.CRON_SECRET) and secrets.compare_digest(given, expected)
