"""Another place to meet, when a room is not ready in time."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.factories.jobs import use_handler
from tests.factories.rooms import World, refuse_all
from tests.rooms.conftest import Book

from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.config.wiring import MESSAGE_BUILDERS
from greenroom.core.models import AuditEntry
from greenroom.integrations.discord.sandbox.models import SandboxBan
from greenroom.integrations.discord.sandbox.services.guild import ensure_guild, sample_user_id
from greenroom.jobs.registry import Lane
from greenroom.notifications import jobs as notifications
from greenroom.notifications.models import Message
from greenroom.rooms import discord
from greenroom.rooms.models import Room
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.queries import room_view
from greenroom.rooms.services import reconcile_session
from greenroom.rooms.types import PageState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
ADDRESS = re.compile(r"https://meet\.jit\.si/greenroom-[0-9a-f]{32}")


def urls(booking: Booking, now: datetime) -> tuple[str, str]:
    """Return the other place as the student and the coach are shown it."""
    session = booking.session
    session.refresh_from_db()
    views = [room_view(session, one, now=now) for one in (booking, session.coach.user)]
    return views[0].fallback_url, views[1].fallback_url


def sent() -> list[tuple[str, str]]:
    return list(Message.objects.filter(kind__startswith="rooms.").order_by("pk").values_list("kind", "to"))


@pytest.fixture
def _mail(handlers: None) -> None:  # noqa: ARG001 -- the handler is added to those
    use_handler("notifications.send_message", notifications.send_message, lane=Lane.MAIL)


def test_room_that_cannot_be_made_gives_way_two_minutes_before_the_start(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student")
    starts_at = booking.session.starts_at
    world.wire.meddler = refuse_all

    world.go_to(starts_at - 2 * MINUTE - SECOND)
    assert urls(booking, world.now) == ("", "")
    assert sent() == []
    world.go_to(starts_at - 2 * MINUTE + SECOND)

    [url] = set(urls(booking, world.now))
    assert ADDRESS.fullmatch(url)
    coach, student = booking.session.coach.user.email, booking.contact_email
    assert sent() == [("rooms.fallback_coach", coach), ("rooms.fallback_student", student)]
    assert AuditEntry.objects.filter(action="room.fallback").count() == 1
    world.go_to(starts_at + 10 * MINUTE)
    assert len(sent()) == 2


@pytest.mark.usefixtures("_mail")
def test_mails_say_where_and_why(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student")
    world.wire.meddler = refuse_all
    world.go_to(booking.session.starts_at - MINUTE)

    for message in Message.objects.filter(kind__startswith="rooms."):
        content = MESSAGE_BUILDERS[message.kind](message, world.now)
        assert content is not None
        assert content.subject == "Meet here instead: A call"
        assert urls(booking, world.now)[0] in content.text
        assert "is not ready" in content.text
        assert MESSAGE_BUILDERS[message.kind](message, booking.session.ends_at + HOUR) is None
    Booking.objects.update(status=BookingStatus.CANCELLED)
    type(booking.session).objects.update(status=SessionStatus.CANCELLED)
    assert {
        MESSAGE_BUILDERS[one.kind](one, world.now) for one in Message.objects.filter(kind__startswith="rooms.")
    } == {None}


def test_room_that_opens_after_all_leaves_nobody_alone(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student")
    starts_at = booking.session.starts_at
    world.wire.meddler = refuse_all
    world.go_to(starts_at - MINUTE)
    world.allow_everything()

    world.go_to(starts_at + 2 * MINUTE)

    view = room_view(booking.session, booking, now=world.now)
    assert view.state is PageState.READY
    assert ADDRESS.fullmatch(view.fallback_url)
    assert room_view(booking.session, booking, now=starts_at + 3 * HOUR).fallback_url == ""


def test_room_that_is_ready_has_no_other_place_even_when_discord_stops_answering(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student")
    world.go_to(booking.session.starts_at - 3 * MINUTE)
    world.wire.meddler = refuse_all

    world.go_to(booking.session.starts_at + 20 * MINUTE)

    assert urls(booking, world.now) == ("", "")
    assert sent() == []


def test_person_whom_discord_does_not_let_in_is_met_elsewhere_by_everybody(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student")
    guild = ensure_guild()
    world.kick("sam.student")
    SandboxBan.objects.create(guild=guild, user_id=sample_user_id("sam.student"))

    world.go_to(booking.session.starts_at - MINUTE)

    assert ADDRESS.fullmatch(urls(booking, world.now)[1])
    assert len(sent()) == 2


def test_place_is_shown_also_when_nobody_works_the_due_rows_off(book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student")
    starts_at = booking.session.starts_at

    assert urls(booking, starts_at - 2 * MINUTE - SECOND) == ("", "")
    assert ADDRESS.fullmatch(urls(booking, starts_at - 2 * MINUTE)[0])
    assert not Room.objects.filter(fallback_at__isnull=False).exists()


def test_site_without_discord_lets_its_people_meet(world: World, book: Book) -> None:
    booking = book(3 * HOUR)
    discord.use(None)

    world.go_to(booking.session.starts_at - 2 * MINUTE + SECOND)

    assert ADDRESS.fullmatch(urls(booking, world.now)[0])
    assert len(sent()) == 2


def test_late_booking_waits_for_its_room(world: World, book: Book) -> None:
    booking = book(MINUTE, student="sam.student")

    world.advance(5 * SECOND)

    assert urls(booking, world.now) == ("", "")


def test_room_that_opens_at_the_start_is_waited_for(world: World, book: Book) -> None:
    policy = RoomPolicy(5 * MINUTE, timedelta(), HOUR, HOUR)
    booking = book(HOUR, student="sam.student", policy=policy)
    starts_at = booking.session.starts_at

    world.go_to(starts_at - SECOND)
    assert urls(booking, starts_at) == ("", "")
    world.wire.meddler = refuse_all
    world.go_to(starts_at + 62 * SECOND)

    assert ADDRESS.fullmatch(urls(booking, world.now)[0])


def test_moved_session_is_offered_it_anew(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student")
    session = booking.session
    world.wire.meddler = refuse_all
    world.go_to(session.starts_at - MINUTE)
    session.starts_at += 24 * HOUR
    session.ends_at += 24 * HOUR
    session.blocked_from, session.blocked_until = session.starts_at, session.ends_at
    session.sequence += 1
    session.save()

    assert urls(booking, world.now) == ("", "")
    reconcile_session(session.pk)
    world.go_to(session.starts_at - MINUTE)

    assert ADDRESS.fullmatch(urls(booking, world.now)[0])
    assert len(sent()) == 4


def test_places_of_sessions_differ_and_can_be_switched_off(world: World, book: Book, settings: Any) -> None:
    first, second = book(3 * HOUR), book(30 * HOUR)
    at = second.session.starts_at
    assert urls(first, first.session.starts_at)[0] != urls(second, at)[0]

    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, fallback_url="")
    world.wire.meddler = refuse_all
    world.go_to(first.session.starts_at - MINUTE)

    assert urls(first, world.now) == ("", "")
    assert sent() == []
