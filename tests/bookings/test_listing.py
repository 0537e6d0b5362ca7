"""The kept list of free times is at every moment the list that would be made afresh."""

import random
from datetime import datetime, timedelta

import pytest
from tests.bookings.steps import GUEST, HOUR, MINUTE, at, change, hold
from tests.factories.clock import SettableClock

from greenroom.bookings import listing, queries, services
from greenroom.bookings.errors import SlotTakenError
from greenroom.bookings.listing import Asked, FreeTimes
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.core.errors import InvalidInputError, NotFoundError

WEEK = Asked("maya", "call", None, at(0, day=2), at(0, day=9))


def bookable(found: FreeTimes, now: datetime) -> list[datetime]:
    first, last = found.bookable(now)
    return list(found.starts[first:last])


@pytest.mark.parametrize("seed", range(3))
def test_kept_times_are_the_fresh_ones_through_holds_releases_and_time(
    offer: Offer, frozen_clock: SettableClock, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 -- reproducible
    change(offer, notice_minutes=90, buffer_after_minutes=30, horizon_days=5, daily_limit=3)
    held: list[Booking] = []

    for _ in range(25):
        frozen_clock.advance(dice.randint(0, 12) * MINUTE)
        now, offered_instead = frozen_clock(), []
        try:
            held.append(hold(offer, at(dice.randint(8, 20), day=dice.randint(3, 5)), holder=str(dice.randint(0, 5))))
        except SlotTakenError as refused:
            offered_instead = refused.alternatives
        for one in offered_instead:
            assert queries.explain_slot(offer, length=HOUR, starts_at=one, now=now).is_open
        if held and dice.random() < 0.3:
            services.release_hold(booking=held.pop(), actor=GUEST, now=now)
        found = listing.free_times(WEEK, now=now)
        fresh = queries.open_slots(offer, length=HOUR, range_from=WEEK.range_from, range_to=WEEK.range_to, now=now)
        assert bookable(found, now) == fresh
        assert listing.free_times(WEEK, now=now) is found


def test_times_are_kept_until_the_first_hold_ends(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = hold(offer)
    found = listing.free_times(WEEK, now=frozen_clock())

    assert found.true_until == booking.hold_expires_at
    assert (found.is_bookable(at(12), frozen_clock()), found.is_taken(at(12), frozen_clock())) == (False, True)
    assert (found.is_bookable(at(13), frozen_clock()), found.is_taken(at(13), frozen_clock())) == (True, False)
    assert not found.is_taken(at(12, 7), frozen_clock())
    later = listing.free_times(WEEK, now=frozen_clock.advance(timedelta(minutes=15)))
    assert later is not found
    assert later.is_bookable(at(12), frozen_clock())


def test_only_so_many_lists_are_kept(offer: Offer, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_KEPT", 2)
    asked = [Asked(offer.coach.slug, offer.slug, None, at(0), at(hour)) for hour in (1, 2, 3)]
    first = [listing.free_times(one, now=now) for one in asked]

    assert listing.free_times(asked[2], now=now) is first[2]
    assert listing.free_times(asked[0], now=now) is not first[0]


def test_what_is_not_there_is_named(offer: Offer, now: datetime) -> None:
    with pytest.raises(NotFoundError):
        listing.free_times(Asked("maya", "nothing", None, at(0), at(1)), now=now)
    with pytest.raises(InvalidInputError):
        listing.free_times(Asked(offer.coach.slug, offer.slug, 45, at(0), at(1)), now=now)


def test_nearest_are_in_order_of_time(offer: Offer, now: datetime) -> None:
    around = listing.times_around(offer.coach.slug, offer.slug, 60, at(12), now=now)

    assert around.nearest(at(12, 10), now, 3) == [at(11, 30), at(12), at(12, 30)]
    assert around.nearest(now, now, 2) == [now, now + 30 * MINUTE]
