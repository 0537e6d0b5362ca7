"""Rooms and visits."""

from datetime import datetime, timedelta
from typing import Any

from tests.core.overlap_app.models import Room, Visit
from tests.factories.clock import MONDAY


def hour(number: float) -> datetime:
    """Return the instant `number` hours after Monday's start."""
    return MONDAY + timedelta(hours=number)


def build_visit(room: Room, begins: float = 0, ends: float = 2, **values: Any) -> Visit:
    """Build, without saving, a visit of a room between two hours, occupying unless told otherwise."""
    values = {"status": "held", **values}
    return Visit(room=room, blocked_from=hour(begins), blocked_until=hour(ends), **values)


def make_visit(room: Room, begins: float = 0, ends: float = 2, **values: Any) -> Visit:
    """Save such a visit."""
    visit = build_visit(room, begins, ends, **values)
    visit.save()
    return visit
