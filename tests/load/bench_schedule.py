"""What one answer of the slots endpoint costs a coach's calendar with 200 bookings in the month.

    python tests/load/bench_schedule.py

Measured is the CPU time of this process on SQLite, with the database's own, not the time that passes: a month and a
day, each as it is gathered anew (the calendar changed since) and as it is kept, at the view and through all
middleware with Django's test client, which adds its own cost. The budgets are the view's: one for what is kept, which
is what nearly every reader gets, and one for the first after a change, who waits for nine queries. Counted is the
least of many calls, because other work on the machine only adds. A calendar with 200 windows and 300 changed dates
may cost twice as much as a plain one. Exits 1 when a budget is missed, an answer is empty, or the number of queries
changes.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from pathlib import Path
from time import process_time_ns as time_ns
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

ROUNDS, CALLS = 7, 30
BOOKINGS, WINDOWS, OVERRIDES = 200, 200, 300
QUERIES_ANEW, QUERIES_KEPT = 9, 1
MOST_TIMES_THE_PLAIN = 2.0
TZ = "America/New_York"
# Minutes of the coach's day: when it begins and ends, and when sessions of half an hour are booked.
OPENS, CLOSES = 540, 1020
TAKEN_AT = (540, 570, 690, 720, 840, 870, 990)
HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True)
class Workload:
    """So many days of free times, and how many milliseconds of CPU an answer may cost, anew and kept."""

    name: str
    days: int
    anew_ms: float
    kept_ms: float


@dataclass(frozen=True)
class Measured:
    """What was found out about one workload."""

    cost: Workload
    is_right: bool


WORKLOADS = (Workload("month", 31, anew_ms=20.0, kept_ms=4.0), Workload("day", 1, anew_ms=15.0, kept_ms=1.2))
Ask = Callable[[], Any]


def main() -> int:
    """Print one line a measurement; return 1 when something is over budget or wrong."""
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder:
        set_up(folder)
        first = datetime.now(UTC).date() + timedelta(days=30)
        coach = make_calendar(first)
        print(f"{BOOKINGS} bookings in the month, CPU ms an answer")
        print("          at the view      with middleware")
        print("          anew     kept      anew     kept   queries      budgets")
        plain = [report(load, coach, first) for load in WORKLOADS]
        crowd(coach, first)
        print(f"with {WINDOWS} windows and {OVERRIDES} changed dates: at most {MOST_TIMES_THE_PLAIN:g} times that")
        crowded = [report(times_as_much(one.cost), coach, first) for one in plain]
        return 0 if all(one.is_right for one in (*plain, *crowded)) else 1


def times_as_much(load: Workload) -> Workload:
    """Return the budget of a crowded calendar, made of what the plain one was measured to cost."""
    return replace(load, anew_ms=load.anew_ms * MOST_TIMES_THE_PLAIN, kept_ms=load.kept_ms * MOST_TIMES_THE_PLAIN)


def set_up(folder: str) -> None:
    """Point this process to an empty database in a folder of its own."""
    for name in [name for name in os.environ if name.startswith("GREENROOM_")]:
        del os.environ[name]
    os.environ |= {"GREENROOM_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "greenroom.config.settings.base"}
    import django  # noqa: PLC0415 -- after the environment
    from django.core.management import call_command  # noqa: PLC0415 -- as above

    django.setup()
    call_command("migrate", verbosity=0)


def make_calendar(first: date) -> Any:
    """Make a coach with short sessions all over the 31 days from `first`, and hours between them."""
    from django.db import transaction  # noqa: PLC0415 -- app ready
    from tests.factories.bookings import make_booking, make_coach, make_offer  # noqa: PLC0415 -- app ready

    from greenroom.availability.models import Schedule, WeeklyWindow  # noqa: PLC0415 -- app ready
    from greenroom.catalog.models import Offer  # noqa: PLC0415 -- app ready

    with transaction.atomic():
        coach = make_coach()
        offer = make_offer(coach)
        Offer.objects.update(increment_minutes=15, horizon_days=90)
        Schedule.objects.update(tz=TZ)
        WeeklyWindow.objects.update(start_minute=OPENS, end_minute=CLOSES)
        places = [(day, minute) for minute in TAKEN_AT for day in range(31)][:BOOKINGS]
        for day, minute in places:
            starts_at = datetime.combine(first, time(), ZoneInfo(TZ)) + timedelta(days=day, minutes=minute)
            make_booking(offer=offer, starts_at=starts_at.astimezone(UTC), now=datetime.now(UTC), length=HALF_HOUR)
    return coach


def crowd(coach: Any, first: date) -> None:
    """Give the coach very many windows and changed dates that mean nearly the same hours."""
    from django.db import transaction  # noqa: PLC0415 -- app ready

    from greenroom.availability.models import (  # noqa: PLC0415 -- app ready
        DateOverride,
        OverrideWindow,
        Schedule,
        WeeklyWindow,
    )

    schedule = Schedule.objects.get(coach=coach)
    pieces = [(weekday, OPENS + piece * 16) for piece in range(30) for weekday in range(1, 8)][:WINDOWS]
    dates = [first + timedelta(days=number - OVERRIDES // 2) for number in range(OVERRIDES)]
    with transaction.atomic():
        schedule.windows.all().delete()
        WeeklyWindow.objects.bulk_create(
            WeeklyWindow(schedule=schedule, weekday=weekday, start_minute=start, end_minute=start + 16)
            for weekday, start in pieces
        )
        rows = DateOverride.objects.bulk_create(DateOverride(schedule=schedule, on=on) for on in dates)
        OverrideWindow.objects.bulk_create(
            OverrideWindow(override=row, start_minute=OPENS, end_minute=CLOSES) for row in rows
        )


def report(load: Workload, coach: Any, first: date) -> Measured:
    """Measure one workload, print its line and tell whether it is right."""
    path = f"/api/v1/coaches/{coach.slug}/offers/call/slots"
    address = f"{path}?from={first}&to={first + timedelta(days=load.days - 1)}&tz=Europe/Berlin"
    at_view, through_all = view(address), client(address)
    queries = [count_queries(at_view, coach, is_kept=is_kept) for is_kept in (False, True)]
    columns = [cpu_ms(ask, coach, is_kept=is_kept) for ask in (at_view, through_all) for is_kept in (False, True)]
    cost = replace(load, anew_ms=columns[0], kept_ms=columns[1])
    is_within = cost.anew_ms <= load.anew_ms and cost.kept_ms <= load.kept_ms
    is_right = is_within and queries == [QUERIES_ANEW, QUERIES_KEPT]
    shown = "  ".join(f"{ms:7.2f}" for ms in columns)
    budgets = f"{load.anew_ms:5.1f} {load.kept_ms:5.1f}"
    print(f"{load.name:6} {shown}   {queries[0]} and {queries[1]}  {budgets}  {'ok' if is_right else 'NOT OK'}")
    return Measured(cost, is_right)


def view(address: str) -> Ask:
    """Return what asks the endpoint's own view, below the middleware."""
    from django.test import RequestFactory  # noqa: PLC0415 -- app ready
    from django.urls import resolve  # noqa: PLC0415 -- app ready

    found = resolve(address.partition("?")[0])
    request = RequestFactory().get(address)
    return lambda: found.func(request, *found.args, **found.kwargs)


