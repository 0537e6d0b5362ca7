"""The contract's calls about coaches, in full."""

import gzip
import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.api.conftest import Call
from tests.bookings.steps import GUEST, HOUR, at, change, hold
from tests.factories.bookings import make_coach, make_offer, make_session
from tests.factories.clock import SettableClock
from tests.factories.downloads import make_download

from greenroom.availability.models import Blackout, WeeklyWindow
from greenroom.bookings import queries, services
from greenroom.catalog.models import Offer, OfferDuration, Rate
from greenroom.catalog.types import OfferStatus, QuestionKind
from greenroom.coaches.models import Topic
from greenroom.coaches.types import CoachStatus

MAYA = {
    "slug": "maya",
    "name": "Coach maya",
    "headline": "",
    "bio": "",
    "topics": [],
    "languages": "",
    "is_verified": False,
}
SLOTS = "coaches/maya/offers/call/slots"


def starts(body: dict[str, Any]) -> list[str]:
    return [slot["starts_at"] for day in body["days"] for slot in day["slots"]]


def test_get_coach_answers_public_data(offer: Offer, call: Call) -> None:
    topic = Topic.objects.create(slug="chess", name="Chess")
    offer.coach.topics.add(topic)
    change(offer.coach, headline="Calm", bio="Ten years.", languages="English, Italian", is_verified=True)

    reply = call("GET", "coaches/maya")

    assert (reply.status, reply.type) == (200, "application/json; charset=utf-8")
    assert reply.body == {
        "slug": "maya",
        "name": "Coach maya",
        "headline": "Calm",
        "bio": "Ten years.",
        "topics": ["Chess"],
        "languages": "English, Italian",
        "is_verified": True,
    }


@pytest.mark.parametrize("path", ["coaches/maya", "coaches/maya/offers", f"{SLOTS}?from=2026-03-04&to=2026-03-04"])
def test_coach_who_is_not_public_is_not_found(offer: Offer, call: Call, path: str) -> None:
    change(offer.coach, status=CoachStatus.SUSPENDED)

    assert call("GET", path).status == 404


def test_list_offers_answers_durations_and_questions(offer: Offer, call: Call) -> None:
    OfferDuration.objects.create(offer=offer, minutes=30, price_minor=3000, position=1)
    offer.questions.create(
        key="level", label="Your level?", kind=QuestionKind.CHOICE, is_required=True, options=["A", "B"]
    )
    make_offer(offer.coach, slug="draft")
    Offer.objects.filter(slug="draft").update(status=OfferStatus.DRAFT)

    reply = call("GET", "coaches/maya/offers")

    assert (reply.status, reply.body) == (
        200,
        {
            "items": [
                {
                    "kind": "call",
                    "buy_url": None,
                    "slug": "call",
                    "title": "A call",
                    "summary": "",
                    "description": "",
                    "venue": "discord",
                    "discord": "before_join",
                    "currency": "EUR",
                    "topic": "",
                    "price_minor": 5000,
                    "duration": 60,
                    "durations": [
                        {"minutes": 60, "price_minor": 5000, "price_by_topic": {}},
                        {"minutes": 30, "price_minor": 3000, "price_by_topic": {}},
                    ],
                    "questions": [
                        {
                            "key": "level",
                            "label": "Your level?",
                            "kind": "choice",
                            "is_required": True,
                            "options": ["A", "B"],
                        }
                    ],
                }
            ],
            "count": 1,
            "page": 1,
        },
    )


def test_list_slots_answers_days_in_the_asked_zone(offer: Offer, call: Call) -> None:
    WeeklyWindow.objects.update(start_minute=22 * 60, end_minute=24 * 60)
    OfferDuration.objects.create(offer=offer, minutes=90, price_minor=7000, position=1)

    reply = call("GET", f"{SLOTS}?from=2026-03-05&to=2026-03-05&tz=Europe/Berlin&duration=90")

    assert (reply.status, reply.type) == (200, "application/json")
    assert reply.body == {
        "tz": "Europe/Berlin",
        "days": [
            {
                "date": "2026-03-05",
                "slots": [
                    {"starts_at": "2026-03-05T22:00:00Z", "ends_at": "2026-03-05T23:30:00Z", "seats_left": 1},
                    {"starts_at": "2026-03-05T22:30:00Z", "ends_at": "2026-03-06T00:00:00Z", "seats_left": 1},
                ],
            }
        ],
    }


