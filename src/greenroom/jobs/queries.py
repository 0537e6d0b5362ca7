"""Reading the due rows: whether somebody works them off, and which need a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet

from greenroom.jobs.models import Job, JobState, Run

SILENT_AFTER = timedelta(minutes=7)


@dataclass(frozen=True, slots=True)
class Health:
    """How the due rows stand. `is_silent`: nobody has come by for seven minutes."""

    last_visit_at: datetime | None
    is_silent: bool
    due_count: int
    overdue_count: int
    failed_count: int


def health(*, now: datetime) -> Health:
    """Return how the due rows stand at `now`; a row is overdue when it waited for longer than seven minutes."""
    last = Run.objects.filter(finished_at__isnull=False).order_by("-finished_at").first()
    last_visit_at = last.finished_at if last else None
    states = dict(Job.objects.order_by().values_list("state").annotate(count=Count("pk")))
    return Health(
        last_visit_at=last_visit_at,
        is_silent=last_visit_at is None or now - last_visit_at > SILENT_AFTER,
        due_count=states.get(JobState.DUE, 0),
        overdue_count=Job.objects.filter(state=JobState.DUE, due_at__lte=now - SILENT_AFTER).count(),
        failed_count=states.get(JobState.FAILED, 0),
    )


def failed_jobs() -> QuerySet[Job]:
    """Return the rows that stopped and need a person, newest first."""
    return Job.objects.filter(state=JobState.FAILED).order_by("-closed_at")


def struggling_jobs() -> QuerySet[Job]:
    """Return the due rows whose last try failed, the longest struggle first."""
    return Job.objects.filter(state=JobState.DUE).exclude(last_error="").order_by("-attempts", "due_at")
