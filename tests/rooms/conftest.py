"""Rooms are tested against the embedded Discord, through the real client."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock
from tests.factories.rooms import World, make_room, open_world

from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.rooms.policies import WINDOW, AccessMethod, RoomKind, RoomPolicy
from greenroom.rooms.services import request_reconcile

Book = Callable[..., Booking]


@pytest.fixture
def world(db: None, handlers: None, frozen_clock: SettableClock) -> Iterator[World]:  # noqa: ARG001 -- both are needed
    with open_world(frozen_clock) as opened:
        yield opened


@pytest.fixture
def offer(world: World) -> Offer:
    """A call of a coach who has linked Discord and is in the server."""
    coach = make_coach()
    world.link("maya.coach", user=coach.user)
    return make_offer(coach)


@pytest.fixture
def access() -> AccessMethod:
    """How rooms let people in; modules that try both ways have a fixture of this name with parameters."""
    return AccessMethod.MEMBER


@pytest.fixture
def kind() -> RoomKind:
    """What rooms are; modules that try another kind have a fixture of this name."""
    return RoomKind.VOICE


@pytest.fixture
def book(world: World, offer: Offer, access: AccessMethod, kind: RoomKind) -> Book:
    """Return a function that books a confirmed session and plans its room, as confirming a booking does.

    `student` is a sample person who links Discord with the booking; the room gets `policy`, with `access` and `kind`.
    """

    def make(starts_in: timedelta, *, student: str | None = None, policy: RoomPolicy = WINDOW) -> Booking:
        identity = world.link(student) if student is not None else None
        booking = make_booking(offer=offer, starts_at=world.now + starts_in, now=world.now, discord_identity=identity)
        make_room(booking.session, **asdict(replace(policy, access_method=access, kind=kind)))
        request_reconcile(booking.session_id, now=world.now)
        return booking

    return make
