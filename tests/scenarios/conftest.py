"""A shop that serves over HTTP, a gateway that calls it back there, a clock that stands, and due rows that are run."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock
from tests.factories.jobs import do_nothing
from tests.scenarios.story import Story

from greenroom.bookings import listing
from greenroom.config.wiring import JOB_HANDLERS
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam
from greenroom.integrations.stripe.sandbox.faults import FAULTS
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.jobs import JOB_HANDLERS as GATEWAYS_OWN
from greenroom.jobs import registry
from greenroom.jobs.registry import HandlerSpec, Lane
from greenroom.payments import gateways


@pytest.fixture
def story(
    transactional_db: None,  # noqa: ARG001 -- the shop's threads must see what is committed
    handlers: None,  # noqa: ARG001 -- restores the table
    frozen_clock: SettableClock,
    live_server: Any,
    settings: Any,
) -> Iterator[Story]:
    """One student, one coach and one gateway; whatever happened to them, in the end no money may be lost.

    What recurs by the clock runs only when the story says so: see `when_the_shop_asks_the_gateway`.
    """
    before, known = gateways.wired(), faults.known_faults()
    gateways.use(SandboxGateway(), ManualGateway(is_test=True))
    faults.use({**known, Seam.PAYMENTS: FAULTS})
    once = {kind: spec for kind, spec in {**JOB_HANDLERS, **GATEWAYS_OWN}.items() if spec.every is None}
    registry.use({**once, "rooms.reconcile": HandlerSpec(do_nothing, Lane.SLOW)})
    listing._kept.clear()  # noqa: SLF001 -- in production rows do not come back
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, port=live_server.thread.port)
    told = Story(make_offer(), frozen_clock, live_server.url)
    try:
        yield told
        told.then_nothing_is_lost()
    finally:
        gateways.use(*before)
        faults.use(known)