@pytest.mark.usefixtures("offer")
def test_list_slots_takes_both_dates_and_nothing_beside(call: Call) -> None:
    WeeklyWindow.objects.update(start_minute=0, end_minute=60)

    reply = call("GET", f"{SLOTS}?from=2026-03-04&to=2026-03-06")

    assert starts(reply.body) == ["2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z", "2026-03-06T00:00:00Z"]


@pytest.mark.parametrize(
    ("day", "count"),
    [("2026-03-29", 46), ("2026-03-28", 48)],
)
@pytest.mark.usefixtures("offer")
def test_list_slots_of_a_day_with_a_clock_change_has_that_many_hours(call: Call, day: str, count: int) -> None:
    reply = call("GET", f"{SLOTS}?from={day}&to={day}&tz=Europe/Berlin")

    assert [one["date"] for one in reply.body["days"]] == [day]
    assert len(reply.body["days"][0]["slots"]) == count


def test_list_slots_are_open_slots_and_next_slots(offer: Offer, call: Call, now: datetime) -> None:
    change(offer, buffer_before_minutes=15, notice_minutes=45, horizon_days=20, daily_limit=2)
    for start in (at(12), at(18), at(9, day=5)):
        make_session(offer=offer, starts_at=start, now=now)
    Blackout.objects.create(coach=offer.coach, starts_at=at(0, day=9), ends_at=at(13, day=9))

    reply = call("GET", f"{SLOTS}?from=2026-03-01&to=2026-03-31")

    listed = queries.open_slots(offer, length=HOUR, range_from=at(0, day=1), range_to=at(23, day=31), now=now)
    assert starts(reply.body) == [f"{start:%Y-%m-%dT%H:%M:%SZ}" for start in listed]
    assert queries.next_slots([queries.Wish(offer, HOUR)], now=now) == [listed[0]]
    assert not [start for start in listed if start.day == 4]


def test_list_slots_follows_each_change_at_once(offer: Offer, call: Call, now: datetime) -> None:
    path = f"{SLOTS}?from=2026-03-04&to=2026-03-04"
    before = starts(call("GET", path).body)

    booking = hold(offer)
    assert "2026-03-04T12:00:00Z" not in starts(call("GET", path).body)

    services.release_hold(booking=booking, actor=GUEST, now=now)
    assert starts(call("GET", path).body) == before
    change(offer.coach, is_accepting_students=False)
    assert starts(call("GET", path).body) == []


def test_list_slots_frees_a_hold_the_moment_it_ends(offer: Offer, call: Call, frozen_clock: Any) -> None:
    path = f"{SLOTS}?from=2026-03-04&to=2026-03-04"
    hold(offer)

    frozen_clock.advance(timedelta(minutes=15) - timedelta(microseconds=1))
    assert "2026-03-04T12:00:00Z" not in starts(call("GET", path).body)
    frozen_clock.advance(timedelta(microseconds=1))
    assert "2026-03-04T12:00:00Z" in starts(call("GET", path).body)


def test_list_offers_answers_the_price_of_each_topic(offer: Offer, call: Call) -> None:
    offer.durations.update(price_minor=None)
    chess = Topic.objects.create(slug="chess", name="Chess")
    Rate.objects.create(coach=offer.coach, per_hour_minor=5000)
    Rate.objects.create(coach=offer.coach, topic=chess, per_hour_minor=6000)

    def listed() -> tuple[str, int, dict[str, int]]:
        [item] = call("GET", "coaches/maya/offers").body["items"]
        return item["topic"], item["price_minor"], item["durations"][0]["price_by_topic"]

    assert listed() == ("", 5000, {"chess": 6000})
    Offer.objects.update(topic=chess)
    assert listed() == ("chess", 6000, {})


