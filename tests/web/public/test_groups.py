"""Booking a seat in a group, as a visitor sees it."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import GUEST, at, change, confirmed, fresh, seat
from tests.factories.accounts import make_user

from greenroom.bookings.links import session_url
from greenroom.bookings.services import reschedule_booking
from greenroom.catalog.models import Offer
from greenroom.core import clock

DAY_PAGE = "/book/maya/?offer=call&date=2026-03-04&tz=UTC"


@pytest.fixture
def group(offer: Offer) -> Offer:
    """A group of three to five, closed a day before."""
    change(offer, capacity=5, min_seats=3, notice_minutes=24 * 60)
    return offer


def seats(answer: Any) -> dict[str, int | None]:
    return {time.text: time.seats_left for part in answer.context["picker"].groups for time in part.times}


def test_picker_says_how_many_seats_are_left(client: Client, group: Offer) -> None:
    confirmed(group, at(14))

    answer = client.get(DAY_PAGE)

    assert (seats(answer)["14:00"], seats(answer)["18:00"]) == (4, 5)
    page = answer.content.decode()
    assert "4 seats left" in page
    assert "3 to 5 people" in page


def test_one_to_one_says_nothing_of_seats(client: Client, offer: Offer) -> None:
    answer = client.get(DAY_PAGE)

    assert set(seats(answer).values()) == {None}
    assert offer.capacity == 1
    assert "seats left" not in answer.content.decode()


def test_minimum_is_said_before_paying(client: Client, group: Offer) -> None:
    held = client.post("/book/maya/", {"offer": "call", "duration": 60, "starts_at": "2026-03-04T14:00:00Z"})

    page = client.get(held["Location"]).content.decode()

    assert group.min_seats == 3
    assert "takes place with at least 3 people" in page
    assert "24 hours before it starts" in page


def test_second_seat_of_an_account_is_refused_in_words(client: Client, group: Offer) -> None:
    student = make_user("ann@example.org")
    confirmed(group, at(14), student=student, holder="ann")
    client.force_login(student)

    answer = client.post(
        "/book/maya/", {"offer": "call", "duration": 60, "starts_at": "2026-03-04T14:00:00Z"}, follow=True
    )

    assert "You already have a seat in this session." in answer.content.decode()


def test_api_says_how_many_seats_are_left(client: Client, group: Offer) -> None:
    confirmed(group, at(14))
    address = "/api/v1/coaches/maya/offers/call/slots?from=2026-03-04&to=2026-03-04&tz=UTC"
    day = f"/api/v1/availability/slots?userId={group.coach.user_id}&date=2026-03-04&tz=UTC"

    for found in (client.get(address).json(), client.get(day).json()):
        left = {slot["starts_at"]: slot["seats_left"] for slot in found["days"][0]["slots"]}
        assert (left["2026-03-04T14:00:00Z"], left["2026-03-04T18:00:00Z"]) == (4, 5)
        assert "2026-03-04T14:30:00Z" not in left


def test_directory_finds_the_seat_that_is_left(client: Client, group: Offer) -> None:
    change(group, daily_limit=1, first_day=date(2026, 3, 4), last_day=date(2026, 3, 4))
    confirmed(group, at(14))

    [card] = client.get("/api/v1/coaches").json()["items"]

    assert card["next_slot"] == {"starts_at": "2026-03-04T14:00:00Z", "offer": "call"}


def test_session_of_two_is_not_called_a_group_when_its_offer_becomes_one(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)
    change(offer, capacity=6)

    page = client.get(session_url(booking).removeprefix("http://localhost:8000"), follow=True)

    assert page.status_code == 200
    assert "6 people" not in page.content.decode()


def test_mailed_link_leads_to_the_session_to_which_a_seat_moved(client: Client, group: Offer) -> None:
    ann, bob = seat(group, at(14), name="ann"), seat(group, at(14), name="bob")
    link = session_url(fresh(ann)).removeprefix("http://localhost:8000")
    reschedule_booking(booking=ann, starts_at=at(18), actor=GUEST, now=clock.now())

    answer = client.get(link)

    assert answer["Location"] == f"/session/{fresh(ann).session.ref}/"
    assert fresh(ann).session_id != bob.session_id


def test_api_does_not_tell_whose_address_holds_a_seat(client: Client, group: Offer) -> None:
    wish = {"coach": "maya", "offer": group.slug, "starts_at": "2026-03-04T14:00:00Z", "name": "X"}
    answers = [
        client.post("/api/v1/bookings", wish | {"email": email}, content_type="application/json").status_code
        for email in ("ann@example.org", "ann@example.org", "bob@example.org")
    ]

    assert answers == [201, 201, 201]
