import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.factories.clock import MONDAY, SettableClock
from tests.factories.jobs import claim_one, do_nothing, make_job, use_handler

from greenroom.core import clock
from greenroom.jobs import services
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job, Run
from greenroom.jobs.registry import Lane
from greenroom.jobs.ticker import plan_recurring, run_until_idle

pytestmark = [pytest.mark.usefixtures("handlers")]

BUDGET = timedelta(seconds=30)
HOUR = timedelta(hours=1)


@pytest.mark.django_db
def test_run_until_idle_works_everything_off_and_leaves_a_row(frozen_clock: SettableClock) -> None:
    order: list[str] = []

    def note(job: Job) -> None:
        order.append(job.key)
        frozen_clock.advance(timedelta(seconds=1))

    use_handler("slow.work", note)
    use_handler("rooms.work", note, lane=Lane.ROOMS)
    make_job(now=MONDAY, kind="slow.work", key="slow")
    make_job(now=MONDAY, kind="rooms.work", key="room")
    later = make_job(now=MONDAY, kind="slow.work", key="later", due_at=MONDAY + HOUR)

    report = run_until_idle(source="test", budget=BUDGET)

    assert order == ["room", "slow"]
    assert list(Run.objects.values()) == [
        {
            "id": report.pk,
            "source": "test",
            "started_at": MONDAY,
            "finished_at": MONDAY + timedelta(seconds=2),
            "visits": 1,
            "done_count": 2,
            "retried_count": 0,
            "failed_count": 0,
            "error": "",
        }
    ]
    assert Job.objects.get(state="due") == later
    assert str(report) == "test 2026-03-02 10:00:00"


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.django_db
def test_run_until_idle_counts_what_became_of_the_rows() -> None:
    def fail(_job: Job) -> None:
        raise PermanentFailureError("gone")

    def later(_job: Job) -> None:
        raise RetryLaterError(HOUR, "busy")

    def move_away(job: Job) -> None:
        services.plan(kind=job.kind, key=job.key, due_at=MONDAY + HOUR, now=MONDAY)

    use_handler("test.work", do_nothing)
    use_handler("test.fail", fail)
    use_handler("test.later", later)
    use_handler("test.moved", move_away)
    for number, kind in enumerate(["test.work", "test.fail", "test.later", "test.moved", "test.unknown"]):
        make_job(now=MONDAY, kind=kind, key=f"work:{number}")
    services.plan(kind="test.work", key="old", due_at=MONDAY, expires_at=MONDAY, now=MONDAY)

    report = run_until_idle(source="test", budget=BUDGET)

    assert (report.done_count, report.retried_count, report.failed_count) == (2, 2, 1)


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.django_db
def test_run_until_idle_with_nothing_due_leaves_a_row() -> None:
    run_until_idle(source="test", budget=BUDGET)

    assert Run.objects.filter(source="test", finished_at=MONDAY, done_count=0, error="").count() == 1


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.django_db
def test_run_until_idle_that_breaks_leaves_a_row_with_the_error() -> None:
    use_handler("test.broken", do_nothing, every=timedelta())

    with pytest.raises(ZeroDivisionError):
        run_until_idle(source="test", budget=BUDGET)

    report = Run.objects.get()
    assert report.error.startswith("ZeroDivisionError: ")
    assert report.finished_at == MONDAY


@pytest.mark.django_db
def test_run_until_idle_stops_when_the_budget_is_used_up() -> None:
    now = clock.now()
    use_handler("test.work", lambda _job: time.sleep(0.1))
    for number in range(9):
        make_job(now=now, key=f"work:{number}")

    nothing = run_until_idle(source="test", budget=timedelta())
    some = run_until_idle(source="test", budget=timedelta(seconds=0.15))

    assert nothing.done_count == 0
    assert 1 <= some.done_count <= 3
    assert Job.objects.filter(state="due", attempts=0, claim_no=0).count() == 9 - some.done_count


@pytest.mark.django_db
def test_recurring_kind_is_planned_once_in_each_stretch() -> None:
    use_handler("test.hourly", do_nothing, lane=Lane.MONEY, every=HOUR)
    use_handler("test.work", do_nothing)
    now = MONDAY + timedelta(minutes=17)

    plan_recurring(now)
    plan_recurring(now)
    plan_recurring(MONDAY + HOUR - timedelta(microseconds=1))

    job = Job.objects.get()
    assert (job.key, job.kind, job.lane) == ("test.hourly:2026-03-02T10:00:00", "test.hourly", "money")
    assert (job.due_at, job.expires_at, job.created_at) == (MONDAY, MONDAY + HOUR, now)


@pytest.mark.django_db
def test_recurring_kind_that_was_done_is_not_planned_again() -> None:
    use_handler("test.hourly", do_nothing, every=HOUR)
    plan_recurring(MONDAY)
    Job.objects.update(state="done", closed_at=MONDAY)

    plan_recurring(MONDAY + HOUR / 2)

    assert [job.state for job in Job.objects.all()] == ["done"]


@pytest.mark.django_db
def test_recurring_kind_that_runs_now_keeps_its_lease() -> None:
    use_handler("test.hourly", do_nothing, every=HOUR)
    plan_recurring(MONDAY)
    claim_one(now=MONDAY)
    before = Job.objects.values().get()

    plan_recurring(MONDAY + timedelta(seconds=1))

    assert Job.objects.values().get() == before


@pytest.mark.django_db
def test_recurring_kind_is_not_made_up_for() -> None:
    use_handler("test.hourly", do_nothing, every=HOUR)

    plan_recurring(MONDAY)
    plan_recurring(MONDAY + 50 * HOUR)

    assert sorted(Job.objects.values_list("due_at", flat=True)) == [MONDAY, MONDAY + 50 * HOUR]


@pytest.mark.django_db
def test_recurring_stretches_do_not_depend_on_when_they_are_looked_at() -> None:
    """Two machines that come at different moments agree; a week is counted from the epoch, a Thursday."""
    use_handler("test.weekly", do_nothing, every=timedelta(days=7))

    plan_recurring(MONDAY)

    assert Job.objects.get().due_at == datetime(2026, 2, 26, tzinfo=UTC)


def test_racing_planners_of_recurring_work_make_one_row(race: Any) -> None:
    use_handler("test.hourly", do_nothing, every=HOUR)

    results = race([lambda: plan_recurring(MONDAY)] * 6)

    assert results == [None] * 6
    assert Job.objects.count() == 1
