"""Reminding people of their room by a direct message on Discord: once for each time of the session.

Each person has a due row of their own, planned whenever the room is looked at. A moved session has another sequence
and so other rows as well; whether anything is to be said at this moment is found out when a row is run.
"""

import hashlib
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from greenroom.bookings import links
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.core import clock
from greenroom.core.faults import fault_point
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.errors import (
    DiscordError,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    RateLimited,
    RetryableError,
    Unauthorized,
)
from greenroom.integrations.discord.types import DiscordUserId
from greenroom.jobs import services as jobs
from greenroom.jobs.models import Job
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.rooms import discord, queries, rules
from greenroom.rooms.discord import Connection
from greenroom.rooms.errors import NotYetError
from greenroom.rooms.models import Room, RoomReminder

logger = logging.getLogger(__name__)

REMIND = "rooms.remind"
_MOST_ASKS = 2
# Discord drops a repeat with the same nonce for "the past few minutes"; later it would arrive as a second message.
_REPEAT_WITHIN = timedelta(minutes=2)
_REPEAT_AFTER = timedelta(seconds=10)
_RETRY = timedelta(minutes=1)
# A room that opens at the moment of the reminder is waited for, so that the message leads into it.
_OPENS_WITHIN = timedelta(minutes=1)
_MARKDOWN = re.compile(r"([\\*_~`|<>\[\]#])")
_NONCE_LENGTH = 25


@dataclass(frozen=True, slots=True)
class Reminder:
    """Whom a due row is about. What is said, and whether, is found out when it is run."""

    session_id: int
    user_id: DiscordUserId


def plan_reminders(room: Room, *, now: datetime) -> None:
    """Give everybody in a room's session who has linked Discord their due row; a second call changes nothing.

    Rows wait until `remind_before` the start and expire at the start. Who books or links later than that has just been
    at the page with the way in, and is not reminded, by mail neither (X20).
    """
    if not room.remind_before:
        return
    session = CoachingSession.objects.get(pk=room.session_id)
    at = rules.remind_at(queries.session_facts(session), room.policy)
    if at is None or at <= now:
        return
    accounts = [it.discord_user_id for it in queries.participants_of(session) if it.discord_user_id is not None]
    wanted = {f"{REMIND}:{session.pk}:{session.sequence}:{user_id}": user_id for user_id in accounts}
    with unit_of_work():
        planned = set(Job.objects.filter(key__in=wanted).values_list("key", flat=True))
        for key, user_id in wanted.items():
            if key not in planned:
                who: dict[str, jobs.PayloadValue] = {"session_id": session.pk, "discord_user_id": str(user_id)}
                jobs.plan(kind=REMIND, key=key, due_at=at, now=now, expires_at=session.starts_at, payload=who)


def remind(reminder: Reminder) -> None:
    """Send one person when the session starts and the way in, or nothing when that is no longer true.

    Reads the clock itself, because calls take time. Writes down that it asks before it asks: a message whose answer
    was lost is sent once more, soon enough for Discord to drop it, and never again. A refusal is kept and final.
    Raises: NotYetError: Discord cannot be asked now, or the person is not in the server yet.
    """
    if _message(reminder, now=clock.now()) is None:
        return
    connection = discord.current()
    if connection is None:
        raise NotYetError(clock.now() + _RETRY, "Discord is not set up on this site.")
    if not _is_known(reminder, connection):
        return
    with unit_of_work():
        # Asked again: the calls took time.
        message = _message(reminder, now=clock.now())
        row = _note(message, now=clock.now()) if message is not None else None
    if message is None or row is None:
        return
    _send(message, row, connection)


@dataclass(frozen=True, slots=True)
class _Message:
    room: Room
    user_id: DiscordUserId
    starts_at: datetime
    text: str

    @property
    def nonce(self) -> str:
        """The same for every repeat, and for nothing else: Discord compares it among all messages of the bot."""
        of = f"{REMIND}:{self.room.ref}:{self.user_id}:{self.starts_at.isoformat()}"
        return hashlib.sha256(of.encode()).hexdigest()[:_NONCE_LENGTH]


