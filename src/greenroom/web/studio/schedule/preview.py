"""What students see with the hours as they stand in the form: the free times of an offer in the next seven days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from greenroom.availability.engine import Window, group_by_day
from greenroom.availability.models import Schedule
from greenroom.availability.queries import WINDOW_FIELDS
from greenroom.bookings.previewing import slots_with_hours
from greenroom.bookings.queries import Wish, takes_bookings
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferStatus
from greenroom.notifications import display
from greenroom.web.problems import Problem, problems_of
from greenroom.web.studio import queries
from greenroom.web.studio.access import Desk
from greenroom.web.studio.schedule.forms import WeekForm

OFFER_FIELD = "preview_offer"
_DAYS = 7
_MOST_TIMES = 7


@dataclass(frozen=True, slots=True)
class Day:
    """One local date: its first free times as words, and how many more there are."""

    on: date
    times: list[str]
    more: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The free times of `offer` on the clock of `tz`; or what keeps the form from being saved, and no times."""

    tz: str
    offers: list[Offer]
    offer: Offer | None = None
    minutes: int = 0
    count: int = 0
    is_bookable: bool = False
    days: tuple[Day, ...] = ()
    problems: tuple[Problem, ...] = ()


def preview_of(desk: Desk, schedule: Schedule | None, form: WeekForm, chosen: str, now: datetime) -> Preview:
    """Return what students would see if `form` were saved as it stands, sent or not.

    `chosen` is the number of one of the offers that use the schedule; anything else stands for the first of them.
    """
    week = WeekForm(form.data) if form.is_bound else None
    tz = schedule.tz if schedule else desk.viewer.tz
    offers = _offers(desk, schedule)
    if week is not None and not week.is_valid():
        return Preview(tz, offers, problems=tuple(problems_of(week)))
    windows = week.cleaned_data["windows"] if week else _stored(schedule)
    tz = week.cleaned_data["tz"] if week else tz
    offer = next((one for one in offers if str(one.pk) == chosen), next(iter(offers), None))
    if offer is None:
        return Preview(tz, offers)
    duration = offer.durations.all()[0]
    end = queries.local_midnight(now, tz, days=_DAYS)
    starts = slots_with_hours(
        Wish(offer, duration.length), windows=windows, tz=tz, range_from=now, range_to=end, now=now
    )
    days = _days(starts, desk, tz, now)
    return Preview(tz, offers, offer, duration.minutes, len(starts), takes_bookings(offer), days)


def _offers(desk: Desk, schedule: Schedule | None) -> list[Offer]:
    """Return the offers that use a schedule and have a length; those that can be bought come first."""
    uses = Q(schedule=schedule) | Q(schedule=None) if schedule is None or schedule.is_default else Q(schedule=schedule)
    rows = Offer.objects.filter(uses, coach=desk.coach, durations__isnull=False).exclude(status=OfferStatus.ARCHIVED)
    offers = rows.distinct().select_related("coach").prefetch_related("durations").order_by("position", "pk")
    return sorted(offers, key=lambda offer: offer.status != OfferStatus.PUBLISHED)


def _stored(schedule: Schedule | None) -> list[Window]:
    if schedule is None:
        return []
    return [Window(*row) for row in schedule.windows.values_list(*WINDOW_FIELDS)]


def _days(starts: list[datetime], desk: Desk, tz: str, now: datetime) -> tuple[Day, ...]:
    viewer = display.Viewer(tz, desk.viewer.h24)
    by_day = group_by_day(starts, tz)
    today = display.local(now, tz).date()
    days = []
    for on in (today + timedelta(days=ahead) for ahead in range(_DAYS)):
        times = [display.clock(start, viewer) for start in by_day.get(on, [])]
        days.append(Day(on, times[:_MOST_TIMES], max(0, len(times) - _MOST_TIMES)))
    return tuple(days)
