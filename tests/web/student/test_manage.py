"""A booking opened by its link: seen, moved, cancelled, and taken along as a calendar file."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar
from tests.bookings.steps import at, change, confirmed, fresh, hold, mails, occupied, refunds, snapshot
from tests.factories.accounts import make_user
from tests.factories.bookings import make_booking
from tests.factories.clock import SettableClock
from tests.web.public.browsing import held, said

from greenroom.bookings.models import Booking
from greenroom.bookings.queries import manage_token
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute, take_step
from greenroom.jobs.models import Job
from greenroom.notifications.models import Message
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import learn_disputes

TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')
PAGES = ("/manage/{}/", "/manage/{}/cancel/", "/manage/{}/reschedule/", "/manage/{}/session.ics")

pytestmark = pytest.mark.usefixtures("offer")


@pytest.mark.parametrize("status", list(BookingStatus))
@pytest.mark.parametrize("page", [*PAGES, "/session/"])
def test_link_opens_in_every_state(client: Client, offer: Offer, status: BookingStatus, page: str) -> None:
    booking = confirmed(offer)
    model = type(booking)
    changes: dict[str, object] = {
        "status": status,
        "no_show_party": "student" if status is BookingStatus.NO_SHOW else "",
    }
    if status in {BookingStatus.HELD, BookingStatus.PENDING_PAYMENT, BookingStatus.PENDING_APPROVAL}:
        changes |= {"confirmed_at": None, "approve_by": booking.session.starts_at}
    model.objects.filter(pk=booking.pk).update(**changes)
    token = manage_token(booking)

    path = f"/session/{booking.session.ref}/?token={token}" if page == "/session/" else page.format(token)

    assert client.get(path, follow=True).status_code == HTTPStatus.OK


@pytest.mark.parametrize("status", list(BookingStatus))
@pytest.mark.parametrize("page", [*PAGES, "/session/"])
def test_link_of_a_booking_without_an_order_opens_too(
    client: Client, offer: Offer, now: datetime, status: BookingStatus, page: str
) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now, status=status)
    token = manage_token(booking)

    path = f"/session/{booking.session.ref}/?token={token}" if page == "/session/" else page.format(token)

    assert client.get(path, follow=True).status_code == HTTPStatus.OK


@pytest.mark.parametrize("page", PAGES)
def test_changed_token_opens_nothing(client: Client, offer: Offer, page: str) -> None:
    booking = confirmed(offer)
    token = manage_token(booking)

    for wrong in (booking.ref, f"{token}A", token[:-1], token.swapcase(), "%00", "x.y", "a" * 5000, "%ED%A0%80", "é"):
        assert client.get(page.format(wrong)).status_code == HTTPStatus.NOT_FOUND


def test_cancelling_shows_the_refund_first_and_gives_it_once(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)
    address = f"/manage/{manage_token(booking)}/cancel/"

    shown = client.get(address)
    untouched = (fresh(booking).status, refunds())
    done = [client.post(address, {"reason": "ill", "note": "Sorry"}) for _ in range(2)]

    assert (shown.context["refund"]["amount"].minor, shown.context["refund"]["kept"].minor) == (5000, 0)
    assert untouched == (BookingStatus.CONFIRMED, [])
    assert {answer["Location"] for answer in done} == {f"/manage/{manage_token(booking)}/"}
    assert (fresh(booking).status, refunds()) == (BookingStatus.CANCELLED, [(5000, "student_cancelled")])
    assert "goes back the way you paid" in said(client.get(done[0]["Location"]))


def test_cancelling_a_disputed_payment_promises_nothing_before_the_bank_has_decided(
    client: Client, offer: Offer, frozen_clock: SettableClock
) -> None:
    booking = confirmed(offer)
    attempt = PaymentAttempt.objects.get()
    dispute = raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=frozen_clock())
    learn_disputes(attempt, now=frozen_clock())
    address = f"/manage/{manage_token(booking)}/cancel/"

    assert "nothing moves before it has decided" in said(client.get(address))
    done = said(client.post(address, {}, follow=True))

    assert "goes back once your bank has decided" in done
    take_step(dispute.ref, "win", now=frozen_clock())
    learn_disputes(attempt, now=frozen_clock())
    assert "goes back the way you paid" in said(client.get(f"/manage/{manage_token(booking)}/"))


def test_cancelling_late_gives_nothing_back(client: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    booking = confirmed(offer)
    frozen_clock.set(at(12) - timedelta(hours=23))
    address = f"/manage/{manage_token(booking)}/cancel/"

    shown = client.get(address)
    client.post(address, {})

    assert shown.context["refund"]["amount"].minor == 0
    assert (fresh(booking).status, refunds()) == (BookingStatus.CANCELLED, [])


def test_session_that_has_begun_is_not_cancelled(client: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    booking = confirmed(offer)
    frozen_clock.set(at(12))

    answer = client.post(f"/manage/{manage_token(booking)}/cancel/", {})

    assert answer.status_code == 302
    assert (fresh(booking).status, refunds()) == (BookingStatus.CONFIRMED, [])


@pytest.mark.parametrize("form", [{"reason": "<b>"}, {"note": "x" * 201}, {"note": "\x00"}])
def test_bad_words_about_a_cancellation_change_nothing(client: Client, offer: Offer, form: dict[str, str]) -> None:
    booking = confirmed(offer)

    answer = client.post(f"/manage/{manage_token(booking)}/cancel/", form)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert set(answer.context["form"].errors) == set(form)
    assert fresh(booking).status == BookingStatus.CONFIRMED


def test_moving_asks_first_and_keeps_the_payment(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)
    address = f"/manage/{manage_token(booking)}/reschedule/"

    asked = client.get(address, {"starts_at": "2026-03-05T09:30:00Z"})
    before = fresh(booking).session.starts_at
    moved = client.post(address, {"starts_at": "2026-03-05T09:30:00Z", "reason": "Ill"})

    assert "Move the session?" in said(asked)
    assert before == at(12)
    assert moved["Location"] == f"/manage/{manage_token(booking)}/"
    assert (occupied(), fresh(booking).session.sequence, refunds()) == ([at(9, 30, day=5)], 1, [])
    assert fresh(booking).move_reason == "Ill"


def test_moving_with_an_unreadable_note_asks_again_and_changes_nothing(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)
    address = f"/manage/{manage_token(booking)}/reschedule/"

    answer = client.post(address, {"starts_at": "2026-03-05T09:30:00Z", "reason": "a\x00"})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert list(answer.context["form"].errors) == ["reason"]
    assert fresh(booking).session.starts_at == at(12)


def test_moving_more_often_than_allowed_says_the_rule(client: Client, offer: Offer) -> None:
    change(offer, moves_limit=1, move_notice_hours=24)
    booking = confirmed(offer)
    manage, address = (f"/manage/{manage_token(booking)}/{page}" for page in ("", "reschedule/"))

    assert "You can move the session once until 24 hours before it starts." in said(client.get(manage))
    client.post(address, {"starts_at": "2026-03-05T09:30:00Z"})
    again = client.post(address, {"starts_at": "2026-03-05T10:30:00Z"}, follow=True)

    assert said(again).count("This session was moved once, which is as often as it can be.") == 2
    assert address not in said(again)
    assert fresh(booking).session.starts_at == at(9, 30, day=5)


def test_moving_to_a_time_taken_meanwhile_offers_three_others(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)
    hold(offer, at(15), holder="bob")

    answer = client.post(f"/manage/{manage_token(booking)}/reschedule/", {"starts_at": "2026-03-04T15:00:00Z"})

    assert answer.status_code == HTTPStatus.CONFLICT
    assert [button.value for button in answer.context["alternatives"]] == [
        "2026-03-04T13:30:00Z",
        "2026-03-04T14:00:00Z",
        "2026-03-04T16:00:00Z",
    ]
    assert fresh(booking).session.starts_at == at(12)


def test_alternatives_count_the_own_time_as_free(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)
    hold(offer, at(13), holder="bob")

    answer = client.post(f"/manage/{manage_token(booking)}/reschedule/", {"starts_at": "2026-03-04T13:00:00Z"})

    assert "2026-03-04T11:30:00Z" in [button.value for button in answer.context["alternatives"]]


@pytest.mark.parametrize(
    "starts_at",
    ["", "x", "2026-03-04T12:10:00Z", "2026-03-01T12:00:00Z", "2198-01-01T00:00:00Z", "9999-99-99T99:99:99Z", "\x00"],
)
def test_moving_to_a_time_that_is_not_offered_changes_nothing(client: Client, offer: Offer, starts_at: str) -> None:
    booking = confirmed(offer)
    before = snapshot()
    address = f"/manage/{manage_token(booking)}/reschedule/"

    seen = client.get(address, {"starts_at": starts_at})
    answer = client.post(address, {"starts_at": starts_at}, follow=True)

    assert seen.status_code == HTTPStatus.OK
    assert answer.status_code in {HTTPStatus.OK, HTTPStatus.CONFLICT}
    assert "time" in said(answer)
    assert snapshot() == before


def test_calendar_file_carries_the_session(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)

    answer = client.get(f"/manage/{manage_token(booking)}/session.ics")

    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert answer["Content-Type"].startswith("text/calendar")
    assert answer["Content-Disposition"] == 'attachment; filename="session.ics"'
    assert (event["uid"], event["sequence"]) == (f"{booking.session.ref}@localhost", 0)
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (at(12), at(13))


def test_link_remembers_itself_so_that_the_session_page_opens(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)
    client.get(f"/manage/{manage_token(booking)}/")

    assert client.get(f"/session/{booking.session.ref}/").status_code == HTTPStatus.OK
    stranger = Client()
    for ref in (booking.session.ref, "none"):  # the same whether there is such a session or not
        assert stranger.get(f"/session/{ref}/")["Location"] == f"/account/login/?next=/session/{ref}/"


def test_only_the_last_eight_links_are_kept(client: Client, offer: Offer) -> None:
    bookings = [confirmed(offer, at(hour), holder=str(hour)) for hour in range(10)]
    for booking in bookings:
        client.get(f"/manage/{manage_token(booking)}/")

    statuses = [client.get(f"/session/{booking.session.ref}/").status_code for booking in bookings]

    assert statuses == [302] * 2 + [200] * 8


@pytest.mark.parametrize("ref", ["%00", "x", "%ED%A0%80", "é", "a" * 3000])
def test_session_page_of_nonsense_is_not_found(client: Client, ref: str) -> None:
    held(client)
    client.force_login(make_user())

    assert client.get(f"/session/{ref}/").status_code == HTTPStatus.NOT_FOUND
    assert client.get(f"/booking/{ref}/details/").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("at_hour", "state"), [(9, "early"), (12, "preparing"), (16, "over")]
)  # the room opens two hours before and closes one after
def test_session_page_follows_the_clock(
    client: Client, offer: Offer, frozen_clock: SettableClock, at_hour: int, state: str
) -> None:
    booking = confirmed(offer)
    client.get(f"/manage/{manage_token(booking)}/")
    frozen_clock.set(at(at_hour))

    assert client.get(f"/session/{booking.session.ref}/").context["join"]["state"] == state


def test_session_page_shows_where_to_meet_when_the_room_is_not_ready(
    client: Client, offer: Offer, frozen_clock: SettableClock
) -> None:
    booking = confirmed(offer)
    client.get(f"/manage/{manage_token(booking)}/")
    path = f"/session/{booking.session.ref}/"
    starts_at = booking.session.starts_at
    frozen_clock.set(starts_at - timedelta(minutes=3))
    assert "Meet in this video room instead" not in client.get(path).content.decode()
    frozen_clock.set(starts_at - timedelta(minutes=2))

    page = client.get(path).content.decode()

    assert "Meet in this video room instead" in page
    assert 'href="https://meet.jit.si/greenroom-' in page
    Booking.objects.update(status=BookingStatus.CANCELLED)
    assert "meet.jit.si" not in client.get(path).content.decode()


def test_list_of_sessions_is_the_persons_own(client: Client, offer: Offer, now: datetime) -> None:
    user = make_user()
    mine = make_booking(offer=offer, starts_at=at(9), now=now, student=user)
    make_booking(offer=offer, starts_at=at(15), now=now)

    anonymous = client.get("/sessions/")
    client.force_login(user)
    page = client.get("/sessions/?page=-1")

    assert anonymous["Location"] == "/account/login/?next=/sessions/"
    assert [row["url"] for row in page.context["rows"]] == [f"/session/{mine.session.ref}/"]


@pytest.mark.parametrize(
    ("party", "words"),
    [("student", "Missed"), ("coach", "The coach did not come"), ("both", "Did not take place")],
)
def test_session_that_did_not_take_place_says_whose_absence_it_was(
    client: Client, offer: Offer, now: datetime, party: str, words: str
) -> None:
    user = make_user()
    booking = make_booking(offer=offer, starts_at=at(9), now=now, student=user)
    booking.status, booking.no_show_party = BookingStatus.NO_SHOW, party
    booking.save()
    client.force_login(user)

    for path in ("/sessions/", f"/session/{booking.session.ref}/"):
        assert f"</svg>{words}</span>" in said(client.get(path)).replace("</svg> ", "</svg>")


@pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org", "ANN@EXAMPLE.ORG"])
def test_lost_link_answers_all_addresses_alike(
    client: Client, offer: Offer, django_assert_num_queries: Callable[..., object], email: str
) -> None:
    confirmed(offer)
    client.post("/find-booking/", {"email": "first@example.org"})  # makes this browser's own limit
    with CaptureQueriesContext(connection) as asked:
        known = client.post("/find-booking/", {"email": "other@example.org"})
    jobs, messages = Job.objects.count(), Message.objects.count()

    with django_assert_num_queries(len(asked)):
        answer = client.post("/find-booking/", {"email": email})

    assert answer.status_code == known.status_code == HTTPStatus.OK
    assert TOKEN.sub(b"", answer.content) == TOKEN.sub(b"", known.content)
    assert (Job.objects.count(), Message.objects.count()) == (jobs + 1, messages + 1)


def test_lost_link_is_mailed_to_those_who_booked(client: Client, offer: Offer, run_jobs: Callable[..., None]) -> None:

    booking = confirmed(offer)
    client.post("/find-booking/", {"email": "Ann@Example.org"})
    client.post("/find-booking/", {"email": "nobody@example.org"})
    run_jobs()

    assert booking.contact_email == "ann@example.org"
    assert len(mails("ann@example.org")) == 2  # the confirmation and the links
    assert mails("nobody@example.org") == []


def test_lost_link_is_limited_by_address_and_by_email(client: Client) -> None:
    by_email = [client.post("/find-booking/", {"email": "ann@example.org"}) for _ in range(6)]
    others = [client.post("/find-booking/", {"email": f"a{number}@example.org"}) for number in range(16)]

    assert [answer.status_code for answer in by_email] == [200] * 5 + [429]
    assert by_email[-1]["Retry-After"] == "3600"
    assert [answer.status_code for answer in others] == [200] * 14 + [429] * 2


@pytest.mark.parametrize("email", ["", "x", "a@b\r\nBcc: c@d.org", "a" * 300 + "@example.org", "a@example.org\x00"])
def test_lost_link_names_a_bad_address(client: Client, email: str) -> None:
    answer = client.post("/find-booking/", {"email": email})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert set(answer.context["form"].errors) == {"email"}
    assert Message.objects.count() == 0
