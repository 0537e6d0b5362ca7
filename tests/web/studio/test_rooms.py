from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_admin
from tests.factories.bookings import make_coach, make_offer
from tests.web.test_templates import Reader

from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.rooms import discord
from greenroom.rooms.models import GuildReport, KeptPolicy
from greenroom.rooms.policies import INSTANT, SITE_POLICY, TWO_STEP, WINDOW, AccessMethod, RoomKind
from greenroom.rooms.queries import kept_policy, policy_for

ROOMS, SITE = "/studio/rooms/", "/ops/rooms/policy/"
OWN = {
    "preset": "own",
    "provision_before": "30",
    "open_before": "15",
    "close_after": "10",
    "teardown_after": "60",
    "access_method": "member",
    "kind": "text_and_voice",
    "channel_name_template": "lesson-{short8}",
    "role_name_template": "Lesson {short8}",
    "archive_for": "10080",
    "remind_before": "30",
}
MINUTE = timedelta(minutes=1)
AS_OWN = replace(
    WINDOW,
    provision_before=30 * MINUTE,
    open_before=15 * MINUTE,
    close_after=10 * MINUTE,
    teardown_after=60 * MINUTE,
    access_method=AccessMethod.MEMBER,
    kind=RoomKind.TEXT_AND_VOICE,
    channel_name_template="lesson-{short8}",
    role_name_template="Lesson {short8}",
    archive_for=timedelta(days=7),
    remind_before=30 * MINUTE,
)


def text(answer: Any) -> str:
    page = answer.content.decode()
    reader = Reader(page)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    return " ".join(page.split())


@pytest.fixture
def staff(db: None) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


def test_coach_chooses_by_name_and_own_rules_and_as_everywhere(desk: Client, coach: Coach, offer: Offer) -> None:
    page = desk.get(ROOMS)
    assert page.context["form"].initial["preset"] == "above"
    assert "As everywhere: opens 2 hours before the start, closes 1 hour after the end" in text(page)

    answer = desk.post(ROOMS, {"preset": "two_step"}, follow=True)
    assert "Saved. It counts for what is booked from now on." in text(answer)
    assert answer.context["form"].initial["preset"] == "two_step"
    assert policy_for(offer) == TWO_STEP

    answer = desk.post(ROOMS, OWN, follow=True)
    assert kept_policy(coach) == AS_OWN
    assert {name: str(value) for name, value in answer.context["form"].initial.items()} == OWN

    desk.post(ROOMS, {"preset": "above"})
    assert kept_policy(coach) is None
    assert policy_for(offer) == SITE_POLICY


def test_offer_has_rules_of_its_own_and_says_so_on_its_page(desk: Client, coach: Coach, offer: Offer) -> None:
    assert "The room opens 2 hours before the start, closes 1 hour after the end." in text(
        desk.get(f"/studio/offers/{offer.pk}/")
    )
    desk.post(ROOMS, {"preset": "two_step"})

    page = desk.get(f"/studio/offers/{offer.pk}/rooms/")
    words = "As everywhere: is made 15 minutes before the start, opens 5 minutes before the start, closes 1 hour after"
    assert words in text(page)
    desk.post(f"/studio/offers/{offer.pk}/rooms/", {"preset": "instant"})

    assert (kept_policy(coach), kept_policy(offer)) == (TWO_STEP, INSTANT)
    room_words = "The room opens as soon as it is booked, closes 1 hour after the end, with a text channel."
    assert room_words in text(desk.get(f"/studio/offers/{offer.pk}/"))


@pytest.mark.parametrize("method", ["get", "post"])
def test_offers_of_others_are_not_there(desk: Client, method: str) -> None:
    theirs = make_offer(make_coach("noah"), slug="theirs")

    answer = getattr(desk, method)(f"/studio/offers/{theirs.pk}/rooms/", {"preset": "instant"})

    assert answer.status_code == 404
    assert not KeptPolicy.objects.exists()


@pytest.mark.parametrize(
    ("changes", "anchor", "words"),
    [
        ({"preset": ""}, "id_preset", "Choose one."),
        ({"preset": "whenever"}, "id_preset", "Choose one from the list."),
        ({"open_before": "60"}, "id_open_before", "A room is made before it opens, or at the same time."),
        ({"open_before": "7"}, "id_open_before", "Choose one from the list."),
        ({"open_before": "-5"}, "id_open_before", "Choose one from the list."),
        ({"close_after": ""}, "id_close_after", "Choose one."),
        ({"teardown_after": "5"}, "id_teardown_after", "A room closes before it is taken away, or together."),
        ({"remind_before": "7"}, "id_remind_before", "Choose one from the list."),
        ({"remind_before": ""}, "id_remind_before", "Choose one."),
        ({"kind": "stage"}, "id_kind", "Choose one from the list."),
        ({"channel_name_template": "lesson"}, "id_channel_name_template", "Write {short8} exactly once"),
        ({"channel_name_template": "{short8}"}, "id_channel_name_template", "three letters or more"),
        ({"channel_name_template": "Lesson {short8}!"}, "id_channel_name_template", "Use small letters"),
        ({"role_name_template": "x" * 101}, "id_role_name_template", "at most 100 characters"),
    ],
)
def test_rules_that_cannot_be_are_refused_at_their_field(
    changes: dict[str, str], anchor: str, words: str, desk: Client
) -> None:
    answer = desk.post(ROOMS, OWN | changes)

    assert answer.status_code == 422
    [problem] = answer.context["problems"]
    assert problem.anchor.startswith(anchor)
    assert words in problem.message
    assert text(answer)
    assert not KeptPolicy.objects.exists()


def test_named_rules_do_not_look_at_what_own_ones_would_say(desk: Client, coach: Coach) -> None:
    desk.post(ROOMS, OWN | {"preset": "window", "channel_name_template": "", "open_before": "60"})

    assert kept_policy(coach) == WINDOW


def test_site_has_rules_and_nothing_above_them(staff: Client, offer: Offer) -> None:
    page = staff.get(SITE)
    assert page.context["form"].initial["preset"] == "window"
    assert "As everywhere" not in text(page)

    assert staff.post(SITE, {"preset": "above"}).status_code == 422
    answer = staff.post(SITE, OWN, follow=True)

    assert "Saved." in text(answer)
    assert policy_for(offer) == kept_policy(None) == AS_OWN


def test_sites_rules_are_for_staff(desk: Client) -> None:
    assert desk.get(SITE).status_code == 404
    assert desk.post(SITE, {"preset": "instant"}).status_code == 404
    assert Client().post(SITE, {"preset": "instant"})["Location"].startswith("/account/login/")
    assert not KeptPolicy.objects.exists()


def test_offer_says_when_no_rooms_can_be_made(desk: Client, offer: Offer) -> None:
    path = f"/studio/offers/{offer.pk}/"
    assert "cannot make Discord rooms" not in text(desk.get(path))
    connection = discord.current()
    assert connection is not None
    findings = [{"grade": "broken", "words": "The bot is not in the server 1.", "remedy": "Invite it."}]
    GuildReport.objects.create(guild_id=connection.guild_id, findings=findings, examined_at=clock.now())

    page = text(desk.get(path))
    assert "The site cannot make Discord rooms at present." in page
    assert "The bot is not in the server" not in page
    discord.use(None)
    try:
        assert "This site is not connected to Discord yet" in text(desk.get(path))
    finally:
        discord.use(connection)
