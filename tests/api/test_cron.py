import logging
from typing import Any

import pytest
from django.test import Client, override_settings
from tests.factories.clock import MONDAY
from tests.factories.jobs import do_nothing, make_job, use_handler

from greenroom.jobs.errors import PermanentFailureError
from greenroom.jobs.models import Job, Run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_clock", "handlers")]

ADDRESS = "/api/cron/process-sessions"
SECRET = "the-secret-of-this-test"


@pytest.fixture(autouse=True)
def _secret(settings: Any) -> None:
    settings.CRON_SECRET = SECRET


@pytest.fixture
def due() -> Job:
    use_handler("test.work", do_nothing)
    return make_job(now=MONDAY)


def _state(job: Job) -> str:
    return Job.objects.get(pk=job.pk).state


@pytest.mark.parametrize("method", ["get", "post"])
def test_cron_runs_what_is_due_and_reports_it(client: Client, due: Job, method: str) -> None:
    def fail(_job: Job) -> None:
        raise PermanentFailureError("gone")

    use_handler("test.fail", fail)
    make_job(now=MONDAY, kind="test.fail", key="fail")
    make_job(now=MONDAY, kind="test.unknown", key="unknown")

    answer = getattr(client, method)(ADDRESS, headers={"Authorization": f"Bearer {SECRET}"})

    assert answer.status_code == 200
    assert answer.json() == {"done": 1, "retried": 1, "failed": 1}
    assert "no-store" in answer.headers["Cache-Control"]
    assert _state(due) == "done"
    report = Run.objects.get()
    assert (report.source, report.done_count, report.finished_at) == ("cron", 1, MONDAY)


def test_cron_with_nothing_due_leaves_a_row(client: Client) -> None:
    answer = client.post(ADDRESS, headers={"Authorization": f"Bearer {SECRET}"})

    assert answer.json() == {"done": 0, "retried": 0, "failed": 0}
    assert Run.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        SECRET,
        f"Basic {SECRET}",
        f"bearer {SECRET}",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        f"Bearer  {SECRET}",
        f"Bearer {SECRET.upper()}",
        "Bearer sch\xfcssel",
        "Bearer \u2713",
        "Bearer \ud800",
        "Bearer " + "x" * 100_000,
    ],
)
def test_cron_without_the_secret_is_refused(client: Client, due: Job, method: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = getattr(client, method)(ADDRESS, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {"type": "about:blank", "title": "Unauthorized", "status": 401, "code": "unauthorized"}
    assert _state(due) == "due"
    assert not Run.objects.exists()


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer", "Bearer None", ""])
def test_cron_is_closed_when_no_secret_is_set(client: Client, due: Job, authorization: str) -> None:
    with override_settings(CRON_SECRET=""):
        answer = client.get(ADDRESS, headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert _state(due) == "due"


def test_cron_secret_beyond_ascii_works(client: Client, due: Job) -> None:
    """A server hands header bytes over as Latin-1 text (PEP 3333)."""
    with override_settings(CRON_SECRET="schlüssel-✓"):
        answer = client.get(ADDRESS, headers={"Authorization": "Bearer schlüssel-✓".encode().decode("latin-1")})

    assert answer.status_code == 200
    assert _state(due) == "done"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "head", "options"])
def test_cron_by_another_method_is_refused(client: Client, due: Job, method: str) -> None:
    answer = getattr(client, method)(ADDRESS, headers={"Authorization": f"Bearer {SECRET}"})

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"
    assert _state(due) == "due"


def test_cron_needs_no_csrf_token(due: Job) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post(ADDRESS, headers={"Authorization": f"Bearer {SECRET}"}).status_code == 200
    assert _state(due) == "done"


def test_cron_compares_in_constant_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import secrets  # noqa: PLC0415 -- the standard library's own function is watched

    compared: list[tuple[bytes, bytes]] = []
    original = secrets.compare_digest

    def watch(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return original(one, other)

    monkeypatch.setattr(secrets, "compare_digest", watch)

    client.get(ADDRESS, headers={"Authorization": "Bearer wrong"})

    assert compared == [(b"Bearer wrong", f"Bearer {SECRET}".encode())]


def test_cron_that_breaks_answers_500_and_keeps_the_error(caplog: pytest.LogCaptureFixture) -> None:
    from datetime import timedelta  # noqa: PLC0415 -- used here alone

    caplog.set_level(logging.CRITICAL)
    use_handler("test.broken", do_nothing, every=timedelta())
    client = Client(raise_request_exception=False)

    answer = client.get(ADDRESS, headers={"Authorization": f"Bearer {SECRET}"})

    assert answer.status_code == 500
    assert Run.objects.get().error.startswith("ZeroDivisionError")
