"""What the mails say: built from what is true when they are sent, in two forms that say the same."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from tests.bookings.steps import ADMIN, COACH, GUEST, at, change, confirmed, describe, fresh, hold, snapshot
from tests.factories.bookings import make_booking

from greenroom.bookings import messages, services
from greenroom.bookings.links import manage_url, rebook_url, session_page_url, session_url
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.rules import session_status_of
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.config.wiring import MESSAGE_BUILDERS
from greenroom.core.actors import Actor
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute, take_step
from greenroom.jobs.models import Job
from greenroom.notifications.models import Message
from greenroom.notifications.services import send_message
from greenroom.notifications.types import Content
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import Form, learn_disputes, refund_in_full
from greenroom.payments.types import RefundCause

S = BookingStatus
UPDATED = {"confirmed_student", "confirmed_coach", "moved_student", "moved_coach"}
REMINDERS = {"reminder_student", "session_reminder"}
ABOUT_SESSIONS = {"session_reminder", "session_off"}
CANCELLED = {"cancelled_student", "cancelled_coach"}
ABOUT_ONE = sorted(UPDATED | REMINDERS | CANCELLED | {"unfulfillable", "sent_back"})


@pytest.fixture
def booking(offer: Offer) -> Booking:
    """A paid session on Wednesday, 12:00 to 13:00 UTC, of a student in Berlin with a coach in Tokyo."""
    offer.coach.user.time_zone = "Asia/Tokyo"
    offer.coach.user.save()
    return confirmed(offer)


def build(kind: str, booking: Booking | None, now: datetime) -> Content | None:
    subject_id = 0 if booking is None else booking.session_id if kind in ABOUT_SESSIONS else booking.pk
    message = Message(kind=f"bookings.{kind}", subject_id=subject_id, to="ann@example.org")
    return MESSAGE_BUILDERS[f"bookings.{kind}"](message, now)


def read(kind: str, booking: Booking, now: datetime) -> Content:
    content = build(kind, booking, now)
    assert content is not None
    return content


def visible(html: str) -> str:
    """Return what a person reads of a page, addresses of links included."""
    body = html[html.index("<body>") :]
    with_links = re.sub(r'<a [^>]*href="([^"]*)"[^>]*>([^<]*)</a>', r"\2 \1 ", body)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", with_links)).split())


@pytest.mark.parametrize("kind", ABOUT_ONE)
def test_text_and_html_say_the_same_with_both_zones(booking: Booking, now: datetime, kind: str) -> None:
    if kind in CANCELLED:
        services.cancel_booking(booking=booking, actor=GUEST, now=now, reason="Ill & <sorry>")
    content = read(kind, booking, now)

    page = visible(content.html)
    for line in filter(None, content.text.partition("\n-- \n")[0].splitlines()):
        said = line.strip().removesuffix(":") if line.endswith(":") else line.replace(": ", " ", 1).strip()
        assert said in page or line.strip() in page, line
    berlin, tokyo = "Europe/Berlin, GMT+1", "Asia/Tokyo, GMT+9"
    assert "Wednesday 4 March 2026, 13:00" in content.text
    assert "21:00" in content.text
    assert (berlin in content.text, tokyo in content.text) == (True, True)
    assert "&amp;" not in content.text
    assert "<sorry>" not in content.html


def test_confirmed_student_in_full(booking: Booking, now: datetime) -> None:
    content = read("confirmed_student", booking, now)

    assert content.subject == "Booked: A call, Wed 4 Mar, 13:00 Berlin time"
    assert (
        content.text.rstrip()
        == f"""Your session with Coach maya is booked.

When: Wednesday 4 March 2026, 13:00 \N{EN DASH} 14:00 (Europe/Berlin, GMT+1)
For your coach: Wednesday 4 March 2026, 21:00 (Asia/Tokyo, GMT+9)
Where: A private Discord room, opened before the session
Price: €50
100 % back until: Tuesday 3 March 2026, 13:00 (Europe/Berlin, GMT+1)

Session page:
{session_url(booking)}

Change or cancel:
{manage_url(booking)}

