from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import MONDAY

from greenroom.availability import rules, services
from greenroom.availability.engine import Interval, Window
from greenroom.availability.errors import WindowsOverlapError
from greenroom.availability.models import Blackout, DateOverride, Schedule, WeeklyWindow
from greenroom.availability.types import LocalDays
from greenroom.bookings.errors import SlotNotOfferedError
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.queries import open_slots
from greenroom.bookings.services import Wanted, hold_slot
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from greenroom.core.models import AuditEntry
from greenroom.notifications.display import EN_DASH

pytestmark = pytest.mark.django_db
COACH = Actor(ActorKind.COACH)
STUDENT = Actor(ActorKind.STUDENT)
NINE, NOON, SIX_PM, TEN_PM, MIDNIGHT = 540, 720, 1080, 1320, 1440
TUESDAY = date(2026, 3, 3)
Race = Callable[[list[Callable[[], Any]]], list[Any]]


def dashed(text: str) -> str:
    return text.replace(" - ", f" {EN_DASH} ")


def week_of(coach: Coach) -> list[tuple[int, int, int]]:
    rows = WeeklyWindow.objects.filter(schedule__coach=coach).order_by("weekday", "start_minute")
    return list(rows.values_list("weekday", "start_minute", "end_minute"))


def replace(coach: Coach, windows: list[Window], tz: str = "UTC", **values: Any) -> Schedule:
    return services.replace_week(coach=coach, windows=windows, tz=tz, **({"actor": COACH, "now": MONDAY} | values))


def override(coach: Coach, on: date = TUESDAY, spans: tuple[tuple[int, int], ...] = (), **values: Any) -> DateOverride:
    return services.set_override(coach=coach, on=on, spans=spans, **({"actor": COACH, "now": MONDAY} | values))


def close(coach: Coach, first: date = TUESDAY, last: date | None = None, **values: Any) -> Blackout:
    closed = values.pop("closed", LocalDays(first, last or first))
    return services.add_blackout(coach=coach, closed=closed, **({"actor": COACH, "now": MONDAY} | values))


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_replace_week_writes_exactly_these_windows_and_says_so_in_the_audit_log() -> None:
    coach = make_coach()

    replace(coach, [Window(2, TEN_PM, 60), Window(1, NINE, NOON), Window(1, NOON + 60, MIDNIGHT)], "Europe/Berlin")

    assert week_of(coach) == [(1, NINE, NOON), (1, 780, MIDNIGHT), (2, TEN_PM, 60)]
    assert coach.schedules.get().tz == "Europe/Berlin"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before["tz"]) == ("schedule.replace_week", "UTC")
    assert entry.after == {
        "week": dashed("Mon 09:00 - 12:00, Mon 13:00 - 24:00, Tue 22:00 - 01:00"),
        "tz": "Europe/Berlin",
    }


def test_replace_week_second_call_changes_nothing() -> None:
    coach = make_coach()
    replace(coach, [Window(1, NINE, NOON)])
    before = list(WeeklyWindow.objects.values_list("pk", flat=True))

    replace(coach, [Window(1, NINE, NOON)])

    assert list(WeeklyWindow.objects.values_list("pk", flat=True)) == before
    assert actions() == ["schedule.replace_week"]


def test_replace_week_without_a_schedule_makes_the_default_one() -> None:
    coach = make_coach()
    Schedule.objects.all().delete()

    schedule = replace(coach, [Window(1, NINE, NOON)], "Asia/Tokyo")

    assert (schedule.tz, schedule.is_default, week_of(coach)) == ("Asia/Tokyo", True, [(1, NINE, NOON)])


def test_replace_week_without_windows_closes_every_day_at_once() -> None:
    offer = make_offer()
    replace(offer.coach, [])

    starts = open_slots(
        offer, length=timedelta(hours=1), range_from=MONDAY, range_to=MONDAY + timedelta(days=7), now=MONDAY
    )

    assert starts == []


def test_replace_week_leaves_overrides_blackouts_and_booked_sessions() -> None:
    booking = make_booking(starts_at=MONDAY + timedelta(days=1), now=MONDAY)
    override(booking.coach, date(2026, 3, 9), ((NINE, NOON),))
    close(booking.coach, date(2026, 3, 20))
    before = CoachingSession.objects.values().get()

    replace(booking.coach, [])

    assert (DateOverride.objects.count(), Blackout.objects.count()) == (1, 1)
    assert CoachingSession.objects.values().get() == before


