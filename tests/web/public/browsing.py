"""The steps of a booking as a browser takes them: it presses a time, says who it is, agrees, and pays."""

from typing import Any

from django.http import HttpResponse
from django.test import Client
from tests.bookings.steps import fresh, give_money, settle

from greenroom.bookings.models import Booking

NOON = "2026-03-04T12:00:00Z"
ONE = "2026-03-04T13:00:00Z"
ANN = {"name": "Ann Guest", "email": "ann@example.org"}


def press(client: Client, starts_at: str = NOON, *, coach: str = "maya", **fields: str) -> Any:
    """Press a time on the booking page; noon on Wednesday unless told."""
    return client.post(f"/book/{coach}/", {"offer": "call", "duration": "60", "starts_at": starts_at, **fields})


def held(client: Client, starts_at: str = NOON, **fields: str) -> Booking:
    """Hold a time and return its booking."""
    answer = press(client, starts_at, **fields)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return booking_at(answer)


def booking_at(answer: HttpResponse) -> Booking:
    """Return the booking whose details page an answer leads to."""
    ref = answer["Location"].split("/")[2]
    return fresh(Booking.objects.get(ref=ref))


def described(client: Client, starts_at: str = NOON, **fields: str) -> Booking:
    """Hold a time and say who books it."""
    booking = held(client, starts_at)
    answer = client.post(f"/booking/{booking.ref}/details/", ANN | fields)
    assert (answer.status_code, answer["Location"]) == (302, f"/checkout/{booking.ref}/")
    return fresh(booking)


def pending(client: Client, starts_at: str = NOON, **fields: str) -> Booking:
    """Go on to the gateway's page."""
    booking = described(client, starts_at, **fields)
    answer = client.post(f"/checkout/{booking.ref}/", {"terms": "on"})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return fresh(booking)


def paid(client: Client, starts_at: str = NOON, **fields: str) -> Booking:
    """Book and pay."""
    booking = pending(client, starts_at, **fields)
    give_money(booking)
    return settle(booking)


def said(answer: Any) -> str:
    """Return the words of a page, with its white space folded."""
    return " ".join(answer.content.decode().split())
