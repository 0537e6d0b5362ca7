"""Housekeeping of the due rows themselves."""

from datetime import timedelta

from greenroom.core import clock
from greenroom.core.models import RateBucket
from greenroom.jobs.models import Job, JobState, Run

_KEEP = timedelta(days=30)


def prune(_job: Job) -> None:
    """Delete what nobody needs any more: closed rows (failed ones stay), visits and rate buckets past their time.

    Rows are kept for thirty days; at ten rows a session a busy installation would else grow by gigabytes a year.
    """
    now = clock.now()
    closed = (JobState.DONE, JobState.EXPIRED, JobState.CANCELLED)
    Job.objects.filter(state__in=closed, closed_at__lt=now - _KEEP).delete()
    Run.objects.filter(started_at__lt=now - _KEEP).delete()
    RateBucket.objects.filter(window_ends_at__lt=now).delete()
