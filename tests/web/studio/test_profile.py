from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.accounts import make_discord_identity
from tests.factories.clock import MONDAY

from greenroom.availability.models import Schedule
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.services import Profile, save_profile
from greenroom.coaches.types import CoachStatus
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.models import AuditEntry

PATH = "/studio/profile/"
WHOLE = {
    "display_name": "Maya Lindqvist",
    "headline": "Chess for the stuck",
    "bio": "Eleven years.",
    "languages": "English, Swedish",
    "time_zone": "Europe/Stockholm",
    "is_accepting_students": "on",
}


def row() -> dict[str, Any]:
    names = ("display_name", "headline", "bio", "languages", "is_accepting_students", "user__time_zone")
    return Coach.objects.values(*names).get()


def test_profile_is_saved_with_topics_and_zone_and_the_schedule_keeps_its_own(desk: Client, coach: Coach) -> None:
    chess = Topic.objects.create(slug="chess", name="Chess")

    answer = desk.post(PATH, WHOLE | {"topics": [chess.pk]})

    assert (answer.status_code, answer["Location"]) == (302, PATH)
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["Your profile is saved."]
    assert row() == {
        "display_name": "Maya Lindqvist",
        "headline": "Chess for the stuck",
        "bio": "Eleven years.",
        "languages": "English, Swedish",
        "is_accepting_students": True,
        "user__time_zone": "Europe/Stockholm",
    }
    assert list(coach.topics.all()) == [chess]
    assert Schedule.objects.get().tz == "UTC"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after["topics"], entry.before["time_zone"]) == ("coach.edit_profile", "chess", "UTC")


def test_profile_saved_again_leaves_no_second_entry(desk: Client, coach: Coach) -> None:
    desk.post(PATH, WHOLE)
    desk.post(PATH, WHOLE)

    assert AuditEntry.objects.count() == 1
    assert coach.is_public


def test_profile_without_the_box_takes_no_new_bookings(desk: Client, coach: Coach) -> None:
    desk.post(PATH, {name: value for name, value in WHOLE.items() if name != "is_accepting_students"})

    coach.refresh_from_db()
    assert not coach.is_bookable


def test_profile_shows_what_is_stored(desk: Client, coach: Coach) -> None:
    coach.topics.add(Topic.objects.create(slug="chess", name="Chess"))

    form = desk.get(PATH).context["form"]

    assert form["display_name"].value() == coach.display_name
    assert form["time_zone"].value() == "UTC"
    assert "checked" in str(form["topics"])


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"display_name": ""}, "id_display_name"),
        ({"display_name": "x" * 81}, "id_display_name"),
        ({"display_name": "\x07"}, "id_display_name"),
        ({"headline": "x" * 141}, "id_headline"),
        ({"bio": "x" * 4001}, "id_bio"),
        ({"languages": "x" * 121}, "id_languages"),
        ({"topics": ["999999"]}, "id_topics"),
        ({"topics": ["x"]}, "id_topics"),
        ({"time_zone": "Mars/Olympus"}, "id_time_zone"),
        ({"time_zone": ""}, "id_time_zone"),
    ],
)
def test_profile_bad_input_names_the_field_and_changes_nothing(
    desk: Client, coach: Coach, changes: dict[str, Any], anchor: str
) -> None:
    Topic.objects.create(slug="chess", name="Chess")
    before = row()

    answer = desk.post(PATH, WHOLE | changes)

    assert (answer.status_code, [problem.anchor for problem in answer.context["problems"]]) == (422, [anchor])
    assert f'id="{anchor}"' in answer.content.decode()
    assert (row(), AuditEntry.objects.count()) == (before, 0)
    assert coach.is_public


@pytest.mark.parametrize(("is_linked", "state"), [(True, "connected"), (False, "missing")])
def test_discord_card_shows_the_accounts_connection(
    desk: Client,
    coach: Coach,
    is_linked: bool,  # noqa: FBT001 -- a table
    state: str,
) -> None:
    if is_linked:
        make_discord_identity(user=coach.user)

    answer = desk.get(PATH)

    assert answer.context["discord"]["state"] == state
    assert '<input type="hidden" name="next" value="/studio/profile/">' in answer.content.decode()


def test_profile_that_is_not_approved_says_so(desk: Client, coach: Coach) -> None:
    Coach.objects.update(status=CoachStatus.APPLIED)

    page = desk.get(PATH).content.decode()

    assert "Your profile is not approved yet." in page
    assert f'href="/{coach.slug}/"' not in page


def test_save_profile_is_for_the_coach_and_admins(coach: Coach) -> None:
    before = row()
    profile = Profile("Somebody", "", "", "", is_accepting_students=False, time_zone="UTC", topics=[])

    with pytest.raises(NotAllowedError):
        save_profile(coach=coach, profile=profile, actor=Actor(ActorKind.STUDENT), now=MONDAY)

    assert row() == before
