"""When a coach works: schedules of weekly windows, dates that differ, and closed ranges."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from greenroom.coaches.models import Coach

MINUTES_PER_DAY = 1440
_START = (MinValueValidator(0), MaxValueValidator(MINUTES_PER_DAY - 1))
_END = (MinValueValidator(0), MaxValueValidator(MINUTES_PER_DAY))
_MINUTES_ARE_OF_A_DAY = Q(start_minute__gte=0, start_minute__lt=MINUTES_PER_DAY, end_minute__gte=0) & Q(
    end_minute__lte=MINUTES_PER_DAY
)


class Schedule(models.Model):
    """A named set of weekly windows in one IANA time zone; a coach's offers use the default one unless told."""

    coach = models.ForeignKey(Coach, on_delete=models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=60, default="Working hours")
    tz = models.CharField(max_length=64)
    is_default = models.BooleanField(default=True)
    version = models.PositiveIntegerField(
        default=0, editable=False, help_text="Grows with every change of the week: who saves an older one is told."
    )
    previous_week = models.JSONField(
        null=True, blank=True, editable=False, help_text="The week before the last change, for undoing it: tz, windows."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["coach"], condition=Q(is_default=True), name="schedules_one_default_per_coach"
            ),
        ]

    def __str__(self) -> str:
        """Return name and zone."""
        return f"{self.name} ({self.tz})"


class WeeklyWindow(models.Model):
    """Open every week on this ISO weekday (1 = Monday), in minutes of the schedule's wall clock.

    It belongs to the local date on which it starts; an end at or before the start is on the next date, 1440 is
    the next midnight. One that is not active opens nothing, and waits to be switched on again.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="windows")
    weekday = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(7)])
    start_minute = models.PositiveSmallIntegerField(validators=_START)
    end_minute = models.PositiveSmallIntegerField(validators=_END)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("weekday", "start_minute")
        constraints = [
            models.CheckConstraint(condition=Q(weekday__gte=1, weekday__lte=7), name="windows_have_an_iso_weekday"),
            models.CheckConstraint(condition=_MINUTES_ARE_OF_A_DAY, name="windows_have_minutes_of_a_day"),
        ]


class DateOverride(models.Model):
    """The windows that start on this local date instead of the weekly ones; none at all closes the date."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="overrides")
    on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "on"], name="overrides_one_per_date")]


class OverrideWindow(models.Model):
    """One window of an overridden date, in minutes of the schedule's wall clock."""

    override = models.ForeignKey(DateOverride, on_delete=models.CASCADE, related_name="windows")
    start_minute = models.PositiveSmallIntegerField(validators=_START)
    end_minute = models.PositiveSmallIntegerField(validators=_END)

    class Meta:
        ordering = ("start_minute",)
        constraints = [
            models.CheckConstraint(condition=_MINUTES_ARE_OF_A_DAY, name="override_windows_have_minutes_of_a_day"),
        ]


class Stay(models.Model):
    """The coach is elsewhere from `first_day` to `last_day`, both included: windows of these dates are read in `tz`.

    Stays of one schedule do not overlap; the services see to it under the coach's lock.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="stays")
    first_day = models.DateField()
    last_day = models.DateField()
    tz = models.CharField(max_length=64)

    class Meta:
        ordering = ("first_day",)
        constraints = [
            models.UniqueConstraint(fields=["schedule", "first_day"], name="stays_one_begins_on_a_date"),
            models.CheckConstraint(
                condition=Q(first_day__lte=F("last_day")), name="stays_do_not_end_before_they_begin"
            ),
        ]


class Blackout(models.Model):
    """A range [starts_at, ends_at), in UTC, in which no session of the coach may lie."""

    coach = models.ForeignKey(Coach, on_delete=models.CASCADE, related_name="blackouts", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=140, blank=True)

    class Meta:
        ordering = ("starts_at",)
        indexes = [models.Index(fields=["coach", "ends_at"], name="blackouts_by_coach_and_end")]
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="blackouts_end_after_they_start"),
        ]
