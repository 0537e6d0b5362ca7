"""Reading callbacks: from signed bytes to an envelope."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.protocol import EventEnvelope, ObjectKind, WebhookRefusedError


def read_callback(body: bytes, headers: Mapping[str, str], *, secrets: Sequence[str], now: datetime) -> EventEnvelope:
    """Verify a callback and return its envelope. Raises: WebhookRefusedError, and nothing else."""
    signature.verify(body, headers.get(signature.HEADER, ""), secrets=secrets, now=now)
    try:
        return envelope_of(json.loads(body.decode()))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise WebhookRefusedError("The body is no event.") from error


def envelope_of(event: Mapping[str, Any]) -> EventEnvelope:
    """Return the envelope of an event in the vendor's form.

    Raises: KeyError, TypeError, AttributeError or ValueError when it is none.
    """
    thing = event["data"]["object"]
    kind = _kind(thing["object"])
    ref = str(thing["id"])
    payment_ref = ref if kind is ObjectKind.PAYMENT else thing.get("payment_intent")
    return EventEnvelope(
        event_id=str(event["id"]),
        type=str(event["type"]),
        created_at=datetime.fromtimestamp(int(event["created"]), tz=UTC),
        is_test=not event["livemode"],
        account=str(event.get("account") or ""),
        object_kind=kind,
        object_ref=ref,
        payment_ref=str(payment_ref or ""),
        metadata={str(name): str(value) for name, value in (thing.get("metadata") or {}).items()},
        raw=event,
    )


def _kind(word: str) -> ObjectKind:
    return ObjectKind(word) if word in set(ObjectKind) else ObjectKind.OTHER
