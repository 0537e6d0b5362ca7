"""A direct message with the way in: once for each time of the session, to whom it is of use, where it works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.factories.rooms import World, live, lose_next_answer
from tests.rooms.conftest import Book

from greenroom.accounts.models import User
from greenroom.bookings import links
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.config.wiring import JOB_HANDLERS
from greenroom.core import faults
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.sandbox.models import SandboxMessage
from greenroom.integrations.discord.sandbox.services.guild import sample_user_id, set_accepts_messages
from greenroom.integrations.discord.transport import Answer, NotSent, Unanswered
from greenroom.integrations.discord.types import DiscordUserId
from greenroom.jobs import registry
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import Lane
from greenroom.rooms import discord, jobs
from greenroom.rooms.models import RoomReminder
from greenroom.rooms.policies import WINDOW
from greenroom.rooms.services import REMIND, Reminder, remind, request_reconcile
from greenroom.rooms.simulation.stage import Killed

DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
HALF_AN_HOUR = replace(WINDOW, remind_before=30 * MINUTE)
A_DAY = replace(WINDOW, remind_before=DAY)


@pytest.fixture(autouse=True)
def _reminders(world: World) -> None:  # noqa: ARG001 -- the handler is added to its
    registry.use({**registry.table(), REMIND: jobs.JOB_HANDLERS[REMIND]})


def told(username: str) -> list[str]:
    """Return what the bot wrote to a sample person, oldest first."""
    mine = SandboxMessage.objects.filter(channel__recipient=sample_user_id(username))
    return list(mine.order_by("pk").values_list("content", flat=True))


def move(session: CoachingSession, to: datetime, *, now: datetime) -> None:
    session.starts_at, session.ends_at = to, to + (session.ends_at - session.starts_at)
    session.blocked_from, session.blocked_until = session.starts_at, session.ends_at
    session.sequence += 1
    session.save()
    request_reconcile(session.pk, now=now)


@contextmanager
def dying_after_sending() -> Iterator[None]:
    """End the run, as a killed process would, when the message was sent and that is not written down yet."""

    def die(name: str) -> None:
        if name == "rooms.after_reminder":
            raise Killed

    with faults.watched(die), pytest.raises(Killed):
        yield


def only_messages(meddle: Callable[[Callable[[], Answer]], Answer]) -> Callable[..., Answer]:
    """Meddle with requests that send a message, and let the others pass."""
    return lambda _method, path, perform: meddle(perform) if path.endswith("/messages") else perform()


def test_everybody_is_told_once_when_it_starts_and_how_to_get_in(world: World, book: Book, offer: Offer) -> None:
    User.objects.filter(coach=offer.coach).update(time_zone="America/New_York")
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    Booking.objects.update(contact_tz="Europe/Berlin")
    starts_at = booking.session.starts_at

    world.go_to(starts_at - 30 * MINUTE - SECOND)
    assert told("sam.student") == told("maya.coach") == []
    world.go_to(starts_at + MINUTE)

    [to_student], [to_coach] = told("sam.student"), told("maya.coach")
    room = world.connection.join_url(world.connection.guild_id, live().object_id or 0)
    assert to_student.startswith("“A call” starts on ")
    assert "(Europe/Berlin, GMT" in to_student
    assert "(America/New_York, GMT" in to_coach
    assert to_student.endswith(f"Your room: <{room}>")
    assert to_coach.endswith(f"Your room: <{room}>")
    assert RoomReminder.objects.filter(sent_at=starts_at - 30 * MINUTE, refused_with="", ask_count=1).count() == 2


def test_before_the_room_opens_the_message_leads_to_the_session_page(world: World, book: Book) -> None:
    booking = book(3 * DAY, student="sam.student", policy=A_DAY)
    world.enter("sam.student")

    world.go_to(booking.session.starts_at - DAY + SECOND)

    assert told("sam.student")[0].endswith(f"The way in: <{links.session_url(booking)}>")
    assert told("maya.coach")[0].endswith(f"The way in: <{links.session_page_url(booking.session)}>")


def test_room_that_opens_with_the_reminder_is_waited_for(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=replace(WINDOW, remind_before=WINDOW.open_before))

    world.go_to(booking.session.starts_at - 2 * HOUR + 30 * SECOND)

    assert "Your room: <" in told("sam.student")[0]


def test_room_that_does_not_open_is_not_waited_for_long(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=replace(WINDOW, remind_before=WINDOW.open_before))
    world.enter("sam.student")

    def meddle(_method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if path.endswith("/channels") and "@me" not in path:
            raise NotSent("down")
        return perform()

    world.wire.meddler = meddle
    world.go_to(booking.session.starts_at - 2 * HOUR + 2 * MINUTE)

    assert told("sam.student")[0].endswith(f"The way in: <{links.session_url(booking)}>")


def test_site_that_does_not_remind_plans_nothing(world: World, book: Book) -> None:
    book(3 * HOUR, student="sam.student")

    world.advance(4 * HOUR)

    assert not Job.objects.filter(kind="rooms.remind").exists()
    assert told("sam.student") == []


def test_title_is_text_and_mentions_nobody(world: World, book: Book, offer: Offer) -> None:
    Offer.objects.filter(pk=offer.pk).update(title="[Free](https://else.example) *now* @everyone")
    book(31 * MINUTE, student="sam.student", policy=HALF_AN_HOUR)

    world.advance(2 * MINUTE)

    assert told("sam.student")[0].startswith(r"“\[Free\](https://else.example) \*now\* @everyone” starts on ")


def test_moved_session_is_told_at_its_new_time_only(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    first, second = booking.session.starts_at, booking.session.starts_at + 5 * HOUR
    world.go_to(first - HOUR)

    move(booking.session, second, now=world.now)
    world.go_to(first + MINUTE)
    assert told("sam.student") == []
    world.go_to(second - 29 * MINUTE)

    assert len(told("sam.student")) == len(told("maya.coach")) == 1


def test_session_that_is_moved_after_the_message_is_told_anew(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    first, second = booking.session.starts_at, booking.session.starts_at + 5 * HOUR
    world.go_to(first - 20 * MINUTE)
    move(booking.session, second, now=world.now)

    world.go_to(second)

    assert len(told("sam.student")) == 2


def test_session_that_is_moved_there_and_back_is_told_once(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    first = booking.session.starts_at
    world.go_to(first - 31 * MINUTE)
    move(booking.session, first + DAY, now=world.now)
    world.run()
    move(booking.session, first, now=world.now)
    world.go_to(first - 30 * MINUTE + SECOND)
    reminder = Reminder(booking.session_id, DiscordUserId(sample_user_id("sam.student")))
    remind(reminder)

    world.go_to(first)

    assert len(told("sam.student")) == 1
    assert set(RoomReminder.objects.values_list("ask_count", flat=True)) == {1}
    remind(reminder)
    assert len(told("sam.student")) == 1


def test_cancelled_session_says_nothing(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    world.advance(HOUR)
    CoachingSession.objects.update(status=SessionStatus.CANCELLED)

    world.go_to(booking.session.starts_at)

    assert told("sam.student") == told("maya.coach") == []
    assert set(Job.objects.filter(kind="rooms.remind").values_list("state", flat=True)) == {JobState.DONE}


def test_person_who_left_is_not_told(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    world.advance(HOUR)
    Booking.objects.update(status=BookingStatus.CANCELLED)

    world.go_to(booking.session.starts_at)

    assert told("sam.student") == []
    assert len(told("maya.coach")) == 1
    assert set(Job.objects.filter(kind="rooms.remind").values_list("state", "last_error")) == {(JobState.DONE, "")}


def test_person_without_discord_is_not_told_and_keeps_nobody(world: World, book: Book) -> None:
    booking = book(3 * HOUR, policy=HALF_AN_HOUR)

    world.go_to(booking.session.starts_at)

    assert RoomReminder.objects.count() == SandboxMessage.objects.count() == len(told("maya.coach")) == 1


def test_person_who_links_before_it_is_time_is_told(world: World, book: Book) -> None:
    booking = book(3 * HOUR, policy=HALF_AN_HOUR)
    world.go_to(booking.session.starts_at - 40 * MINUTE)
    Booking.objects.update(discord_identity=world.link("sam.student"))
    request_reconcile(booking.session_id, now=world.now)

    world.go_to(booking.session.starts_at)

    assert len(told("sam.student")) == len(told("maya.coach")) == 1


def test_person_who_is_not_in_the_server_is_told_once_they_are(world: World, book: Book) -> None:
    booking = book(3 * DAY, student="sam.student", policy=A_DAY)
    world.go_to(booking.session.starts_at - DAY + HOUR)
    assert told("sam.student") == []
    assert len(told("maya.coach")) == 1
    world.enter("sam.student")

    world.advance(3 * MINUTE)

    assert len(told("sam.student")) == 1


def test_late_booking_has_just_been_told(world: World, book: Book) -> None:
    booking = book(30 * MINUTE, student="sam.student", policy=HALF_AN_HOUR)

    world.go_to(booking.session.starts_at)

    assert told("sam.student") == told("maya.coach") == []


def test_worker_that_comes_back_before_the_start_makes_up_for_it(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    world.advance(90 * MINUTE)

    world.clock.set(booking.session.starts_at - MINUTE)
    world.run()

    assert len(told("sam.student")) == 1


def test_worker_that_comes_back_after_the_start_says_nothing(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    world.advance(HOUR)

    world.clock.set(booking.session.starts_at)
    world.run()

    remind(Reminder(booking.session_id, DiscordUserId(sample_user_id("sam.student"))))
    assert SandboxMessage.objects.count() == 0
    assert set(Job.objects.filter(kind="rooms.remind").values_list("state", flat=True)) == {JobState.EXPIRED}


def test_refusal_is_kept_and_not_asked_again(world: World, book: Book) -> None:
    set_accepts_messages(sample_user_id("sam.student"), accepts=False)
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    world.go_to(booking.session.starts_at - 29 * MINUTE)
    asked = sum(line.endswith("/messages") for line in world.wire.requests)
    set_accepts_messages(sample_user_id("sam.student"), accepts=True)

    world.go_to(booking.session.starts_at)

    assert asked == sum(line.endswith("/messages") for line in world.wire.requests) == 2
    row = RoomReminder.objects.get(discord_user_id=sample_user_id("sam.student"))
    assert (row.refused_with, row.sent_at) == (str(int(DiscordCode.CANNOT_MESSAGE_USER)), None)
    assert told("sam.student") == []
    assert not Job.objects.filter(state=JobState.FAILED).exists()


def test_opening_messages_too_fast_is_a_refusal_like_others(world: World, book: Book) -> None:
    book(31 * MINUTE, policy=HALF_AN_HOUR)
    too_fast = Answer(400, {}, b'{"code": 40003, "message": "You are opening direct messages too fast"}')

    def meddle(_method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        return too_fast if path == "/users/@me/channels" else perform()

    world.wire.meddler = meddle
    world.advance(5 * MINUTE)

    assert world.wire.requests.count("POST /users/@me/channels") == 1
    assert RoomReminder.objects.get().refused_with == str(int(DiscordCode.OPENING_DMS_TOO_FAST))


def test_lost_answer_is_repeated_once_and_reads_once(world: World, book: Book) -> None:
    book(31 * MINUTE, policy=HALF_AN_HOUR)
    lose = lose_next_answer("any")

    def lost_once(perform: Callable[[], Answer]) -> Answer:
        return lose("any", "", perform)

    world.wire.meddler = only_messages(lost_once)
    world.advance(5 * MINUTE)

    assert len(told("maya.coach")) == 1
    row = RoomReminder.objects.get()
    assert (row.ask_count, row.sent_at is not None) == (2, True)


def test_answers_that_stay_lost_are_given_up(world: World, book: Book) -> None:
    book(31 * MINUTE, policy=HALF_AN_HOUR)

    def lost(perform: Callable[[], Answer]) -> Answer:
        perform()
        raise Unanswered("lost")

    world.wire.meddler = only_messages(lost)
    world.go_to(world.now + 10 * MINUTE)

    assert sum(line.endswith("/messages") for line in world.wire.requests) == 2
    assert len(told("maya.coach")) == 1
    assert not Job.objects.filter(state=JobState.FAILED).exists()


def test_limits_and_outages_wait_and_are_no_ask(world: World, book: Book) -> None:
    book(31 * MINUTE, policy=HALF_AN_HOUR)
    answers = [Answer(429, {}, b'{"retry_after": 30, "message": "slow"}')]

    def meddle(perform: Callable[[], Answer]) -> Answer:
        if answers:
            return answers.pop()
        if world.now < world_began + 3 * MINUTE:
            raise NotSent("down")
        return perform()

    world_began = world.now
    world.wire.meddler = only_messages(meddle)
    world.advance(2 * MINUTE)
    assert not RoomReminder.objects.exists()
    world.time.seconds += 60
    world.advance(4 * MINUTE)

    assert len(told("maya.coach")) == 1
    assert RoomReminder.objects.get().ask_count == 1


def test_death_after_sending_tells_nobody_twice(world: World, book: Book) -> None:
    book(31 * MINUTE, policy=HALF_AN_HOUR)
    with dying_after_sending():
        world.advance(MINUTE)

    world.advance(90 * SECOND)

    assert len(told("maya.coach")) == 1
    assert RoomReminder.objects.get().sent_at is not None


def test_death_from_which_nobody_comes_back_for_long_is_not_repeated(world: World, book: Book) -> None:
    book(31 * MINUTE, policy=HALF_AN_HOUR)
    with dying_after_sending():
        world.advance(MINUTE)

    world.clock.advance(10 * MINUTE)
    world.run()

    assert len(told("maya.coach")) == 1
    row = RoomReminder.objects.get()
    assert (row.sent_at, row.ask_count) == (None, 1)


def test_site_whose_discord_is_away_waits_for_it(world: World, book: Book) -> None:
    booking = book(3 * HOUR, student="sam.student", policy=HALF_AN_HOUR)
    discord.use(None)
    world.go_to(booking.session.starts_at - 20 * MINUTE)
    discord.use(world.connection)

    world.advance(10 * MINUTE)

    assert len(told("sam.student")) == 1


def test_reminders_run_behind_rooms() -> None:
    assert JOB_HANDLERS["rooms.remind"].lane == Lane.MAIL
    assert JOB_HANDLERS["rooms.reconcile"].lane == Lane.ROOMS
