"""Offers and what belongs to them."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from greenroom.availability.models import Schedule
from greenroom.catalog.types import MAX_PRICE_MINOR, DiscordRequirement, OfferKind, OfferStatus, QuestionKind, Venue
from greenroom.coaches.models import Coach, Topic
from greenroom.core.ids import REF_LENGTH, new_ref
from greenroom.core.money import Money

MAX_DURATION_MINUTES = 24 * 60
MAX_APPROVAL_HOURS = 14 * 24
MAX_SEATS = 100


def _choices(
    values: type[OfferKind | OfferStatus | Venue | DiscordRequirement | QuestionKind],
) -> list[tuple[str, str]]:
    return [(value.value, value.value.replace("_", " ")) for value in values]


class Offer(models.Model):
    """Something a coach sells, with the rules by which its sessions may be booked."""

    coach = models.ForeignKey(Coach, on_delete=models.PROTECT, related_name="offers")
    kind = models.CharField(max_length=16, choices=_choices(OfferKind), default=OfferKind.CALL)
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=80)
    summary = models.CharField(max_length=200, blank=True)
    description = models.TextField(max_length=4000, blank=True)
    status = models.CharField(max_length=16, choices=_choices(OfferStatus), default=OfferStatus.DRAFT)
    position = models.PositiveSmallIntegerField(default=0)
    currency = models.CharField(max_length=3, default="EUR")
    price_minor = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_PRICE_MINOR)],
        help_text="The price of whatever has none of its own; 0 is free.",
    )
    topic = models.ForeignKey(
        Topic, null=True, blank=True, on_delete=models.PROTECT, help_text="What it is about; its rate then counts."
    )
    venue = models.CharField(max_length=16, choices=_choices(Venue), default=Venue.DISCORD)
    video_url = models.URLField(blank=True, help_text="The room of a video call, such as a Jitsi address.")
    place = models.CharField(max_length=200, blank=True, help_text="Where to meet in person.")
    discord_requirement = models.CharField(
        max_length=16, choices=_choices(DiscordRequirement), default=DiscordRequirement.BEFORE_JOIN
    )
    schedule = models.ForeignKey(
        Schedule, null=True, blank=True, on_delete=models.PROTECT, help_text="Empty: the coach's default schedule."
    )
    increment_minutes = models.PositiveSmallIntegerField(default=30, validators=[MinValueValidator(5)])
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0)
    notice_minutes = models.PositiveIntegerField(default=0)
    horizon_days = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    first_day = models.DateField(null=True, blank=True, help_text="The first local date of the coach it can start on.")
    last_day = models.DateField(null=True, blank=True, help_text="The last local date of the coach it can start on.")
    daily_limit = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    weekly_limit = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    monthly_limit = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    approval_hours = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_APPROVAL_HOURS)],
        help_text="Within how many hours the coach accepts each booking; empty: it is confirmed at once.",
    )
    moves_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How often a student may move a session; empty: as often as they like."
    )
    move_notice_hours = models.PositiveSmallIntegerField(
        default=0, help_text="Until how long before its start a student may move a session."
    )
    capacity = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_SEATS)], help_text="More than 1: a group."
    )
    min_seats = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="With fewer bookings when booking closes, a group session is cancelled and everybody refunded.",
    )

    class Meta:
        ordering = ("position", "pk")
        constraints = [
            models.UniqueConstraint(fields=["coach", "slug"], name="offers_have_their_own_slug_per_coach"),
            models.CheckConstraint(condition=Q(status__in=[*OfferStatus]), name="offers_status_is_known"),
            models.CheckConstraint(condition=Q(kind__in=[*OfferKind]), name="offers_kind_is_known"),
            models.CheckConstraint(condition=Q(venue__in=[*Venue]), name="offers_venue_is_known"),
            models.CheckConstraint(
                condition=Q(discord_requirement__in=[*DiscordRequirement]), name="offers_discord_requirement_is_known"
            ),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="offers_have_a_seat"),
            models.CheckConstraint(
                condition=Q(min_seats__gte=1, min_seats__lte=F("capacity")), name="offers_need_no_more_than_their_seats"
            ),
            models.CheckConstraint(condition=Q(increment_minutes__gte=1), name="offers_have_an_increment"),
            models.CheckConstraint(
                condition=Q(first_day=None) | Q(last_day=None) | Q(first_day__lte=F("last_day")),
                name="offers_end_after_they_begin",
            ),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title

    def clean(self) -> None:
        """Refuse combinations that no student could use."""
        if self.venue == Venue.VIDEO and not self.video_url:
            raise ValidationError({"video_url": "Give the address of the video room."})
        if self.schedule is not None and self.schedule.coach_id != self.coach_id:
            raise ValidationError({"schedule": "Choose one of the coach's own schedules."})
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValidationError({"last_day": "The last day is before the first one."})

    @property
    def notice(self) -> timedelta:
        """How long before its start a session can still be booked."""
        return timedelta(minutes=self.notice_minutes)

    @property
    def horizon(self) -> timedelta:
        """How far ahead a session can be booked."""
        return timedelta(days=self.horizon_days)

    @property
    def buffer_before(self) -> timedelta:
        """The time kept free before each session."""
        return timedelta(minutes=self.buffer_before_minutes)

    @property
    def buffer_after(self) -> timedelta:
        """The time kept free after each session."""
        return timedelta(minutes=self.buffer_after_minutes)


class Rate(models.Model):
    """What an hour with a coach costs when it is about a topic; the one without a topic is for everything else."""

    coach = models.ForeignKey(Coach, on_delete=models.CASCADE, related_name="rates")
    topic = models.ForeignKey(Topic, null=True, blank=True, on_delete=models.PROTECT, related_name="rates")
    per_hour_minor = models.PositiveIntegerField(validators=[MaxValueValidator(MAX_PRICE_MINOR)])
    currency = models.CharField(max_length=3, default="EUR")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["coach", "topic"], name="rates_one_per_coach_and_topic"),
            models.UniqueConstraint(
                fields=["coach"], condition=Q(topic=None), name="rates_one_per_coach_for_everything_else"
            ),
            models.CheckConstraint(condition=Q(per_hour_minor__gte=1), name="rates_are_above_nothing"),
        ]

    def __str__(self) -> str:
        """Return it in minor units."""
        return f"{self.per_hour_minor} {self.currency} an hour"

    @property
    def per_hour(self) -> Money:
        """What an hour costs."""
        return Money(self.per_hour_minor, self.currency)


class OfferDuration(models.Model):
    """One length in which an offer can be booked; the first by position is the default (X15)."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="durations")
    minutes = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(5), MaxValueValidator(MAX_DURATION_MINUTES)]
    )
    price_minor = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_PRICE_MINOR)],
        help_text="Its own price; 0 is free. Empty: the more general one counts.",
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "minutes")
        constraints = [
            models.UniqueConstraint(fields=["offer", "minutes"], name="durations_one_price_per_length"),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=MAX_DURATION_MINUTES), name="durations_are_up_to_a_day"
            ),
        ]

    @property
    def length(self) -> timedelta:
        """How long the session lasts."""
        return timedelta(minutes=self.minutes)


