from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_admin, make_user
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock
from tests.factories.rooms import World, open_world, refuse_all
from tests.web.test_templates import Reader

from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.integrations.discord.sandbox.services import people
from greenroom.jobs.models import Job
from greenroom.rooms import discord
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.services import request_reconcile
from greenroom.rooms.types import ObjectKind

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ROOMS = "/ops/rooms/"


@pytest.fixture
def world(db: None, handlers: None, frozen_clock: SettableClock) -> Iterator[World]:  # noqa: ARG001 -- both are needed
    with open_world(frozen_clock) as opened:
        yield opened


@pytest.fixture
def offer(world: World) -> Offer:
    coach = make_coach()
    world.link("maya.coach", user=coach.user)
    return make_offer(coach)


def book(world: World, offer: Offer, starts_in: timedelta, student: str | None = "sam.student") -> Booking:
    identity = world.link(student) if student else None
    booking = make_booking(offer=offer, starts_at=world.now + starts_in, now=world.now, discord_identity=identity)
    request_reconcile(booking.session_id, now=world.now)
    world.run()
    return booking


@pytest.fixture
def staff(world: World) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


def voice() -> DiscordObject:
    return DiscordObject.objects.get(kind=ObjectKind.VOICE)


def text(answer: Any) -> str:
    page = answer.content.decode()
    reader = Reader(page)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    return " ".join(page.split())


def test_list_shows_what_comes_and_how_it_went(staff: Client, world: World, offer: Offer) -> None:
    assert "No sessions on Discord." in text(staff.get(ROOMS))
    booking = book(world, offer, 3 * HOUR)
    page = text(staff.get(ROOMS))
    assert "2 of 2 people have connected Discord" in page
    assert "· Planned" in page

    world.go_to(booking.session.starts_at - 2 * HOUR)
    world.go_to(booking.session.starts_at + MINUTE)
    page = text(staff.get(ROOMS))

    assert "· Open" in page
    assert "1 of 1, 100 %" in page
    assert "0 s as a rule, 0 s at most" in page


def test_numbers_count_rooms_that_did_not_open(staff: Client, world: World, offer: Offer) -> None:
    booking = book(world, offer, 3 * HOUR)
    world.wire.meddler = refuse_all
    world.go_to(booking.session.starts_at + MINUTE)

    page = text(staff.get(ROOMS))

    assert "0 of 1, 0 %" in page
    assert "In trouble" in page
    numbers = staff.get(ROOMS).context["numbers"]
    assert (numbers.fallbacks, numbers.median_wait) == (1, None)


def test_room_tells_who_is_let_in_and_why_not(staff: Client, world: World, offer: Offer) -> None:
    booking = book(world, offer, 30 * MINUTE, student=None)

    page = text(staff.get(f"{ROOMS}{Room.objects.get().ref}/"))

    assert "Your room is open." in page
    assert "Connect Discord to enter the room." in page
    assert booking.contact_name in page
    assert str(voice().object_id) in page
    assert "Being made" in page


def test_look_tells_what_would_change_and_changes_nothing(staff: Client, world: World, offer: Offer) -> None:
    book(world, offer, 30 * MINUTE)
    room = Room.objects.get()
    path = f"{ROOMS}{room.ref}/look/"
    assert "Nothing would change" in text(staff.post(path))

    world.let_everybody_in()
    calls = world.wire.count("PATCH")
    page = text(staff.post(path))
    assert "Put right who sees the voice channel" in page
    assert world.wire.count("PATCH") == calls

    people.delete_channel_by_hand(voice().object_id or 0)
    assert "Make the voice channel" in text(staff.post(path))
    assert world.rooms() == []
    assert voice().deleted_at is None


def test_room_is_put_right_by_a_button(staff: Client, world: World, offer: Offer) -> None:
    book(world, offer, 30 * MINUTE)
    room = Room.objects.get()
    world.let_everybody_in()
    Job.objects.filter(kind="rooms.reconcile").update(due_at=world.now + HOUR)

    staff.post(f"{ROOMS}{room.ref}/repair/")
    world.run()

    assert world.sees("noah.coach") == []
    assert "Nothing would change" in text(staff.post(f"{ROOMS}{room.ref}/look/"))


def test_look_at_a_discord_that_does_not_answer_says_so(staff: Client, world: World, offer: Offer) -> None:
    book(world, offer, 30 * MINUTE)
    path = f"{ROOMS}{Room.objects.get().ref}/look/"
    world.wire.meddler = refuse_all

    assert "Discord cannot be reached at the moment." in text(staff.post(path, follow=True))
    discord.use(None)
    assert "Discord is not set up on this site." in text(staff.post(path, follow=True))


@pytest.mark.parametrize("who", ["nobody", "somebody"])
def test_rooms_are_shown_to_staff_alone(who: str, world: World, offer: Offer) -> None:
    book(world, offer, 30 * MINUTE)
    path = f"{ROOMS}{Room.objects.get().ref}/"
    sent = len(world.wire.requests)
    client = Client()
    if who == "somebody":
        client.force_login(make_user())

    answers = [client.get(ROOMS), client.get(path), client.post(f"{path}look/"), client.post(f"{path}repair/")]

    assert {answer.status_code for answer in answers} == ({302} if who == "nobody" else {404})
    assert len(world.wire.requests) == sent


def test_rooms_that_are_not_there_and_gets_of_buttons(staff: Client, world: World, offer: Offer) -> None:
    book(world, offer, 30 * MINUTE)
    path = f"{ROOMS}{Room.objects.get().ref}/"

    assert staff.get(f"{ROOMS}nothing/").status_code == 404
    assert {staff.get(f"{path}look/").status_code, staff.get(f"{path}repair/").status_code} == {405}


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_grow_by_a_fixed_number_a_row(
    rows: int, staff: Client, world: World, offer: Offer, django_assert_num_queries: Any
) -> None:
    for number in range(rows):
        book(world, offer, (3 + 2 * number) * HOUR, student=None)
    staff.get(ROOMS)

    with django_assert_num_queries(10 + 2 * rows):
        staff.get(ROOMS)
