"""Reading callbacks: from signed bytes to an envelope."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.protocol import EventEnvelope, ObjectKind, WebhookRefusedError

# What JSON can say and a database cannot keep: the character zero, and halves of surrogate pairs once it is read.
_ZERO = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_LONGEST_REF = 255  # as long as Stripe allows its references to become
_LONGEST_ACCOUNT = 64


def read_callback(body: bytes, headers: Mapping[str, str], *, secrets: Sequence[str], now: datetime) -> EventEnvelope:
    """Verify a callback and return its envelope. Raises: WebhookRefusedError, and nothing else."""
    signature.verify(body, headers.get(signature.HEADER, ""), secrets=secrets, now=now)
    try:
        return _keepable(envelope_of(_read(body.decode())))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise WebhookRefusedError("The body is no event.") from error


def _read(text: str) -> Mapping[str, Any]:
    """Return what a text says when it can be kept as it is. Raises: ValueError, RecursionError."""
    event: Mapping[str, Any] = json.loads(text, parse_constant=_refuse)
    json.dumps(event, ensure_ascii=False).encode()
    if _ZERO.search(text):
        raise ValueError("It has the character zero.")
    return event


def _keepable(envelope: EventEnvelope) -> EventEnvelope:
    refs = (envelope.event_id, envelope.object_ref, envelope.payment_ref)
    if max(map(len, refs)) > _LONGEST_REF or len(envelope.account) > _LONGEST_ACCOUNT:
        raise ValueError("A reference is too long.")
    return envelope


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON.")


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
