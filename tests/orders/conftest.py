"""A coach, and the instant at which the test's clock stands."""

from datetime import datetime

import pytest
from tests.factories.bookings import make_coach
from tests.factories.clock import SettableClock

from greenroom.coaches.models import Coach


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    """Monday 2 March 2026, 10:00 UTC."""
    return frozen_clock()


@pytest.fixture
def coach(db: None) -> Coach:  # noqa: ARG001 -- it writes
    """An approved coach."""
    return make_coach()
