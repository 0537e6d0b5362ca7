"""Several named schedules on the studio's page."""

from http import HTTPStatus

import pytest
from django.test import Client
from tests.bookings.steps import at
from tests.factories.accounts import make_admin
from tests.factories.bookings import make_coach, make_offer
from tests.web.public.browsing import said
from tests.web.studio.test_schedule import week_data

from greenroom.availability.models import DateOverride, Schedule, WeeklyWindow
from greenroom.bookings import queries
from greenroom.coaches.models import Coach
from greenroom.core import clock

PAGE = "/studio/schedule/"


@pytest.fixture
def evenings(desk: Client, coach: Coach) -> Schedule:
    desk.post(f"{PAGE}new/", {"name": "Evenings"})
    return Schedule.objects.get(coach=coach, name="Evenings")


def test_new_hours_are_made_and_shown(desk: Client, evenings: Schedule) -> None:
    page = desk.get(f"{PAGE}{evenings.pk}/")

    assert page.context["schedule"] == evenings
    assert [one.name for one in page.context["schedules"]] == ["Working hours", "Evenings"]
    assert f'name="schedule" value="{evenings.pk}"' in page.content.decode()
    assert f'name="schedule" value="{evenings.pk}"' not in desk.get(PAGE).content.decode()


def test_page_of_the_usual_hours_saves_those_even_when_others_became_the_usual_ones(
    desk: Client, coach: Coach, evenings: Schedule
) -> None:
    first = Schedule.objects.get(coach=coach, is_default=True)
    assert f'name="schedule" value="{first.pk}"' in desk.get(PAGE).content.decode()
    desk.post(f"{PAGE}{evenings.pk}/default/")

    sent = week_data(day1_0_start="9", day1_0_end="12", version="0") | {"schedule": str(first.pk)}
    desk.post(f"{PAGE}week/", sent)

    assert (first.windows.count(), evenings.windows.count()) == (1, 7)


def test_offer_keeps_hours_that_became_the_usual_ones(desk: Client, coach: Coach, evenings: Schedule) -> None:
    offer = make_offer(coach)
    offer.schedule = evenings
    offer.save()
    desk.post(f"{PAGE}{evenings.pk}/default/")

    form = desk.get(f"/studio/offers/{offer.pk}/").context["form"]

    assert evenings in form.fields["schedule"].queryset


@pytest.mark.parametrize("path", ["week/", "undo/", "days/"])
@pytest.mark.parametrize("schedule", ["abc", "-1", "9" * 30, "1.5"])
def test_forms_that_name_nonsense_change_nothing(desk: Client, coach: Coach, path: str, schedule: str) -> None:
    before = list(WeeklyWindow.objects.values())

    answer = desk.post(f"{PAGE}{path}", week_data(day1_0_start="9", day1_0_end="12") | {"schedule": schedule})

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert list(WeeklyWindow.objects.values()) == before
    assert coach.schedules.count() == 1


def test_removing_a_day_with_an_absurd_number_finds_nothing(desk: Client) -> None:
    assert desk.post(f"{PAGE}days/99999999999999999999/remove/").status_code == HTTPStatus.NOT_FOUND


def test_staff_who_change_hours_are_not_overwritten_by_an_open_page(desk: Client, coach: Coach) -> None:
    schedule = Schedule.objects.get(coach=coach)
    staff = Client()
    staff.force_login(make_admin())
    sent = {"coach": coach.pk, "name": "Hours", "tz": "Asia/Tokyo", "is_default": "on"}
    management = {"windows-TOTAL_FORMS": "0", "windows-INITIAL_FORMS": "0"}
    changed = staff.post(f"/admin/availability/schedule/{schedule.pk}/change/", sent | management)
    assert changed.status_code == HTTPStatus.FOUND

    answer = desk.post(f"{PAGE}week/", week_data(day1_0_start="9", day1_0_end="12", version="0"))

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert Schedule.objects.get().tz == "Asia/Tokyo"


