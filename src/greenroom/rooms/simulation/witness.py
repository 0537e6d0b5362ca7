"""Compares, after every step, what everybody sees in the server with what they should see.

What they should see is reckoned here anew, from the session's times and its people: not by the rules that the
reconciler itself goes by.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from greenroom.accounts.models import DiscordIdentity
from greenroom.bookings.models import CoachingSession
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxGuild, SandboxMember, SandboxRole
from greenroom.integrations.discord.sandbox.permissions import Standing
from greenroom.integrations.discord.sandbox.services.guild import bot_id, guild_id
from greenroom.integrations.discord.sandbox.standing import permissions_in
from greenroom.integrations.discord.types import AuditAction
from greenroom.rooms.models import Room
from greenroom.rooms.policies import RoomPolicy
from greenroom.rooms.queries import participants_of
from greenroom.rooms.simulation.stage import MINUTE, SECOND, Stage

# A room is closed a minute after its time, or after the last trouble.
PROMISE = MINUTE
# An open room is looked at every minute, and who finds it locked waits for that.
ENTERED_WITHIN = 2 * MINUTE
# What people do to a room by hand is found by the next look at it (a hidden one's every five minutes) or by the sweep.
FOUND_WITHIN = 6 * MINUTE
_MADE = (AuditAction.CHANNEL_CREATE, AuditAction.ROLE_CREATE)
_ROOM_IN_REASON = re.compile(r"room=(\S+)")
_NOT_TO_TAKE_PLACE = {"held", "cancelled", "expired"}


@dataclass(frozen=True, slots=True)
class Expected:
    """Who should see a session's room, and when. `opens_at` is inclusive, `closes_at` is not."""

    opens_at: datetime
    closes_at: datetime
    people: frozenset[int]

    def at(self, now: datetime) -> frozenset[int]:
        """Return who should see the room at `now`."""
        return self.people if self.opens_at <= now < self.closes_at else frozenset()


