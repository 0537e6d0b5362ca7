from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries
from tests.factories.accounts import make_user
from tests.factories.bookings import add_booking, make_booking, make_coach
from tests.factories.rooms import World, live, make_room
from tests.rooms.conftest import Book

from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.core.errors import NotFoundError
from greenroom.rooms import discord
from greenroom.rooms.models import Room, RoomAccess
from greenroom.rooms.policies import TWO_STEP, WINDOW
from greenroom.rooms.queries import policy_for, room_view, rooms_needing_attention
from greenroom.rooms.simulation.stage import PAGES_URL
from greenroom.rooms.types import AccessState, PageState, RoomState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def test_policy_of_every_offer_is_the_sites(offer: Offer) -> None:
    assert policy_for(offer) == WINDOW


def test_view_before_the_room_was_planned_goes_by_the_offers_policy(world: World, offer: Offer) -> None:
    booking = make_booking(offer=offer, starts_at=world.now + 24 * HOUR, now=world.now)

    view = room_view(booking.session, booking, now=world.now)

    assert (view.state, view.sentence) == (PageState.EARLY, "Your room opens in 22 h 00 min.")
    assert (view.join_url, view.access) == (None, None)
    assert view.opens_at == booking.session.starts_at - 2 * HOUR
    assert view.closes_at == booking.session.ends_at + HOUR


def test_view_of_an_open_room_has_a_live_join_button_for_both(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    url = f"{PAGES_URL}/{world.connection.guild_id}/{live().object_id}"

    for viewer in (booking, booking.coach.user):
        view = room_view(booking.session, viewer, now=world.now)
        assert (view.state, view.join_url, view.access) == (PageState.READY, url, AccessState.GRANTED)


def test_view_by_the_rooms_own_policy_is_early_in_a_hidden_room(world: World, book: Book) -> None:
    booking = book(10 * MINUTE, student="sam.student", policy=TWO_STEP)
    world.advance(5 * SECOND)

    view = room_view(booking.session, booking, now=world.now)

    assert (view.state, view.join_url, view.access) == (PageState.EARLY, None, AccessState.WAITING)


def test_view_of_somebody_who_has_not_linked_asks_to_connect(world: World, book: Book) -> None:
    booking = book(HOUR)
    world.advance(5 * SECOND)

    view = room_view(booking.session, booking, now=world.now)

    assert (view.state, view.join_url, view.access) == (PageState.CONNECT, None, AccessState.UNLINKED)


def test_view_of_somebody_who_linked_a_moment_ago_does_not_show_the_old_account(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)

    Booking.objects.update(discord_identity=world.link("ida.student"))

    view = room_view(booking.session, booking, now=world.now)
    assert (view.state, view.join_url, view.access) == (PageState.OPENING, None, None)


def test_view_of_a_room_that_is_over_has_no_button(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR)

    view = room_view(booking.session, booking, now=world.now)

    assert (view.state, view.join_url, view.access) == (PageState.OVER, None, AccessState.REVOKED)


def test_view_without_discord_has_no_button(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    discord.use(None)

    assert room_view(booking.session, booking, now=world.now).join_url is None


def test_view_of_a_user_shows_the_booking_that_counts(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    student = make_user()
    Booking.objects.update(student=student)
    add_booking(booking.session, now=world.now, student=student, status=BookingStatus.CANCELLED)
    world.advance(5 * SECOND)

    assert room_view(booking.session, student, now=world.now).state is PageState.READY


def test_view_of_a_cancelled_booking_is_over(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    student = make_user()
    Booking.objects.update(student=student, status="cancelled")
    type(booking.session).objects.update(status="cancelled")
    booking.session.refresh_from_db()

    view = room_view(booking.session, student, now=world.now)

    assert (view.state, view.join_url, view.access) == (PageState.OVER, None, None)


def test_view_of_strangers_is_not_found(world: World, book: Book) -> None:
    first, second = book(HOUR, student="sam.student"), book(3 * HOUR, student="ida.student")

    for viewer in (make_coach("noah").user, second):
        with pytest.raises(NotFoundError):
            room_view(first.session, viewer, now=world.now)


def test_view_takes_a_fixed_number_of_queries(
    world: World, book: Book, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(5 * SECOND)
    session = type(booking.session).objects.select_related("offer", "coach").get()

    with django_assert_num_queries(6):
        room_view(session, booking, now=world.now)


def test_rooms_needing_attention_are_those_in_trouble(world: World, offer: Offer) -> None:
    def room(hours: int, **values: object) -> Room:
        booking = make_booking(offer=offer, starts_at=world.now + hours * HOUR, now=world.now)
        return make_room(booking.session, **values)

    late = room(9, state=RoomState.DEGRADED)
    blocked = room(3, state=RoomState.BLOCKED)
    closing = room(6, state=RoomState.CLOSING, failure_count=1)
    room(12, state=RoomState.CLOSING)
    room(15, state=RoomState.GONE)
    room(18)

    assert list(rooms_needing_attention()) == [blocked, closing, late]


def test_rows_say_what_they_are(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    planned = make_room(
        make_booking(offer=booking.session.offer, starts_at=world.now + 9 * HOUR, now=world.now).session
    )
    world.run()
    room = Room.objects.get(session=booking.session)

    assert str(room) == f"room of session {room.session_id}"
    assert str(planned) == f"room of session {planned.session_id}"
    assert str(room.discord_objects.get()) == f"voice {live().object_id}"
    assert str(RoomAccess.objects.get(booking=booking)) == "student: joining"
