from datetime import datetime

import pytest
from tests.bookings.steps import at, change
from tests.factories.bookings import make_coach, make_offer
from tests.factories.clock import MONDAY
from tests.factories.downloads import make_download

from greenroom.availability.models import Blackout
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.models import Topic
from greenroom.core.money import Money
from greenroom.directory.queries import cards, find_cards, find_coaches
from greenroom.directory.types import Card, CardPage, NextSlot, Search

pytestmark = pytest.mark.django_db
NOW: datetime = MONDAY


def test_cards_take_the_first_time_of_all_offers() -> None:
    offer = make_offer()
    soon = make_offer(offer.coach, slug="soon", minutes=30)
    change(offer, notice_minutes=24 * 60)

    [card] = cards([offer.coach], now=NOW)

    assert card == Card(offer.coach, Money(5000, "EUR"), NextSlot(NOW, soon))


def test_cards_take_the_earlier_offer_among_equals_and_the_least_price_of_one_currency() -> None:
    offer = make_offer(price_minor=9000)
    OfferDuration.objects.create(offer=offer, minutes=30, price_minor=4500, position=1)
    yen = make_offer(offer.coach, slug="yen", price_minor=100)
    change(yen, currency="JPY")

    [card] = cards([offer.coach], now=NOW)

    assert card == Card(offer.coach, Money(4500, "EUR"), NextSlot(NOW, offer))


def test_a_price_for_every_length_counts_in_cards_and_in_the_filter() -> None:
    offer = make_offer()
    offer.durations.update(price_minor=None)
    change(offer, price_minor=3000)

    [card] = cards([offer.coach], now=NOW)

    assert card.price_from == Money(3000, "EUR")
    assert list(find_coaches(Search(max_price=30))) == [offer.coach]
    assert list(find_coaches(Search(max_price=29))) == []


def test_an_offer_that_lost_its_price_in_the_admin_is_not_shown() -> None:
    offer = make_offer()
    offer.durations.update(price_minor=None)

    [card] = cards([offer.coach], now=NOW)

    assert card == Card(offer.coach, None, None)
    assert list(find_coaches(Search(max_price=99))) == []


def test_what_needs_no_time_counts_in_cards_and_in_the_filter() -> None:
    offer = make_offer()
    only = make_download(make_coach("zoe"), price_minor=1901)
    make_download(only.coach, slug="gift", price_minor=0)
    make_download(offer.coach)
    change(make_download(offer.coach, slug="draft", price_minor=100), status=OfferStatus.DRAFT)

    both = cards([offer.coach, only.coach], now=NOW)

    assert [card.price_from for card in both] == [Money(1900, "EUR"), Money(1901, "EUR")]
    assert both[1].next_slot is None
    Offer.objects.filter(slug="gift").delete()
    found = [list(find_coaches(Search(max_price=limit))) for limit in (18, 19, 20)]
    assert found == [[], [offer.coach], [offer.coach, only.coach]]
    change(only, price_minor=0)
    assert list(find_coaches(Search(max_price=0))) == [only.coach]


def test_the_filter_takes_what_needs_no_time_in_units_of_its_own_currency() -> None:
    download = make_download()
    for currency, minor, limit in (("JPY", 1900, 1900), ("EUR", 190_000, 1900), ("BHD", 1_900_000, 1900)):
        change(download, currency=currency, price_minor=minor)
        assert [find_coaches(Search(max_price=most)).exists() for most in (limit - 1, limit)] == [False, True]


def test_cards_of_nobody_are_none() -> None:
    assert cards([], now=NOW) == []


def test_find_coaches_by_a_topic_of_several_comes_once() -> None:
    coach = make_offer().coach
    for name in ("Chess", "Chess openings"):
        coach.topics.add(Topic.objects.create(slug=name.lower().replace(" ", "-"), name=name))

    assert list(find_coaches(Search(words="chess maya"))) == [coach]
    assert list(find_coaches(Search(topic="chess"))) == [coach]


def test_find_cards_of_who_is_free_counts_all_pages() -> None:
    first, second, busy = (make_offer(make_coach(slug)) for slug in ("a", "b", "c"))
    Blackout.objects.create(coach=busy.coach, starts_at=at(0), ends_at=at(0, day=5))
    search = Search(free_from=at(0), free_until=at(0, day=5))

    pages = [find_cards(search, page=page, size=1, now=NOW) for page in (1, 2, 3)]

    assert [[card.coach for card in page.cards] for page in pages] == [[first.coach], [second.coach], []]
    assert {page.count for page in pages} == {2}


def test_find_cards_for_a_time_that_has_passed_finds_nobody() -> None:
    make_offer()

    assert find_cards(Search(free_until=NOW), page=1, size=12, now=NOW) == CardPage([], 0)
