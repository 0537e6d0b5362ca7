"""Coaches and their topics."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from greenroom.coaches.types import CoachStatus
from greenroom.core import clock
from greenroom.core.slugs import validate_public_slug


class Topic(models.Model):
    """Something people are coached in: a game, an instrument, a language, a career."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        """Return its name."""
        return self.name


class Coach(models.Model):
    """A person who coaches. This row is what every change to the coach's calendar locks first."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="coach")
    slug = models.CharField(max_length=60, unique=True, validators=[validate_public_slug])
    display_name = models.CharField(max_length=80)
    headline = models.CharField(max_length=140, blank=True)
    bio = models.TextField(max_length=4000, blank=True)
    languages = models.CharField(max_length=120, blank=True, help_text="Such as: English, Italian")
    topics = models.ManyToManyField(Topic, blank=True, related_name="coaches")
    status = models.CharField(
        max_length=20, choices=[(status.value, status.value) for status in CoachStatus], default=CoachStatus.APPLIED
    )
    is_verified = models.BooleanField(default=False)
    is_accepting_students = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=clock.now)
    calendar_version = models.PositiveBigIntegerField(
        default=0,
        editable=False,
        help_text="Grows with every lock of the calendar: what was listed under it may be stale.",
    )

    class Meta:
        verbose_name_plural = "coaches"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=[*CoachStatus]), name="coaches_status_is_known"),
        ]

    def __str__(self) -> str:
        """Return the public name."""
        return self.display_name

    @property
    def is_public(self) -> bool:
        """Whether visitors may see this coach."""
        return self.status == CoachStatus.APPROVED

    @property
    def is_bookable(self) -> bool:
        """Whether new sessions may be booked."""
        return self.is_public and self.is_accepting_students