def _message(reminder: Reminder, *, now: datetime) -> _Message | None:
    """Return what is to be said at `now`; None: nothing. Raises: NotYetError while the room is being opened."""
    sessions = CoachingSession.objects.select_related("offer", "coach__user")
    session = sessions.get(pk=reminder.session_id)
    room = Room.objects.get(session=session)
    facts = queries.session_facts(session)
    at = rules.remind_at(facts, room.policy)
    people = {it.discord_user_id: it for it in queries.participants_of(session)}
    if at is None or not at <= now < session.starts_at or reminder.user_id not in people:
        return None
    booking_id = people[reminder.user_id].booking_id
    booking = Booking.objects.get(pk=booking_id) if booking_id is not None else None
    view = queries.room_view(session, booking or session.coach.user, now=now)
    if view.join_url is None and view.opens_at <= now < max(at, view.opens_at) + _OPENS_WITHIN:
        raise NotYetError(now + _REPEAT_AFTER, "The room is being opened.")
    text = _text(session, booking, view.join_url)
    return _Message(room, reminder.user_id, session.starts_at, text)


def _text(session: CoachingSession, booking: Booking | None, join_url: str | None) -> str:
    """Write the message. Addresses stand in angle brackets, so that Discord fetches none of them for a preview."""
    viewer = Viewer(booking.contact_tz if booking is not None else session.coach.user.time_zone)
    page_url = links.session_url(booking) if booking is not None else links.session_page_url(session)
    title = _MARKDOWN.sub(r"\\\1", session.offer.title)
    way_in = f"Your room: <{join_url}>" if join_url is not None else f"The way in: <{page_url}>"
    return f"“{title}” starts on {display.moment(session.starts_at, viewer)}.\n{way_in}"


def _is_known(reminder: Reminder, connection: Connection) -> bool:
    """Tell whether Discord knows the account; who is not in the server yet is waited for. Raises: NotYetError."""
    try:
        connection.api.get_member(connection.guild_id, reminder.user_id)
    except NotFound as error:
        if error.discord_code == DiscordCode.UNKNOWN_USER:
            return False
        raise NotYetError(clock.now() + _RETRY, str(error)) from error
    except DiscordError as error:
        raise _later(error) from error
    return True


def _later(error: DiscordError) -> NotYetError:
    return NotYetError(clock.now() + (error.retry_after if isinstance(error, RateLimited) else _RETRY), str(error))


def _note(message: _Message, *, now: datetime) -> RoomReminder | None:
    """Write down that it is asked now; None: it must not be asked again. In the caller's transaction."""
    row, is_new = RoomReminder.objects.select_for_update(no_key=True).get_or_create(
        room=message.room,
        discord_user_id=message.user_id,
        starts_at=message.starts_at,
        defaults={"asked_at": now},
    )
    if is_new:
        return row
    is_settled = row.sent_at is not None or row.refused_with
    if is_settled or row.ask_count >= _MOST_ASKS or now - row.asked_at > _REPEAT_WITHIN:
        return None
    row.ask_count += 1
    row.save(update_fields=["ask_count"])
    return row


def _send(message: _Message, row: RoomReminder, connection: Connection) -> None:
    mine = RoomReminder.objects.filter(pk=row.pk)
    try:
        channel = connection.api.open_dm(message.user_id)
        connection.api.send_message(channel.id, message.text, nonce=message.nonce)
    except OutcomeUnknown as error:
        raise NotYetError(clock.now() + _REPEAT_AFTER, str(error)) from error
    except (RetryableError, Unauthorized) as error:
        _take_back(mine)
        raise _later(error) from error
    except PermanentError as error:
        logger.info("Discord does not take a reminder: %s", error)
        mine.filter(sent_at=None).update(refused_with=str(int(error.discord_code or 0)))
        return
    fault_point("rooms.after_reminder")
    mine.update(sent_at=clock.now(), refused_with="")


def _take_back(mine: QuerySet[RoomReminder]) -> None:
    """Forget an ask that certainly did nothing; another one whose answer was lost is kept."""
    with unit_of_work():
        deleted, _kinds = mine.filter(ask_count=1).delete()
        if not deleted:
            mine.update(ask_count=F("ask_count") - 1)
