"""The mails about a room that is not ready. Built when they are sent; None means: say nothing."""

from datetime import datetime

from greenroom.bookings import links
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
from greenroom.rooms import queries, rules
from greenroom.rooms.fallback import fallback_url
from greenroom.rooms.models import Room

_HOW = """It opens in the browser, and everybody in the session was sent the same address. \
The session page shows it too, and the Discord room should it open after all."""


def fallback_coach(message: Message, now: datetime) -> Content | None:
    """Tell the coach where the session takes place instead, and why."""
    session = CoachingSession.objects.select_related("offer").filter(pk=message.subject_id).first()
    if session is None:
        return None
    return _letter(session, links.session_page_url(session), now)


def fallback_student(message: Message, now: datetime) -> Content | None:
    """Tell a student where the session takes place instead, and why."""
    booking = Booking.objects.select_related("session__offer").filter(pk=message.subject_id).first()
    if booking is None or booking.status not in queries.ENTITLED:
        return None
    return _letter(booking.session, links.session_url(booking), now)


def _letter(session: CoachingSession, page_url: str, now: datetime) -> Content | None:
    room = Room.objects.filter(session=session).first()
    facts, url = queries.session_facts(session), fallback_url(session)
    is_over = room is None or facts.status not in rules.COUNTING or now >= rules.closes_at(facts, room.policy)
    if is_over or not url:
        return None
    letter = Letter(
        subject=f"Meet here instead: {session.offer.title}",
        opening=f"The Discord room of “{session.offer.title}” is not ready, so please meet in this video room.",
        facts=(("Video room", url),),
        paragraphs=(_HOW,),
        actions=(Action("Open the video room", url), Action("Session page", page_url)),
    )
    return render(letter)
