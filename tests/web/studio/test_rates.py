from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.bookings import make_coach

from greenroom.catalog.models import Offer, Rate
from greenroom.coaches.models import Coach, Topic
from greenroom.core.models import AuditEntry

RATES = "/studio/rates/"


@pytest.fixture
def chess(coach: Coach) -> Topic:
    """Return Maya's only topic."""
    topic = Topic.objects.create(slug="chess", name="Chess")
    coach.topics.add(topic)
    return topic


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def saved() -> list[tuple[Any, ...]]:
    return list(Rate.objects.order_by("pk").values_list("coach__slug", "topic__slug", "per_hour_minor", "currency"))


def test_rates_are_saved_and_say_which_offers_they_change(desk: Client, offer: Offer, chess: Topic) -> None:
    answer = desk.post(RATES, {"currency": "EUR", "hourly": "50", f"topic-{chess.pk}": "60,50"})
    offer.durations.update(price_minor=None)

    assert (answer["Location"], said(answer)) == (RATES, ["Your rates are saved. No offer takes its price from them."])
    assert saved() == [("maya", None, 5000, "EUR"), ("maya", "chess", 6050, "EUR")]
    page = desk.get(RATES)
    assert page.context["form"].initial == {"currency": "EUR", "hourly": "50", f"topic-{chess.pk}": "60.50"}
    assert page.context["count_words"] == "1 offer takes its price from them."
    [row] = page.context["offers"]
    assert row["prices"] == ["1 h: €60.50, at €60.50 an hour for Chess; €50, at €50 an hour"]


def test_rates_that_are_cleared_are_gone(desk: Client, chess: Topic) -> None:
    desk.post(RATES, {"currency": "EUR", "hourly": "50", f"topic-{chess.pk}": "60"})

    desk.post(RATES, {"currency": "EUR", "hourly": "", f"topic-{chess.pk}": "60"})

    assert saved() == [("maya", "chess", 6000, "EUR")]


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"hourly": "0"}, "id_hourly"),
        ({"hourly": "0.10"}, "id_hourly"),
        ({"hourly": "1,000"}, "id_hourly"),
        ({"hourly": "fifty"}, "id_hourly"),
        ({"hourly": "\x07"}, "id_hourly"),
        ({"hourly": "999999999"}, "id_hourly"),
        ({"hourly": "50", "currency": "XXX"}, "id_currency"),
        ({"hourly": "50", "currency": ""}, "id_currency"),
    ],
)
def test_bad_input_names_the_field_and_keeps_what_was_written(
    desk: Client, changes: dict[str, str], anchor: str
) -> None:
    answer = desk.post(RATES, {"currency": "EUR", **changes})

    assert answer.status_code == 422
    assert [problem.anchor for problem in answer.context["problems"]] == [anchor]
    assert answer.context["form"]["hourly"].value() == changes["hourly"]
    assert (saved(), AuditEntry.objects.count()) == ([], 0)


def test_an_offer_on_sale_keeps_its_rate(desk: Client, offer: Offer) -> None:
    desk.post(RATES, {"currency": "EUR", "hourly": "50"})
    offer.durations.update(price_minor=None)

    answer = desk.post(RATES, {"currency": "EUR", "hourly": ""})

    assert answer.status_code == 422
    [problem] = answer.context["problems"]
    assert problem.message.startswith("“A call” is on sale and takes its price from your rates. 60 minutes:")
    assert saved() == [("maya", None, 5000, "EUR")]


def test_a_topic_of_somebody_else_is_not_read(desk: Client, chess: Topic) -> None:
    other = Topic.objects.create(slug="guitar", name="Guitar")
    make_coach("ilse").topics.add(other)

    desk.post(RATES, {"currency": "EUR", f"topic-{other.pk}": "60", f"topic-{chess.pk}": "55"})

    assert saved() == [("maya", "chess", 5500, "EUR")]


def test_an_offer_can_be_about_one_topic_and_says_what_it_costs(desk: Client, offer: Offer, chess: Topic) -> None:
    desk.post(RATES, {"currency": "EUR", "hourly": "50", f"topic-{chess.pk}": "60"})
    sent = {
        "title": "Chess",
        "currency": "EUR",
        "topic": str(chess.pk),
        "durations-rows": "3",
        "durations-0-minutes": "45",
        "venue": "discord",
        "discord_requirement": "before_join",
        "increment_minutes": "30",
        "notice_minutes": "0",
        "horizon_days": "30",
        "buffer_before_minutes": "0",
        "buffer_after_minutes": "0",
        "move_notice_hours": "0",
        "questions-rows": "0",
        "policy": "day",
        "refund_tiers-rows": "1",
    }

    answer = desk.post(f"/studio/offers/{offer.pk}/", sent)

    assert answer.status_code == 302
    page = desk.get(f"/studio/offers/{offer.pk}/")
    assert page.context["prices"] == ["45 min: €45, at €60 an hour for Chess"]
    [row] = desk.get("/studio/offers/").context["offers"]
    assert [price for _length, price in row["lengths"]] == ["€45"]
    refused = desk.post(f"/studio/offers/{offer.pk}/", sent | {"topic": "999"})
    assert [problem.anchor for problem in refused.context["problems"]] == ["id_topic"]
