"""A stopped clock, a wired sandbox gateway, an offer, and the jobs that follow a booking."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock
from tests.factories.jobs import do_nothing

from greenroom.bookings import listing
from greenroom.catalog.models import Offer
from greenroom.config.wiring import JOB_HANDLERS
from greenroom.core import clock
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.jobs import registry
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import HandlerSpec, Lane
from greenroom.jobs.ticker import run_until_idle
from greenroom.payments import gateways

_QUIET = ("rooms.reconcile", "stripe_sandbox.deliver_event", "stripe_sandbox.expire_checkout")


@pytest.fixture(autouse=True)
def now(frozen_clock: SettableClock) -> datetime:
    """The instant at which the test begins: Monday 2 March 2026, 10:00 UTC."""
    return frozen_clock()


@pytest.fixture(autouse=True)
def gateway() -> Iterator[SandboxGateway]:
    """The sandbox, wired as the current gateway."""
    before, wired = gateways.wired(), SandboxGateway()
    gateways.use(wired)
    yield wired
    gateways.use(*before)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Forget the free times of earlier tests: their rows are gone, and the next ones get the same keys."""
    listing._kept.clear()  # noqa: SLF001 -- in production rows do not come back


@pytest.fixture
def offer(db: None) -> Offer:  # noqa: ARG001 -- it writes
    """An hour's call for 50 EUR with a coach who is always free; starts every half hour."""
    return make_offer()


@pytest.fixture
def run_jobs(handlers: None, frozen_clock: SettableClock) -> Callable[..., None]:  # noqa: ARG001 -- restores the table
    """Return a function that runs what is due, up to `until`, at the very time at which each row falls due."""
    kept = {kind: spec for kind, spec in JOB_HANDLERS.items() if spec.every is None}
    registry.use({**kept, **dict.fromkeys(_QUIET, HandlerSpec(do_nothing, Lane.SLOW))})

    def run(until: datetime | None = None) -> None:
        end = until or clock.now()
        while True:
            run_until_idle(source="test", budget=timedelta(seconds=30))
            due = Job.objects.filter(state=JobState.DUE, due_at__lte=end).order_by("due_at").first()
            if due is None:
                break
            frozen_clock.set(max(due.due_at, clock.now()))
        frozen_clock.set(end)

    return run
