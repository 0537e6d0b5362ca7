"""Handlers of the due rows about offers."""

from greenroom.catalog import services
from greenroom.jobs.models import Job


def delete_file(job: Job) -> None:
    """Delete a stored file that no offer has any more."""
    services.delete_stored(path=job.payload["path"])
