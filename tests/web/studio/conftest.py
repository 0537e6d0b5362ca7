from datetime import timedelta

import pytest
from django.test import Client
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock

from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach


@pytest.fixture
def coach(db: None, frozen_clock: SettableClock) -> Coach:  # noqa: ARG001 -- the time stands still
    """Return Maya, who works day and night in UTC; it is Monday 2 March 2026, 10:00."""
    return make_coach()


@pytest.fixture
def offer(coach: Coach) -> Offer:
    """Return Maya's only offer."""
    return make_offer(coach)


@pytest.fixture
def booking(offer: Offer, frozen_clock: SettableClock) -> Booking:
    """Return a session tomorrow at the same time."""
    return make_booking(offer=offer, starts_at=frozen_clock() + timedelta(days=1), now=frozen_clock())


@pytest.fixture
def desk(coach: Coach) -> Client:
    """Return a browser in which Maya is signed in."""
    client = Client()
    client.force_login(coach.user)
    return client