def test_list_offers_answers_what_needs_no_time_with_the_address_to_buy_it_at(offer: Offer, call: Call) -> None:
    make_download(offer.coach)
    change(make_download(offer.coach, slug="draft"), status=OfferStatus.DRAFT)

    reply = call("GET", "coaches/maya/offers")

    assert [item["slug"] for item in reply.body["items"]] == ["call", "workbook"]
    assert reply.body["items"][0]["buy_url"] is None
    assert reply.body["items"][1] == {
        "kind": "download",
        "slug": "workbook",
        "title": "A workbook",
        "summary": "",
        "description": "",
        "venue": "",
        "discord": "not_required",
        "currency": "EUR",
        "topic": "",
        "price_minor": 1900,
        "buy_url": "http://localhost:8000/maya/workbook/",
        "duration": None,
        "durations": [],
        "questions": [],
    }


@pytest.mark.usefixtures("offer")
def test_list_slots_62_days_are_the_most(call: Call) -> None:
    assert call("GET", f"{SLOTS}?from=2026-03-01&to=2026-05-01").status == 200
    assert call("GET", f"{SLOTS}?from=2026-03-01&to=2026-05-02").status == 422


@pytest.mark.parametrize("sessions", [0, 5])
def test_list_slots_costs_a_fixed_number_of_queries(offer: Offer, call: Call, now: datetime, sessions: int) -> None:
    for n in range(sessions):
        make_session(offer=offer, starts_at=at(12, day=4 + n), now=now)

    with CaptureQueriesContext(connection) as fresh:
        call("GET", f"{SLOTS}?from=2026-03-01&to=2026-03-31")
    with CaptureQueriesContext(connection) as kept:
        call("GET", f"{SLOTS}?from=2026-03-01&to=2026-03-31")

    assert (len(fresh), len(kept)) == (10, 1)


def test_list_coaches_answers_cards(offer: Offer, call: Call) -> None:
    make_offer(offer.coach, slug="intro", price_minor=0, minutes=30)
    Blackout.objects.create(coach=offer.coach, starts_at=at(0, day=2), ends_at=at(9, day=3))

    reply = call("GET", "coaches")

    assert (reply.status, reply.body) == (
        200,
        {
            "items": [
                {
                    **MAYA,
                    "price_from_minor": 5000,
                    "currency": "EUR",
                    "next_slot": {"starts_at": "2026-03-03T09:00:00Z", "offer": "call"},
                }
            ],
            "count": 1,
            "page": 1,
        },
    )


def test_list_coaches_without_offers_or_times_have_no_next_slot(offer: Offer, call: Call) -> None:
    change(offer.coach, is_accepting_students=False)
    make_coach("zoe")
    make_coach("hidden", status=CoachStatus.APPLIED)

    items = call("GET", "coaches").body["items"]

    assert [(item["slug"], item["price_from_minor"], item["currency"], item["next_slot"]) for item in items] == [
        ("maya", 5000, "EUR", None),
        ("zoe", None, None, None),
    ]


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("", ["maya", "ilse"]),
        ("q=", ["maya", "ilse"]),
        ("q=CHESS", ["maya"]),
        ("q=coach+calm", ["ilse"]),
        ("q=calm+chess", []),
        ("q=%25", []),
        ("topic=chess", ["maya"]),
        ("topic=unknown", []),
        ("max_price=50", ["maya"]),
        ("max_price=49", []),
        ("max_price=9000", ["maya", "ilse"]),
        ("min_rating=0", ["maya", "ilse"]),
        ("min_rating=4.5", []),
        ("experience=professional", []),
        ("free_from=2026-03-04&free_until=2026-03-04", ["maya"]),
        ("free_from=2026-03-05&free_until=2026-03-05", ["maya", "ilse"]),
        ("free_until=2026-03-04T23:59:59Z", ["maya"]),
        ("free_from=2026-03-05T10:00:00Z", ["maya", "ilse"]),
        ("free_from=2026-06-05", []),
        ("free_until=2026-03-01", []),
        ("free_from=2026-03-05&free_until=2026-03-05&tz=Pacific/Kiritimati", ["maya"]),
        ("page=2", []),
    ],
)
def test_list_coaches_finds_who_matches(offer: Offer, call: Call, query: str, slugs: list[str]) -> None:
    offer.coach.topics.add(Topic.objects.create(slug="chess", name="Chess"))
    ilse = make_offer(make_coach("ilse"), price_minor=8000)
    change(ilse, currency="JPY")
    change(ilse.coach, headline="Calm")
    Blackout.objects.create(coach=ilse.coach, starts_at=at(0, day=1), ends_at=at(12, day=5))

    reply = call("GET", f"coaches?{query}")

    assert reply.status == 200
    assert [item["slug"] for item in reply.body["items"]] == slugs
    assert reply.body["count"] == (2 if query == "page=2" else len(slugs))


