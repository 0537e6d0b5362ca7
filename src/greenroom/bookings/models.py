"""Coaching sessions and bookings."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from greenroom.accounts.models import DiscordIdentity
from greenroom.bookings.types import GONE, OCCUPYING, BookingStatus, MoveTerms, Party, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.types import Venue
from greenroom.coaches.models import Coach, Topic
from greenroom.core.constraints import NoOverlap
from greenroom.core.ids import REF_LENGTH, new_ref
from greenroom.core.money import Money
from greenroom.orders.models import Order

_CONFIRMED_ONCE = (
    BookingStatus.CONFIRMED,
    BookingStatus.IN_PROGRESS,
    BookingStatus.COMPLETED,
    BookingStatus.NO_SHOW,
)


class CoachingSession(models.Model):
    """One block of a coach's time. Instants are UTC; `blocked_from`/`blocked_until` are it with its buffers, frozen.

    A `capacity` above 1 makes it a group, which people join while its offer has seats left: the offer says how many, at
    any time, and the row keeps up when a seat is taken. What was booked as a session of two stays one.
    `sequence` grows with every move (RFC 5545, 3.8.7.4): keys of its jobs and its coach's calendar entry carry it.
    """

    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    coach = models.ForeignKey(Coach, on_delete=models.PROTECT, related_name="sessions", db_index=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="sessions")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    status = models.CharField(max_length=16, choices=[(status.value, status.value) for status in SessionStatus])
    is_exclusive = models.BooleanField(default=True)
    capacity = models.PositiveSmallIntegerField(default=1)
    seats_taken = models.PositiveSmallIntegerField(default=0)
    min_seats = models.PositiveSmallIntegerField(
        default=1, help_text="As the offer had it when the first seat was taken."
    )
    decide_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is decided whether enough people booked; empty: it needs only one."
    )
    was_confirmed = models.BooleanField(
        default=False, help_text="Somebody was booked in it, so its coach was told of it."
    )
    called_off_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when all of it is off: nobody joins it any more, nor by paying late."
    )
    called_off_reason = models.CharField(max_length=300, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    held_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Set while every seat is an unpaid hold without a payment under way: then this time is free again.",
    )
    venue = models.CharField(max_length=16, choices=[(venue.value, venue.value) for venue in Venue])
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["coach", "blocked_until"], name="sessions_by_coach_and_end")]
        constraints = [
            NoOverlap(
                name="sessions_no_overlap_per_coach",
                owner="coach",
                start="blocked_from",
                end="blocked_until",
                status_field="status",
                statuses=OCCUPYING,
                flag="is_exclusive",
            ),
            models.CheckConstraint(
                condition=Q(blocked_from__lte=F("starts_at"), starts_at__lt=F("ends_at"))
                & Q(ends_at__lte=F("blocked_until")),
                name="sessions_lie_within_their_buffers",
            ),
            models.CheckConstraint(condition=Q(seats_taken__lte=F("capacity")), name="sessions_never_exceed_capacity"),
            models.CheckConstraint(condition=Q(status__in=[*SessionStatus]), name="sessions_status_is_known"),
        ]

    def __str__(self) -> str:
        """Return when it is, in UTC."""
        return f"{self.starts_at:%Y-%m-%d %H:%M} UTC"

    @property
    def is_group(self) -> bool:
        """Whether more than one student can come."""
        return self.capacity > 1


class Booking(models.Model):
    """One seat in a session. Until it is paid it is a hold, kept until `hold_expires_at`.

    `holder` is a digest of what identifies the person before there is an account: the hold cookie, or the address
    given to the API. The contact is a snapshot: it neither reveals nor edits an account with the same address.
    """

    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    session = models.ForeignKey(CoachingSession, on_delete=models.PROTECT, related_name="bookings")
    coach = models.ForeignKey(Coach, on_delete=models.PROTECT, related_name="bookings")
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="bookings"
    )
    order = models.OneToOneField(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="booking")
    status = models.CharField(max_length=20, choices=[(status.value, status.value) for status in BookingStatus])
    holder = models.CharField(max_length=64, db_index=True)
    hold_expires_at = models.DateTimeField()
    price_minor = models.PositiveIntegerField(default=0, help_text="As it was shown when the time was held.")
    currency = models.CharField(max_length=3, default="EUR")
    price_reason = models.CharField(max_length=160, blank=True, help_text="Where the price came from, in words.")
    topic = models.ForeignKey(
        Topic,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="What it is about, as the price depends on it.",
    )
    is_manual = models.BooleanField(default=False, help_text="Its coach made it.")
    was_hold_extended = models.BooleanField(default=False)
    contact_name = models.CharField(max_length=100, blank=True)
    contact_email = models.EmailField(blank=True)
    contact_tz = models.CharField(max_length=64, default="UTC")
    goals = models.TextField(max_length=2000, blank=True)
    notes = models.TextField(max_length=2000, blank=True)
    answers = models.JSONField(default=list, blank=True, help_text="Question and answer texts as they were.")
    draft = models.JSONField(default=dict, blank=True, help_text="The details form as it was last left, unchecked.")
    wants_reminders = models.BooleanField(default=True)
    discord_identity = models.ForeignKey(
        DiscordIdentity, null=True, blank=True, on_delete=models.SET_NULL, related_name="bookings"
    )
    refund_cap_percent = models.PositiveSmallIntegerField(
        default=100, help_text="Moving a session never improves what cancelling it would give back."
    )
    refund_minor = models.PositiveIntegerField(
        default=0, help_text="What was refunded when it was cancelled, or when its coach did not come."
    )
    moves_count = models.PositiveSmallIntegerField(default=0)
    sequence = models.PositiveIntegerField(
        default=0, help_text="Grows with every change of its time, as that of a session does for the coach."
    )
    approval_hours = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="As the offer had it when the time was held; empty: confirmed at once."
    )
    approve_by = models.DateTimeField(null=True, blank=True, help_text="Until when the coach can say yes.")
    moves_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="As the offer had it when the time was held; empty: no limit."
    )
    move_notice_hours = models.PositiveSmallIntegerField(default=0, help_text="As the offer had it, as above.")
    move_reason = models.CharField(max_length=300, blank=True, help_text="What was said about the latest move.")
    move_request = models.CharField(
        max_length=300, blank=True, help_text="What the student wrote who asks the coach for another time."
    )
    proposed_times = models.JSONField(
        default=list, blank=True, help_text="Other starts between which the coach asks the student to choose, in UTC."
    )
    proposal_note = models.CharField(max_length=300, blank=True, help_text="What the coach said about them.")
    no_show_party = models.CharField(max_length=8, blank=True, choices=[(party.value, party.value) for party in Party])
    cancelled_by = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["contact_email"], name="bookings_by_contact"),
            models.Index(fields=["coach", "status"], name="bookings_by_coach_and_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=[*BookingStatus]), name="bookings_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status__in=_CONFIRMED_ONCE) | Q(confirmed_at__isnull=False),
                name="bookings_confirmed_say_since_when",
            ),
            models.CheckConstraint(
                condition=~Q(status=BookingStatus.NO_SHOW) | ~Q(no_show_party=""), name="bookings_no_show_names_a_side"
            ),
            models.CheckConstraint(
                condition=~Q(status=BookingStatus.PENDING_APPROVAL) | Q(approve_by__isnull=False),
                name="bookings_requests_say_until_when",
            ),
            models.CheckConstraint(condition=Q(refund_cap_percent__lte=100), name="bookings_refund_is_up_to_all"),
            models.UniqueConstraint(
                fields=["coach", "holder"], condition=Q(status=BookingStatus.HELD), name="bookings_one_hold_per_person"
            ),
        ]

    def __str__(self) -> str:
        """Return the reference."""
        return self.ref

    @property
    def is_live(self) -> bool:
        """Whether it still stands for a seat: not cancelled and not expired."""
        return self.status not in GONE

    @property
    def move_terms(self) -> MoveTerms:
        """What its student may still do about the time."""
        notice = timedelta(hours=self.move_notice_hours)
        return MoveTerms(self.moves_count, self.moves_limit, notice, is_asked=bool(self.proposed_times))

    @property
    def proposals(self) -> list[datetime]:
        """The starts between which the coach asks the student to choose, aware UTC, in order."""
        return [datetime.fromisoformat(start) for start in self.proposed_times]

    @property
    def price(self) -> Money:
        """The price at which the time was held: a promise, whatever becomes of the offer."""
        return Money(self.price_minor, self.currency)
