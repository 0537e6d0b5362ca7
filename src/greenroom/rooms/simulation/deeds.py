"""What people do meanwhile: on the site, and with their own hands in the Discord server."""

from collections.abc import Callable
from dataclasses import dataclass

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.permissions import BOT_ALLOW, EVERYONE_DENY, PARTICIPANT_ALLOW
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxGuild, SandboxOverwrite
from greenroom.integrations.discord.sandbox.services import people
from greenroom.integrations.discord.sandbox.services.audit import log_action
from greenroom.integrations.discord.sandbox.services.guild import bot_id, guild_id
from greenroom.integrations.discord.sandbox.snowflakes import mint
from greenroom.integrations.discord.types import AuditAction, ChannelType, OverwriteTarget
from greenroom.jobs.models import Job
from greenroom.rooms.models import DiscordObject
from greenroom.rooms.services import reconcile_key, request_reconcile, request_reconcile_of
from greenroom.rooms.simulation.cast import STRANGER, Cast, accounts_of, user_id_of
from greenroom.rooms.simulation.stage import MINUTE, SECOND, Stage
from greenroom.rooms.simulation.witness import Witness

_COMING = (SessionStatus.CONFIRMED, SessionStatus.IN_PROGRESS)
LOUNGE = "Lounge"
# Named as a room is, and made by the server's owner: nobody may delete it.
LOOK_ALIKE = "coaching-cafecafe"
_LEFT_BEHIND = "coaching-0badf00d"


