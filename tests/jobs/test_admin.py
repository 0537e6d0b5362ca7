import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.accounts import make_admin
from tests.factories.clock import MONDAY, SettableClock
from tests.factories.jobs import make_job

from greenroom.jobs.models import Job, JobState, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_admin())
    return client


def _failed_job(key: str = "work:1") -> Job:
    job = make_job(now=MONDAY, key=key)
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, closed_at=MONDAY, last_error="down", attempts=12)
    return job


def test_lists_show_rows_and_visits(admin: Client) -> None:
    _failed_job()
    Run.objects.create(source="cron", started_at=MONDAY)

    jobs = admin.get(reverse("admin:jobs_job_changelist"), {"q": "down"})
    runs = admin.get(reverse("admin:jobs_run_changelist"))

    assert jobs.status_code == runs.status_code == 200
    assert "work:1" in jobs.content.decode()
    assert "cron" in runs.content.decode()


def test_rows_cannot_be_added_changed_or_deleted(admin: Client) -> None:
    job = _failed_job()

    assert admin.get(reverse("admin:jobs_job_add")).status_code == 403
    assert admin.post(reverse("admin:jobs_job_change", args=[job.pk]), {"state": "done"}).status_code == 403
    assert admin.post(reverse("admin:jobs_job_delete", args=[job.pk]), {"post": "yes"}).status_code == 403
    assert admin.get(reverse("admin:jobs_job_change", args=[job.pk])).status_code == 200
    assert Job.objects.get().state == "failed"


def test_retry_action_makes_stopped_rows_due(admin: Client, frozen_clock: SettableClock) -> None:
    failed = _failed_job()
    done = make_job(now=MONDAY, key="work:2")
    Job.objects.filter(pk=done.pk).update(state=JobState.DONE, closed_at=MONDAY)

    answer = admin.post(
        reverse("admin:jobs_job_changelist"),
        {"action": "retry_selected", "_selected_action": [failed.pk, done.pk]},
        follow=True,
    )

    assert "1 jobs are due again." in answer.content.decode()
    failed.refresh_from_db()
    done.refresh_from_db()
    assert (failed.state, failed.due_at, failed.attempts) == ("due", frozen_clock(), 0)
    assert done.state == "done"


def test_admin_is_closed_to_others(client: Client) -> None:
    assert client.get(reverse("admin:jobs_job_changelist")).status_code == 302
