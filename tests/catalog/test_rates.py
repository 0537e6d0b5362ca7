import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from tests.factories.bookings import make_coach, make_offer
from tests.factories.clock import MONDAY

from greenroom.catalog import services
from greenroom.catalog.errors import NoPriceError, OfferIncompleteError
from greenroom.catalog.models import Offer, OfferDuration, Rate
from greenroom.catalog.queries import (
    offers_by_rates,
    offers_up_to,
    price_of,
    priced,
    prices_from,
    public_offers,
    topics_of,
    usual_topic,
)
from greenroom.catalog.services import DurationTerms, OfferTerms, RateTerms
from greenroom.coaches.models import Coach, Topic
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money

pytestmark = pytest.mark.django_db
COACH = Actor(ActorKind.COACH)


@pytest.fixture
def coach() -> Coach:
    """Return Maya, who coaches chess and go."""
    coach = make_coach()
    coach.topics.set(Topic.objects.create(slug=name.lower(), name=name) for name in ("Chess", "Go"))
    return coach


def topic(slug: str) -> Topic:
    return Topic.objects.get(slug=slug)


def save(coach: Coach, *rates: RateTerms, **values: Any) -> None:
    services.save_rates(coach=coach, rates=rates, **({"currency": "EUR", "actor": COACH, "now": MONDAY} | values))


def rates_of(coach: Coach) -> list[tuple[str | None, int, str]]:
    return list(coach.rates.order_by("pk").values_list("topic__slug", "per_hour_minor", "currency"))


def by_rates(coach: Coach, *, about: Topic | None = None, currency: str = "EUR", slug: str = "hour") -> Offer:
    """Return a published offer of 60 and 45 minutes that takes both prices from the coach's rates."""
    offer = make_offer(coach, slug=slug)
    Offer.objects.filter(pk=offer.pk).update(topic=about, currency=currency)
    offer.durations.update(price_minor=None)
    OfferDuration.objects.create(offer=offer, minutes=45, position=1)
    return offer


def prices(offer: Offer, about: Topic | None = None) -> list[int]:
    loaded = public_offers().get(pk=offer.pk)
    return [price_of(loaded, one, about).amount.minor for one in loaded.durations.all()]


def test_save_rates_brings_them_in_line_and_keeps_what_they_were(coach: Coach) -> None:
    save(coach, RateTerms(5000), RateTerms(6000, topic("chess").pk))
    save(coach, RateTerms(5500), RateTerms(7000, topic("go").pk))
    save(coach, RateTerms(5500), RateTerms(7000, topic("go").pk))

    assert rates_of(coach) == [(None, 5500, "EUR"), ("go", 7000, "EUR")]
    entries = AuditEntry.objects.order_by("pk").values_list("action", "before", "after")
    assert list(entries) == [
        ("coach.edit_rates", {"rates": ""}, {"rates": "hour 5000 EUR; chess 6000 EUR"}),
        (
            "coach.edit_rates",
            {"rates": "hour 5000 EUR; chess 6000 EUR"},
            {"rates": "hour 5500 EUR; go 7000 EUR"},
        ),
    ]


BAD: list[tuple[Callable[[], dict[str, Any]], str | None]] = [
    (lambda: {"rates": [RateTerms(0)]}, "hourly"),
    (lambda: {"rates": [RateTerms(-1)]}, "hourly"),
    (lambda: {"rates": [RateTerms(49)]}, "hourly"),
    (lambda: {"rates": [RateTerms(10_000_001)]}, "hourly"),
    (lambda: {"rates": [RateTerms(5001)], "currency": "KWD"}, "hourly"),
    (lambda: {"rates": [RateTerms(5000), RateTerms(6000)]}, "hourly"),
    (lambda: {"rates": [], "currency": "XXX"}, "currency"),
]


@pytest.mark.parametrize(("values", "field"), BAD, ids=range(len(BAD)))
def test_save_rates_refuses_what_cannot_be_charged_and_changes_nothing(
    coach: Coach, values: Callable[[], dict[str, Any]], field: str
) -> None:
    save(coach, RateTerms(5000))

    with pytest.raises(InvalidInputError) as refused:
        services.save_rates(coach=coach, **({"currency": "EUR", "actor": COACH, "now": MONDAY} | values()))

    assert (refused.value.field, rates_of(coach)) == (field, [(None, 5000, "EUR")])