@pytest.mark.parametrize(
    ("windows", "tz", "error", "field"),
    [
        ([Window(3, NINE, NOON), Window(3, 700, SIX_PM)], "UTC", WindowsOverlapError, "windows.3"),
        ([Window(3, NINE, NOON)], "Mars/Olympus", InvalidInputError, "tz"),
        ([Window(3, NINE, NOON)], "", InvalidInputError, "tz"),
        ([Window(3, NINE, NOON)], "../etc/passwd", InvalidInputError, "tz"),
    ],
)
def test_replace_week_bad_input_changes_nothing(
    windows: list[Window], tz: str, error: type[InvalidInputError], field: str
) -> None:
    coach = make_coach()
    before = week_of(coach)

    with pytest.raises(error) as caught:
        replace(coach, windows, tz)

    assert caught.value.field == field
    assert (week_of(coach), actions()) == (before, [])


def test_replace_week_somebody_elses_schedule_is_not_found() -> None:
    coach, other = make_coach(), make_coach("noah")
    before = week_of(other)

    with pytest.raises(NotFoundError):
        replace(coach, [], schedule=other.schedules.get())

    assert week_of(other) == before


def test_replace_week_named_schedule_leaves_the_default_one() -> None:
    coach = make_coach()
    second = Schedule.objects.create(coach=coach, name="Evenings", tz="UTC", is_default=False)

    replace(coach, [Window(1, SIX_PM, TEN_PM)], schedule=second)

    assert list(second.windows.values_list("weekday", "start_minute")) == [(1, SIX_PM)]
    assert len(week_of(coach)) == 8


@pytest.mark.parametrize("verb", ["replace", "window", "override", "unoverride", "blackout", "unblackout"])
def test_students_may_not_change_hours(verb: str) -> None:
    coach = make_coach()
    common: dict[str, Any] = {"coach": coach, "actor": STUDENT, "now": MONDAY}
    calls: dict[str, Callable[[], object]] = {
        "replace": lambda: services.replace_week(windows=[], tz="UTC", **common),
        "window": lambda: services.add_window(window=Window(1, NINE, NOON), tz=None, **common),
        "override": lambda: services.set_override(on=TUESDAY, spans=[], **common),
        "unoverride": lambda: services.remove_override(override_id=1, **common),
        "blackout": lambda: services.add_blackout(closed=LocalDays(TUESDAY, TUESDAY), **common),
        "unblackout": lambda: services.remove_blackout(blackout_id=1, **common),
    }
    before = week_of(coach)

    with pytest.raises(NotAllowedError):
        calls[verb]()

    assert (week_of(coach), DateOverride.objects.count(), Blackout.objects.count(), actions()) == (before, 0, 0, [])


@pytest.mark.postgres
@pytest.mark.parametrize("verb", ["replace", "override", "blackout"])
def test_the_coach_is_locked_before_anything_is_written(verb: str) -> None:
    coach = make_coach()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        {"replace": lambda: replace(coach, []), "override": lambda: override(coach), "blackout": lambda: close(coach)}[
            verb
        ]()

    statements = [query["sql"] for query in captured if "coaches_coach" in query["sql"] or "INSERT" in query["sql"]]
    # Either takes the row's lock until the transaction ends.
    assert statements[0].startswith('UPDATE "coaches_coach"') or "FOR NO KEY UPDATE" in statements[0]


def test_add_window_joins_the_week() -> None:
    coach = make_coach()
    replace(coach, [Window(1, NINE, NOON)])

    row = services.add_window(coach=coach, window=Window(1, NOON, SIX_PM), tz="UTC", actor=COACH, now=MONDAY)

    assert (row.weekday, row.start_minute, row.end_minute) == (1, NOON, SIX_PM)
    assert week_of(coach) == [(1, NINE, NOON), (1, NOON, SIX_PM)]
    assert actions() == ["schedule.replace_week", "schedule.add_window"]


def test_add_window_that_is_there_returns_it() -> None:
    coach = make_coach()
    replace(coach, [Window(1, NINE, NOON)])

    row = services.add_window(coach=coach, window=Window(1, NINE, NOON), tz=None, actor=COACH, now=MONDAY)

    assert row == WeeklyWindow.objects.get()
    assert actions() == ["schedule.replace_week"]


def test_add_window_without_a_schedule_makes_one_in_the_accounts_zone() -> None:
    coach = make_coach()
    Schedule.objects.all().delete()
    coach.user.time_zone = "Asia/Tokyo"

    services.add_window(coach=coach, window=Window(1, NINE, NOON), tz=None, actor=COACH, now=MONDAY)

    assert (coach.schedules.get().tz, week_of(coach)) == ("Asia/Tokyo", [(1, NINE, NOON)])