def test_each_schedule_keeps_its_own_week_days_and_undo(desk: Client, coach: Coach, evenings: Schedule) -> None:
    key = {"schedule": str(evenings.pk)}
    saved = desk.post(f"{PAGE}week/", week_data(day1_0_start="18", day1_0_end="21", version="0") | key)
    desk.post(f"{PAGE}days/", {"on": "2026-03-09", "kind": "closed"} | key)

    assert saved["Location"] == f"{PAGE}{evenings.pk}/"
    assert list(evenings.windows.values_list("weekday", "start_minute")) == [(1, 1080)]
    assert DateOverride.objects.get().schedule == evenings
    assert WeeklyWindow.objects.filter(schedule__is_default=True).count() == 7
    removed = desk.post(f"{PAGE}days/{DateOverride.objects.get().pk}/remove/")
    assert removed["Location"] == f"{PAGE}{evenings.pk}/#days"
    desk.post(f"{PAGE}undo/", {"version": "1"} | key)
    assert evenings.windows.count() == 7
    assert coach.schedules.count() == 2


def test_offer_follows_the_hours_it_chose_and_its_zone(coach: Coach, evenings: Schedule) -> None:
    offer = make_offer(coach)
    offer.schedule = evenings
    offer.save()
    evenings.windows.exclude(weekday=3).delete()
    evenings.windows.update(start_minute=18 * 60, end_minute=19 * 60)
    Schedule.objects.filter(pk=evenings.pk).update(tz="Asia/Tokyo")

    found = queries.open_slots(
        offer, length=offer.durations.get().length, range_from=at(0, day=2), range_to=at(0, day=9), now=clock.now()
    )

    assert found == [at(9)]


def test_name_is_changed_and_bad_ones_are_told(desk: Client, evenings: Schedule) -> None:
    desk.post(f"{PAGE}{evenings.pk}/rename/", {"name": "Nights"})
    assert Schedule.objects.get(pk=evenings.pk).name == "Nights"

    for path, form in ((f"{PAGE}{evenings.pk}/rename/", "renaming"), (f"{PAGE}new/", "adding")):
        for name in ("", "x" * 61, "Working hours", "a\x00"):
            answer = desk.post(path, {"name": name})
            assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, name
            assert list(answer.context[form].errors) == ["name"]
    assert sorted(Schedule.objects.values_list("name", flat=True)) == ["Nights", "Working hours"]


def test_usual_hours_change_and_old_ones_can_go(desk: Client, coach: Coach, evenings: Schedule) -> None:
    first = Schedule.objects.get(coach=coach, is_default=True)

    refused = desk.post(f"{PAGE}{first.pk}/remove/", follow=True)
    desk.post(f"{PAGE}{evenings.pk}/default/")
    removed = desk.post(f"{PAGE}{first.pk}/remove/", follow=True)

    assert "These are your usual hours." in said(refused)
    assert "“Working hours” are removed." in said(removed)
    assert Schedule.objects.get() == evenings
    assert desk.get(PAGE).context["schedule"] == evenings


def test_hours_that_an_offer_uses_stay(desk: Client, coach: Coach, evenings: Schedule) -> None:
    offer = make_offer(coach)
    offer.schedule = evenings
    offer.save()

    answer = desk.post(f"{PAGE}{evenings.pk}/remove/", follow=True)

    assert answer.redirect_chain == [(f"{PAGE}{evenings.pk}/", HTTPStatus.FOUND)]
    assert "Offers use these hours." in said(answer)


@pytest.mark.parametrize("path", ["week/", "days/", "undo/"])
def test_forms_of_somebody_elses_hours_are_not_found(desk: Client, coach: Coach, path: str) -> None:
    theirs = Schedule.objects.get(coach=make_coach("noah"))
    before = list(WeeklyWindow.objects.values())

    sent = week_data(day1_0_start="18", day1_0_end="21") | {"on": "2026-03-09", "kind": "closed"}
    answer = desk.post(f"{PAGE}{path}", sent | {"schedule": str(theirs.pk), "version": "0"})

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert list(WeeklyWindow.objects.values()) == before
    assert desk.get(f"{PAGE}{theirs.pk}/").status_code == HTTPStatus.NOT_FOUND
    assert coach.schedules.count() == 1