def test_save_rates_takes_only_the_coachs_own_topics(coach: Coach) -> None:
    other = Topic.objects.create(slug="guitar", name="Guitar")

    with pytest.raises(InvalidInputError) as refused:
        save(coach, RateTerms(6000, other.pk))
    with pytest.raises(NotAllowedError):
        save(coach, RateTerms(5000), actor=Actor(ActorKind.STUDENT))

    assert (refused.value.field, rates_of(coach)) == (f"topic-{other.pk}", [])


def test_a_rate_of_a_topic_that_is_given_up_can_be_kept_and_changed(coach: Coach) -> None:
    save(coach, RateTerms(6000, topic("chess").pk))
    coach.topics.clear()

    save(coach, RateTerms(6500, topic("chess").pk))

    assert rates_of(coach) == [("chess", 6500, "EUR")]


@pytest.mark.parametrize(
    ("rates", "currency", "words"),
    [
        ([], "EUR", "60 minutes: Write a price, 0 for free, or set your hourly rate."),
        ([RateTerms(5000)], "USD", "60 minutes: Your rates are in USD and this is sold in EUR: write a price."),
    ],
)
def test_save_rates_takes_no_price_from_an_offer_on_sale(
    coach: Coach, rates: list[RateTerms], currency: str, words: str
) -> None:
    save(coach, RateTerms(5000))
    by_rates(coach)

    with pytest.raises(InvalidInputError) as refused:
        save(coach, *rates, currency=currency)

    assert refused.value.message == f"“A call” is on sale and takes its price from your rates. {words}"
    assert rates_of(coach) == [(None, 5000, "EUR")]


def test_drafts_and_written_prices_keep_no_rate(coach: Coach) -> None:
    save(coach, RateTerms(5000))
    make_offer(coach, slug="written")
    services.unpublish_offer(coach=coach, offer_id=by_rates(coach).pk, actor=COACH, now=MONDAY)

    save(coach)

    assert rates_of(coach) == []


def test_the_rate_of_what_an_offer_is_about_counts(coach: Coach) -> None:
    save(coach, RateTerms(5000), RateTerms(6000, topic("chess").pk))

    assert prices(by_rates(coach, about=topic("chess"))) == [6000, 4500]
    assert prices(by_rates(coach, about=topic("go"), slug="go")) == [5000, 3750]


def test_a_student_chooses_where_the_price_depends_on_it(coach: Coach) -> None:
    save(coach, RateTerms(5000), RateTerms(6000, topic("chess").pk), RateTerms(7000, topic("go").pk))
    offer = by_rates(coach)

    loaded = public_offers().get()
    assert topics_of(loaded) == (topic("chess"), topic("go"), None)
    assert usual_topic(loaded) is None
    assert [prices(offer, about) for about in topics_of(loaded)] == [[6000, 4500], [7000, 5250], [5000, 3750]]
    assert prices_from(loaded) == [Money(minor, "EUR") for minor in (6000, 7000, 5000, 4500, 5250, 3750)]


def test_without_a_general_rate_the_first_topic_is_the_usual_one(coach: Coach) -> None:
    save(coach, RateTerms(7000, topic("go").pk), RateTerms(6000, topic("chess").pk))
    offer = by_rates(coach)

    assert usual_topic(public_offers().get()) == topic("chess")
    assert (prices(offer), prices(offer, topic("go"))) == ([6000, 4500], [7000, 5250])


def test_a_written_price_asks_nobody_for_a_topic(coach: Coach) -> None:
    save(coach, RateTerms(5000), RateTerms(6000, topic("chess").pk))
    offer = by_rates(coach)
    Offer.objects.update(price_minor=8000)

    assert topics_of(public_offers().get()) == (None,)
    assert prices(offer, topic("chess")) == [8000, 8000]


def test_an_offer_by_rates_is_published_only_with_a_rate(coach: Coach) -> None:
    terms = OfferTerms("Call", durations=(DurationTerms(60),), topic_id=topic("chess").pk)
    offer = services.save_offer(coach=coach, terms=terms, actor=COACH, now=MONDAY)

    with pytest.raises(OfferIncompleteError, match="set your hourly rate"):
        services.publish_offer(coach=coach, offer_id=offer.pk, actor=COACH, now=MONDAY)
    save(coach, RateTerms(6000, topic("chess").pk))
    services.publish_offer(coach=coach, offer_id=offer.pk, actor=COACH, now=MONDAY)

    assert prices(offer) == [6000]
    assert offers_by_rates(coach) == [offer]


