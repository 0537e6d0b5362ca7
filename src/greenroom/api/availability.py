"""A coach's hours under the names the older documents print: userId, dayOfWeek (0 = Sunday), startTime, endTime."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe
from ninja import Query, Router, Schema, Status
from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StringConstraints
from pydantic.alias_generators import to_camel

from greenroom.accounts.models import User
from greenroom.api import callers
from greenroom.api.coaches import local_midnight
from greenroom.api.inputs import Day, Text, Zone
from greenroom.api.schemas import SlotsOut, Strict
from greenroom.availability import services
from greenroom.availability.engine import Interval, group_by_day
from greenroom.availability.models import MINUTES_PER_DAY, Blackout, Schedule, WeeklyWindow
from greenroom.availability.rules import checked_window, clock_words
from greenroom.availability.types import LocalDays
from greenroom.bookings.queries import open_slots, seats_left
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import find_duration, public_offers
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import public_coaches
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotFoundError
from greenroom.core.http import client_address
from greenroom.core.instants import iso, parse_date, parse_instant

router = Router(tags=["availability"])
_ONE_DAY = timedelta(days=1)
_SUNDAY = 7
_DOCUMENTED = {"windows": "startTime", "tz": "timezone", "ends_at": "endDate"}
_LONGEST_ID = 18
_HOUR_MINUTE = StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")


def _day_or_instant(value: object) -> date | datetime:
    """Read a whole local day, or an instant with its offset."""
    try:
        return parse_date(value)
    except ValueError:
        return parse_instant(value)


ClockTime = Annotated[str, _HOUR_MINUTE]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=60)]
DayOrInstant = Annotated[date | datetime, BeforeValidator(_day_or_instant)]


class _Strict(Strict):
    model_config = ConfigDict(alias_generator=to_camel)


class _Out(Schema):
    model_config = ConfigDict(alias_generator=to_camel)


class CoachIn(_Out):
    """Whose hours: the number of the coach's account, or the coach's slug."""

    user_id: UserId


class WindowIn(_Strict):
    """A weekly window. An end at or before the start lies on the next day; 24:00 is the end of the day."""

    day_of_week: Annotated[StrictInt, Field(ge=0, le=6, description="0 = Sunday to 6 = Saturday")]
    start_time: ClockTime
    end_time: ClockTime
    timezone: Zone | None = None
    user_id: UserId | None = None
    is_active: StrictBool = True


class WindowOut(_Out):
    """A weekly window, on the wall clock of `timezone`."""

    id: int
    user_id: str
    day_of_week: int
    start_time: str
    end_time: str
    timezone: str
    is_active: bool


class WindowPageOut(_Out):
    """A coach's week."""

    items: list[WindowOut]
    count: int
    page: int


class BlackoutIn(_Strict):
    """A closed range: two dates, both included and read in the schedule's zone, or two instants, the end excluded."""

    start_date: DayOrInstant
    end_date: DayOrInstant
    reason: Annotated[Text, Field(max_length=140)] = ""
    user_id: UserId | None = None


class BlackoutOut(_Out):
    """A closed range as two instants, the end excluded."""

    id: int
    user_id: str
    start_date: str
    end_date: str
    reason: str


class DaySlotsIn(_Out):
    """Whose day; `offer` and `duration` default to the first ones, `tz` to the zone of the coach's schedule."""

    user_id: UserId
    day: Day = Field(alias="date")
    tz: Zone | None = None
    offer: Annotated[str, Field(max_length=60)] = ""
    duration: int | None = None


@router.get("availability/windows", response=WindowPageOut, by_alias=True, url_name="availability_windows")
def list_windows(request: HttpRequest, asked: Query[CoachIn]) -> dict[str, object]:
    """The weekly windows of a coach's schedule, Monday first. Coaches see their own before they are public."""
    coach = _visible_coach(asked.user_id, callers.find_user(request))
    rows = WeeklyWindow.objects.filter(schedule__coach=coach, schedule__is_default=True).select_related("schedule")
    items = [_window_data(coach, row, row.schedule.tz) for row in rows]
    return {"items": items, "count": len(items), "page": 1}


@router.post("availability/windows", response={201: WindowOut}, by_alias=True, url_name="availability_windows_add")
def add_window(request: HttpRequest, payload: WindowIn) -> Status[dict[str, object]]:
    """Add a window to the signed-in coach's week; the same again answers the same row, switched on or off as asked."""
    coach, actor = _own_coach(request, payload.user_id)
    start, end = _minutes(payload.start_time), _minutes(payload.end_time)
    if start == MINUTES_PER_DAY:
        raise InvalidInputError("Use 00:00 for the beginning of a day.", field="startTime")
    with _documented_fields():
        window = checked_window(payload.day_of_week or _SUNDAY, start, end, is_active=payload.is_active)
    with _documented_fields():
        row = services.add_window(coach=coach, window=window, tz=payload.timezone, actor=actor, now=clock.now())
    return Status(HTTPStatus.CREATED, _window_data(coach, row, row.schedule.tz))


