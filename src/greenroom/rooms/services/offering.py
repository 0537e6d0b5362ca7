"""Offering another place to meet when a room is not ready in time: once, to everybody in the session."""

from datetime import datetime

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.core import audit
from greenroom.core.actors import SYSTEM
from greenroom.core.transactions import unit_of_work
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import NewMessage
from greenroom.rooms import fallback, queries, rules
from greenroom.rooms.models import Room
from greenroom.rooms.services.turns import lock_room


def offer_fallback(room: Room, *, now: datetime) -> bool:
    """Offer another place if it is time for it and the room is not ready; True when it was done now.

    Once offered it stays, also when the room opens after all: whoever went there is not left alone. A session that
    is moved can get it anew. Locks and writes the room, and plans a mail for each person; a second call does nothing.
    """
    session = CoachingSession.objects.select_related("coach__user").get(pk=room.session_id)
    if not fallback.fallback_url(session) or not _is_due(room, session, now):
        return False
    with unit_of_work():
        mine = lock_room(room.pk)
        if not _is_due(mine, session, now):
            return False
        mine.fallback_at = now
        mine.save(update_fields=["fallback_at"])
        audit.record(actor=SYSTEM, action="room.fallback", target=mine, now=now, reason=mine.last_error)
        until = rules.closes_at(queries.session_facts(session), mine.policy)
        for message in _messages(session, now, until):
            plan_message(message, now=now)
    return True


def _is_due(room: Room, session: CoachingSession, now: datetime) -> bool:
    facts = queries.session_facts(session)
    return not fallback.was_offered(room, facts) and fallback.is_offered(room, facts, room.policy, now=now)


def _messages(session: CoachingSession, now: datetime, until: datetime) -> list[NewMessage]:
    when = f"{session.pk}:{session.sequence}"
    coach = NewMessage(
        "rooms.fallback_coach", f"rooms.fallback:{when}", session.coach.user.email, session.pk, now, until
    )
    bookings = Booking.objects.filter(session=session, status__in=queries.ENTITLED).order_by("pk")
    students = [
        NewMessage("rooms.fallback_student", f"rooms.fallback:{when}:{one.pk}", one.contact_email, one.pk, now, until)
        for one in bookings
    ]
    return [coach, *students]