@dataclass
class Witness:
    """Sees what the server shows, and remembers who was allowed to see what, and when last."""

    stage: Stage
    _sessions: dict[str, int] = field(default_factory=dict)
    _expected: dict[int, Expected] = field(default_factory=dict)
    _session_of: dict[int, int | None] = field(default_factory=dict)
    _meddled_until: dict[int, datetime] = field(default_factory=dict)
    _standing: frozenset[int] = frozenset()
    _inside: frozenset[int] = frozenset()
    _seen: frozenset[tuple[int, int]] = frozenset()
    _allowed_until: dict[tuple[int, int], datetime] = field(default_factory=dict)
    _shut_out_since: dict[tuple[int, int], datetime] = field(default_factory=dict)
    _doubled_since: dict[int, datetime] = field(default_factory=dict)
    _reported: set[tuple[object, ...]] = field(default_factory=set)
    _last_entry: int = 0
    _has_guild_changed: bool = True
    _looked_at: datetime | None = None

    def was_meddled(self, channel_id: int) -> None:
        """Remember that somebody changed a channel by hand: what is wrong with it then is found a little later."""
        self._meddled_until[channel_id] = self.stage.now + FOUND_WITHIN
        self.guild_changed()

    def guild_changed(self) -> None:
        """Look at the server again, now."""
        self._has_guild_changed = True
        self.look()

    def rows_changed(self) -> None:
        """Read anew who should see what: a session or its people were changed at this very moment."""
        self.look()
        self._expected = {session.pk: _expected(session) for session in CoachingSession.objects.all()}
        self.look()

    def look(self) -> None:
        """Compare what is seen with what should be."""
        if self._has_guild_changed:
            self._has_guild_changed = False
            self._read_guild()
        self._remember_who_is_allowed()
        self._check_who_sees_too_much()
        self._check_who_sees_too_little()
        self._check_duplicates()
        self._looked_at = self.stage.now

    def objects(self) -> frozenset[int]:
        """Return every channel and role that was made for a room."""
        return frozenset(self._session_of)

    def standing(self) -> frozenset[int]:
        """Return the channels of rooms that stand in the server."""
        return self._standing

    def _note_what_was_made(self, guild: SandboxGuild) -> None:
        """Find for which session each new channel or role was made: the reason in the audit log names the room.

        Without one an older database made it, which the sweep is to find.
        """
        made = guild.audit_entries.filter(action__in=_MADE, user_id=bot_id(), pk__gt=self._last_entry).order_by("pk")
        for entry in made:
            self._last_entry = entry.pk
            found = _ROOM_IN_REASON.search(entry.reason)
            self._session_of[entry.target_id] = None if found is None else self._session_by_ref(found[1])
            if found is None:
                self._meddled_until[entry.target_id] = self.stage.now + FOUND_WITHIN

    def _session_by_ref(self, ref: str) -> int:
        if ref not in self._sessions:
            self._sessions.update(Room.objects.values_list("ref", "session_id"))
        return self._sessions[ref]

    def _read_guild(self) -> None:
        guild = SandboxGuild.objects.get(pk=guild_id())
        self._note_what_was_made(guild)
        channels = list(guild.channels.filter(pk__in=list(self._session_of)).prefetch_related("overwrites"))
        people = _standings(guild)
        self._inside = frozenset(person.user_id for person in people)
        self._standing = frozenset(channel.pk for channel in channels)
        self._seen = frozenset(
            (channel.pk, person.user_id) for channel in channels for person in people if _sees(person, channel)
        )

    def _remember_who_is_allowed(self) -> None:
        now, before = self.stage.now, self._looked_at or self.stage.now
        for session_id, expected in self._expected.items():
            if expected.opens_at <= now and before < expected.closes_at:
                for user_id in expected.people:
                    self._allowed_until[session_id, user_id] = min(now, expected.closes_at)

    def _check_who_sees_too_much(self) -> None:
        now = self.stage.now
        for channel_id, user_id in self._seen:
            if now <= self._meddled_until.get(channel_id, now - SECOND):
                continue
            session_id = self._session_of[channel_id]
            until = None if session_id is None else self._allowed_until.get((session_id, user_id))
            if until is None:
                excused = self._meddled_until.get(channel_id)
                kind = "early" if excused is None else "late"
                if excused is None or now - max(excused, self.stage.trouble_until) > PROMISE:
                    self._report(kind, channel_id, user_id)
            elif now - max(until, self.stage.trouble_until, self._meddled_until.get(channel_id, until)) > PROMISE:
                self._report("late", channel_id, user_id)

    def _check_who_sees_too_little(self) -> None:
        now = self.stage.now
        allowed = {(session_id, user_id) for session_id, it in self._expected.items() for user_id in it.at(now)}
        seen = {(self._session_of[channel_id], user_id) for channel_id, user_id in self._seen}
        shut_out = allowed - seen
        self._shut_out_since = {pair: self._shut_out_since.get(pair, now) for pair in shut_out}
        for (session_id, user_id), since in self._shut_out_since.items():
            is_overdue = now - max(since, self.stage.trouble_until) > ENTERED_WITHIN
            if is_overdue and (user_id in self._inside or _can_be_brought_in(user_id)):
                self._report("shut_out", session_id, user_id)

    def _check_duplicates(self) -> None:
        now = self.stage.now
        owners = [self._session_of[channel_id] for channel_id in self._standing]
        for session_id in {owner for owner in owners if owner is not None}:
            if owners.count(session_id) == 1:
                self._doubled_since.pop(session_id, None)
                continue
            since = self._doubled_since.setdefault(session_id, now)
            if now - max(since, self.stage.trouble_until) > FOUND_WITHIN:
                self._report("duplicates", session_id)

    def _report(self, what: str, *about: int) -> None:
        """Count a wrong once for each channel and person."""
        if (what, *about) in self._reported:
            return
        self._reported.add((what, *about))
        trouble = f"last trouble {(self.stage.trouble_until - self.stage.now).total_seconds():.0f} s"
        self.stage.tally.is_wrong(what, f"{about} at {self.stage.monotonic():.0f} s, {trouble}")


def _can_be_brought_in(user_id: int) -> bool:
    """Tell whether a person's grant is still there: it is lost with an answer that held its new tokens."""
    return any(identity.access_token for identity in DiscordIdentity.objects.filter(discord_user_id=str(user_id)))


def _expected(session: CoachingSession) -> Expected:
    policy: RoomPolicy = session.room.policy
    takes_place = session.status not in _NOT_TO_TAKE_PLACE
    people = participants_of(session) if takes_place else ()
    return Expected(
        opens_at=session.starts_at - policy.open_before,
        closes_at=session.ends_at + policy.close_after,
        people=frozenset(int(person.discord_user_id) for person in people if person.discord_user_id is not None),
    )


def _standings(guild: SandboxGuild) -> list[Standing]:
    """Load how everybody stands in the guild, in three queries; the bot and the owner see everything anyway."""
    everyone = SandboxRole.objects.get(pk=guild.pk).permissions
    members = SandboxMember.objects.filter(guild=guild).exclude(user_id__in=(bot_id(), guild.owner_id))
    return [
        Standing(member.user_id, guild.pk, False, everyone, {role.pk: role.permissions for role in member.roles.all()})
        for member in members.prefetch_related("roles")
    ]


def _sees(person: Standing, channel: SandboxChannel) -> bool:
    return bool(permissions_in(person, channel) & Permission.VIEW_CHANNEL)
