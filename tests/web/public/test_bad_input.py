"""What the booking pages answer to bad input: a clear refusal, and nothing changed."""

from http import HTTPStatus

import pytest
from django.test import Client
from tests.bookings.steps import fresh
from tests.factories.bookings import make_offer
from tests.web.public.browsing import ANN, NOON, held, press, said

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.catalog.models import IntakeQuestion, Offer, OfferDuration
from greenroom.catalog.types import OfferStatus, QuestionKind

pytestmark = pytest.mark.usefixtures("offer")


@pytest.mark.parametrize(
    "starts_at",
    [
        "",
        "soon",
        "2026-03-04",
        "2026-03-04T12:00:00",  # naive
        "2026-03-04T12:10:00Z",  # off the grid
        "2026-03-04T12:00:01Z",
        "2026-03-04T12:00:00.5Z",
        "2026-03-02T09:30:00Z",  # past
        "2026-12-04T12:00:00Z",  # beyond the horizon
        "2026-02-30T12:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2198-12-31T23:59:59Z",
        "2026-03-04T12:00:00Z\x00",
        "9" * 10_000,
        "²",
        "١٢",
    ],
)
def test_times_that_are_not_offered_are_refused(client: Client, starts_at: str) -> None:
    answer = press(client, starts_at)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "time" in said(answer)
    assert Booking.objects.count() == CoachingSession.objects.count() == 0


@pytest.mark.parametrize("name", ["offer", "duration"])
@pytest.mark.parametrize("value", ["7", "nonsense", "-60", "60.5", "9" * 5000, "²", "\x00"])
def test_offers_and_lengths_that_are_not_offered_are_refused(client: Client, name: str, value: str) -> None:
    answer = press(client, NOON, **{name: value})

    assert 400 <= answer.status_code < 500
    assert Booking.objects.count() == 0


def test_offer_taken_off_the_page_meanwhile_is_not_swapped_for_another(client: Client, offer: Offer) -> None:
    make_offer(offer.coach, slug="other", price_minor=9900)
    Offer.objects.filter(pk=offer.pk).update(status=OfferStatus.DRAFT)

    answer = press(client)

    assert 400 <= answer.status_code < 500
    assert Booking.objects.count() == 0


def test_length_taken_off_the_offer_meanwhile_is_sold_as_it_was_held(client: Client, offer: Offer) -> None:
    booking = held(client)
    OfferDuration.objects.create(offer=offer, minutes=45, price_minor=4000)
    offer.durations.get(minutes=60).delete()

    client.post(f"/booking/{booking.ref}/details/", ANN)

    order = fresh(booking).order
    assert order is not None
    assert order.total_minor == 5000


@pytest.mark.parametrize(
    "query",
    [
        "month=9999-99",
        "month=9999-12",
        "month=0000-00",
        "date=0001-01-01",
        "date=9999-12-31",
        "date=2026-02-30",
        "tz=../../x",
        "tz=/etc/passwd",
        "tz=%00",
        "tz=Europe/Berlin%00",
        "h=99",
        "h=",
        "page=-1",
        "duration=" + "9" * 5000,
        "duration=%C2%B2",
        "offer=%00",
        "month=%00",
        "date=" + "1" * 8000,
        "tz=" + "a" * 8000,
        "%00=%00",
        "a=" * 300,
        "date=%ED%A0%80",
        "month=%FF",
        "offer[]=1&offer=2",
    ],
)
@pytest.mark.parametrize("path", ["/book/maya/", "/coaches/", "/zones/", "/", "/maya/"])
def test_nonsense_in_addresses_is_as_if_it_were_not_there(client: Client, path: str, query: str) -> None:
    assert client.get(f"{path}?{query}").status_code == HTTPStatus.OK


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"starts_at": "2026-03-04T12:00:00Z"}', b"\xff\xfe", b"a=b&" * 200])
@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x"]
)
def test_other_kinds_of_body_hold_nothing(client: Client, body: bytes, kind: str) -> None:
    answer = client.generic("POST", "/book/maya/", body, kind)

    assert 400 <= answer.status_code < 500
    assert Booking.objects.count() == 0


def test_too_large_and_too_many_fields_are_refused(client: Client) -> None:
    booking = held(client)
    address = f"/booking/{booking.ref}/details/"

    large = client.post(address, ANN | {"goals": "x" * 300_000})
    many = client.generic("POST", address, b"a=1&" * 600, "application/x-www-form-urlencoded")
    long = client.post(address, ANN | {"goals": "x" * 2001})

    assert (large.status_code, many.status_code) == (400, 400)
    assert long.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert long.context["form"].errors.keys() == {"goals"}
    assert fresh(booking).order is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Ann\x00"}, "name"),
        ({"name": "Ann \u202egnp.exe"}, "name"),
        ({"email": "ann@"}, "email"),
        ({"email": "ann@example.org\r\nBcc: eve@example.org"}, "email"),
        ({"email": "ann@example.org, eve@example.org"}, "email"),
        ({"email": f"{'a' * 250}@example.org"}, "email"),
        ({"goals": "\x07"}, "goals"),
        ({"question_colour": "Green"}, "question_colour"),
        ({"question_colour": ""}, "question_colour"),
    ],
)
def test_details_name_the_field_at_fault(client: Client, offer: Offer, changes: dict[str, str], field: str) -> None:
    IntakeQuestion.objects.create(
        offer=offer, key="colour", label="Which?", kind=QuestionKind.CHOICE, is_required=True, options=["White"]
    )
    booking = held(client)

    answer = client.post(f"/booking/{booking.ref}/details/", ANN | {"question_colour": "White"} | changes)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert set(answer.context["form"].errors) == {field}
    assert fresh(booking).order is None
