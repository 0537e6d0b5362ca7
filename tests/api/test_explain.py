"""Why a time is, or is not, offered: for the coach and the staff alone."""

import pytest
from django.test import Client
from tests.api.conftest import Call
from tests.bookings.steps import change, confirmed
from tests.factories.accounts import make_admin, make_user
from tests.factories.bookings import make_coach

from greenroom.accounts.models import User
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferStatus

PATH = "coaches/maya/offers/call/explain?at=2026-03-04T12:00:00Z"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_explain_to_the_coach_names_the_session(offer: Offer, call: Call) -> None:
    booking = confirmed(offer)

    reply = call("GET", PATH, client=signed_in(offer.coach.user))

    sentence = "The session would overlap the session with Ann Guest, 2026-03-04 12:00 UTC to 2026-03-04 13:00 UTC."
    assert (reply.status, reply.body) == (
        200,
        {
            "starts_at": "2026-03-04T12:00:00Z",
            "tz": "UTC",
            "is_offered": False,
            "reasons": [
                {
                    "code": "busy",
                    "sentence": sentence,
                    "starts_at": "2026-03-04T12:00:00Z",
                    "ends_at": "2026-03-04T13:00:00Z",
                    "session": booking.session.ref,
                }
            ],
            "openings": ["Weekly hours: Wednesday 00:00-24:00 (UTC)."],
            "nearest": ["2026-03-04T10:30:00Z", "2026-03-04T11:00:00Z", "2026-03-04T13:00:00Z"],
        },
    )


def test_explain_to_staff_and_of_a_draft(offer: Offer, call: Call) -> None:
    change(offer, status=OfferStatus.DRAFT)

    for user in (make_admin(), offer.coach.user):
        reply = call("GET", PATH, client=signed_in(user))
        assert [reason["code"] for reason in reply.body["reasons"]] == ["offer_not_published"]


def test_explain_is_not_there_for_anybody_else(offer: Offer, call: Call) -> None:
    confirmed(offer)

    for client in (None, signed_in(make_user("eve@example.org")), signed_in(make_coach("ilse").user)):
        reply = call("GET", PATH, client=client)
        assert (reply.status, reply.body["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "at"),
        ("at=noon", "at"),
        ("at=2026-03-04T12:00:00", "at"),
        ("at=9999-01-01T00:00:00Z", "at"),
        ("at=2026-03-04T12:00:00Z&duration=45", "duration"),
        ("at=2026-03-04T12:00:00Z&duration=x", "duration"),
    ],
)
def test_explain_bad_input_names_the_field(offer: Offer, call: Call, query: str, field: str) -> None:
    reply = call("GET", f"{PATH.partition('?')[0]}?{query}", client=signed_in(offer.coach.user))

    assert (reply.status, reply.body["field"]) == (422, field)