def client(address: str) -> Ask:
    """Return what asks through all middleware, with what Django's test client does besides."""
    from django.test import Client  # noqa: PLC0415 -- app ready

    asking = Client(headers={"host": "localhost"})
    return lambda: asking.get(address)


def change(coach: Any) -> None:
    """Let what is kept of a coach's free times be out of date, as every change does."""
    from django.db.models import F  # noqa: PLC0415 -- app ready

    type(coach).objects.filter(pk=coach.pk).update(calendar_version=F("calendar_version") + 1)


def count_queries(ask: Ask, coach: Any, *, is_kept: bool) -> int:
    """Return how many queries one answer takes, and make sure that it is one."""
    from django.db import connection  # noqa: PLC0415 -- app ready
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 -- app ready

    ask()
    if not is_kept:
        change(coach)
    with CaptureQueriesContext(connection) as context:
        response = ask()
    if response.status_code != HTTPStatus.OK or b"starts_at" not in response.content:
        raise RuntimeError(f"{response.status_code}: {response.content[:200]!r}")
    return len(context)


def cpu_ms(ask: Ask, coach: Any, *, is_kept: bool) -> float:
    """Return the CPU milliseconds of an answer: the least of all calls in all rounds."""
    rounds = []
    for _ in range(ROUNDS):
        spent = []
        for _ in range(CALLS):
            if not is_kept:
                change(coach)
            began = time_ns()
            ask()
            spent.append((time_ns() - began) / 1e6)
        rounds.append(min(spent))
    return min(rounds)


if __name__ == "__main__":
    sys.exit(main())
