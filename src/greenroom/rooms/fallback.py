"""Another place to meet, when a room is not ready in time: whether it is offered, and where it is."""

import hashlib
import hmac
from datetime import datetime

from django.conf import settings

from greenroom.bookings.models import CoachingSession
from greenroom.rooms import rules
from greenroom.rooms.models import Room
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.types import AccessState, SessionFacts

_NAME_LENGTH = 32


def fallback_url(session: CoachingSession) -> str:
    """Return where the people of a session meet instead; empty when the site has no such server.

    The name cannot be guessed: it is made with the site's secret, and a Jitsi room is open to whoever knows its name.
    """
    server = settings.ENVIRONMENT.fallback_url
    if not server:
        return ""
    secret = str(settings.SECRET_KEY).encode()
    name = hmac.new(secret, f"rooms.fallback:{session.ref}".encode(), hashlib.sha256).hexdigest()[:_NAME_LENGTH]
    return f"{server}/greenroom-{name}"


def is_offered(room: Room | None, session: SessionFacts, policy: RoomPolicy, *, now: datetime) -> bool:
    """Tell whether the people of a session are to be shown the other place at `now`; reads only.

    Also before it was written down, so that people see it when nobody works the due rows off. Once it is, it stays.
    """
    return was_offered(room, session) or (rules.is_fallback_time(session, policy, now) and not _is_ready(room))


def was_offered(room: Room | None, session: SessionFacts) -> bool:
    """Tell whether it was offered for the time at which the session is now."""
    if room is None or room.fallback_at is None:
        return False
    return room.fallback_at >= rules.fallback_at(session, room.policy)


def _is_ready(room: Room | None) -> bool:
    """Tell whether a room was opened, stands, and lets everybody in who has an account. At most two queries.

    What is known of it counts, not whether Discord answers at the moment: people who are in a room stay in it.
    """
    if room is None or room.opened_at is None:
        return False
    return room.voice_channel() is not None and not room.accesses.filter(state=AccessState.FAILED).exists()
