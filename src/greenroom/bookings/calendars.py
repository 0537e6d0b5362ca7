"""Calendar files and links for a session (RFC 5545, RFC 5546)."""

from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from icalendar import Calendar, Event, vCalAddress

from greenroom.bookings import links
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.integrations.mail.protocol import Attachment

_UTC_BASIC = "%Y%m%dT%H%M%SZ"


class Method(StrEnum):
    """What a calendar should do with the file: ask it in (again), take it out, or just offer it."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


def student_file(booking: Booking, *, method: Method, now: datetime) -> Attachment:
    """Return a student's session as one event.

    The UID stays and SEQUENCE grows with every move, so that calendars update the entry they have (RFC 5545, 3.8.7.4).
    In a group, where the seat may move to another session, it is the booking's. Times are UTC, which every calendar
    shows in its own zone.
    """
    uid = booking.ref if booking.session.is_group else booking.session.ref
    event = _event(booking.session, uid, _summary(booking), booking.sequence, method, now)
    return _file(event, method, _person(booking.contact_email, booking.contact_name))


def coach_file(session: CoachingSession, *, method: Method, now: datetime) -> Attachment:
    """Return a session as one event for its coach: one entry, however many students it has."""
    event = _event(session, session.ref, _coach_summary(session), session.sequence, method, now)
    return _file(event, method, _person(session.coach.user.email, session.coach.display_name))


def _event(session: CoachingSession, uid: str, summary: str, sequence: int, method: Method, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@{urlsplit(settings.BASE_URL).hostname}")
    event.add("sequence", sequence + (method is Method.CANCEL))
    event.add("dtstamp", now)
    event.add("dtstart", session.starts_at)
    event.add("dtend", session.ends_at)
    event.add("summary", summary)
    event.add("description", _description(session))
    event.add("location", links.session_page_url(session))
    event.add("url", links.session_page_url(session))
    event.add("status", "CANCELLED" if method is Method.CANCEL else "CONFIRMED")
    event["organizer"] = _person(parseaddr(settings.MAIL_FROM)[1], session.coach.display_name)
    return event


def _file(event: Event, method: Method, recipient: vCalAddress) -> Attachment:
    if method is not Method.PUBLISH:
        event.add("attendee", recipient, encode=False)
    calendar = Calendar()
    calendar.add("prodid", "-//Greenroom//Greenroom//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method.value)
    calendar.add_component(event)
    content_type = f'text/calendar; method={method.value}; charset="utf-8"'
    return Attachment("session.ics", content_type, calendar.to_ical())


def google_url(booking: Booking) -> str:
    """Return the address that opens Google Calendar with the student's entry filled in."""
    session = booking.session
    query = {
        "action": "TEMPLATE",
        "text": _summary(booking),
        "dates": f"{session.starts_at:{_UTC_BASIC}}/{session.ends_at:{_UTC_BASIC}}",
        "details": _description(session),
        "location": links.session_page_url(booking.session),
    }
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def outlook_url(booking: Booking) -> str:
    """Return the address that opens Outlook's calendar with the student's entry filled in."""
    session = booking.session
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": _summary(booking),
        "startdt": f"{session.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{session.ends_at:%Y-%m-%dT%H:%M:%SZ}",
        "body": _description(session),
        "location": links.session_page_url(booking.session),
    }
    return f"https://outlook.live.com/calendar/0/action/compose?{urlencode(query)}"


def _summary(booking: Booking) -> str:
    return f"{booking.session.offer.title} with {booking.coach.display_name}"


def _coach_summary(session: CoachingSession) -> str:
    seats = list(session.bookings.order_by("pk"))
    who = f"a group of {sum(seat.is_live for seat in seats)}" if session.is_group else seats[0].contact_name
    return f"{session.offer.title} with {who}"


def _description(session: CoachingSession) -> str:
    # Calendars are shared and synchronised: the link that can cancel stays in the mail.
    return f"Session page: {links.session_page_url(session)}"


def _person(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    address.params["cn"] = name
    return address
