"""Addresses that older documents print: answered by the same views, or led to them."""

from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import at, change, describe, hold
from tests.factories.bookings import make_booking
from tests.factories.downloads import make_download

from greenroom.availability.models import Blackout, WeeklyWindow
from greenroom.bookings.models import Booking
from greenroom.bookings.queries import manage_token
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.models import Coach
from greenroom.coaches.types import CoachStatus
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders.models import Order
from greenroom.payments.models import PaymentAttempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def coach(offer: Offer) -> Coach:
    return offer.coach


def signed_in(coach: Coach) -> Client:
    client = Client()
    client.force_login(coach.user)
    return client


def post(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(path, body, content_type="application/json")


def test_calls_without_a_version_answer_as_those_with_one(coach: Coach) -> None:
    make_booking(offer=coach.offers.get(), starts_at=at(15), now=at(10, day=2))
    client = signed_in(coach)

    for address in (
        f"bookings?userId={coach.user_id}",
        f"availability/windows?userId={coach.user_id}",
        f"availability/slots?userId={coach.user_id}&date=2026-03-04",
    ):
        older, newer = client.get(f"/api/{address}"), client.get(f"/api/v1/{address}")
        assert (older.status_code, older.json()) == (200, newer.json()), address
        assert client.delete(f"/api/{address}").status_code == 405


def test_writes_without_a_version_do_the_same(coach: Coach) -> None:
    client = signed_in(coach)
    wanted = {"coach": "maya", "offer": "call", "starts_at": "2026-03-04T12:00:00Z"}

    window = post(client, "/api/availability/windows", {"dayOfWeek": 0, "startTime": "00:00", "endTime": "24:00"})
    closed = post(client, "/api/availability/blackouts", {"startDate": "2026-03-09", "endDate": "2026-03-10"})
    booked = post(Client(), "/api/bookings", wanted | {"name": "Ann", "email": "ann@example.org"})

    assert (window.status_code, closed.status_code, booked.status_code) == (201, 201, 201)
    assert window.json()["id"] == WeeklyWindow.objects.get(weekday=7).pk
    assert closed.json()["id"] == Blackout.objects.get().pk
    assert booked.json()["ref"] == Booking.objects.get().ref


def test_slots_by_a_coachs_number_are_those_of_the_day(coach: Coach) -> None:
    address = f"/coaching/api/coach/{coach.user_id}/slots/"

    told = Client().get(address, {"date": "2026-03-04", "tz": "Asia/Tokyo"}, follow=True)
    today = Client().get(address, follow=True)

    assert (told.status_code, today.status_code) == (200, 200)
    assert told.json() == Client().get("/api/v1/availability/slots?userId=maya&date=2026-03-04&tz=Asia/Tokyo").json()
    assert [day["date"] for day in today.json()["days"]] == ["2026-03-02"]
    assert Client().post(address).status_code == 405


@pytest.mark.parametrize(("page", "to"), [("", "/maya/?a=b"), ("book/", "/book/maya/?a=b")])
def test_pages_by_a_coachs_number_move_to_those_by_name(coach: Coach, page: str, to: str) -> None:
    answer = Client().get(f"/coaching/coach/{coach.user_id}/{page}?a=b")

    assert (answer.status_code, answer["Location"]) == (301, to)
    assert Client().get(to).status_code == 200


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_nobodys_number_is_not_found(coach: Coach, number: str) -> None:
    for address in ("coach/{}/", "coach/{}/book/", "api/coach/{}/slots/"):
        assert Client().get(f"/coaching/{address.format(number)}", follow=True).status_code == 404
    assert coach.is_public


def test_hidden_coach_is_not_found_by_number(coach: Coach) -> None:
    Coach.objects.update(status=CoachStatus.APPLIED)

    for address in ("coach/{}/", "coach/{}/book/", "api/coach/{}/slots/"):
        assert Client().get(f"/coaching/{address.format(coach.user_id)}", follow=True).status_code == 404


def test_the_other_word_for_the_confirmation_moves_to_it_with_its_key(client: Client) -> None:
    answer = client.get("/booking/confirm/abc/?token=xyz")

    assert (answer.status_code, answer["Location"]) == (301, "/booking/confirmed/abc/?token=xyz")


def test_checkout_by_an_offers_number_leads_to_where_it_is_booked_or_bought(coach: Coach) -> None:
    call, download = coach.offers.get(), make_download(coach)

    to_book = Client().get(f"/checkout/{call.pk}", follow=True)
    to_buy = Client().get(f"/checkout/{download.pk}/", follow=True)

    assert [to.partition("?")[0] for to, _ in to_book.redirect_chain] == [
        f"/checkout/{call.pk}/",
        "/maya/call/",
        "/book/maya/",
    ]
    assert [to for to, _ in to_buy.redirect_chain] == ["/maya/workbook/"]
    assert (to_book.status_code, to_buy.status_code) == (200, 200)
    assert not Order.objects.exists()
    assert Client().post(f"/checkout/{call.pk}/").status_code == 405


def test_checkout_by_a_number_of_nothing_on_sale_is_not_found(coach: Coach) -> None:
    call, download = coach.offers.get(), make_download(coach)
    change(call, status=OfferStatus.DRAFT)
    change(download, status=OfferStatus.ARCHIVED)

    for wrong in (call.pk, download.pk, 0, 999_999, 1 << 63, "9" * 300, "%00", "1%00", "workbook"):
        assert Client().get(f"/checkout/{wrong}/").status_code == 404, wrong
    change(download, status=OfferStatus.PUBLISHED)
    change(coach, status=CoachStatus.APPLIED)
    assert Client().get(f"/checkout/{download.pk}/").status_code == 404


def test_checkout_of_a_booking_is_its_call_to_pay(coach: Coach, gateway: SandboxGateway) -> None:  # noqa: ARG001 -- wired
    booking = hold(coach.offers.get())
    describe(booking)
    path = f"checkout/bookings/{booking.ref}?token={manage_token(booking)}"

    older = post(Client(), f"/api/{path}", {})

    newer = post(Client(), f"/api/v1/bookings/{booking.ref}/pay?token={manage_token(booking)}", {})
    assert (older.status_code, older.json()) == (200, newer.json())
    assert older.json()["pay_url"] == PaymentAttempt.objects.get().pay_url


def test_checkout_of_a_booking_refuses_whom_its_call_refuses(coach: Coach) -> None:
    booking = hold(coach.offers.get())
    describe(booking)
    token = manage_token(booking)

    answers = [
        (post(Client(), f"/api/checkout/bookings/{ref}", {}), status)
        for ref, status in (
            (booking.ref, 404),
            (f"{booking.ref}?token=wrong", 404),
            (f"nothing?token={token}", 404),
            (f"a%00b?token={token}", 422),
            (f"{'a' * 300}?token={token}", 422),
        )
    ]
    answers.append((Client().get(f"/api/checkout/bookings/{booking.ref}?token={token}"), 405))

    assert [(answer.status_code, answer["Content-Type"]) for answer, _ in answers] == [
        (status, "application/problem+json") for _, status in answers
    ]
    assert not PaymentAttempt.objects.exists()


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("checkout/packages/1", "Packages are not sold here yet."),
        ("checkout/packages/a%00b", "Packages are not sold here yet."),
        (f"checkout/packages/{'9' * 300}", "Packages are not sold here yet."),
        ("courses/1/checkout", "Courses are not sold here yet."),
        ("courses/a%00b/checkout", "Courses are not sold here yet."),
        ("checkout/payment-intent", "A payment begins with POST /api/v1/bookings/{ref}/pay"),
    ],
)
def test_older_call_that_does_not_exist_says_what_there_is(method: str, address: str, words: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(f"/api/{address}")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert (answer.json()["code"], answer.json()["detail"].startswith(words)) == ("not_found", True)
