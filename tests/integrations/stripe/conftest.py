"""The sandbox gateway by itself: no payments app, no callbacks delivered unless a test does."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from tests.factories.clock import SettableClock

from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam
from greenroom.integrations.stripe.sandbox.faults import FAULTS
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    """The instant at which the test's clock stands."""
    return frozen_clock()


@pytest.fixture
def gateway(frozen_clock: SettableClock, db: None) -> SandboxGateway:  # noqa: ARG001 -- it reads clock and tables
    """A sandbox gateway on the test's clock."""
    return SandboxGateway()


@pytest.fixture
def arm() -> Iterator[Callable[[str], None]]:
    """Return a function that arms one fault of the gateway once."""
    known = faults.known_faults()
    faults.use({**known, Seam.PAYMENTS: FAULTS})
    yield lambda name: faults.arm(seam="payments", fault=name, count=1)
    faults.use(known)
