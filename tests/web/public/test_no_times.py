"""A month without free times says why, and where the next one is."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import at, change
from tests.factories.bookings import make_session

from greenroom.availability.models import Blackout, WeeklyWindow
from greenroom.catalog.models import Offer

MARCH = "/book/maya/?offer=call&month=2026-03&tz=UTC"
APRIL = "/book/maya/?offer=call&month=2026-04&tz=UTC"


def words(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.context["why_empty"] in " ".join(answer.content.decode().split())
    return str(answer.context["why_empty"])


def close_march(offer: Offer) -> None:
    Blackout.objects.create(coach=offer.coach, starts_at=at(0, day=1), ends_at=at(0, day=31) + timedelta(days=1))


def test_month_with_room_needs_no_reason(client: Client, offer: Offer) -> None:
    assert client.get(MARCH).context["why_empty"] == ""
    assert offer.capacity == 1


def test_closed_month_says_so_and_leads_to_the_soonest(client: Client, offer: Offer) -> None:
    close_march(offer)

    answer = client.get(MARCH)

    assert answer.context["why_empty"] == "Coach maya has no hours in March."
    assert 'id="soonest"' in answer.content.decode()
    assert "date=2026-04-01" in answer.content.decode()


def test_booked_out_month_says_so(client: Client, offer: Offer) -> None:
    WeeklyWindow.objects.exclude(weekday=7).delete()
    WeeklyWindow.objects.update(start_minute=600, end_minute=660)
    for day in (8, 15, 22, 29):
        make_session(offer=offer, starts_at=at(10, day=day), now=at(10, day=2))

    assert words(client, MARCH) == "Everything in March is booked."


def test_limit_counts_as_booked(client: Client, offer: Offer) -> None:
    change(offer, monthly_limit=1)
    make_session(offer=offer, starts_at=at(10, day=8), now=at(10, day=2))

    assert words(client, MARCH) == "Everything in March is booked."


@pytest.mark.parametrize(
    ("values", "address", "expected"),
    [
        ({"notice_minutes": 30 * 24 * 60}, MARCH, "Coach maya asks for 30 days of notice, so March is over."),
        (
            {"first_day": date(2026, 4, 6), "last_day": date(2026, 4, 19)},
            MARCH,
            "This can be booked from Monday 6 April 2026 until Sunday 19 April 2026.",
        ),
        ({"last_day": date(2026, 3, 19)}, APRIL, "This can be booked until Thursday 19 March 2026."),
    ],
)
def test_rules_of_the_offer_are_named(
    client: Client, offer: Offer, values: dict[str, Any], address: str, expected: str
) -> None:
    change(offer, **values)

    assert words(client, address) == expected


def test_month_that_only_its_far_end_reaches_says_how_far_ahead_bookings_open(client: Client, offer: Offer) -> None:
    change(offer, horizon_days=30)
    Blackout.objects.create(coach=offer.coach, starts_at=at(0, day=31), ends_at=at(0, day=31) + timedelta(days=2))

    assert words(client, APRIL) == "Bookings open 30 days ahead: April is too far away."


def test_nothing_at_all_says_why_and_to_look_again(client: Client, offer: Offer) -> None:
    WeeklyWindow.objects.all().delete()

    page = " ".join(client.get(MARCH).content.decode().split())

    assert offer.coach.slug == "maya"
    assert "Coach maya has no hours in March. Please look again in a few days." in page
