"""The room of a group: everybody who comes, and nobody who left."""

from datetime import timedelta

from tests.factories.bookings import add_booking, make_session
from tests.factories.rooms import World

from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.rooms.services import request_reconcile

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def group_of(world: World, offer: Offer, *people: str, starts_in: timedelta) -> dict[str, Booking]:
    """Book people, who link Discord unless they did, into one group session of three."""
    session = make_session(offer=offer, starts_at=world.now + starts_in, now=world.now, capacity=3)
    seats = {name: add_booking(session, now=world.now, discord_identity=world.link(name)) for name in people}
    request_reconcile(session.pk, now=world.now)
    return seats


def test_everybody_in_a_group_sees_its_one_room_and_nobody_else(world: World, offer: Offer) -> None:
    group_of(world, offer, "sam.student", "ida.student", starts_in=HOUR)

    world.advance(MINUTE)

    [name] = world.rooms()
    assert world.sees("sam.student") == world.sees("ida.student") == world.sees("maya.coach") == [name]
    assert world.sees("noah.coach") == []


def test_who_leaves_a_group_is_put_out_and_the_others_stay(world: World, offer: Offer) -> None:
    seats = group_of(world, offer, "sam.student", "ida.student", starts_in=HOUR)
    world.advance(MINUTE)
    [name] = world.rooms()

    Booking.objects.filter(pk=seats["ida.student"].pk).update(status=BookingStatus.CANCELLED)
    request_reconcile(seats["sam.student"].session_id, now=world.now)
    world.advance(MINUTE)

    assert (world.sees("sam.student"), world.sees("ida.student")) == ([name], [])


def test_seat_that_moves_to_another_group_changes_rooms(world: World, offer: Offer) -> None:
    seats = group_of(world, offer, "sam.student", "ida.student", starts_in=HOUR)
    later = group_of(world, offer, "lee.student", starts_in=3 * HOUR)["lee.student"].session
    world.advance(MINUTE)
    [first] = world.rooms()

    Booking.objects.filter(pk=seats["ida.student"].pk).update(session=later)
    for session_id in (seats["sam.student"].session_id, later.pk):
        request_reconcile(session_id, now=world.now)
    world.advance(MINUTE)
    assert (world.sees("sam.student"), world.sees("ida.student")) == ([first], [])
    world.go_to(later.starts_at - HOUR)

    [second] = set(world.rooms()) - {first}
    assert world.sees("ida.student") == world.sees("lee.student") == [second]
    assert second not in world.sees("sam.student")
