from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

import pytest
from django.test import Client
from tests.factories.accounts import make_admin, make_user
from tests.factories.clock import SettableClock
from tests.factories.jobs import make_job

from greenroom.jobs.models import Job, JobState
from greenroom.payments import gateways

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


@pytest.fixture
def failed(now: datetime) -> Job:
    """A row that stopped, whose last error carries what a page must not run."""
    job = make_job(now=now)
    Job.objects.update(state=JobState.FAILED, last_error="<script>alert(1)</script>", closed_at=now, attempts=3)
    job.refresh_from_db()
    return job


@pytest.fixture
def desk(db: None) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/ops/", "/ops/jobs/1/retry/"])
def test_visitors_are_asked_to_sign_in(client: Client, failed: Job, method: str, path: str) -> None:
    answer = getattr(client, method)(path)

    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next={path}")
    failed.refresh_from_db()
    assert failed.state == JobState.FAILED


@pytest.mark.parametrize("method", ["get", "post"])
def test_others_find_nothing(client: Client, failed: Job, method: str) -> None:
    client.force_login(make_user())

    for path in ("/ops/", f"/ops/jobs/{failed.pk}/retry/"):
        assert getattr(client, method)(path).status_code == HTTPStatus.NOT_FOUND
    failed.refresh_from_db()
    assert failed.state == JobState.FAILED


def test_staff_see_what_failed_and_what_is_simulated(desk: Client, failed: Job) -> None:
    answer = desk.get("/ops/")
    page = answer.content.decode()

    assert answer.status_code == HTTPStatus.OK
    assert "no-store" in answer["Cache-Control"]
    assert list(answer.context["failed"]) == [failed]
    assert {state for _name, state, _settings in answer.context["seams"]} == {"simulated"}
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_page_names_the_real_sides_in_production(
    desk: Client, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SANDBOX_ENABLED = False  # type: ignore[attr-defined]  # the fixture is untyped
    monkeypatch.setattr(gateways, "_wired", {})

    seams = {name: state for name, state, _settings in desk.get("/ops/").context["seams"]}

    assert seams == {"Payments": "off: only free offers can be booked", "Discord": "real", "Mail": "off: mails wait"}


def test_retry_makes_a_failed_row_due(desk: Client, failed: Job, now: datetime) -> None:
    answer = desk.post(f"/ops/jobs/{failed.pk}/retry/", follow=True)

    failed.refresh_from_db()
    assert answer.redirect_chain == [("/ops/", 302)]
    assert (failed.state, failed.due_at) == (JobState.DUE, now)
    assert "The job is due again." in answer.content.decode()


def test_retry_of_what_did_not_fail_or_is_not_there_changes_nothing(desk: Client, now: datetime) -> None:
    job = make_job(now=now)
    Job.objects.update(state=JobState.DONE, closed_at=now)

    assert desk.post(f"/ops/jobs/{job.pk}/retry/").status_code == 302
    assert desk.post(f"/ops/jobs/{job.pk + 1}/retry/").status_code == HTTPStatus.NOT_FOUND
    assert desk.post(f"/ops/jobs/{10**30}/retry/").status_code == HTTPStatus.NOT_FOUND
    assert desk.get(f"/ops/jobs/{job.pk}/retry/").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    job.refresh_from_db()
    assert job.state == JobState.DONE


@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_queries_does_not_grow_with_the_rows(
    desk: Client, now: datetime, rows: int, django_assert_num_queries: Callable[..., object]
) -> None:
    for number in range(rows):
        make_job(now=now, key=f"work:{number}")
    Job.objects.update(state=JobState.FAILED, closed_at=now)

    with django_assert_num_queries(14):
        desk.get("/ops/")
