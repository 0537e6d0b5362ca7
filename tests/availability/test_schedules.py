"""Several named schedules of one coach."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.factories.bookings import make_coach, make_offer
from tests.factories.clock import MONDAY

from greenroom.availability import rules, services
from greenroom.availability.errors import ScheduleInUseError
from greenroom.availability.models import Schedule, WeeklyWindow
from greenroom.coaches.models import Coach
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotAllowedError, NotFoundError
from greenroom.core.models import AuditEntry

pytestmark = pytest.mark.django_db
COACH = Actor(ActorKind.COACH)


@pytest.fixture
def coach() -> Coach:
    return make_coach()


def add(coach: Coach, name: str = "Evenings", actor: Actor = COACH) -> Schedule:
    return services.add_schedule(coach=coach, name=name, actor=actor, now=MONDAY)


def make_default(coach: Coach, schedule: Schedule, actor: Actor = COACH) -> Schedule:
    return services.make_default_schedule(coach=coach, schedule=schedule, actor=actor, now=MONDAY)


def remove(coach: Coach, schedule: Schedule, actor: Actor = COACH) -> None:
    services.remove_schedule(coach=coach, schedule=schedule, actor=actor, now=MONDAY)


def rename(coach: Coach, schedule: Schedule, name: str, actor: Actor = COACH) -> Schedule:
    return services.rename_schedule(coach=coach, schedule=schedule, name=name, actor=actor, now=MONDAY)


def default_of(coach: Coach) -> Schedule:
    return Schedule.objects.get(coach=coach, is_default=True)


def test_new_schedule_begins_as_a_copy_that_nobody_uses_yet(coach: Coach) -> None:
    Schedule.objects.update(tz="Asia/Tokyo")

    made = add(coach, "  Late   evenings ")

    assert (made.name, made.tz, made.is_default) == ("Late evenings", "Asia/Tokyo", False)
    assert made.windows.count() == default_of(coach).windows.count() == 7
    WeeklyWindow.objects.filter(schedule=made).delete()
    assert default_of(coach).windows.count() == 7


def test_first_schedule_of_a_coach_is_the_default_one(coach: Coach) -> None:
    Schedule.objects.all().delete()

    made = add(coach)

    assert (made.is_default, made.tz, made.windows.count()) == (True, coach.user.time_zone, 0)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "working hours"])
def test_names_are_there_short_and_told_apart(coach: Coach, name: str) -> None:
    other = add(coach)

    for verb in (lambda: add(coach, name), lambda: rename(coach, other, name)):
        with pytest.raises(InvalidInputError) as refused:
            verb()
        assert refused.value.field == "name"
    assert Schedule.objects.filter(coach=coach).count() == 2


def test_rename_keeps_everything_else_and_its_own_name_is_free(coach: Coach) -> None:
    other = add(coach)

    assert rename(coach, other, "EVENINGS").name == "EVENINGS"
    assert rename(coach, other, "EVENINGS").windows.count() == 7
    assert AuditEntry.objects.filter(action="schedule.rename").count() == 1


def test_too_many_schedules_are_refused(coach: Coach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_SCHEDULES", 2)
    add(coach)

    with pytest.raises(InvalidInputError, match="too many"):
        add(coach, "More")


def test_another_default_takes_the_place_of_the_first(coach: Coach) -> None:
    other, first = add(coach), default_of(coach)

    make_default(coach, other)
    make_default(coach, other)

    assert default_of(coach) == other
    assert not Schedule.objects.get(pk=first.pk).is_default
    assert AuditEntry.objects.filter(action="schedule.make_default").count() == 1


def test_remove_takes_its_windows_along(coach: Coach) -> None:
    other = add(coach)

    remove(coach, other)

    assert Schedule.objects.get() == default_of(coach)
    assert WeeklyWindow.objects.count() == 7


def test_default_schedule_and_one_in_use_cannot_be_removed(coach: Coach) -> None:
    used = add(coach)
    offer = make_offer(coach)
    offer.schedule = used
    offer.save()

    with pytest.raises(ScheduleInUseError, match="Offers use these hours"):
        remove(coach, used)
    with pytest.raises(ScheduleInUseError, match="your usual hours"):
        remove(coach, default_of(coach))

    assert Schedule.objects.filter(coach=coach).count() == 2
    assert not AuditEntry.objects.filter(action="schedule.remove").exists()


VERBS: list[Callable[..., Any]] = [make_default, remove, lambda *args, **kwargs: rename(*args, "Mine", **kwargs)]


@pytest.mark.parametrize("verb", VERBS)
def test_somebody_elses_schedule_is_not_found(coach: Coach, verb: Callable[..., Any]) -> None:
    theirs = add(make_coach("noah"))
    before = list(Schedule.objects.order_by("pk").values())

    with pytest.raises(NotFoundError):
        verb(coach, theirs)

    assert list(Schedule.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("verb", VERBS)
def test_students_may_not_change_schedules(coach: Coach, verb: Callable[..., Any]) -> None:
    other = add(coach)

    with pytest.raises(NotAllowedError):
        verb(coach, other, actor=Actor(ActorKind.STUDENT))
    with pytest.raises(NotAllowedError):
        add(coach, "More", Actor(ActorKind.STUDENT))
