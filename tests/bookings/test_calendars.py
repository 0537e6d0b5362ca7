from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from icalendar import Calendar
from tests.bookings.steps import GUEST, at, confirmed, fresh

from greenroom.bookings import services
from greenroom.bookings.calendars import Method, coach_file, google_url, outlook_url, student_file
from greenroom.bookings.links import session_page_url
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.integrations.mail.protocol import Attachment


@pytest.fixture
def booking(offer: Offer) -> Booking:
    """A paid session on Wednesday, 12:00 to 13:00 UTC."""
    return confirmed(offer)


def parsed(file: Attachment) -> Calendar:
    return Calendar.from_ical(file.content)


def entry(file: Attachment) -> dict[str, str]:
    [event] = parsed(file).walk("VEVENT")
    return {name: event[name].to_ical().decode() for name in event}


def test_calendar_file_for_the_student_is_a_request(booking: Booking, now: datetime) -> None:
    file = student_file(booking, method=Method.REQUEST, now=now)

    assert (file.name, file.content_type) == ("session.ics", 'text/calendar; method=REQUEST; charset="utf-8"')
    calendar = parsed(file)
    assert (calendar["METHOD"], calendar["VERSION"], calendar["PRODID"]) == (
        "REQUEST",
        "2.0",
        "-//Greenroom//Greenroom//EN",
    )
    assert entry(file) == {
        "UID": f"{booking.session.ref}@localhost",
        "SEQUENCE": "0",
        "DTSTAMP": "20260302T100000Z",
        "DTSTART": "20260304T120000Z",
        "DTEND": "20260304T130000Z",
        "SUMMARY": "A call with Coach maya",
        "DESCRIPTION": f"Session page: {session_page_url(booking.session)}",
        "LOCATION": session_page_url(booking.session),
        "URL": session_page_url(booking.session),
        "STATUS": "CONFIRMED",
        "ORGANIZER": "mailto:hello@localhost",
        "ATTENDEE": "mailto:ann@example.org",
    }
    [event] = calendar.walk("VEVENT")
    assert (event["ATTENDEE"].params["CN"], event["ORGANIZER"].params["CN"]) == ("Ann Guest", "Coach maya")
    assert b"\n" not in file.content.replace(b"\r\n", b"")
    assert max(len(line) for line in file.content.split(b"\r\n")) <= 75


def test_calendar_entries_hold_no_key(booking: Booking, now: datetime) -> None:
    file = student_file(booking, method=Method.REQUEST, now=now)

    for text in (file.content.decode(), google_url(booking), outlook_url(booking)):
        assert "token" not in text
        assert "manage" not in text


def test_calendar_file_for_the_coach_holds_no_link_of_the_student(booking: Booking, now: datetime) -> None:
    file = coach_file(booking.session, method=Method.REQUEST, now=now)

    event = entry(file)
    assert (event["SUMMARY"], event["ATTENDEE"]) == ("A call with Ann Guest", "mailto:maya@example.org")
    assert event["DESCRIPTION"] == f"Session page: {session_page_url(booking.session)}"
    assert b"token" not in file.content
    assert b"manage" not in file.content


def test_calendar_file_of_a_move_updates_the_same_entry_and_a_cancellation_takes_it_out(
    booking: Booking, now: datetime
) -> None:
    uid = f"{booking.session.ref}@localhost"
    for hour in (15, 17):
        services.reschedule_booking(booking=booking, starts_at=at(hour), actor=GUEST, now=now)
    moved = entry(student_file(fresh(booking), method=Method.REQUEST, now=now))
    services.cancel_booking(booking=booking, actor=GUEST, now=now)
    file = student_file(fresh(booking), method=Method.CANCEL, now=now)
    cancelled = entry(file)

    assert (moved["UID"], moved["SEQUENCE"], moved["DTSTART"]) == (uid, "2", "20260304T170000Z")
    assert (cancelled["UID"], cancelled["SEQUENCE"], cancelled["STATUS"]) == (uid, "3", "CANCELLED")
    assert parsed(file)["METHOD"] == "CANCEL"


def test_calendar_file_that_is_only_offered_invites_nobody(booking: Booking, now: datetime) -> None:
    file = student_file(booking, method=Method.PUBLISH, now=now)

    assert parsed(file)["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in entry(file)


@pytest.mark.parametrize("hostile", ['Ann"\r\nATTENDEE:mailto:eve@example.org', "Ann; X=1:2, «Ann» \\n", "Ann\x0b\x00"])
def test_calendar_file_carries_hostile_names_and_titles_as_text(booking: Booking, now: datetime, hostile: str) -> None:
    booking.contact_name = hostile
    booking.coach.display_name = hostile
    booking.session.offer.title = hostile
    booking.session.coach = booking.coach
    Booking.objects.update(contact_name=hostile.replace("\x00", ""))  # PostgreSQL keeps no NUL

    for file in (
        student_file(booking, method=Method.REQUEST, now=now),
        coach_file(booking.session, method=Method.REQUEST, now=now),
    ):
        [event] = parsed(file).walk("VEVENT")
        lines = file.content.replace(b"\r\n ", b"").split(b"\r\n")
        assert len([line for line in lines if line.startswith(b"ATTENDEE")]) == 1
        assert len(lines) == 20
        assert event["SUMMARY"].startswith("Ann")


def test_calendar_links_fill_in_the_session(booking: Booking) -> None:
    google, outlook = urlsplit(google_url(booking)), urlsplit(outlook_url(booking))

    assert (google.netloc, outlook.netloc) == ("calendar.google.com", "outlook.live.com")
    assert parse_qs(google.query) == {
        "action": ["TEMPLATE"],
        "text": ["A call with Coach maya"],
        "dates": ["20260304T120000Z/20260304T130000Z"],
        "details": [f"Session page: {session_page_url(booking.session)}"],
        "location": [session_page_url(booking.session)],
    }
    asked = parse_qs(outlook.query)
    assert (asked["subject"], asked["startdt"], asked["enddt"]) == (
        ["A call with Coach maya"],
        ["2026-03-04T12:00:00Z"],
        ["2026-03-04T13:00:00Z"],
    )


def test_calendar_file_keeps_utc_across_a_clock_change(offer: Offer, now: datetime) -> None:
    booking = confirmed(offer, at(0, 30, day=29))

    event = entry(student_file(booking, method=Method.REQUEST, now=now))

    assert (event["DTSTART"], event["DTEND"]) == ("20260329T003000Z", "20260329T013000Z")
    assert booking.session.ends_at - booking.session.starts_at == timedelta(hours=1)
