"""Rooms after their session: hidden for the server's staff, kept for reading, deleted in the end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import LazySettings
from tests.factories.bookings import make_booking
from tests.factories.rooms import World, make_room
from tests.rooms.conftest import Book

from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.core.models import AuditEntry
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxRole
from greenroom.integrations.discord.sandbox.queries import visible_channels
from greenroom.integrations.discord.sandbox.services import people
from greenroom.integrations.discord.sandbox.services.guild import sample_user_id
from greenroom.integrations.discord.transport import Answer, NotSent
from greenroom.integrations.discord.types import ChannelType
from greenroom.jobs.models import Job, JobState
from greenroom.rooms import jobs
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.policies import WINDOW, AccessMethod, RoomKind
from greenroom.rooms.queries import room_view, rooms_needing_attention
from greenroom.rooms.services import sweep_guild, trim_archives
from greenroom.rooms.types import PageState, RoomState

HOUR, MINUTE, SECOND, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1), timedelta(days=1)
SOON = 5 * SECOND
ARCHIVE = replace(WINDOW, archive_for=7 * DAY)
STAFF_FIRST = replace(WINDOW, teardown_after=2 * DAY)


@pytest.fixture(params=[AccessMethod.MEMBER, AccessMethod.ROLE])
def access(request: pytest.FixtureRequest) -> AccessMethod:
    return AccessMethod(request.param)


@pytest.fixture
def kind() -> RoomKind:
    return RoomKind.TEXT_AND_VOICE


@pytest.fixture
def ended(world: World, book: Book) -> Booking:
    """A session whose room is open, one second before it closes; its student is connected."""
    booking = book(HOUR, student="sam.student", policy=ARCHIVE)
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    voice = SandboxChannel.objects.get(type=ChannelType.VOICE)
    world.join_voice_of("sam.student", voice)
    return booking


def can_send(username: str) -> bool:
    return any(channel.can_send for channel in visible_channels(sample_user_id(username)))


def assert_readable_alone(world: World) -> None:
    """Assert that both people read both channels, and do nothing else there."""
    assert len(world.sees("sam.student")) == len(world.sees("maya.coach")) == 2
    assert world.sees("noah.coach") == []
    assert not can_send("sam.student")
    assert world.is_in_voice("sam.student") is False
    assert SandboxRole.objects.count() == 2
    assert Room.objects.get().state == RoomState.ARCHIVED


def test_room_becomes_an_archive_and_is_deleted_days_later(world: World, ended: Booking) -> None:
    assert can_send("sam.student")
    patches = world.wire.count("PATCH")

    world.advance(SECOND)

    assert_readable_alone(world)
    # One for each channel, and one that puts the student out of voice.
    assert world.wire.count("PATCH") == patches + 3
    allowed = SandboxChannel.objects.get(type=ChannelType.TEXT).overwrites.get(target_id=sample_user_id("sam.student"))
    assert (allowed.allow, allowed.deny) == (1_115_136, 274_913_610_240)
    assert Room.objects.get().closed_at == world.now
    world.go_to(ended.session.ends_at + HOUR + 7 * DAY - SECOND)
    assert_readable_alone(world)
    world.advance(SECOND)
    assert world.rooms() == world.rooms(ChannelType.TEXT) == []
    room = Room.objects.get()
    assert (room.state, room.closed_at) == (RoomState.GONE, ended.session.ends_at + HOUR)
    assert Job.objects.get(kind="rooms.reconcile").state == JobState.DONE


def test_session_page_says_how_long_it_can_be_read(world: World, ended: Booking) -> None:
    world.advance(SECOND)

    view = room_view(ended.session, ended, now=world.now)

    assert (view.state, view.join_url) == (PageState.OVER, None)
    assert view.sentence == "This session is over. What was written in its room can be read in Discord for 7 days more."


def test_sweep_leaves_archives_alone(world: World, ended: Booking) -> None:
    world.advance(ended.session.ends_at + HOUR + SOON - world.now)

    assert sweep_guild() == 0

    assert_readable_alone(world)


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_lost_answer_while_archiving_is_made_good(world: World, method: str) -> None:
    left = [method]

    def meddle(sent: str, _path: str, perform: Callable[[], Answer]) -> Answer:
        if sent in left:
            left.remove(sent)
            raise NotSent("lost")
        return perform()

    world.wire.meddler = meddle
    world.advance(MINUTE)

    assert_readable_alone(world)


@pytest.mark.usefixtures("ended")
def test_room_that_cannot_be_archived_lets_nobody_stay(world: World) -> None:
    def meddle(method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if method == "PATCH" and "/channels/" in path and world.now < stuck_until:
            return Answer(403, {}, b'{"message": "no", "code": 50013}')
        return perform()

    stuck_until = world.now + MINUTE
    world.wire.meddler = meddle
    world.advance(SECOND)

    assert world.is_in_voice("sam.student") is False
    assert Room.objects.get().state == RoomState.CLOSING
    world.advance(2 * MINUTE)
    assert_readable_alone(world)


@pytest.mark.usefixtures("ended")
def test_archive_that_the_bot_may_not_make_is_locked_instead(world: World) -> None:
    everyone = SandboxRole.objects.get(pk=world.connection.guild_id)
    everyone.permissions &= ~Permission.SEND_MESSAGES_IN_THREADS
    everyone.save()

    world.advance(SECOND)

    assert len(world.rooms()) == 1
    assert world.sees("sam.student") == world.sees("maya.coach") == []
    assert Room.objects.get() in rooms_needing_attention()
    everyone.permissions |= Permission.SEND_MESSAGES_IN_THREADS
    everyone.save()
    world.advance(MINUTE)
    assert_readable_alone(world)


@pytest.mark.usefixtures("ended")
def test_archive_changed_by_hand_is_put_right_within_the_hour(world: World) -> None:
    world.advance(SECOND)
    for channel in SandboxChannel.objects.filter(name__startswith="coaching-"):
        channel.overwrites.filter(target_id=world.connection.guild_id).delete()
    assert len(world.sees("noah.coach")) == 2

    world.advance(HOUR)

    assert_readable_alone(world)


@pytest.mark.usefixtures("ended")
def test_archive_deleted_by_hand_is_not_made_again(world: World) -> None:
    world.advance(SECOND)
    for known in DiscordObject.objects.filter(deleted_at=None):
        people.delete_channel_by_hand(known.object_id or 0)

    world.advance(HOUR)

    assert world.rooms() == world.rooms(ChannelType.TEXT) == []
    assert Room.objects.get().state == RoomState.GONE
    assert Job.objects.get(kind="rooms.reconcile").state == JobState.DONE


def test_room_that_was_never_made_becomes_no_archive(world: World, book: Book) -> None:
    booking = book(DAY, student="sam.student", policy=ARCHIVE)
    world.run()

    world.clock.set(booking.session.ends_at + 2 * HOUR)
    world.run()

    assert world.rooms() == []
    assert Room.objects.get().state == RoomState.GONE
    assert Job.objects.get(kind="rooms.reconcile").state == JobState.DONE


def test_cancelled_session_leaves_no_archive(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=ARCHIVE)
    world.advance(SOON)
    type(booking.session).objects.update(status="cancelled")

    world.advance(61 * SECOND)

    assert world.rooms() == world.rooms(ChannelType.TEXT) == []


def test_room_closes_for_its_people_before_it_is_taken_away(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=STAFF_FIRST)
    closes_at = booking.session.ends_at + HOUR
    world.go_to(closes_at - SECOND)
    world.join_voice_of("sam.student", SandboxChannel.objects.get(type=ChannelType.VOICE))

    world.advance(SECOND)

    assert world.sees("sam.student") == world.sees("maya.coach") == []
    assert len(world.sees("server.owner")) == 2
    assert world.is_in_voice("sam.student") is False
    assert SandboxRole.objects.count() == 2
    assert Room.objects.get().state == RoomState.CLOSED
    assert sweep_guild() == 0
    world.go_to(booking.session.ends_at + 2 * DAY)
    assert world.rooms() == world.rooms(ChannelType.TEXT) == []
    assert Room.objects.get().state == RoomState.GONE


def archive(world: World, offer: Offer, number: int) -> Room:
    """Make an archived room, `number` hours younger than the first."""
    starts_at = world.now - 40 * HOUR + number * HOUR
    booking = make_booking(offer=offer, starts_at=starts_at, now=world.now)
    room = make_room(booking.session, state=RoomState.ARCHIVED, archive_for=7 * DAY, access_method="member")
    channel = SandboxChannel.objects.create(
        pk=100 + number, guild_id=world.connection.guild_id, type=2, name=f"coaching-0000000{number}"
    )
    DiscordObject.objects.create(
        guild_id=channel.guild_id, kind="voice", room=room, object_id=channel.pk, seen_at=world.now
    )
    return room


def test_oldest_archives_beyond_the_maximum_are_deleted(world: World, offer: Offer, settings: LazySettings) -> None:
    settings.ARCHIVED_ROOMS = 2
    rooms = [archive(world, offer, number) for number in (2, 0, 3, 1)]

    jobs.watch(Job())
    assert trim_archives(now=world.now) == 0
    world.advance(SOON)

    assert world.rooms() == ["coaching-00000002", "coaching-00000003"]
    states = [Room.objects.get(pk=room.pk).state for room in rooms]
    assert states == [RoomState.ARCHIVED, RoomState.GONE, RoomState.ARCHIVED, RoomState.GONE]
    assert AuditEntry.objects.filter(action="room.end_archive").count() == 2
