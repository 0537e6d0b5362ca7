"""Prices by the hour on the pages: what they are from, the question what it is about, and the tax beside each."""

from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_user
from tests.web.public.browsing import ANN, held, press, said

from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer, Rate
from greenroom.coaches.models import Topic
from greenroom.orders.models import Order
from greenroom.orders.types import TaxRule

BOOK = "/book/maya/?offer=call&duration=60"


@pytest.fixture(autouse=True)
def chess(offer: Offer) -> Topic:
    """Let Maya ask 50 euro an hour, and 60 when it is about chess."""
    offer.durations.update(price_minor=None)
    topic = Topic.objects.create(slug="chess", name="Chess")
    Rate.objects.create(coach=offer.coach, per_hour_minor=5000)
    Rate.objects.create(coach=offer.coach, topic=topic, per_hour_minor=6000)
    return topic


def shown(answer: Any) -> list[tuple[str, int, bool]]:
    return [(one["label"], one["price"].minor, one["is_current"]) for one in answer.context["topics"]]


def test_the_page_asks_what_it_is_about_and_shows_each_price(client: Client) -> None:
    plain, chess = client.get(BOOK), client.get(f"{BOOK}&topic=chess")

    assert shown(plain) == [("Chess", 6000, False), ("Something else", 5000, True)]
    assert shown(chess) == [("Chess", 6000, True), ("Something else", 5000, False)]
    assert (plain.context["price"].minor, chess.context["price"].minor) == (5000, 6000)
    assert "What is it about?" in said(plain)
    assert chess.context["slot_fields"] == [("offer", "call"), ("duration", 60), ("topic", "chess")]


@pytest.mark.parametrize("topic", ["go", "%00", "x" * 500])
def test_a_topic_that_is_not_there_counts_as_none_in_an_address(client: Client, topic: str) -> None:
    assert client.get(f"{BOOK}&topic={topic}").context["price"].minor == 5000


def test_a_topic_that_is_not_there_is_refused_in_a_form(client: Client) -> None:
    answer = press(client, topic="go")

    assert answer.status_code == 422
    assert "Choose one of: chess." in said(answer)
    assert Booking.objects.count() == 0


def test_the_chosen_topic_and_its_price_are_kept_and_shown(client: Client, chess: Topic) -> None:
    booking = held(client, topic="chess")

    page = client.get(f"/booking/{booking.ref}/details/")
    assert (booking.topic, page.context["price"].minor, page.context["offer"]["topic"]) == (chess, 6000, "Chess")
    assert page.context["change_url"].endswith("topic=chess&date=2026-03-04")


def test_cards_and_rows_say_from_which_price(client: Client, chess: Topic) -> None:
    for path in ("/", "/coaches/", "/maya/"):
        assert "from €50" in said(client.get(path))

    Offer.objects.update(topic=chess)
    for path in ("/", "/coaches/", "/maya/"):
        page = said(client.get(path))
        assert "€60" in page
        assert "from €60" not in page
    assert client.get(BOOK).context["topics"] == []


def test_a_tax_on_top_stands_beside_every_price(client: Client, settings: Any) -> None:
    settings.TAX = TaxRule("VAT", 2100, is_on_top=True)

    for path in ("/", "/coaches/", "/maya/"):
        assert "from €50 + VAT 21 %" in said(client.get(path))
    page = said(client.get(BOOK))
    assert page.count("+ VAT 21 %") == 3  # beside each topic and in the aside


def test_coach_and_staff_read_where_the_price_came_from(client: Client, offer: Offer) -> None:
    booking = held(client, topic="chess")
    client.post(f"/booking/{booking.ref}/details/", ANN)
    client.force_login(offer.coach.user)
    assert "at €60 an hour for Chess" in said(client.get(f"/studio/sessions/{booking.ref}/"))
    staff = make_user("staff@example.org")
    staff.is_staff = True
    staff.save()
    client.force_login(staff)

    page = client.get(f"/ops/orders/{Order.objects.get().ref}/")

    assert page.context["moments"][0].detail == "A call, 60 minutes: at €60 an hour for Chess"
    assert "at €60 an hour for Chess" in said(page)


def test_an_offer_that_lost_its_price_in_the_admin_is_not_on_sale(client: Client) -> None:
    Rate.objects.all().delete()

    assert client.get("/maya/").context["offers"] == []
    assert client.get(BOOK)["Location"] == "/maya/"
    assert client.get("/maya/call/").status_code == 404