@router.post("availability/blackouts", response={201: BlackoutOut}, by_alias=True, url_name="availability_blackouts")
def add_blackout(request: HttpRequest, payload: BlackoutIn) -> Status[dict[str, object]]:
    """Close a range of the signed-in coach; what is booked stays. The same range again answers the same row."""
    coach, actor = _own_coach(request, payload.user_id)
    closed = _closed(payload)
    with _documented_fields():
        row = services.add_blackout(coach=coach, closed=closed, reason=payload.reason, actor=actor, now=clock.now())
    return Status(HTTPStatus.CREATED, _blackout_data(coach, row))


@router.get("availability/slots", response=SlotsOut, url_name="availability_slots")
def list_day_slots(request: HttpRequest, asked: Query[DaySlotsIn]) -> dict[str, object]:
    """The bookable starts of one date, in the coach's zone unless `tz` names another."""
    coach = _visible_coach(asked.user_id, callers.find_user(request))
    tz = asked.tz or _zone_of(coach)
    offer = _offer_of(coach, asked.offer)
    if offer is None:
        return {"tz": tz, "days": []}
    length = find_duration(offer, asked.duration).length
    first, end, now = local_midnight(asked.day, tz), local_midnight(asked.day + _ONE_DAY, tz), clock.now()
    starts = open_slots(offer, length=length, range_from=first, range_to=end, now=now)
    seats = seats_left(offer, length=length, range_from=first, range_to=end, now=now)
    return {
        "tz": tz,
        "days": [
            {
                "date": day.isoformat(),
                "slots": [_slot_data(start, length, seats.get(start, offer.capacity)) for start in of_day],
            }
            for day, of_day in group_by_day(starts, tz).items()
        ],
    }


@require_safe
def slots_by_number(request: HttpRequest, number: int) -> HttpResponse:
    """Lead an older address, which names a coach's account by its number, to `list_day_slots`; today unless told."""
    asked = request.GET.copy()
    asked["userId"] = str(number)
    asked.setdefault("date", f"{clock.now():%Y-%m-%d}")
    return redirect(f"{reverse('api:availability_slots')}?{asked.urlencode()}")


@contextmanager
def _documented_fields() -> Iterator[None]:
    """Name the input at fault as the caller wrote it."""
    try:
        yield
    except InvalidInputError as error:
        error.field = _DOCUMENTED.get((error.field or "").partition(".")[0], error.field)
        raise


def _visible_coach(user_id: str, user: User | None) -> Coach:
    """Return a public coach, or the caller's own. Raises: NotFoundError, the same for a hidden one and for none."""
    is_number = user_id.isascii() and user_id.isdecimal() and len(user_id) <= _LONGEST_ID
    named = {"user_id": int(user_id)} if is_number else {"slug": user_id}
    coach = public_coaches().filter(**named).select_related("user").first()
    if coach is None and user is not None:
        coach = Coach.objects.filter(user=user, **named).select_related("user").first()
    if coach is None:
        raise NotFoundError("There is no such coach.")
    return coach


def _own_coach(request: HttpRequest, user_id: str | None) -> tuple[Coach, Actor]:
    """Return the signed-in coach; a `userId` may only repeat who that is. Raises: NotFoundError."""
    user = callers.find_user(request)
    coach = Coach.objects.filter(user=user).select_related("user").first() if user else None
    if user is None or coach is None or user_id not in {None, str(user.pk), coach.slug}:
        raise NotFoundError("There is no such coach. Sign in as the coach whose hours these are.")
    return coach, Actor(ActorKind.COACH, user.pk, client_address(request))


def _zone_of(coach: Coach) -> str:
    schedule = Schedule.objects.filter(coach=coach, is_default=True).first()
    return schedule.tz if schedule else coach.user.time_zone


def _offer_of(coach: Coach, slug: str) -> Offer | None:
    offers = public_offers().filter(coach=coach)
    if slug and not offers.filter(slug=slug).exists():
        raise NotFoundError("There is no such offer.")
    return offers.filter(slug=slug).first() if slug else offers.first()


def _closed(payload: BlackoutIn) -> Interval | LocalDays:
    first, last = payload.start_date, payload.end_date
    if isinstance(first, datetime) and isinstance(last, datetime):
        if last <= first:
            raise InvalidInputError("Use an instant after startDate.", field="endDate")
        return Interval(first, last)
    if isinstance(first, datetime) or isinstance(last, datetime):
        raise InvalidInputError("Give two dates or two instants.", field="endDate")
    if last < first:
        raise InvalidInputError("Use a date that is not before startDate.", field="endDate")
    return LocalDays(first, last)


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _window_data(coach: Coach, row: WeeklyWindow, tz: str) -> dict[str, object]:
    return {
        "id": row.pk,
        "userId": str(coach.user_id),
        "dayOfWeek": row.weekday % _SUNDAY,
        "startTime": clock_words(row.start_minute),
        "endTime": clock_words(row.end_minute),
        "timezone": tz,
        "isActive": row.is_active,
    }


def _blackout_data(coach: Coach, row: Blackout) -> dict[str, object]:
    return {
        "id": row.pk,
        "userId": str(coach.user_id),
        "startDate": iso(row.starts_at),
        "endDate": iso(row.ends_at),
        "reason": row.reason,
    }


def _slot_data(start: datetime, length: timedelta, seats: int) -> dict[str, object]:
    return {"starts_at": iso(start), "ends_at": iso(start + length), "seats_left": seats}
