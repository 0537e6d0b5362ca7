"""Housekeeping of the API."""

from datetime import timedelta

from greenroom.api.models import IdempotentAnswer
from greenroom.core import clock
from greenroom.jobs.models import Job

KEEP = timedelta(days=2)


def prune(_job: Job) -> None:
    """Forget answers kept under idempotency keys after two days; repeating a call later is a new call."""
    IdempotentAnswer.objects.filter(created_at__lt=clock.now() - KEEP).delete()
