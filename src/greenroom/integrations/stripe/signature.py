"""Stripe's scheme of signed callbacks (docs.stripe.com/webhooks/signature): `t=SECONDS,v1=HEX,v1=HEX`.

The signature is HMAC-SHA256 over "SECONDS.BODY". Several `v1` are genuine while a secret is being replaced.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from greenroom.integrations.stripe.protocol import WebhookRefusedError

HEADER = "Stripe-Signature"
TOLERANCE = timedelta(seconds=300)
_SECONDS = re.compile(r"[0-9]{1,12}\Z")


def sign(body: bytes, *, secret: str, at: datetime) -> str:
    """Return the header's value for a body that is sent at `at` (aware UTC)."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_digest(body, secret, seconds)}"


def verify(body: bytes, header: str, *, secrets: Sequence[str], now: datetime) -> None:
    """Check a header against the body, in constant time, and its time against `now` in both directions.

    Any of `secrets` will do: there are two while one is being replaced. Without any nothing is genuine.
    Stripe's own library lets times in the future pass (measured), which would keep a stolen callback usable.
    Raises: WebhookRefusedError.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not _SECONDS.match(times[0]) or not signatures:
        raise WebhookRefusedError("The signature header is missing or malformed.")
    expected = [_digest(body, secret, times[0]).encode() for secret in secrets if secret]
    given = [one.encode("utf-8", "surrogateescape") for one in signatures]
    matches = [hmac.compare_digest(one, other) for one in expected for other in given]
    if not any(matches):
        raise WebhookRefusedError("The signature does not fit the body.")
    if abs(now.timestamp() - int(times[0])) > TOLERANCE.total_seconds():
        raise WebhookRefusedError("The signature's time is too far from now.")


def _digest(body: bytes, secret: str, seconds: str) -> str:
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
