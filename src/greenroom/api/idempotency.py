"""Idempotency keys: the same call twice is answered once."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from greenroom.api.models import IdempotentAnswer
from greenroom.api.problems import problem
from greenroom.core.http import client_address

# No call lasts this long: its process ended before it could answer.
_ABANDONED_AFTER = timedelta(minutes=2)


def answer_once(request: HttpRequest, key: str, call: Callable[[bool], HttpResponse], *, now: datetime) -> HttpResponse:
    """Answer `call(False)`, or the stored answer when the same key came with the same body before.

    Another body under the key is 422, a first call that still runs is 409 with Retry-After. A refusal is an exception
    and is not kept. A first call whose process died is made again after two minutes, as `call(True)`: what it may
    have left behind is the caller's own.
    """
    if not key:
        return call(False)
    key_digest = _digest(f"{client_address(request)} {request.path} {key}".encode())
    body_digest = _digest(request.body)
    try:
        with transaction.atomic():
            row = IdempotentAnswer.objects.create(key_digest=key_digest, body_digest=body_digest, created_at=now)
    except IntegrityError:
        known = IdempotentAnswer.objects.filter(key_digest=key_digest).first()
        if known is None:  # the first call failed just now, and kept nothing
            return _still_runs()
        if not _take_over(known, body_digest, now):
            return _replay(known, body_digest)
        return _kept_answer(known, lambda: call(True))
    return _kept_answer(row, lambda: call(False))


def _take_over(row: IdempotentAnswer, body_digest: str, now: datetime) -> bool:
    """Claim the key of a call that never ended, for the same body; one of several claimants gets it."""
    abandoned = IdempotentAnswer.objects.filter(
        pk=row.pk, body_digest=body_digest, status__isnull=True, created_at__lte=now - _ABANDONED_AFTER
    )
    return abandoned.update(created_at=now) == 1


def _kept_answer(row: IdempotentAnswer, call: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        answer = call()
    except BaseException:
        row.delete()
        raise
    row.status, row.body = answer.status_code, answer.content.decode()
    row.save(update_fields=["status", "body"])
    return answer


def _replay(row: IdempotentAnswer, body_digest: str) -> HttpResponse:
    if row.body_digest != body_digest:
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", "This key came with another body before."
        )
    if row.status is None:
        return _still_runs()
    return HttpResponse(
        row.body,
        status=row.status,
        content_type="application/json",
        headers={"Idempotent-Replayed": "true"},
    )


def _still_runs() -> HttpResponse:
    return problem(
        HTTPStatus.CONFLICT, "idempotency_in_progress", "The first call still runs.", headers={"Retry-After": "1"}
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
