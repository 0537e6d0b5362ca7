"""The door for the payment gateway's callbacks."""

from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from greenroom.core import clock
from greenroom.core.errors import BusyError
from greenroom.integrations.stripe.protocol import WebhookRefusedError
from greenroom.payments import services

_LARGEST_BODY = 1_048_576


@never_cache
@csrf_exempt  # callers prove themselves by the signature
@require_POST
@transaction.non_atomic_requests
def stripe(request: HttpRequest) -> JsonResponse:
    """Keep a genuine callback and answer 200 once it is committed, also when it is already kept.

    Answers 400 when it is not genuine, 413 beyond 1 MiB, and 503 when it cannot be kept: then it is sent again.
    """
    body = request.read(_LARGEST_BODY + 1)
    if len(body) > _LARGEST_BODY:
        return _problem(413, "too_large", "The body is larger than 1 MiB.")
    try:
        services.receive_event(body=body, headers=request.headers, now=clock.now())
    except WebhookRefusedError as error:
        return _problem(400, "bad_callback", str(error))
    except (BusyError, DatabaseError, InterfaceError):
        return _problem(503, "busy", "The callback could not be kept. Send it again.")
    return JsonResponse({"received": True})


def _problem(status: int, code: str, detail: str) -> JsonResponse:
    problem = {"type": "about:blank", "title": detail, "status": status, "code": code}
    headers = {"Retry-After": "30"} if status == 503 else {}  # noqa: PLR2004 -- the one status that asks for it
    return JsonResponse(problem, status=status, content_type="application/problem+json", headers=headers)
