"""A wired sandbox gateway, its faults, and the jobs that follow a payment."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.factories.clock import SettableClock

from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam
from greenroom.integrations.stripe.sandbox.faults import FAULTS
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.jobs import JOB_HANDLERS as SANDBOX_HANDLERS
from greenroom.jobs import registry
from greenroom.payments import gateways
from greenroom.payments.jobs import JOB_HANDLERS

_RECURRING = {"payments.poll", "payments.collect_events", "payments.compare_with_gateway"}


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    """The instant at which the test's clock stands."""
    return frozen_clock()


@pytest.fixture
def gateway(frozen_clock: SettableClock) -> Iterator[SandboxGateway]:  # noqa: ARG001 -- the gateway reads the clock
    """The sandbox, wired as the current gateway, with its faults armable."""
    before, known = gateways.wired(), faults.known_faults()
    wired = SandboxGateway()
    gateways.use(wired)
    faults.use({**known, Seam.PAYMENTS: FAULTS})
    yield wired
    gateways.use(*before)
    faults.use(known)


@pytest.fixture
def arm() -> Callable[[str], None]:
    """Return a function that arms one fault of the gateway once."""
    return lambda name: faults.arm(seam="payments", fault=name, count=1)


@pytest.fixture
def money_jobs(handlers: None) -> None:  # noqa: ARG001 -- restores the table
    """Register every job of payments and of the sandbox that is not recurring."""
    table = {**JOB_HANDLERS, **SANDBOX_HANDLERS}
    registry.use({kind: spec for kind, spec in table.items() if kind not in _RECURRING})


@pytest.fixture
def webhook_port(settings: Any, live_server: Any) -> int:
    """Let the sandbox deliver its callbacks to a real server on this machine."""
    port: int = live_server.thread.port
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, port=port)
    return port