@pytest.mark.parametrize(
    ("window", "tz", "field"),
    [
        (Window(1, NINE, NOON), "Asia/Tokyo", "tz"),
        (Window(1, NINE, NOON), "Nowhere/Land", "tz"),
        (Window(1, NINE, NOON), None, "windows.1"),
        (Window(1, NINE, NINE), None, "windows"),
    ],
)
def test_add_window_bad_input_changes_nothing(window: Window, tz: str | None, field: str) -> None:
    coach = make_coach()
    before = week_of(coach)

    with pytest.raises(InvalidInputError) as caught:
        services.add_window(coach=coach, window=window, tz=tz, actor=COACH, now=MONDAY)

    assert caught.value.field == field
    assert (week_of(coach), actions()) == (before, [])


def test_set_override_replaces_the_hours_of_one_date() -> None:
    offer = make_offer()
    override(offer.coach, TUESDAY, ((NINE, NOON),))
    override(offer.coach, TUESDAY, ((NINE, NINE + 60), (SIX_PM, SIX_PM + 60)))

    starts = open_slots(
        offer,
        length=timedelta(hours=1),
        range_from=datetime(2026, 3, 3, tzinfo=UTC),
        range_to=datetime(2026, 3, 4, tzinfo=UTC),
        now=MONDAY,
    )

    assert [start.hour for start in starts] == [9, 18]
    assert [entry.after["hours"] for entry in AuditEntry.objects.order_by("pk")] == [
        dashed("09:00 - 12:00"),
        dashed("09:00 - 10:00, 18:00 - 19:00"),
    ]


def test_set_override_without_windows_closes_the_date_and_repeats_change_nothing() -> None:
    coach = make_coach()

    first, second = override(coach), override(coach)

    assert first == second
    assert list(first.windows.all()) == []
    assert (actions(), AuditEntry.objects.get().after) == (
        ["schedule.set_override"],
        {"on": "2026-03-03", "hours": "closed"},
    )


def test_set_override_today_is_the_schedules_today() -> None:
    coach = make_coach()
    Schedule.objects.update(tz="Pacific/Auckland")
    late = datetime(2026, 3, 2, 12, tzinfo=UTC)

    assert override(coach, date(2026, 3, 3), now=late).on == date(2026, 3, 3)
    with pytest.raises(InvalidInputError, match="past"):
        override(coach, date(2026, 3, 2), now=late)


