from datetime import timedelta

import pytest
from tests.factories.clock import MONDAY
from tests.factories.jobs import make_job

from greenroom.core.models import RateBucket
from greenroom.jobs.jobs import prune
from greenroom.jobs.models import Job, JobState, Run

OLD = MONDAY - timedelta(days=30, microseconds=1)
YOUNG = MONDAY - timedelta(days=30)


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.django_db
def test_prune_deletes_what_was_closed_thirty_days_ago_except_failures() -> None:
    for state in JobState:
        for age, closed_at in (("old", OLD), ("young", YOUNG)):
            job = make_job(now=OLD, key=f"{state}:{age}")
            Job.objects.filter(pk=job.pk).update(
                state=state, closed_at=None if state is JobState.DUE else closed_at, due_at=OLD
            )

    prune(Job())

    kept = {"due:old", "due:young", "failed:old", "failed:young", "done:young", "expired:young", "cancelled:young"}
    assert set(Job.objects.values_list("key", flat=True)) == kept


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.django_db
def test_prune_deletes_old_visits_and_ended_buckets() -> None:
    Run.objects.create(source="old", started_at=OLD)
    Run.objects.create(source="young", started_at=YOUNG)
    RateBucket.objects.create(key="ended", used=1, window_ends_at=MONDAY - timedelta(microseconds=1))
    RateBucket.objects.create(key="open", used=1, window_ends_at=MONDAY)

    prune(Job())

    assert [run.source for run in Run.objects.all()] == ["young"]
    assert [bucket.key for bucket in RateBucket.objects.all()] == ["open"]
