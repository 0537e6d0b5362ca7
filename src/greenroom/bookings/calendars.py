"""Calendar files and links for a session (RFC 5545, RFC 5546)."""

from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from icalendar import Calendar, Event, vCalAddress

from greenroom.bookings import links
from greenroom.bookings.models import Booking
from greenroom.bookings.types import Party
from greenroom.integrations.mail.protocol import Attachment

_UTC_BASIC = "%Y%m%dT%H%M%SZ"


class Method(StrEnum):
    """What a calendar should do with the file: ask it in (again), take it out, or just offer it."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


def calendar_file(booking: Booking, *, party: Party, method: Method, now: datetime) -> Attachment:
    """Return the session as one event for one side.

    The UID stays the same for the session's life and SEQUENCE grows with every move, so that calendars update
    the entry they have (RFC 5545, 3.8.7.4). Times are UTC, which every calendar shows in its own zone.
    """
    session = booking.session
    event = Event()
    event.add("uid", f"{session.ref}@{urlsplit(settings.BASE_URL).hostname}")
    event.add("sequence", session.sequence + (method is Method.CANCEL))
    event.add("dtstamp", now)
    event.add("dtstart", session.starts_at)
    event.add("dtend", session.ends_at)
    event.add("summary", _summary(booking, party))
    event.add("description", _description(booking))
    event.add("location", links.session_page_url(booking.session))
    event.add("url", links.session_page_url(booking.session))
    event.add("status", "CANCELLED" if method is Method.CANCEL else "CONFIRMED")
    event["organizer"] = _person(parseaddr(settings.MAIL_FROM)[1], booking.coach.display_name)
    if method is not Method.PUBLISH:
        event.add("attendee", _recipient(booking, party), encode=False)
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
        "text": _summary(booking, Party.STUDENT),
        "dates": f"{session.starts_at:{_UTC_BASIC}}/{session.ends_at:{_UTC_BASIC}}",
        "details": _description(booking),
        "location": links.session_page_url(booking.session),
    }
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def outlook_url(booking: Booking) -> str:
    """Return the address that opens Outlook's calendar with the student's entry filled in."""
    session = booking.session
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": _summary(booking, Party.STUDENT),
        "startdt": f"{session.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{session.ends_at:%Y-%m-%dT%H:%M:%SZ}",
        "body": _description(booking),
        "location": links.session_page_url(booking.session),
    }
    return f"https://outlook.live.com/calendar/0/action/compose?{urlencode(query)}"


def _summary(booking: Booking, party: Party) -> str:
    other = booking.contact_name if party is Party.COACH else booking.coach.display_name
    return f"{booking.session.offer.title} with {other}"


def _description(booking: Booking) -> str:
    # Calendars are shared and synchronised: the link that can cancel stays in the mail.
    return f"Session page: {links.session_page_url(booking.session)}"


def _recipient(booking: Booking, party: Party) -> vCalAddress:
    if party is Party.COACH:
        return _person(booking.coach.user.email, booking.coach.display_name)
    return _person(booking.contact_email, booking.contact_name)


def _person(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    address.params["cn"] = name
    return address