def test_save_offer_takes_only_the_coachs_own_topics(coach: Coach) -> None:
    other = Topic.objects.create(slug="guitar", name="Guitar")

    with pytest.raises(InvalidInputError) as refused:
        services.save_offer(coach=coach, terms=OfferTerms("Call", topic_id=other.pk), actor=COACH, now=MONDAY)

    assert (refused.value.field, Offer.objects.count()) == ("topic", 0)


def test_an_offer_keeps_a_topic_that_its_coach_gave_up(coach: Coach) -> None:
    terms = OfferTerms("Call", topic_id=topic("chess").pk)
    offer = services.save_offer(coach=coach, terms=terms, actor=COACH, now=MONDAY)
    coach.topics.clear()

    services.save_offer(coach=coach, terms=terms, actor=COACH, now=MONDAY, offer_id=offer.pk)

    assert Offer.objects.get().topic == topic("chess")


@pytest.mark.parametrize("count", [1, 3])
def test_prices_of_any_number_of_offers_take_three_queries(coach: Coach, count: int) -> None:
    save(coach, RateTerms(5000), RateTerms(6000, topic("chess").pk))
    for number in range(count):
        by_rates(coach, slug=f"hour-{number}")

    with CaptureQueriesContext(connection) as queries:
        found = priced(public_offers())
        assert [len(prices_from(offer)) for offer in found] == [4] * count

    assert len(queries) == 3


def test_the_database_refuses_two_rates_for_one_thing(coach: Coach) -> None:
    save(coach, RateTerms(5000))

    with pytest.raises(IntegrityError):
        Rate.objects.create(coach=coach, per_hour_minor=1)


def test_the_price_filter_finds_what_the_prices_say() -> None:
    chance = random.Random(7)  # noqa: S311 -- chosen for tests, not secrets
    names = [Topic.objects.create(slug=name, name=name) for name in ("a", "b")]
    for number in range(60):
        coach, currency = make_coach(f"coach-{number}"), chance.choice(["EUR", "JPY", "KWD"])
        unit = {"EUR": 100, "JPY": 1, "KWD": 1000}[currency]
        for about in (None, *names):
            if chance.random() < 0.5:
                # At least what twenty minutes need to be chargeable.
                minor = chance.randint(max(30 * unit, 150), max(90 * unit, 300)) // 10 * 10
                Rate.objects.create(coach=coach, topic=about, per_hour_minor=minor, currency=currency)
        offer = make_offer(coach, minutes=chance.choice([20, 45, 60, 95]), price_minor=chance.randint(50, 60) * unit)
        Offer.objects.filter(pk=offer.pk).update(
            currency=currency,
            topic=chance.choice([None, *names]),
            price_minor=chance.choice([None, None, None, 60 * unit]),
        )
        offer.durations.update(price_minor=chance.choice([None, None, None, 55 * unit, 0]))
    offers = priced(public_offers())
    assert len(offers) > 30

    for limit in (0, 10, 20, 37, 40, 41, 45, 60, 100, 115, 200):
        fits = {
            one.pk for one in offers if min(prices_from(one), key=lambda price: price.minor).minor <= _minor(one, limit)
        }
        assert set(offers_up_to(limit).values_list("pk", flat=True)) == fits


def _minor(offer: Offer, units: int) -> int:
    return units * 10 ** Money(0, offer.currency).exponent


def test_the_price_filter_rounds_as_the_prices_do() -> None:
    coach = make_coach()
    by_rates(coach)
    # 45 minutes come to 30.00, and to 30.0075, which is 30.01.
    for per_hour, found in ((4000, True), (4001, False)):
        Rate.objects.update_or_create(coach=coach, topic=None, defaults={"per_hour_minor": per_hour})
        assert offers_up_to(30).exists() is found


def test_price_of_an_offer_that_lost_its_rate_in_the_admin(coach: Coach) -> None:
    save(coach, RateTerms(5000))
    offer = by_rates(coach)
    Rate.objects.all().delete()

    with pytest.raises(NoPriceError):
        prices(offer)

    assert priced(public_offers()) == []