@pytest.mark.usefixtures("offer")
def test_list_coaches_with_a_time_answers_the_first_slot_then(call: Call) -> None:
    WeeklyWindow.objects.update(start_minute=9 * 60, end_minute=12 * 60)

    def first(query: str) -> Any:
        return call("GET", f"coaches?{query}").body["items"][0]["next_slot"]["starts_at"]

    assert first("") == "2026-03-02T10:00:00Z"
    assert first("free_from=2026-03-04") == "2026-03-04T09:00:00Z"
    assert first("free_from=2026-03-04T10:10:00Z") == "2026-03-04T10:30:00Z"
    assert first(f"free_from={quote('2026-03-04T12:00:00+01:00')}") == "2026-03-04T11:00:00Z"
    assert first("free_from=2026-01-01") == "2026-03-02T10:00:00Z"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=999999999999999999999", "page"),
        ("max_price=-1", "max_price"),
        ("max_price=1e9", "max_price"),
        ("max_price=99999999999999999999999", "max_price"),
        ("min_rating=6", "min_rating"),
        ("min_rating=nan", "min_rating"),
        ("free_from=yesterday", "free_from"),
        ("free_until=2026-03-04T10:00", "free_until"),
        ("free_from=2026-03-05&free_until=2026-03-04", "free_until"),
        ("tz=Nowhere", "tz"),
        ("q=%00", "q"),
        ("q=" + "x" * 81, "q"),
        ("topic=%00", "topic"),
    ],
)
@pytest.mark.usefixtures("offer")
def test_bad_question_for_coaches_is_named(call: Call, query: str, field: str) -> None:
    reply = call("GET", f"coaches?{query}")

    assert (reply.status, reply.body["code"], reply.body["field"]) == (422, "invalid", field)


@pytest.mark.usefixtures("offer")
def test_list_coaches_comes_in_pages(call: Call) -> None:
    for n in range(13):
        make_coach(f"coach-{n}")

    pages = [call("GET", f"coaches?page={page}").body for page in (1, 2, 3)]

    assert [len(page["items"]) for page in pages] == [12, 2, 0]
    assert [(page["count"], page["page"]) for page in pages] == [(14, 1), (14, 2), (14, 3)]
    slugs = [item["slug"] for page in pages for item in page["items"]]
    assert len(set(slugs)) == 14
    free = [call("GET", f"coaches?free_from=2026-03-04&page={page}").body for page in (1, 2)]
    assert [(len(page["items"]), page["count"]) for page in free] == [(1, 1), (0, 1)]


@pytest.mark.parametrize("coaches", [1, 3])
@pytest.mark.parametrize(("query", "count"), [("", 12), ("max_price=50", 13), ("free_from=2026-03-04", 11)])
@pytest.mark.usefixtures("offer")
def test_list_coaches_costs_a_fixed_number_of_queries(call: Call, coaches: int, query: str, count: int) -> None:
    for n in range(coaches - 1):
        coach = make_coach(f"coach-{n}")
        make_offer(coach)
        make_download(coach)

    with CaptureQueriesContext(connection) as context:
        assert len(call("GET", f"coaches?{query}").body["items"]) == coaches

    assert len(context) == count


def test_slots_are_packed_once_for_who_takes_that(offer: Offer, frozen_clock: SettableClock) -> None:
    path = f"/api/v1/coaches/maya/offers/{offer.slug}/slots?from=2026-03-02&to=2026-03-03&tz=Europe/Berlin"

    plain, packed = Client().get(path), Client().get(path, headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in plain.headers
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert {answer["Vary"] for answer in (plain, packed)} == {"Accept-Encoding"}
    first = json.loads(plain.content)["days"][0]["slots"][0]["starts_at"]
    frozen_clock.advance(timedelta(minutes=30, seconds=1))
    later = json.loads(gzip.decompress(Client().get(path, headers={"Accept-Encoding": "gzip"}).content))
    assert (first, later["days"][0]["slots"][0]["starts_at"]) == ("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z")
