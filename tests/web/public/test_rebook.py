"""Booking again: what is known from the last time is filled in, for those who may see it."""

from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import change
from tests.factories.accounts import make_user
from tests.factories.bookings import make_coach, make_offer
from tests.web.public.browsing import ONE, held, paid

from greenroom.bookings.models import Booking
from greenroom.bookings.queries import manage_token
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import IntakeQuestion, Offer
from greenroom.catalog.types import QuestionKind

pytestmark = pytest.mark.usefixtures("offer")
FOUR = "2026-03-04T16:00:00Z"


def initial(client: Client, booking: Booking) -> dict[str, Any]:
    values: dict[str, Any] = client.get(f"/booking/{booking.ref}/details/").context["form"].initial
    return values


def test_guest_in_the_same_browser_finds_everything_filled_in(client: Client, offer: Offer) -> None:
    IntakeQuestion.objects.create(offer=offer, key="level", label="Level?", kind=QuestionKind.SHORT_TEXT)
    IntakeQuestion.objects.create(offer=offer, key="new", label="Something new?", kind=QuestionKind.SHORT_TEXT)
    paid(client, goals="My endgames", question_level="1500")

    values = initial(client, held(client, ONE))

    assert (values["name"], values["email"], values["goals"]) == ("Ann Guest", "ann@example.org", "My endgames")
    assert values["question_level"] == "1500"
    assert "question_new" not in values
    assert values["notes"] == ""


def test_whoever_was_only_given_the_link_finds_nothing(client: Client) -> None:
    earlier = paid(client, goals="My endgames")
    friend = Client()
    friend.get(f"/manage/{manage_token(earlier)}/")

    values = initial(friend, held(friend, ONE))

    assert (values["name"], values["email"], values["goals"]) == ("", "", "")


def test_what_strangers_booked_with_somebodys_address_is_not_shown_to_them(client: Client) -> None:
    user = make_user("ann@example.org")
    booking = paid(client, goals="Planted")
    assert booking.student == user
    mine = Client()
    mine.force_login(user)

    assert initial(mine, held(mine, ONE))["goals"] == ""


def test_what_was_booked_with_another_coach_is_not_told(client: Client) -> None:
    paid(client, goals="My endgames")
    make_offer(make_coach("ilse"))

    assert initial(client, held(client, ONE, coach="ilse"))["goals"] == ""


def test_account_finds_its_own_and_keeps_its_address() -> None:
    mine = Client()
    mine.force_login(make_user("sam@example.org"))
    paid(mine, goals="My endgames")

    values = initial(mine, held(mine, ONE))

    assert (values["name"], values["email"], values["goals"]) == ("Ann Guest", "sam@example.org", "My endgames")


def test_what_is_written_now_counts_more(client: Client) -> None:
    paid(client, goals="My endgames")
    booking = held(client, FOUR)
    client.post(f"/booking/{booking.ref}/details/", {"name": "Ann", "email": "ann@else.org", "goals": ""})

    values = initial(client, booking)

    assert (values["name"], values["email"], values["goals"]) == ("Ann", "ann@else.org", "")


def test_link_to_book_again_keeps_offer_and_length(client: Client, offer: Offer) -> None:
    booking = paid(client)
    Booking.objects.update(status=BookingStatus.COMPLETED)
    change(offer, title="A call")

    answer = client.get(f"/manage/{manage_token(booking)}/")

    assert answer.context["book_again_url"] == "/book/maya/?offer=call&duration=60"
