"""Who may call, and how often."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.api.conftest import Call
from tests.bookings.steps import at, confirmed, snapshot
from tests.factories.accounts import make_user
from tests.factories.clock import SettableClock

from greenroom.accounts.models import User
from greenroom.bookings import queries
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer

pytestmark = pytest.mark.usefixtures("gateway")
WANTED = {
    "coach": "maya",
    "offer": "call",
    "starts_at": "2026-03-04T12:00:00Z",
    "name": "Ann Guest",
    "email": "ann@example.org",
}


def token_of(booking: Booking) -> str:
    return queries.manage_token(booking)


def signed_in(user: User, *, checks_csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=checks_csrf)
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("bookings", WANTED),
        ("bookings/{ref}/pay", None),
        ("bookings/{ref}/cancel", None),
        ("bookings/{ref}/reschedule", {"starts_at": "2026-03-04T15:00:00Z"}),
    ],
)
def test_calls_with_the_session_cookie_need_the_csrf_token(
    offer: Offer, call: Call, path: str, body: dict[str, str] | None
) -> None:
    student = make_user("ann@example.org")
    booking = confirmed(offer, at(18))
    client, address = signed_in(student, checks_csrf=True), path.format(ref=booking.ref)
    before = snapshot()

    refused = call("POST", address, body, client=client)
    wrong = call("POST", address, body, client=client, X_CSRFToken="x" * 32)

    assert (refused.status, wrong.status) == (403, 403)
    assert refused.body["code"] == wrong.body["code"] == "csrf_failed"
    assert snapshot() == before

    client.get("/book/maya/")
    token = client.cookies.get("csrf")
    if token is not None:
        accepted = call("POST", address, body, client=client, X_CSRFToken=token.value)
        assert accepted.body.get("code") != "csrf_failed"


@pytest.mark.usefixtures("offer")
def test_calls_without_a_session_need_no_csrf_token_and_set_no_cookie(call: Call) -> None:
    client = Client(enforce_csrf_checks=True)

    reply = call("POST", "bookings", WANTED, client=client)
    paid = call("POST", f"bookings/{reply.body['ref']}/pay?token={token_of(Booking.objects.get())}", client=client)

    assert (reply.status, paid.status) == (201, 200)
    assert not client.cookies


@pytest.mark.usefixtures("offer")
def test_cookie_of_a_session_that_ended_counts_as_nobodys(call: Call, settings: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies[settings.SESSION_COOKIE_NAME] = "gone"

    assert call("POST", "bookings", WANTED, client=client).status == 201


@pytest.mark.usefixtures("offer")
def test_holds_are_limited_by_address_and_say_when_to_come_back(
    call: Call, settings: Any, frozen_clock: SettableClock
) -> None:
    settings.HOLD_LIMIT = 3
    for n in range(3):
        assert call("POST", "bookings", {**WANTED, "email": f"p{n}@example.org"}).status in {201, 409}
    frozen_clock.advance(timedelta(minutes=4))
    before = snapshot()

    reply = call("POST", "bookings", {**WANTED, "email": "p4@example.org", "starts_at": "2026-03-04T18:00:00Z"})

    assert (reply.status, reply.body["code"], reply.headers["Retry-After"]) == (429, "rate_limited", "360")
    assert reply.body["detail"] == "Too many tries. Please try again in 360 seconds."
    assert snapshot() == before
    frozen_clock.advance(timedelta(minutes=6))
    assert call("POST", "bookings", {**WANTED, "starts_at": "2026-03-04T18:00:00Z"}).status == 201
