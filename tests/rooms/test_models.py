"""What the database refuses, whatever the code does."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.factories.bookings import add_booking, make_booking
from tests.factories.rooms import World, make_room

from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.rooms.models import DiscordObject, RoomAccess

HOUR = timedelta(hours=1)


@pytest.fixture
def booking(world: World, offer: Offer) -> Booking:
    return make_booking(offer=offer, starts_at=world.now + 9 * HOUR, now=world.now)


def refuses(make: Callable[[], Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        make()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"state": "asleep"}, "rooms_state_is_known"),
        ({"open_before": 3 * HOUR}, "rooms_open_after_they_are_made"),
        ({"open_before": -HOUR}, "rooms_open_after_they_are_made"),
        ({"close_after": -HOUR}, "rooms_are_taken_away_after_they_close"),
        ({"close_after": 2 * HOUR, "teardown_after": HOUR}, "rooms_are_taken_away_after_they_close"),
        ({"access_method": "magic"}, "rooms_access_method_is_known"),
        ({"kind": "stage"}, "rooms_kind_is_known"),
    ],
)
def test_room_that_contradicts_itself_is_refused(booking: Booking, values: dict[str, Any], name: str) -> None:
    refuses(lambda: make_room(booking.session, **values), name)


def test_session_has_one_room(booking: Booking) -> None:
    make_room(booking.session)

    refuses(lambda: make_room(booking.session), "session_id")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"role": "coach", "state": "asleep", "discord_user_id": 1}, "room_accesses_state_is_known"),
        ({"role": "owner", "discord_user_id": 1, "has_booking": True}, "room_accesses_role_is_known"),
        ({"role": "student"}, "room_accesses_of_students_name_the_booking"),
        ({"role": "coach", "has_booking": True}, "room_accesses_of_students_name_the_booking"),
        ({"role": "coach", "state": "granted"}, "room_accesses_without_account_are_unlinked"),
    ],
)
def test_access_that_contradicts_itself_is_refused(booking: Booking, values: dict[str, Any], name: str) -> None:
    room = make_room(booking.session)
    mine = booking if values.pop("has_booking", False) else None

    # A role that is unknown breaks two rules at once, and the engines name either.
    pattern = f"{name}|room_accesses_of_students_name_the_booking"
    refuses(lambda: RoomAccess.objects.create(room=room, booking=mine, **values), pattern)


def test_person_has_one_row_per_account_and_one_unlinked(world: World, booking: Booking) -> None:
    room = make_room(booking.session)
    booking.session.capacity = 2
    booking.session.save()
    other = add_booking(booking.session, now=world.now)
    make = RoomAccess.objects.create
    make(room=room, role="coach")
    make(room=room, role="student", booking=booking)
    make(room=room, role="student", booking=other, discord_user_id=5)

    refuses(lambda: make(room=room, role="coach"), "room")
    refuses(lambda: make(room=room, role="student", booking=booking), "booking")
    refuses(lambda: make(room=room, role="coach", discord_user_id=5), "discord_user_id|one_per_account")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"kind": "stage", "object_id": 2}, "discord_objects_kind_is_known"),
        ({}, "discord_objects_were_asked_for_or_seen"),
        ({"has_room": True, "marker": "0123abcd"}, "discord_objects_were_asked_for_or_seen"),
        ({"has_room": True, "is_asked": True}, "discord_objects_were_asked_for_or_seen"),
        ({"marker": "0123abcd", "is_asked": True}, "discord_objects_were_asked_for_or_seen"),
    ],
)
def test_object_that_nobody_asked_for_or_saw_is_refused(
    world: World, booking: Booking, values: dict[str, Any], name: str
) -> None:
    room = make_room(booking.session) if values.pop("has_room", False) else None
    asked_at = world.now if values.pop("is_asked", False) else None
    row = {"guild_id": 1, "kind": "voice", "room": room, "asked_at": asked_at, "seen_at": world.now, **values}

    refuses(lambda: DiscordObject.objects.create(**row), name)


def test_object_is_noted_once(world: World) -> None:
    note = partial(DiscordObject.objects.create, guild_id=1, kind="voice", seen_at=world.now)
    note(object_id=2)

    refuses(lambda: note(object_id=2), "object_id|noted_once")


def test_room_asks_for_one_object_of_a_kind_at_a_time_and_markers_are_its_own(
    world: World, booking: Booking, offer: Offer
) -> None:
    other = make_booking(offer=offer, starts_at=world.now + 20 * HOUR, now=world.now)
    first, second = make_room(booking.session), make_room(other.session)
    ask = partial(DiscordObject.objects.create, guild_id=1, asked_at=world.now)
    asked = ask(room=first, kind="voice", marker="0123abcd")
    ask(room=first, kind="role", marker="0123abcd")

    refuses(lambda: ask(room=first, kind="voice", marker="ffffffff"), "room_id|one_at_a_time")
    refuses(lambda: ask(room=second, kind="voice", marker="0123abcd"), "marker")
    DiscordObject.objects.filter(pk=asked.pk).update(deleted_at=world.now)
    ask(room=second, kind="voice", marker="0123abcd")
    assert DiscordObject.objects.count() == 3
