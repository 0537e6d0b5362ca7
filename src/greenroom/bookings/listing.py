"""The free times of an offer, kept between requests for as long as they are exactly true.

What is free depends on the coach's rows and on the clock. The rows are covered by `calendar_version`, which grows
with every lock of the calendar and is read before anything else; the clock by leaving notice and horizon to the
reader, who cuts the list at this very moment, and by forgetting it when the first hold in it runs out. So a kept
answer is the same as a fresh one from `queries.open_slots`, for one query instead of seven.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock

from django.db.models import Min

from greenroom.availability.engine import SlotQuery, Taken
from greenroom.availability.engine import open_slots as engine_open_slots
from greenroom.bookings import queries
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import find_duration, get_public_offer
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.types import CoachStatus

_MOST_KEPT = 256
_LONG_AGO = timedelta(days=366)
_AROUND = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose free times, for how many minutes (None: the offer's first length), starting in [range_from, range_to)."""

    coach_slug: str
    offer_slug: str
    minutes: int | None
    range_from: datetime
    range_to: datetime


@dataclass(frozen=True, eq=False)
class FreeTimes:
    """Every start that nothing but notice and horizon stands in the way of, aware UTC and sorted.

    `untaken` is the question they answer, as if nobody had booked anything; None while nothing can be booked at all.
    `seats` are those of a start at which nobody booked yet, `seats_left` those of groups that people can join.
    """

    starts: tuple[datetime, ...]
    untaken: SlotQuery | None
    length: timedelta
    seats: int
    seats_left: Mapping[datetime, int]
    notice: timedelta
    horizon: timedelta
    true_until: datetime | None

    @cached_property
    def offered(self) -> frozenset[datetime]:
        """The starts that would be there if nobody had booked anything; found once somebody comes too late."""
        return frozenset(engine_open_slots(self.untaken)) if self.untaken else frozenset()

    def seats_at(self, start: datetime) -> int:
        """Return how many seats a start among `starts` has left."""
        return self.seats_left.get(start, self.seats)

    def bookable(self, now: datetime) -> tuple[int, int]:
        """Return the part of `starts` that can be booked at `now`, as the bounds of a slice; both rules inclusive."""
        return bisect_left(self.starts, now + self.notice), bisect_right(self.starts, now + self.horizon)

    def is_bookable(self, start: datetime, now: datetime) -> bool:
        """Tell whether `start` can be booked at `now`."""
        first, last = self.bookable(now)
        place = bisect_left(self.starts, start)
        return first <= place < last and self.starts[place] == start

    def is_taken(self, start: datetime, now: datetime) -> bool:
        """Tell whether only other sessions stand in the way of `start` at `now`."""
        is_in_reach = now + self.notice <= start <= now + self.horizon
        return is_in_reach and start in self.offered and not self.is_bookable(start, now)

    def nearest(self, wanted: datetime, now: datetime, count: int) -> list[datetime]:
        """Return the `count` bookable starts nearest to `wanted`, in order of time."""
        first, last = self.bookable(now)
        place = bisect_left(self.starts, wanted)
        around = self.starts[max(first, place - count) : min(last, place + count + 1)]
        return sorted(sorted(around, key=lambda start: abs(start - wanted))[:count])


_kept: OrderedDict[tuple[object, ...], FreeTimes] = OrderedDict()
_lock = Lock()


def free_times(asked: Asked, *, now: datetime) -> FreeTimes:
    """Return the free times that were asked for; the same object while nothing changed. One query when kept.

    Raises: NotFoundError for an offer that is not public, InvalidInputError for a length it does not have.
    """
    found = Offer.objects.filter(
        slug=asked.offer_slug,
        coach__slug=asked.coach_slug,
        status=OfferStatus.PUBLISHED,
        coach__status=CoachStatus.APPROVED,
    )
    key = (asked, *found.values_list("pk", "coach__calendar_version", "coach__is_accepting_students"))
    with _lock:
        kept = _kept.get(key)
        if kept is not None and (kept.true_until is None or now < kept.true_until):
            _kept.move_to_end(key)
            return kept
    fresh = _gather(asked, now)
    with _lock:
        _kept[key] = fresh
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return fresh


def times_around(
    coach_slug: str, offer_slug: str, minutes: int | None, wanted: datetime, *, now: datetime
) -> FreeTimes:
    """Return the free times of two weeks before and after the day of `wanted`; one query when kept.

    Everybody who wants a time of that day gets the same object. Raises: as `free_times`.
    """
    midnight = wanted.replace(hour=0, minute=0, second=0, microsecond=0)
    return free_times(Asked(coach_slug, offer_slug, minutes, midnight - _AROUND, midnight + _AROUND), now=now)


def _gather(asked: Asked, now: datetime) -> FreeTimes:
    offer = get_public_offer(asked.coach_slug, asked.offer_slug)
    length = find_duration(offer, asked.minutes).length
    if not offer.coach.is_accepting_students:
        return FreeTimes((), None, length, offer.capacity, {}, offer.notice, offer.horizon, None)
    wishes = [queries.Wish(offer, length)]
    (query,) = queries.slot_queries(wishes, range_from=asked.range_from, range_to=asked.range_to, now=now)
    # As seen from long before the range, without notice and horizon: the reader applies both to its own moment.
    timeless = replace(
        query,
        now=asked.range_from - _LONG_AGO,
        rules=replace(query.rules, notice=timedelta(), horizon=None),
    )
    is_open = queries.takes_bookings(offer)
    return FreeTimes(
        starts=tuple(engine_open_slots(timeless)) if is_open else (),
        untaken=replace(timeless, taken=Taken(blackouts=query.taken.blackouts)) if is_open else None,
        length=length,
        seats=offer.capacity,
        seats_left=queries.seats_left(
            offer, length=length, range_from=asked.range_from, range_to=asked.range_to, now=now
        ),
        notice=offer.notice,
        horizon=offer.horizon,
        true_until=_first_hold_to_end(offer.coach_id, now),
    )


def _first_hold_to_end(coach_id: int, now: datetime) -> datetime | None:
    held = Booking.objects.filter(coach_id=coach_id, status=BookingStatus.HELD, hold_expires_at__gt=now)
    first: datetime | None = held.aggregate(first=Min("hold_expires_at"))["first"]
    return first
