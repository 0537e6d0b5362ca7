"""Calling the API as programs do, with a stopped clock, a wired sandbox gateway and an offer."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock

from greenroom.bookings import listing
from greenroom.catalog.models import Offer
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.payments import gateways


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call answered."""

    status: int
    type: str
    body: Any
    headers: dict[str, str]


Call = Callable[..., Reply]


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    """The instant at which the test begins: Monday 2 March 2026, 10:00 UTC."""
    return frozen_clock()


@pytest.fixture
def gateway(frozen_clock: SettableClock) -> Iterator[SandboxGateway]:  # noqa: ARG001 -- the gateway reads the clock
    """The sandbox, wired as the current gateway."""
    before, wired = gateways.wired(), SandboxGateway()
    gateways.use(wired)
    yield wired
    gateways.use(*before)


@pytest.fixture
def offer(db: None, now: datetime) -> Offer:  # noqa: ARG001 -- it writes, while the clock stands
    """An hour's call for 50 EUR with a coach who is always free; starts every half hour."""
    listing._kept.clear()  # noqa: SLF001 -- earlier tests' rows had the same keys
    return make_offer()


@pytest.fixture
def call() -> Call:
    """Return a function that calls the API, as nobody in particular unless given a client."""

    def send(method: str, path: str, body: Any = None, *, client: Client | None = None, **headers: str) -> Reply:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = headers.pop("content_type", "application/json")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = (client or Client()).generic(method, f"/api/v1/{path}", content, content_type=kind, headers=named)
        is_json = answer.headers.get("Content-Type", "").partition(";")[0].endswith("json")
        return Reply(
            answer.status_code,
            answer.headers.get("Content-Type", ""),
            answer.json() if is_json else answer.content,
            dict(answer.headers),
        )

    return send
