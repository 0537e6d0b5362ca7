"""Due rows and the runs that worked them off."""

from django.db import models
from django.db.models import Q


class JobState(models.TextChoices):
    """What became of a due row. `failed` is the one that needs a person."""

    DUE = "due"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Job(models.Model):
    """One thing that must happen at `due_at` (UTC), at most until `expires_at`, once per `key`.

    `claim_no` grows when somebody takes the row (fencing: only the latest taker may close it); `attempts` grows
    when its handler starts, so that a crash counts and a backlog that only waits does not. A claim moves
    `due_at` to the end of the lease, so that the row of a dead worker comes back by itself.
    """

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=200, unique=True)
    payload = models.JSONField(default=dict)
    lane = models.CharField(max_length=16)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.DUE)
    claim_no = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["lane", "due_at"], condition=Q(state="due"), name="jobs_due_by_lane"),
            models.Index(fields=["state", "closed_at"], name="jobs_by_state"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="jobs_state_is_known"),
            models.CheckConstraint(
                condition=Q(state=JobState.DUE, closed_at__isnull=True)
                | (~Q(state=JobState.DUE) & Q(closed_at__isnull=False)),
                name="jobs_are_closed_unless_due",
            ),
        ]

    def __str__(self) -> str:
        """Return the key, which says what the row is about."""
        return self.key


class Run(models.Model):
    """One visit of a door to the due rows, or a stretch of visits that found nothing (`visits` of them)."""

    source = models.CharField(max_length=16)
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    visits = models.PositiveIntegerField(default=1)
    done_count = models.PositiveIntegerField(default=0)
    retried_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        """Return source and time."""
        return f"{self.source} {self.started_at:%Y-%m-%d %H:%M:%S}"