class IntakeQuestion(models.Model):
    """A question the coach asks everybody who books; its text is copied to the booking with the answer."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="questions")
    key = models.SlugField(max_length=40)
    label = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=_choices(QuestionKind), default=QuestionKind.SHORT_TEXT)
    is_required = models.BooleanField(default=False)
    options = models.JSONField(default=list, blank=True, help_text="For a choice: a list of texts.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")
        constraints = [models.UniqueConstraint(fields=["offer", "key"], name="questions_have_their_own_key_per_offer")]


class RefundTierRow(models.Model):
    """A line of an offer's cancellation policy; an offer without lines has the default one (24 hours, all)."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="refund_tiers")
    notice_hours = models.PositiveSmallIntegerField()
    percent = models.PositiveSmallIntegerField(validators=[MaxValueValidator(100)])

    class Meta:
        ordering = ("-notice_hours",)
        constraints = [
            models.UniqueConstraint(fields=["offer", "notice_hours"], name="refund_tiers_one_per_notice"),
            models.CheckConstraint(condition=Q(percent__lte=100), name="refund_tiers_are_up_to_all"),
        ]


class Download(models.Model):
    """What the buyer of a download gets: a text and a link, and the files of the offer, for the offer's own price."""

    offer = models.OneToOneField(Offer, on_delete=models.CASCADE, related_name="download")
    text = models.TextField(max_length=4000, blank=True, help_text="Only buyers read it.")
    link = models.URLField(blank=True, help_text="Only buyers see it.")

    @property
    def is_empty(self) -> bool:
        """Whether a buyer would get nothing; one query."""
        return not (self.text.strip() or self.link or self.offer.files.exists())


def _random_path(_file: models.Model, _name: str) -> str:
    """Return where a file is kept: nothing of what its owner called it, so that no name reaches a disk."""
    return f"offers/{new_ref()}"


class OfferFile(models.Model):
    """A file that belongs to an offer: only who has access gets it, and only as a download. `name` is its owner's."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="files")
    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    name = models.CharField(max_length=120)
    content = models.FileField(upload_to=_random_path, max_length=60)
    size_bytes = models.PositiveBigIntegerField()
    added_at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        """Return the name its owner gave it."""
        return self.name
