"""Searching the coaches. A fixed number of queries for any number of them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from greenroom.bookings.queries import Wish, next_slots
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import offers_to_buy, offers_up_to, price_to_buy, priced, prices_from, public_offers
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import public_coaches
from greenroom.core.money import Money
from greenroom.directory.types import Card, CardPage, NextSlot, Search


def find_coaches(search: Search) -> QuerySet[Coach]:
    """Return the public coaches who match, the longest known first; whether they are free is not looked at.

    Every word must stand in name, headline or a topic. Nobody is rated and nobody's experience is known yet, so
    asking for either finds nobody.
    """
    coaches = public_coaches().select_related("user").prefetch_related("topics").order_by("pk")
    if search.min_rating > 0 or search.experience:
        return coaches.none()
    for word in search.words.split():
        named = Q(display_name__icontains=word) | Q(headline__icontains=word) | Q(topics__name__icontains=word)
        coaches = coaches.filter(pk__in=Coach.objects.filter(named).values("pk"))
    if search.topic:
        coaches = coaches.filter(topics__slug=search.topic)
    if search.max_price is not None:
        coaches = coaches.filter(pk__in=offers_up_to(search.max_price).values("coach_id"))
    return coaches


def find_cards(search: Search, *, page: int, size: int, now: datetime) -> CardPage:
    """Return one page (the first is 1) of the coaches who match and, when time is asked for, are free then."""
    first = (page - 1) * size
    coaches = find_coaches(search)
    if not search.asks_for_time:
        return CardPage(cards(list(coaches[first : first + size]), search=search, now=now), coaches.count())
    free = [card for card in cards(list(coaches), search=search, now=now) if card.next_slot is not None]
    return CardPage(free[first : first + size], len(free))


def cards(coaches: Sequence[Coach], *, now: datetime, search: Search | None = None) -> list[Card]:
    """Return each coach's card with the first time that can be booked, of all their offers at their first length.

    With a search that asks for time it is the first one then. What needs no time counts for the price alone.
    """
    offers: defaultdict[int, list[Offer]] = defaultdict(list)
    prices: defaultdict[int, list[Money]] = defaultdict(list)
    for offer in priced(public_offers().filter(coach__in=coaches)):
        offers[offer.coach_id].append(offer)
        prices[offer.coach_id] += prices_from(offer)
    for offer in offers_to_buy().filter(coach__in=coaches):
        prices[offer.coach_id].append(price_to_buy(offer))
    wishes = [Wish(offer, offer.durations.all()[0].length) for some in offers.values() for offer in some]
    asked = search or Search()
    starts = next_slots(wishes, now=now, range_from=asked.free_from, range_to=asked.free_until)
    firsts: dict[int, NextSlot] = {}
    for wish, start in zip(wishes, starts, strict=True):
        known = firsts.get(wish.offer.coach_id)
        if start is not None and (known is None or start < known.starts_at):
            firsts[wish.offer.coach_id] = NextSlot(start, wish.offer)
    return [_card(coach, prices[coach.pk], firsts.get(coach.pk)) for coach in coaches]


def _card(coach: Coach, prices: list[Money], first: NextSlot | None) -> Card:
    charged = [price for price in prices if price.minor]
    # A coach who sells in two currencies is shown by the first offer's: amounts of two are not comparable.
    same = [price for price in charged if price.currency == charged[0].currency]
    return Card(coach, min(same, default=None), first)