--{" "}
Greenroom"""
    )
    assert [file.name for file in content.attachments] == ["session.ics"]


def test_confirmed_coach_tells_what_the_student_wrote_and_no_secret(booking: Booking, now: datetime) -> None:
    booking.goals, booking.answers = "Win", [{"question": "Level?", "answer": "<b>Pro</b>"}]
    booking.save()

    content = read("confirmed_coach", booking, now)

    assert content.subject == "New booking: Ann Guest, Wed 4 Mar, 21:00 Tokyo time"
    assert "Goals: Win\nLevel?: <b>Pro</b>\n" in content.text
    assert "&lt;b&gt;Pro&lt;/b&gt;" in content.html
    assert "For your student: Wednesday 4 March 2026, 13:00 (Europe/Berlin, GMT+1)" in content.text
    assert session_page_url(booking.session) in content.text
    assert "token" not in content.text + content.html
    assert manage_url(booking) not in content.text + content.html


def test_same_zone_is_told_once(offer: Offer, now: datetime) -> None:
    booking = describe(hold(offer))
    booking.contact_tz = "UTC"
    booking.save()

    assert "For your coach" not in read("unfulfillable", booking, now).text


def test_venues_and_prices_are_in_words(booking: Booking, now: datetime) -> None:
    booking.session.venue = "video"
    booking.session.save()

    assert "\nWhere: Video call\n" in read("moved_student", booking, now).text


def test_moved_coach_reads_what_the_student_said(booking: Booking, now: datetime) -> None:
    booking.move_reason = "Ill"
    booking.save()

    assert "\nNote: Ill\n" in read("moved_coach", booking, now).text
    assert "Ill" not in read("moved_student", booking, now).text


@pytest.mark.parametrize("kind", ["confirmed_student", "moved_student"])
def test_what_cancelling_brings_back_follows_the_policy_and_the_clock(booking: Booking, kind: str) -> None:
    deadline = booking.session.starts_at - timedelta(hours=24)

    assert "\n100 % back until: Tuesday 3 March 2026, 13:00" in read(kind, booking, deadline).text
    late = read(kind, booking, deadline + timedelta(seconds=1)).text
    assert "\nIf you cancel: Nothing is refunded any more\n" in late
    assert "back until" not in late


def test_terms_never_promise_more_than_before_a_move(booking: Booking, now: datetime) -> None:
    late = booking.session.starts_at - timedelta(hours=2)
    services.reschedule_booking(booking=booking, starts_at=at(12, day=10), actor=GUEST, now=late)

    text = read("moved_student", booking, late).text

    assert services.preview_cancel(booking=fresh(booking), actor=GUEST, now=late).refund.minor == 0
    assert "back until" not in text
    assert "If you cancel: Nothing is refunded any more" in text
    assert now < late


def test_withdrawn_request_comes_without_a_calendar_entry(offer: Offer, now: datetime) -> None:
    change(offer, approval_hours=24)
    asked = confirmed(offer)
    services.cancel_booking(booking=asked, actor=GUEST, now=now)

    for kind in ("cancelled_student", "cancelled_coach"):
        assert read(kind, asked, now).attachments == ()


def test_terms_are_the_students_own_and_only_where_something_was_paid(booking: Booking, now: datetime) -> None:
    assert "back until" not in read("confirmed_coach", booking, now).text
    order = booking.order
    assert order is not None
    order.total_minor = 0
    order.save()

    assert "If you cancel" not in read("confirmed_student", booking, now).text
    assert "back until" not in read("confirmed_student", booking, now).text


@pytest.mark.parametrize(
    ("actor", "to_student", "to_coach"),
    [
        (GUEST, "Your session with Coach maya is cancelled.", "Ann Guest cancelled the session."),
        (COACH, "Coach maya cancelled the session.", "Your session with Ann Guest is cancelled."),
        (ADMIN, "Your session with Coach maya is cancelled.", "Your session with Ann Guest is cancelled."),
    ],
)
def test_cancelled_names_the_other_side_when_it_was_they(
    booking: Booking, now: datetime, actor: Actor, to_student: str, to_coach: str
) -> None:
    services.cancel_booking(booking=booking, actor=actor, now=now)

    assert read("cancelled_student", booking, now).text.splitlines()[0] == to_student
    assert read("cancelled_coach", booking, now).text.splitlines()[0] == to_coach


@pytest.mark.parametrize(
    ("minor", "total", "words"),
    [
        (5000, 5000, "€50 goes back the way you paid; banks usually show it within five to ten days."),
        (1250, 5000, "€12.50 goes back the way you paid; banks usually show it within five to ten days."),
        (0, 0, ""),
    ],
)
def test_cancelled_tells_the_student_what_goes_back(
    booking: Booking, now: datetime, minor: int, total: int, words: str
) -> None:
    services.cancel_booking(booking=booking, actor=GUEST, now=now, reason="Ill")
    booking = fresh(booking)
    booking.refund_minor = minor
    booking.save()
    assert booking.order is not None
    booking.order.total_minor = total
    booking.order.save()

    text = read("cancelled_student", booking, now).text

    about_money = [line for line in text.splitlines() if "back the way" in line or "refunded" in line]
    assert about_money == ([words] if words else [])
    assert "Reason: Ill" in text
    assert rebook_url(booking) in text
    to_coach = read("cancelled_coach", booking, now).text
    assert "goes back" not in to_coach
    assert rebook_url(booking) not in to_coach


def test_cancelled_too_late_tells_that_the_policy_gives_nothing(booking: Booking, now: datetime) -> None:
    assert now < booking.session.starts_at
    services.cancel_booking(booking=booking, actor=GUEST, now=booking.session.starts_at - timedelta(hours=1))

    assert "By the cancellation policy nothing is refunded." in read("cancelled_student", fresh(booking), now).text


def test_cancelled_after_everything_was_refunded_tells_so(booking: Booking, now: datetime) -> None:
    assert booking.order is not None
    refund_in_full(order_ref=booking.order.ref, cause=RefundCause.STAFF, actor=ADMIN, now=now)

    services.cancel_booking(booking=booking, actor=GUEST, now=now)

    assert "What you paid went back already." in read("cancelled_student", fresh(booking), now).text


def test_cancelled_tells_that_disputed_money_waits_for_the_bank(booking: Booking, now: datetime) -> None:
    attempt = PaymentAttempt.objects.get()
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    learn_disputes(attempt, now=now)

    services.cancel_booking(booking=booking, actor=GUEST, now=now)

    words = "€50 goes back once your bank has decided about the payment, unless it gave you the money itself."
    assert words in read("cancelled_student", fresh(booking), now).text


def test_cancelled_after_a_lost_dispute_tells_that_the_bank_gave_it_back(booking: Booking, now: datetime) -> None:
    attempt = PaymentAttempt.objects.get()
    dispute = raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    take_step(dispute.ref, "lose", now=now)
    learn_disputes(attempt, now=now)

    services.cancel_booking(booking=booking, actor=GUEST, now=now)

    words = "Your bank already gave you €50 of this payment, so nothing more goes back."
    text = read("cancelled_student", fresh(booking), now).text
    assert words in text
    assert "policy" not in text


def test_cancelled_by_staff_with_nothing_back_does_not_blame_the_policy(booking: Booking, now: datetime) -> None:
    services.cancel_with_refund(
        booking=booking, amount=Money(0, "EUR"), seen_left=Money(5000, "EUR"), form=Form("x", "t"), actor=ADMIN, now=now
    )

    text = read("cancelled_student", fresh(booking), now).text
    assert "Nothing is refunded." in text
    assert "policy" not in text


def test_cancelled_without_an_order_speaks_of_no_money(offer: Offer, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now, status=S.CANCELLED)

    assert "refund" not in read("cancelled_student", booking, now).text
    assert "Reason" not in read("cancelled_student", booking, now).text


@pytest.mark.parametrize("kind", ABOUT_ONE)
@pytest.mark.parametrize("status", S)
def test_mails_are_only_built_while_they_are_true(
    offer: Offer, now: datetime, kind: str, status: BookingStatus
) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now, status=status)

    is_built = build(kind, booking, now) is not None

    upcoming = status in {S.CONFIRMED, S.IN_PROGRESS}
    expected = {**dict.fromkeys(UPDATED | REMINDERS, upcoming), **dict.fromkeys(CANCELLED, status is S.CANCELLED)}
    assert is_built is expected.get(kind, True)


@pytest.mark.parametrize("kind", ABOUT_ONE)
def test_mails_about_a_booking_that_is_gone_are_not_built(db: None, now: datetime, kind: str) -> None:  # noqa: ARG001 -- it reads
    assert build(kind, None, now) is None


@pytest.mark.parametrize("kind", sorted(REMINDERS))
def test_reminders_are_not_built_once_it_has_begun(booking: Booking, kind: str) -> None:
    assert build(kind, booking, at(12)) is None
    assert read(kind, booking, at(11)).subject.startswith("In 1 hour: A call with ")


def test_reminder_of_somebody_who_wants_none_is_not_built(booking: Booking, now: datetime) -> None:
    booking.wants_reminders = False
    booking.save()

    assert build("reminder_student", booking, now) is None
    assert build("session_reminder", booking, now) is not None


@pytest.mark.parametrize("kind", ABOUT_ONE)
def test_names_and_titles_with_line_breaks_make_no_header_and_no_second_link(
    booking: Booking, now: datetime, run_jobs: Callable[..., None], kind: str
) -> None:
    hostile = "Ann\r\nBcc: eve@example.org\r\n\r\nSession page:\r\nhttp://evil.example"
    Booking.objects.update(contact_name=hostile)
    Offer.objects.update(title="Call\nBcc: eve@example.org")
    run_jobs()
    if kind in CANCELLED:
        services.cancel_booking(booking=booking, actor=GUEST, now=now)
    DeliveredMail.objects.all().delete()
    Message.objects.all().delete()
    message = Message.objects.create(
        kind=f"bookings.{kind}",
        key=kind,
        to="ann@example.org",
        subject_id=booking.session_id if kind in ABOUT_SESSIONS else booking.pk,
        message_id="<1@x>",
        created_at=now,
    )
    send_message(message, now=now)

    mail = DeliveredMail.objects.get()
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    wire = EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to]).message().as_bytes()
    assert b"\nBcc:" not in wire.partition(b"\n\n")[0]
    assert "<http" not in mail.html


def everybodys_mails(booking: Booking, now: datetime, run_jobs: Callable[..., None]) -> list[DeliveredMail]:
    services.reschedule_booking(booking=booking, starts_at=at(15, day=6), actor=GUEST, now=now)
    run_jobs(at(14, 30, day=6))
    services.mail_manage_links(email="ann@example.org", now=at(14, 30, day=6))
    run_jobs()
    services.cancel_booking(booking=booking, actor=GUEST, now=at(14, 30, day=6))
    run_jobs()
    for kind in ("unfulfillable", "sent_back"):
        late = Message.objects.create(
            kind=f"bookings.{kind}",
            key=kind,
            to="ann@example.org",
            subject_id=booking.pk,
            message_id=f"<{kind}@x>",
            created_at=now,
        )
        send_message(late, now=now)
    return list(DeliveredMail.objects.order_by("pk"))


def everything() -> dict[str, Any]:
    return {
        **snapshot(),
        "jobs": list(Job.objects.order_by("pk").values()),
        "messages": list(Message.objects.order_by("pk").values()),
        "audit": AuditEntry.objects.count(),
    }


def test_opening_the_link_of_a_request_changes_nothing(offer: Offer, run_jobs: Callable[..., None]) -> None:
    change(offer, approval_hours=24)
    confirmed(offer)
    run_jobs()
    [mail] = DeliveredMail.objects.filter(subject__startswith="Yes or no?")
    [link] = set(re.findall(r"http://localhost:\d+(/requests/[^\s\"<&]*)", mail.text + mail.html))
    before = everything()

    for method in ("get", "head"):
        assert getattr(Client(), method)(link).status_code == 200

    assert everything() == before


def test_opening_any_link_of_any_mail_changes_nothing(
    booking: Booking, now: datetime, run_jobs: Callable[..., None]
) -> None:
    mails = everybodys_mails(booking, now, run_jobs)
    kinds = Message.objects.filter(state="sent").values_list("kind", flat=True)
    assert {kind.removeprefix("bookings.") for kind in kinds} >= {*ABOUT_ONE, "manage_links"} - {"moved_coach"}
    found = {link for mail in mails for link in re.findall(r"http://localhost:\d+(/[^\s\"<&]*)", mail.text + mail.html)}
    assert len(found) >= 4
    before = everything()

    for link in sorted(found):
        for method in ("get", "head"):
            answer = getattr(Client(), method)(unescape(link), follow=True)
            assert answer.status_code < 500, link

    assert everything() == before


@pytest.mark.parametrize(
    "status", [S.HELD, S.PENDING_PAYMENT, S.PENDING_APPROVAL, S.CONFIRMED, S.CANCELLED, S.EXPIRED, S.COMPLETED]
)
def test_opening_the_pages_of_a_booking_in_any_state_changes_nothing(offer: Offer, status: BookingStatus) -> None:
    booking = confirmed(offer)
    Booking.objects.update(status=status, approve_by=at(11))
    CoachingSession.objects.update(status=session_status_of([status]))
    token = manage_url(booking).split("/")[-2]
    before = everything()

    for page in ("manage/{t}/", "manage/{t}/cancel/", "manage/{t}/reschedule/", "checkout/{r}/?token={t}"):
        answer = Client().get("/" + page.format(t=token, r=booking.ref), follow=True)
        assert answer.status_code < 500, page

    assert everything() == before


def test_manage_links_of_somebody_without_sessions_says_nothing(offer: Offer, now: datetime) -> None:
    hold(offer)

    assert messages.manage_links(SimpleNamespace(to="nobody@example.org"), now) is None  # type: ignore[arg-type]  # a row's only field
