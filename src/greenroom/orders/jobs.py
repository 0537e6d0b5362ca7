"""Handlers of the due rows about orders."""

from datetime import timedelta

from greenroom.core import clock
from greenroom.jobs.errors import RetryLaterError
from greenroom.jobs.models import Job
from greenroom.orders import services
from greenroom.orders.errors import DocumentTooEarlyError

_SOON = timedelta(seconds=5)


def issue_missing(_job: Job) -> None:
    """Plan the receipts and refund notes that are missing."""
    services.plan_missing_documents(now=clock.now())


def issue_document(job: Job) -> None:
    """Issue one receipt or refund note."""
    try:
        services.issue_document(entry_id=job.payload["entry_id"], now=clock.now())
    except DocumentTooEarlyError as error:
        raise RetryLaterError(_SOON, error.message) from error
