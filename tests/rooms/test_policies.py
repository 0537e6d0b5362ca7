from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.factories.bookings import make_booking
from tests.factories.rooms import World, make_room

from greenroom.catalog.models import Offer
from greenroom.core.errors import InvalidInputError
from greenroom.rooms.models import Room
from greenroom.rooms.policies import INSTANT, PRESETS, SITE_POLICY, TWO_STEP, WINDOW, AccessMethod, RoomKind
from greenroom.rooms.services.turns import ensure_room

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)


def test_presets_are_those_of_the_source_documents() -> None:
    assert {"window": WINDOW, "two_step": TWO_STEP, "instant": INSTANT} == PRESETS
    assert SITE_POLICY == WINDOW
    assert (WINDOW.provision_before, WINDOW.open_before, WINDOW.close_after) == (2 * HOUR, 2 * HOUR, HOUR)
    assert (TWO_STEP.provision_before, TWO_STEP.open_before) == (15 * MINUTE, 5 * MINUTE)
    assert (INSTANT.open_before, INSTANT.access_method, INSTANT.kind) == (366 * DAY, "role", "text_and_voice")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"open_before": 2 * HOUR + TICK}, "open_before"),
        ({"open_before": -TICK}, "open_before"),
        ({"provision_before": -TICK}, "provision_before"),
        ({"provision_before": 366 * DAY + TICK}, "provision_before"),
        ({"close_after": -TICK}, "close_after"),
        ({"close_after": DAY + TICK, "teardown_after": 2 * DAY}, "close_after"),
        ({"close_after": HOUR, "teardown_after": HOUR - TICK}, "teardown_after"),
        ({"teardown_after": 30 * DAY + TICK}, "teardown_after"),
        ({"archive_for": -TICK}, "archive_for"),
        ({"archive_for": 366 * DAY + TICK}, "archive_for"),
        ({"remind_before": -TICK}, "remind_before"),
    ],
)
def test_policy_whose_times_make_no_sense_is_refused_by_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        replace(WINDOW, **values)

    assert raised.value.field == field


@pytest.mark.parametrize(
    "values",
    [
        {"close_after": DAY, "teardown_after": 30 * DAY, "archive_for": 366 * DAY},
        {"provision_before": 366 * DAY, "remind_before": 366 * DAY},
        {"open_before": timedelta(), "provision_before": timedelta()},
    ],
)
def test_policy_at_the_limits_is_accepted(values: dict[str, Any]) -> None:
    assert {**asdict(WINDOW), **values} == asdict(replace(WINDOW, **values))


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("coaching", "exactly once"),
        ("{short8}-coaching-{short8}", "exactly once"),
        ("coaching-{short8}-{date}", "no other braces"),
        ("coaching-{short8", "exactly once"),
        ("c" * 93 + "{short8}", "up to 100 characters"),
        ("coaching  {short8}", "single spaces"),
        (" coaching-{short8}", "single spaces"),
        ("coaching\n{short8}", "visible characters"),
        ("coaching\u200b{short8}", "visible characters"),
        ("{short8}", "three letters"),
        ("2026-ab-{short8}", "three letters"),
    ],
)
@pytest.mark.parametrize("field", ["channel_name_template", "role_name_template"])
def test_name_that_cannot_serve_is_refused_with_what_to_do(field: str, template: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as raised:
        replace(WINDOW, **{field: template})

    assert raised.value.field == field


@pytest.mark.parametrize(
    "template", ["Coaching-{short8}", "coaching/{short8}", "coaching #{short8}", "(coaching) {short8}"]
)
def test_channel_name_that_discord_would_change_is_refused(template: str) -> None:
    with pytest.raises(InvalidInputError, match="small letters"):
        replace(WINDOW, channel_name_template=template)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("coaching-{short8}", "coaching-0123abcd"),
        ("🎤 coaching-{short8}", "🎤 coaching-0123abcd"),
        ("stunde_{short8}_übung", "stunde_0123abcd_übung"),
        ("c" * 92 + "{short8}", "c" * 92 + "0123abcd"),
    ],
)
def test_names_carry_the_marker(template: str, name: str) -> None:
    policy = replace(WINDOW, channel_name_template=template, role_name_template=f"{template}"[:100])

    assert (policy.channel_name("0123abcd"), policy.role_name("0123abcd")) == (name, name)


def test_role_name_may_have_capitals_and_signs() -> None:
    assert (
        replace(WINDOW, role_name_template="(1:1) Session {short8}!").role_name("0123abcd") == "(1:1) Session 0123abcd!"
    )


def test_policy_is_frozen_on_the_room_when_it_is_planned(world: World, offer: Offer) -> None:
    booking = make_booking(offer=offer, starts_at=world.now + 9 * HOUR, now=world.now)

    room = ensure_room(booking.session_id, now=world.now)

    assert room is not None
    assert Room.objects.get().policy == room.policy == SITE_POLICY


def test_every_part_of_a_policy_is_kept_by_its_room(world: World, offer: Offer) -> None:
    booking = make_booking(offer=offer, starts_at=world.now + 9 * HOUR, now=world.now)
    policy = replace(
        TWO_STEP,
        teardown_after=3 * HOUR,
        access_method=AccessMethod.MEMBER,
        kind=RoomKind.TEXT_AND_VOICE,
        channel_name_template="stunde-{short8}",
        role_name_template="Stunde {short8}",
        archive_for=7 * DAY,
        remind_before=15 * MINUTE,
    )

    make_room(booking.session, **asdict(policy))

    assert Room.objects.get().policy == policy
