"""A coach books a client in."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock

from greenroom.bookings.links import checkout_url
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach

PAGE = "/studio/sessions/new/"
DAY = timedelta(days=1)


@pytest.fixture
def sent(offer: Offer) -> dict[str, str]:
    """What a coach fills in for Cleo, Wednesday at noon, by a link."""
    return {
        "what": str(offer.durations.get().pk),
        "on": "2026-03-04",
        "at": "12:00",
        "name": "Cleo Client",
        "email": "cleo@example.org",
        "payment": "link",
        "price": "",
        "pay_within": "48",
        "overlap_reason": "",
    }


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def anchors(answer: Any) -> list[str]:
    return [problem.anchor for problem in answer.context["problems"]]


def test_link_is_sent_and_opens_the_checkout(desk: Client, sent: dict[str, str]) -> None:
    answer = desk.post(PAGE, sent | {"price": "42.50"})

    booking = Booking.objects.get()
    assert said(answer) == ["Cleo Client gets a mail with the link. The time is kept until Wed 4 Mar, 10:00 UTC."]
    assert (booking.status, booking.price_minor, answer["Location"]) == (
        BookingStatus.HELD,
        4250,
        f"/studio/sessions/{booking.ref}/",
    )
    guest = Client()
    page = guest.get(checkout_url(booking).removeprefix("http://localhost:8000"), follow=True).content.decode()
    assert "We hold this time until" in page
    assert "data-countdown=" not in page
    assert "€42.50" in page


def test_free_booking_is_confirmed(desk: Client, sent: dict[str, str]) -> None:
    answer = desk.post(PAGE, sent | {"payment": "free"})

    assert said(answer) == ["Booked. Cleo Client gets a mail with the details."]
    assert Booking.objects.get().status == BookingStatus.CONFIRMED


def test_overlap_is_shown_and_needs_a_reason(desk: Client, sent: dict[str, str], booking: Booking) -> None:
    clash = sent | {"on": "2026-03-03", "at": "10:30", "payment": "free"}

    asked = desk.post(PAGE, clash)
    assert (asked.status_code, anchors(asked)) == (HTTPStatus.UNPROCESSABLE_ENTITY, ["id_at"])
    assert "A call, Sam Student" in " ".join(asked.content.decode().split())
    assert Booking.objects.count() == 1
    desk.post(PAGE, clash | {"overlap_reason": "They know each other."})

    assert Booking.objects.count() == 2
    assert not Booking.objects.exclude(pk=booking.pk).get().session.is_exclusive


def test_client_is_filled_in(desk: Client, booking: Booking, sent: dict[str, str]) -> None:
    Booking.objects.update(contact_tz="Asia/Tokyo")
    form = desk.get(f"{PAGE}?client={booking.ref}").context["form"]
    assert (form["name"].value(), form["email"].value()) == ("Sam Student", "guest@example.org")
    assert form["what"].value() == booking.session.offer.durations.get().pk

    desk.post(PAGE, sent | {"email": "guest@example.org"})

    assert Booking.objects.exclude(pk=booking.pk).get().contact_tz == "Asia/Tokyo"


def test_pages_lead_there(desk: Client, booking: Booking) -> None:
    assert f'href="{PAGE}"' in desk.get("/studio/sessions/").content.decode()
    client_page = desk.get(f"/studio/clients/{booking.ref}/").content.decode()
    assert f'href="{PAGE}?client={booking.ref}"' in client_page


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"what": "999999"}, "id_what"),
        ({"on": ""}, "id_on"),
        ({"at": ""}, "id_at"),
        ({"at": "25:00"}, "id_at"),
        ({"on": "2026-03-01"}, "id_at"),
        ({"name": ""}, "id_name"),
        ({"email": "nobody"}, "id_email"),
        ({"email": f"{'x' * 250}@example.org"}, "id_email"),
        ({"payment": "later"}, "id_payment"),
        ({"price": "0.10"}, "id_price"),
        ({"price": "much"}, "id_price"),
        ({"price": "9999999"}, "id_price"),
        ({"pay_within": "3"}, "id_pay_within"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    desk: Client, sent: dict[str, str], changes: dict[str, str], anchor: str
) -> None:
    answer = desk.post(PAGE, sent | changes)

    assert (answer.status_code, anchors(answer)) == (HTTPStatus.UNPROCESSABLE_ENTITY, [anchor])
    assert not Booking.objects.exists()


def test_other_coaches_offers_and_clients_are_not_there(
    desk: Client, sent: dict[str, str], frozen_clock: SettableClock, coach: Coach
) -> None:
    other = make_offer(make_coach("noah"))
    theirs = make_booking(offer=other, starts_at=frozen_clock() + DAY, now=frozen_clock())

    form = desk.get(f"{PAGE}?client={theirs.ref}").context["form"]
    answer = desk.post(PAGE, sent | {"what": str(other.durations.get().pk)})

    assert (form["name"].value(), anchors(answer)) == (None, ["id_what"])
    assert not Booking.objects.filter(coach=coach).exists()


def test_coach_takes_an_unpaid_link_back(desk: Client, sent: dict[str, str]) -> None:
    desk.post(PAGE, sent)
    booking = Booking.objects.get()
    assert (
        f'href="/studio/sessions/{booking.ref}/cancel/"'
        in desk.get(f"/studio/sessions/{booking.ref}/").content.decode()
    )

    desk.post(f"/studio/sessions/{booking.ref}/cancel/", {"reason": "Found another day."})

    booking.refresh_from_db()
    assert (booking.status, booking.cancelled_by) == (BookingStatus.CANCELLED, "coach")


@pytest.mark.parametrize("ref", ["%00", "%ED%A0%80", "nobody"])
def test_nonsense_for_a_client_is_nobody(desk: Client, offer: Offer, ref: str) -> None:
    assert desk.get(f"{PAGE}?client={ref}").status_code == HTTPStatus.OK
    assert offer.pk


def test_coach_without_an_offer_is_told(desk: Client) -> None:
    Offer.objects.all().delete()

    assert "There is no offer yet" in desk.get(PAGE).content.decode()