@dataclass
class Deeds:
    """Does things by dice; every one is over at once and leaves its mark for the witness."""

    stage: Stage
    cast: Cast
    witness: Witness

    def furnish(self) -> None:
        """Give the server what its own people made, and sometimes what an older database of ours left behind."""
        guild = SandboxGuild.objects.get(pk=guild_id())
        for name, kind in (
            (LOUNGE, ChannelType.VOICE),
            (LOOK_ALIKE, ChannelType.VOICE),
            ("Talk", ChannelType.CATEGORY),
        ):
            SandboxChannel.objects.create(pk=mint(self.stage.now), guild=guild, type=kind, name=name)
        if self.stage.happens(30):
            self.stage.later(self.stage.dice.randint(0, 600) * SECOND, self._leave_behind)

    def do_something(self) -> None:
        """Let the dice choose a session, and what is done to it or to its room."""
        dice = self.stage.dice
        session = dice.choice(self.cast.sessions())
        if self.stage.happens(50):
            self.stage.tally.happened("changes")
            dice.choice(self._changes())(session)
            self.witness.rows_changed()
            return
        standing = list(SandboxChannel.objects.filter(pk__in=self.witness.objects()).order_by("pk"))
        if standing:
            self.stage.tally.happened("edits")
            channel = dice.choice(standing)
            dice.choice(self._edits())(channel)
            self.witness.was_meddled(channel.pk)

    def _changes(self) -> tuple[Callable[[CoachingSession], object], ...]:
        return (
            self._move,
            self._move,
            self._cancel,
            self._cancel_one_seat,
            self._link,
            self._link,
            self._change_account,
            self._ask_again,
            self._lose_row,
            self._leave_server,
            lambda _session: self.cast.book_late(),
        )

    def _edits(self) -> tuple[Callable[[SandboxChannel], object], ...]:
        return (
            self._rename,
            self._recategorise,
            lambda channel: people.delete_channel_by_hand(channel.pk),
            self._let_stranger_in,
            self._open_to_everybody,
            self._take_overwrite,
            self._lock_bot_out,
        )

    def _move(self, session: CoachingSession) -> None:
        now = self.stage.now
        if session.status not in _COMING or now >= session.starts_at:
            return
        length = session.ends_at - session.starts_at
        shift = self.stage.dice.choice((-4, 1, 3, 10)) * MINUTE
        session.starts_at = session.blocked_from = max(session.starts_at + shift, now + SECOND)
        session.ends_at = session.blocked_until = session.starts_at + length
        with unit_of_work():
            session.save()
            request_reconcile(session.pk, now=now)

    def _cancel(self, session: CoachingSession) -> None:
        with unit_of_work():
            CoachingSession.objects.filter(pk=session.pk).update(status=SessionStatus.CANCELLED, seats_taken=0)
            Booking.objects.filter(session=session).update(status=BookingStatus.CANCELLED)
            request_reconcile(session.pk, now=self.stage.now)

    def _cancel_one_seat(self, session: CoachingSession) -> None:
        seats = Booking.objects.filter(session=session, status=BookingStatus.CONFIRMED).order_by("pk")
        if seats.count() > 1:
            with unit_of_work():
                Booking.objects.filter(pk=seats[0].pk).update(status=BookingStatus.CANCELLED)
                request_reconcile(session.pk, now=self.stage.now)

    def _link(self, session: CoachingSession) -> None:
        """Link those who have not linked yet, or link anew."""
        for booking in Booking.objects.filter(session=session):
            identity = booking.discord_identity
            username = accounts_of(booking)[0] if identity is None else identity.username
            self._link_booking(booking, username)

    def _change_account(self, session: CoachingSession) -> None:
        booking = self.stage.dice.choice(list(Booking.objects.filter(session=session).order_by("pk")))
        identity = booking.discord_identity
        first, second = accounts_of(booking)
        self._link_booking(booking, second if identity is not None and identity.username == first else first)

    def _link_booking(self, booking: Booking, username: str) -> None:
        before, identity = booking.discord_identity, self.cast.link(username)
        with unit_of_work():
            Booking.objects.filter(pk=booking.pk).update(discord_identity=identity)
            request_reconcile_of(identity, now=self.stage.now)
            if before is not None:
                request_reconcile_of(before, now=self.stage.now)

    def _ask_again(self, session: CoachingSession) -> None:
        request_reconcile(session.pk, now=self.stage.now)

    def _lose_row(self, session: CoachingSession) -> None:
        """Take a session's due row away, as no code of ours does: every minute lost ones are looked for."""
        Job.objects.filter(key=reconcile_key(session.pk)).delete()
        self.stage.trouble(self.stage.now + MINUTE)

    def _leave_server(self, session: CoachingSession) -> None:
        """Leave the server, or be put out of it; maybe come back by an invitation."""
        names = [account for booking in Booking.objects.filter(session=session) for account in accounts_of(booking)]
        user_id = user_id_of(self.stage.dice.choice(names))
        people.kick_member(user_id)
        self.witness.guild_changed()
        if self.stage.happens(50):
            self.stage.later(self.stage.dice.randint(5, 200) * SECOND, lambda: self._come_back(user_id))

    def _come_back(self, user_id: int) -> None:
        people.join_guild(user_id)
        self.witness.guild_changed()

    def _rename(self, channel: SandboxChannel) -> None:
        # One whose id is not known yet would never be found again: nothing without a marker is ever touched.
        if DiscordObject.objects.filter(object_id=channel.pk).exists():
            SandboxChannel.objects.filter(pk=channel.pk).update(name="our cosy corner")

    def _recategorise(self, channel: SandboxChannel) -> None:
        category = SandboxChannel.objects.get(type=ChannelType.CATEGORY, name="Talk")
        SandboxChannel.objects.filter(pk=channel.pk).update(parent=category)

    def _let_stranger_in(self, channel: SandboxChannel) -> None:
        self._put_overwrite(channel.pk, OverwriteTarget.MEMBER, user_id_of(STRANGER), allow=int(PARTICIPANT_ALLOW))

    def _open_to_everybody(self, channel: SandboxChannel) -> None:
        self._put_overwrite(channel.pk, OverwriteTarget.ROLE, guild_id(), allow=int(EVERYONE_DENY))

    def _take_overwrite(self, channel: SandboxChannel) -> None:
        """Take away what lets one of its people in, or what keeps the others out."""
        takable = list(channel.overwrites.exclude(target_id=bot_id()).order_by("pk"))
        if takable:
            self.stage.dice.choice(takable).delete()

    def _lock_bot_out(self, channel: SandboxChannel) -> None:
        """Take the bot's own way in; a while later somebody notices, and gives it back."""
        channel.overwrites.filter(target_id=bot_id()).delete()
        delay = self.stage.dice.randint(20, 900) * SECOND
        self.stage.trouble(self.stage.now + delay)
        self.stage.later(delay, lambda: self._let_bot_in(channel.pk))

    def _let_bot_in(self, channel_id: int) -> None:
        if SandboxChannel.objects.filter(pk=channel_id).exists():
            self._put_overwrite(channel_id, OverwriteTarget.MEMBER, bot_id(), allow=int(BOT_ALLOW))
            self.witness.was_meddled(channel_id)

    def _put_overwrite(self, channel_id: int, kind: OverwriteTarget, target_id: int, *, allow: int) -> None:
        SandboxOverwrite.objects.update_or_create(
            channel_id=channel_id,
            target_id=target_id,
            defaults={"target_type": kind, "allow": allow, "deny": 0},
        )

    def _leave_behind(self) -> None:
        """Let the server show a room that a database made which is not there any more."""
        guild = SandboxGuild.objects.get(pk=guild_id())
        channel = SandboxChannel.objects.create(
            pk=mint(self.stage.now), guild=guild, type=ChannelType.VOICE, name=_LEFT_BEHIND
        )
        log_action(guild, AuditAction.CHANNEL_CREATE, by=bot_id(), target_id=channel.pk)
        self._let_stranger_in(channel)
        self.witness.guild_changed()
