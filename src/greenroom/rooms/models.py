"""Rooms, who may enter them, what was ever made at Discord, and what is known of the bot."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q, Value

from greenroom.accounts.models import DiscordIdentity
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.ids import REF_LENGTH, new_ref
from greenroom.rooms.policies import MOST_NAME, AccessMethod, RoomKind, RoomPolicy
from greenroom.rooms.types import AccessState, ObjectKind, PersonRole, RoomState


def _choices(
    values: type[AccessMethod | RoomKind | RoomState | AccessState | ObjectKind | PersonRole],
) -> list[tuple[str, str]]:
    return [(value.value, value.value.replace("_", " ")) for value in values]


class PolicyColumns(models.Model):
    """The columns of a policy: of one that is kept, and of the copy that a room has."""

    provision_before = models.DurationField()
    open_before = models.DurationField()
    close_after = models.DurationField()
    teardown_after = models.DurationField()
    access_method = models.CharField(max_length=8, choices=_choices(AccessMethod))
    kind = models.CharField(max_length=16, choices=_choices(RoomKind))
    channel_name_template = models.CharField(max_length=MOST_NAME)
    role_name_template = models.CharField(max_length=MOST_NAME)
    archive_for = models.DurationField()
    remind_before = models.DurationField()

    class Meta:
        abstract = True

    @property
    def policy(self) -> RoomPolicy:
        """The policy that the columns hold."""
        return RoomPolicy(
            provision_before=self.provision_before,
            open_before=self.open_before,
            close_after=self.close_after,
            teardown_after=self.teardown_after,
            access_method=AccessMethod(self.access_method),
            kind=RoomKind(self.kind),
            channel_name_template=self.channel_name_template,
            role_name_template=self.role_name_template,
            archive_for=self.archive_for,
            remind_before=self.remind_before,
        )


class KeptPolicy(PolicyColumns):
    """The policy of the rooms of an offer, of a coach, or (with neither) of the site. The nearest one counts."""

    coach = models.OneToOneField(Coach, null=True, blank=True, on_delete=models.CASCADE, related_name="room_policy")
    offer = models.OneToOneField(Offer, null=True, blank=True, on_delete=models.CASCADE, related_name="room_policy")

    class Meta:
        verbose_name_plural = "kept policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(coach__isnull=True) | Q(offer__isnull=True), name="rooms_policy_is_of_one_thing"
            ),
            # Of unique values, nulls differ: the one row that belongs to nobody is the site's.
            models.UniqueConstraint(
                Value(1), condition=Q(coach__isnull=True, offer__isnull=True), name="rooms_site_has_one_policy"
            ),
        ]

    def __str__(self) -> str:
        """Return whose it is."""
        return f"rooms of {self.offer or self.coach or 'the site'}"


class Room(PolicyColumns):
    """The place at Discord of one coaching session: the frozen policy and what was last seen.

    What it is made of are its `DiscordObject`s. `turn_token` belongs to the run that works on the room until
    `turn_until`. `state` is a cache for people to read; decisions are made from the clock and the booking.
    """

    session = models.OneToOneField(CoachingSession, on_delete=models.PROTECT, related_name="room")
    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    does_without_role = models.BooleanField(
        default=False, help_text="The server gave it no role, or one that we cannot use: people are let in one by one."
    )
    state = models.CharField(max_length=16, choices=_choices(RoomState), default=RoomState.PLANNED)
    next_check_at = models.DateTimeField(null=True, blank=True)
    failure_count = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True, help_text="What people are told.")
    last_error_detail = models.CharField(max_length=500, blank=True, help_text="What the operator needs.")
    turn_token = models.CharField(max_length=REF_LENGTH, blank=True)
    turn_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    fallback_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state"], name="rooms_by_state")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[*RoomState]), name="rooms_state_is_known"),
            models.CheckConstraint(
                condition=Q(open_before__gte=timedelta(0), provision_before__gte=F("open_before")),
                name="rooms_open_after_they_are_made",
            ),
            models.CheckConstraint(
                condition=Q(close_after__gte=timedelta(0), teardown_after__gte=F("close_after")),
                name="rooms_are_taken_away_after_they_close",
            ),
            models.CheckConstraint(condition=Q(access_method__in=[*AccessMethod]), name="rooms_access_method_is_known"),
            models.CheckConstraint(condition=Q(kind__in=[*RoomKind]), name="rooms_kind_is_known"),
        ]

    def __str__(self) -> str:
        """Return whose room it is."""
        return f"room of session {self.session_id}"

    def voice_channel(self) -> "DiscordObject | None":
        """Return the channel that people join, while one stands; one query."""
        live = self.discord_objects.filter(kind=ObjectKind.VOICE, object_id__isnull=False, deleted_at__isnull=True)
        return live.order_by("-marker", "object_id").first()


class RoomAccess(models.Model):
    """One person's way into one room, by the Discord account they had then; another account is another row.

    `booking` is empty for the coach. `last_error` is a code of Discord's or a word of `rules.page`.
    """

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="accesses")
    role = models.CharField(max_length=8, choices=_choices(PersonRole))
    booking = models.ForeignKey(Booking, null=True, blank=True, on_delete=models.PROTECT, related_name="room_accesses")
    discord_user_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=_choices(AccessState), default=AccessState.UNLINKED)
    last_error = models.CharField(max_length=40, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "room accesses"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[*AccessState]), name="room_accesses_state_is_known"),
            models.CheckConstraint(condition=Q(role__in=[*PersonRole]), name="room_accesses_role_is_known"),
            models.CheckConstraint(
                condition=Q(role=PersonRole.COACH, booking__isnull=True)
                | Q(role=PersonRole.STUDENT, booking__isnull=False),
                name="room_accesses_of_students_name_the_booking",
            ),
            models.CheckConstraint(
                condition=Q(discord_user_id__isnull=False) | Q(state=AccessState.UNLINKED),
                name="room_accesses_without_account_are_unlinked",
            ),
            models.UniqueConstraint(
                fields=["room", "discord_user_id"],
                condition=Q(discord_user_id__isnull=False),
                name="room_accesses_one_per_account",
            ),
            models.UniqueConstraint(
                fields=["room", "booking"],
                condition=Q(discord_user_id__isnull=True, booking__isnull=False),
                name="room_accesses_one_unlinked_per_booking",
            ),
            models.UniqueConstraint(
                fields=["room"],
                condition=Q(discord_user_id__isnull=True, booking__isnull=True),
                name="room_accesses_one_unlinked_coach",
            ),
        ]

    def __str__(self) -> str:
        """Return who it is and how far."""
        return f"{self.role}: {self.state}"


class RoomReminder(models.Model):
    """A direct message with the way in, to one account, for one time of the session. Written before it is sent.

    While it is neither sent nor `refused_with` a code of Discord's, the outcome is unknown: the answer was lost, or
    the process died. `asked_at` is when it was sent first, `ask_count` how often.
    """

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="reminders")
    discord_user_id = models.BigIntegerField()
    starts_at = models.DateTimeField()
    asked_at = models.DateTimeField()
    ask_count = models.PositiveSmallIntegerField(default=1)
    sent_at = models.DateTimeField(null=True, blank=True)
    refused_with = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room", "discord_user_id", "starts_at"], name="room_reminders_one_per_person_and_time"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(refused_with=""), name="room_reminders_are_sent_or_refused"
            ),
        ]

    def __str__(self) -> str:
        """Return to whom and for when."""
        return f"{self.discord_user_id} for {self.starts_at:%Y-%m-%d %H:%M}"


class DiscordObject(models.Model):
    """One thing that our bot asked Discord for: asked, standing, gone. Rows stay for ever and prove what is ours.

    A row is committed before the request is sent; `object_id` comes with the answer, and while it is missing the
    outcome is unknown. `generation` grows with every request of a room for this kind, and the marker in the name
    with it, so that a request that was lost and lands late makes something that no live row knows. `deleted_at`:
    seen to be gone, or the request given up. Rows without a marker were not asked for: a doubled request's second
    object, and (without a room) what an earlier database made and the audit log proved to be ours.
    """

    guild_id = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=_choices(ObjectKind))
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.PROTECT, related_name="discord_objects")
    generation = models.PositiveIntegerField(default=0)
    marker = models.CharField(max_length=8, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    object_id = models.BigIntegerField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=[*ObjectKind]), name="discord_objects_kind_is_known"),
            models.CheckConstraint(
                condition=Q(object_id__isnull=False, seen_at__isnull=False)
                | (Q(object_id__isnull=True, asked_at__isnull=False, room__isnull=False) & ~Q(marker="")),
                name="discord_objects_were_asked_for_or_seen",
            ),
            models.UniqueConstraint(fields=["guild_id", "object_id"], name="discord_objects_are_noted_once"),
            models.UniqueConstraint(
                fields=["room", "kind"],
                condition=Q(object_id__isnull=True, deleted_at__isnull=True),
                name="discord_objects_are_asked_for_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["kind", "marker"],
                condition=Q(deleted_at__isnull=True) & ~Q(marker=""),
                name="discord_objects_marker_is_unique_among_live_ones",
            ),
        ]

    def __str__(self) -> str:
        """Return kind and id."""
        return f"{self.kind} {self.object_id or 'asked for'}"


class TokenRefresh(models.Model):
    """A trade of one person's refresh token that is under way: a second one at once would lose the first's answer."""

    identity = models.OneToOneField(DiscordIdentity, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()


class BotRecord(models.Model):
    """What every process must know of one bot token, which is kept as a fingerprint only."""

    fingerprint = models.CharField(max_length=64, unique=True)
    is_token_dead = models.BooleanField(default=False)
    died_at = models.DateTimeField(null=True, blank=True)
    stopped_until = models.DateTimeField(null=True, blank=True)
    next_place_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """Return the first characters of the fingerprint."""
        return f"bot {self.fingerprint[:8]}"


class BotRefusals(models.Model):
    """How often Discord refused the bot in one minute; ten of these rows are the window that Discord counts."""

    bot = models.ForeignKey(BotRecord, on_delete=models.CASCADE, related_name="refusals")
    minute = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "bot refusals"
        constraints = [models.UniqueConstraint(fields=["bot", "minute"], name="bot_refusals_one_row_per_minute")]


class GuildReport(models.Model):
    """What was last found wrong with a server: each finding with `grade`, `words` and `remedy`, the worst first."""

    guild_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    findings = models.JSONField(default=list)
    examined_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the server's name."""
        return self.name or str(self.guild_id)

    @property
    def problem(self) -> str:
        """Why no rooms can be made; empty when they can."""
        return next((one["words"] for one in self.findings if one["grade"] == "broken"), "")