@pytest.mark.parametrize(
    ("on", "spans", "field"),
    [
        (date(2026, 3, 1), (), "on"),
        (date(2029, 3, 1), (), "on"),
        (TUESDAY, ((NINE, NOON), (700, SIX_PM)), "windows"),
        (TUESDAY, ((NINE, NINE),), "windows"),
    ],
)
def test_set_override_bad_input_changes_nothing(on: date, spans: tuple[tuple[int, int], ...], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        override(make_coach(), on, spans)

    assert caught.value.field == field
    assert (DateOverride.objects.count(), actions()) == (0, [])


def test_set_override_without_a_schedule_asks_for_weekly_hours_first() -> None:
    coach = make_coach()
    Schedule.objects.all().delete()

    with pytest.raises(InvalidInputError, match="weekly hours first"):
        override(coach)


def test_set_override_too_many_dates_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    coach = make_coach()
    monkeypatch.setattr(rules, "MOST_DATES", 1)
    override(coach)

    assert override(coach, spans=((NINE, NOON),)).on == TUESDAY
    with pytest.raises(InvalidInputError, match="too many"):
        override(coach, date(2026, 3, 9))


def test_set_override_somebody_elses_schedule_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        override(make_coach(), schedule=make_coach("noah").schedules.get())

    assert DateOverride.objects.count() == 0


def test_remove_override_lets_the_week_count_again() -> None:
    coach = make_coach()
    row = override(coach, spans=((NINE, NOON),))

    services.remove_override(coach=coach, override_id=row.pk, actor=COACH, now=MONDAY)

    assert DateOverride.objects.count() == 0
    assert AuditEntry.objects.latest("pk").before == {"on": "2026-03-03", "hours": dashed("09:00 - 12:00")}


def test_remove_override_of_somebody_else_is_not_found() -> None:
    row = override(make_coach())

    with pytest.raises(NotFoundError):
        services.remove_override(coach=make_coach("noah"), override_id=row.pk, actor=COACH, now=MONDAY)

    assert DateOverride.objects.get() == row


def test_add_blackout_whole_days_are_those_of_the_schedule_also_when_clocks_change() -> None:
    coach = make_coach()
    Schedule.objects.update(tz="Europe/Berlin")

    row = close(coach, date(2026, 3, 28), date(2026, 3, 29), reason="  Spring fair ")

    assert row.starts_at == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert row.ends_at == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert row.reason == "Spring fair"


def test_add_blackout_without_a_schedule_reads_days_in_the_accounts_zone() -> None:
    coach = make_coach()
    Schedule.objects.all().delete()
    coach.user.time_zone = "Asia/Tokyo"

    assert close(coach).starts_at == datetime(2026, 3, 2, 15, tzinfo=UTC)


def test_add_blackout_closes_the_time_and_booked_sessions_stay() -> None:
    booking = make_booking(starts_at=datetime(2026, 3, 3, 9, tzinfo=UTC), now=MONDAY)
    offer = booking.session.offer

    close(offer.coach)

    starts = open_slots(
        offer,
        length=timedelta(hours=1),
        range_from=datetime(2026, 3, 3, tzinfo=UTC),
        range_to=datetime(2026, 3, 4, tzinfo=UTC),
        now=MONDAY,
    )
    assert starts == []
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_add_blackout_same_range_again_keeps_one_row_with_the_new_reason() -> None:
    coach = make_coach()

    first, second, third = close(coach), close(coach, reason="Ill"), close(coach, reason="Ill")

    assert first == second == third == Blackout.objects.get()
    assert Blackout.objects.get().reason == "Ill"
    assert AuditEntry.objects.latest("pk").reason == "Ill"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"first": date(2026, 3, 1)}, "ends_at"),
        ({"first": date(2026, 3, 4), "last": date(2026, 3, 3)}, "ends_at"),
        ({"first": date(2029, 3, 4)}, "ends_at"),
        ({"reason": "x" * 141}, "reason"),
        ({"closed": Interval(MONDAY - timedelta(hours=2), MONDAY)}, "ends_at"),
    ],
)
def test_add_blackout_bad_input_changes_nothing(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        close(make_coach(), **values)

    assert caught.value.field == field
    assert (Blackout.objects.count(), actions()) == (0, [])


def test_add_blackout_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    coach = make_coach()
    monkeypatch.setattr(rules, "MOST_BLACKOUTS", 1)
    close(coach)

    with pytest.raises(InvalidInputError, match="too many"):
        close(coach, date(2026, 3, 9))


def test_remove_blackout_opens_the_time_again() -> None:
    coach = make_coach()
    row = close(coach)

    services.remove_blackout(coach=coach, blackout_id=row.pk, actor=COACH, now=MONDAY)

    assert (Blackout.objects.count(), actions()) == (0, ["blackout.add", "blackout.remove"])


def test_remove_blackout_of_somebody_else_is_not_found() -> None:
    row = close(make_coach())

    with pytest.raises(NotFoundError):
        services.remove_blackout(coach=make_coach("noah"), blackout_id=row.pk, actor=COACH, now=MONDAY)

    assert Blackout.objects.get() == row


def hold(offer: Offer, starts_at: datetime) -> Booking:
    return hold_slot(
        wanted=Wanted(offer, offer.durations.get(), starts_at),
        holder="a" * 64,
        student=None,
        actor=Actor(ActorKind.GUEST),
        now=MONDAY,
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_hold_and_schedule_change_at_once_end_as_one_after_the_other(race: Race, _round: int) -> None:
    offer = make_offer()
    starts_at = MONDAY + timedelta(days=1)

    held, changed = race([lambda: hold(offer, starts_at), lambda: replace(offer.coach, [])])

    assert isinstance(changed, Schedule)
    assert week_of(offer.coach) == []
    assert isinstance(held, Booking | SlotNotOfferedError)
    assert Booking.objects.filter(status="held").count() == (1 if isinstance(held, Booking) else 0)


@pytest.mark.django_db(transaction=True)
def test_two_schedule_changes_at_once_leave_one_of_the_two_whole(race: Race) -> None:
    coach = make_coach()
    mornings = [Window(weekday, NINE, NOON) for weekday in range(1, 8)]
    evenings = [Window(weekday, SIX_PM, TEN_PM) for weekday in range(1, 8)]

    results = race([lambda: replace(coach, mornings), lambda: replace(coach, evenings)])

    assert [type(result) for result in results] == [Schedule, Schedule]
    assert week_of(coach) in (
        [(weekday, NINE, NOON) for weekday in range(1, 8)],
        [(weekday, SIX_PM, TEN_PM) for weekday in range(1, 8)],
    )
