"""A coach's yes or no: from the mail's link, and where the studio and the student see it."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from tests.bookings.steps import COACH, change, confirmed, fresh, refunds, snapshot
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock
from tests.web.public.browsing import said

from greenroom.bookings import services
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.queries import answer_token, manage_token
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core import clock

S = BookingStatus


@pytest.fixture
def asked(coach: Coach) -> Booking:
    offer = make_offer(coach)
    change(offer, approval_hours=24)
    return confirmed(offer)


@pytest.fixture
def page(asked: Booking) -> str:
    return f"/requests/{answer_token(asked)}/"


def test_page_shows_who_asks_and_changes_nothing(client: Client, page: str) -> None:
    before = snapshot()

    answer = client.get(page)

    assert answer.status_code == HTTPStatus.OK
    assert "would like to book A call" in said(answer)
    assert "Your answer, by Tue 3 Mar, 10:00" in said(answer)
    assert "no-store" in answer["Cache-Control"]
    assert snapshot() == before


def test_accepting_by_the_link_needs_no_sign_in(client: Client, asked: Booking, page: str) -> None:
    answer = client.post(page, {"answer": "accept"}, follow=True)

    assert answer.redirect_chain == [(page, HTTPStatus.FOUND)]
    assert fresh(asked).status == S.CONFIRMED
    assert "Accepted. The student has been told" in said(answer)
    again = client.post(page, {"answer": "accept"}, follow=True)
    assert "Accepted." in said(again)


def test_declining_gives_the_reason_to_the_student(client: Client, asked: Booking, page: str) -> None:
    answer = client.post(page, {"answer": "decline", "reason": "I am away"}, follow=True)

    assert (fresh(asked).status, fresh(asked).reason, refunds()) == (
        S.CANCELLED,
        "I am away",
        [(5000, "coach_cancelled")],
    )
    assert "Declined. The student has been told" in said(answer)
    assert 'value="accept"' not in answer.content.decode()


def test_answer_after_the_time_says_so(client: Client, asked: Booking, page: str, frozen_clock: SettableClock) -> None:
    frozen_clock.advance(timedelta(hours=24))

    answer = client.post(page, {"answer": "accept"}, follow=True)

    assert "The time to answer is over." in said(answer)
    assert 'value="accept"' not in answer.content.decode()
    assert fresh(asked).status == S.PENDING_APPROVAL


@pytest.mark.parametrize(
    ("sent", "field"),
    [({}, "answer"), ({"answer": "maybe"}, "answer"), ({"answer": "decline", "reason": "x\x00"}, "reason")],
)
def test_bad_answers_change_nothing(client: Client, page: str, sent: dict[str, str], field: str) -> None:
    before = snapshot()

    answer = client.post(page, sent)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert list(answer.context["form"].errors) == [field]
    assert snapshot() == before


def test_other_tokens_open_nothing(client: Client, asked: Booking) -> None:
    for token in (manage_token(asked), answer_token(asked)[:-1], asked.ref, "\x00", "é"):
        assert client.get(f"/requests/{token}/").status_code == HTTPStatus.NOT_FOUND
        assert client.post(f"/requests/{token}/", {"answer": "accept"}).status_code == HTTPStatus.NOT_FOUND
    assert client.get(f"/manage/{answer_token(asked)}/").status_code == HTTPStatus.NOT_FOUND


def test_answering_needs_the_csrf_token(page: str, asked: Booking) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(page, {"answer": "accept"}).status_code == HTTPStatus.FORBIDDEN
    assert fresh(asked).status == S.PENDING_APPROVAL


def test_studio_lists_what_waits_and_leads_to_the_answer(desk: Client, asked: Booking, page: str) -> None:
    today = desk.get("/studio/")
    session = desk.get(f"/studio/sessions/{asked.ref}/")

    assert "Waiting for your answer" in said(today)
    assert f'href="{page}"' in session.content.decode()
    desk.post(page, {"answer": "accept"})
    assert "Waiting for your answer" not in said(desk.get("/studio/"))
    assert "/requests/" not in desk.get(f"/studio/sessions/{asked.ref}/").content.decode()


def test_student_reads_until_when_and_can_withdraw(client: Client, asked: Booking) -> None:
    manage = f"/manage/{manage_token(asked)}/"

    seen = client.get(manage)
    assert "answers by Tue 3 Mar, 11:00 Berlin time" in said(seen)
    assert f"{manage}cancel/" in seen.content.decode()
    assert "reschedule/" not in seen.content.decode()
    client.post(f"{manage}cancel/", {})

    assert (fresh(asked).status, refunds()) == (S.CANCELLED, [(5000, "student_cancelled")])


@pytest.mark.parametrize("venue", ["discord", "video"])
def test_session_page_of_a_request_has_no_way_in(
    client: Client, asked: Booking, venue: str, frozen_clock: SettableClock
) -> None:
    Offer.objects.update(venue=venue, video_url="https://meet.example.org/room", discord_requirement="not_required")
    CoachingSession.objects.update(venue=venue)
    client.get(f"/manage/{manage_token(asked)}/")
    Booking.objects.update(approve_by=asked.session.starts_at)
    frozen_clock.set(asked.session.starts_at - timedelta(minutes=30))

    answer = client.get(f"/session/{asked.session.ref}/")

    assert (answer.context["join"]["state"], answer.context["join"]["url"]) == ("waiting", "")
    assert "has not answered yet" in said(answer)
    assert "meet.example.org" not in answer.content.decode()
    assert "is over" not in said(answer)


def test_withdrawing_says_that_everything_comes_back(client: Client, asked: Booking) -> None:
    answer = client.get(f"/manage/{manage_token(asked)}/cancel/")

    assert "Your coach has not answered yet, so everything comes back." in said(answer)
    assert "cancellation policy" not in said(answer)


def test_confirmation_page_says_that_the_coach_decides(client: Client, asked: Booking) -> None:
    answer = client.get(f"/booking/confirmed/{asked.ref}/?token={manage_token(asked)}", follow=True)

    assert answer.context["state"] == "pending_approval"
    assert "has to say yes" in said(answer)
    services.decline_booking(booking=asked, actor=COACH, now=clock.now())
    again = client.get(f"/booking/confirmed/{asked.ref}/", follow=True)
    assert again.status_code == HTTPStatus.OK
    assert "You are booked" not in said(again)
