"""Idempotency keys as Stripe keeps them (docs.stripe.com/api/idempotent_requests).

The same key with the same parameters brings the first answer again, a 500 included; with other parameters it is
an error; while the first call is being executed it is a 409. What was refused as invalid is not kept. A key is
forgotten after a day.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from greenroom.integrations.stripe.protocol import (
    GatewayConflictError,
    GatewayRejectedError,
    GatewayUnavailableError,
)
from greenroom.integrations.stripe.sandbox.faults import strikes
from greenroom.integrations.stripe.sandbox.models import IdempotencyKey

_LIFETIME = timedelta(hours=24)
_ABANDONED_AFTER = timedelta(seconds=30)
_OK, _SERVER_ERROR = 200, 500

Answer = dict[str, Any]


def answer_once(*, key: str, params: Mapping[str, object], execute: Callable[[], Answer], now: datetime) -> Answer:
    """Execute a call once and keep its answer in the same transaction, or bring the kept one again.

    A call whose process died half-way is executed after thirty seconds: nothing of it was committed.
    Raises: GatewayConflictError, GatewayRejectedError, GatewayUnavailableError.
    """
    if strikes("conflict"):
        raise GatewayConflictError("409: another request with this idempotency key is in progress.")
    digest = hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()
    row = _take(key, digest, now)
    if row.status == _OK:
        return dict(row.answer)
    if row.status == _SERVER_ERROR or strikes("server_error"):
        IdempotencyKey.objects.filter(pk=row.pk).update(status=_SERVER_ERROR)
        raise GatewayUnavailableError("500: something went wrong at the gateway.", has_answered=True)
    try:
        with transaction.atomic():
            answer = execute()
            IdempotencyKey.objects.filter(pk=row.pk).update(status=_OK, answer=answer)
    except GatewayRejectedError:
        IdempotencyKey.objects.filter(pk=row.pk).delete()
        raise
    return answer


def _take(key: str, digest: str, now: datetime) -> IdempotencyKey:
    with transaction.atomic():
        IdempotencyKey.objects.filter(key=key, started_at__lt=now - _LIFETIME).delete()
        row, is_new = IdempotencyKey.objects.select_for_update(no_key=True).get_or_create(
            key=key, defaults={"params_hash": digest, "started_at": now}
        )
        if row.params_hash != digest:
            raise GatewayRejectedError("400: this idempotency key was first used with other parameters.")
        if not is_new and not row.status:
            _take_over(row, now)
        return row


def _take_over(row: IdempotencyKey, now: datetime) -> None:
    if row.started_at > now - _ABANDONED_AFTER:
        raise GatewayConflictError("409: another request with this idempotency key is in progress.")
    row.started_at = now
    row.save(update_fields=["started_at"])
