import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import TestCase
from tests.factories.clock import MONDAY
from tests.factories.jobs import do_nothing, make_job, use_handler

from greenroom.jobs import services
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import Lane
from greenroom.jobs.services import Claim, cancel, claim, plan, retry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("handlers")]

MINUTE = timedelta(minutes=1)
CLOSED = [JobState.DONE, JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED]


def _close(job: Job, state: JobState) -> dict[str, Any]:
    Job.objects.filter(pk=job.pk).update(state=state, closed_at=MONDAY)
    return Job.objects.filter(pk=job.pk).values().get()


def _values(job: Job) -> dict[str, Any]:
    return Job.objects.filter(pk=job.pk).values().get()


def _plan_and_roll_back() -> None:
    def change_and_fail() -> None:
        with transaction.atomic():
            make_job(now=MONDAY)
            raise KeyError

    with pytest.raises(KeyError):
        change_and_fail()


def test_plan_writes_one_due_row() -> None:
    use_handler("rooms.open", do_nothing, lane=Lane.ROOMS)

    job = plan(
        kind="rooms.open",
        key="open:7:0",
        due_at=MONDAY + MINUTE,
        expires_at=MONDAY + 2 * MINUTE,
        payload={"session": 7},
        now=MONDAY,
    )

    assert _values(job) == {
        "id": job.pk,
        "kind": "rooms.open",
        "key": "open:7:0",
        "payload": {"session": 7},
        "lane": "rooms",
        "due_at": MONDAY + MINUTE,
        "expires_at": MONDAY + 2 * MINUTE,
        "state": "due",
        "claim_no": 0,
        "attempts": 0,
        "last_error": "",
        "created_at": MONDAY,
        "closed_at": None,
    }
    assert str(job) == "open:7:0"


def test_plan_again_moves_the_due_row() -> None:
    job = make_job(now=MONDAY)

    again = plan(
        kind="test.work",
        key="work:1",
        due_at=MONDAY + MINUTE,
        expires_at=MONDAY + 9 * MINUTE,
        payload={"a": 1},
        now=MONDAY + MINUTE / 2,
    )

    assert again.pk == job.pk
    row = Job.objects.get()
    assert (row.due_at, row.expires_at, row.payload) == (MONDAY + MINUTE, MONDAY + 9 * MINUTE, {"a": 1})
    assert row.created_at == MONDAY


@pytest.mark.parametrize("state", CLOSED)
def test_plan_of_a_closed_key_does_nothing(state: JobState) -> None:
    job = make_job(now=MONDAY)
    before = _close(job, state)

    plan(kind="test.work", key="work:1", due_at=MONDAY + MINUTE, payload={"a": 1}, now=MONDAY)

    assert _values(job) == before


def test_plan_gives_a_moved_row_fresh_attempts() -> None:
    job = make_job(now=MONDAY)
    Job.objects.update(attempts=11, last_error="down")

    plan(kind="test.work", key="work:1", due_at=MONDAY, now=MONDAY)

    assert (_values(job)["attempts"], _values(job)["last_error"]) == (0, "down")


def test_plan_rolled_back_leaves_nothing() -> None:
    _plan_and_roll_back()

    assert not Job.objects.exists()


def test_plan_wakes_the_ticker_only_after_the_commit() -> None:
    services.work_arrived.clear()

    with TestCase.captureOnCommitCallbacks(execute=True):
        make_job(now=MONDAY)
        assert not services.work_arrived.is_set()

    assert services.work_arrived.is_set()


def test_plan_of_later_work_wakes_nobody() -> None:
    services.work_arrived.clear()

    with TestCase.captureOnCommitCallbacks(execute=True):
        make_job(now=MONDAY, due_at=MONDAY + timedelta(microseconds=1))

    assert not services.work_arrived.is_set()


@pytest.mark.usefixtures("transactional_db")
def test_plan_rolled_back_wakes_nobody() -> None:
    services.work_arrived.clear()

    _plan_and_roll_back()

    assert not services.work_arrived.is_set()


def test_plan_of_an_unknown_kind_waits_in_the_slow_lane() -> None:
    assert make_job(now=MONDAY, kind="tomorrow.work").lane == Lane.SLOW


def test_cancel_closes_due_rows_alone() -> None:
    due, done, other = (make_job(now=MONDAY, key=f"work:{number}") for number in range(3))
    before = _close(done, JobState.DONE), _values(other)

    count = cancel(keys=iter(["work:0", "work:1", "work:9"]), now=MONDAY + MINUTE)

    assert count == 1
    row = _values(due)
    assert (row["state"], row["closed_at"], row["claim_no"]) == ("cancelled", MONDAY + MINUTE, 1)
    assert (_values(done), _values(other)) == before


def test_cancel_of_nothing_is_zero() -> None:
    assert cancel(keys=[], now=MONDAY) == 0


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.EXPIRED])
def test_retry_makes_a_stopped_row_due_with_fresh_attempts(state: JobState) -> None:
    services.work_arrived.clear()
    job = make_job(now=MONDAY)
    Job.objects.update(attempts=12, expires_at=MONDAY, last_error="down", claim_no=4)
    _close(job, state)

    with TestCase.captureOnCommitCallbacks(execute=True):
        assert retry(job, now=MONDAY + MINUTE) is True

    row = _values(job)
    assert (row["state"], row["closed_at"], row["due_at"]) == ("due", None, MONDAY + MINUTE)
    assert (row["attempts"], row["expires_at"], row["claim_no"], row["last_error"]) == (0, None, 5, "down")
    assert services.work_arrived.is_set()


@pytest.mark.parametrize("state", [JobState.DONE, JobState.CANCELLED])
def test_retry_of_a_row_that_did_not_fail_does_nothing(state: JobState) -> None:
    job = make_job(now=MONDAY)
    before = _close(job, state)

    assert retry(job, now=MONDAY + MINUTE) is False

    assert _values(job) == before


def test_retry_of_a_due_row_does_nothing() -> None:
    job = make_job(now=MONDAY)
    before = _values(job)

    assert retry(job, now=MONDAY + MINUTE) is False

    assert _values(job) == before


@pytest.mark.parametrize(
    "values",
    [{"state": "done"}, {"closed_at": MONDAY}, {"state": "lost", "closed_at": MONDAY}],
)
def test_row_of_an_impossible_state_is_refused_by_the_database(values: dict[str, Any]) -> None:
    make_job(now=MONDAY)

    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.update(**values)


def _claimed_keys(lanes: Any = Lane, limit: int = 99, skip: Any = ()) -> list[str]:
    keys = dict(Job.objects.values_list("pk", "key"))
    return [keys[claimed.job_id] for claimed in claim(lanes=lanes, limit=limit, now=MONDAY, skip=skip)]


def test_claim_takes_the_urgent_lane_first_and_the_earliest_in_a_lane() -> None:
    for lane in Lane:
        use_handler(f"{lane}.work", do_nothing, lane=lane)
    for lane in reversed(Lane):
        for minutes in (1, 3, 2):
            make_job(now=MONDAY, kind=f"{lane}.work", key=f"{lane}:{minutes}", due_at=MONDAY - minutes * MINUTE)

    keys = _claimed_keys()

    assert keys == [f"{lane}:{minutes}" for lane in ("rooms", "money", "mail", "slow") for minutes in (3, 2, 1)]


@pytest.mark.parametrize(("limit", "expected"), [(0, 0), (1, 1), (3, 3), (9, 4)])
def test_claim_takes_at_most_the_limit(limit: int, expected: int) -> None:
    use_handler("rooms.work", do_nothing, lane=Lane.ROOMS)
    for number in range(2):
        make_job(now=MONDAY, kind="rooms.work", key=f"rooms:{number}")
        make_job(now=MONDAY, key=f"slow:{number}")

    keys = _claimed_keys(limit=limit)

    assert keys == ["rooms:0", "rooms:1", "slow:0", "slow:1"][:expected]
    assert Job.objects.filter(claim_no=1).count() == expected


def test_claim_looks_at_the_lanes_it_was_given() -> None:
    use_handler("rooms.work", do_nothing, lane=Lane.ROOMS)
    make_job(now=MONDAY, kind="rooms.work", key="rooms")
    make_job(now=MONDAY, key="slow")

    assert _claimed_keys(lanes=(Lane.MAIL, Lane.SLOW)) == ["slow"]
    assert _claimed_keys(lanes=(Lane.MONEY,)) == []


def test_claim_leaves_what_is_not_due_or_closed() -> None:
    make_job(now=MONDAY, key="later", due_at=MONDAY + timedelta(microseconds=1))
    for state in CLOSED:
        _close(make_job(now=MONDAY, key=state), state)

    assert _claimed_keys() == []


def test_claim_skips_rows_in_every_lane() -> None:
    use_handler("rooms.work", do_nothing, lane=Lane.ROOMS)
    rooms = make_job(now=MONDAY, kind="rooms.work", key="rooms")
    slow = make_job(now=MONDAY, key="slow")
    make_job(now=MONDAY, key="free")

    assert _claimed_keys(skip=iter([rooms.pk, slow.pk])) == ["free"]


def test_claim_is_a_lease_by_kind() -> None:
    use_handler("test.work", do_nothing, lease=5 * MINUTE)
    job = make_job(now=MONDAY)

    [claimed] = claim(lanes=Lane, limit=1, now=MONDAY)

    row = _values(job)
    assert (row["due_at"], row["claim_no"], row["attempts"]) == (MONDAY + 5 * MINUTE, 1, 0)
    assert claimed == Claim(job.pk, 1)
    assert claim(lanes=Lane, limit=1, now=MONDAY + 5 * MINUTE - timedelta(microseconds=1)) == []
    assert claim(lanes=Lane, limit=1, now=MONDAY + 5 * MINUTE) == [Claim(job.pk, 2)]


def test_racing_claimers_never_share_a_row(race: Any) -> None:
    for number in range(40):
        make_job(now=MONDAY, key=f"work:{number}")
    taken: list[int] = []
    lock = threading.Lock()

    def take_all() -> int:
        own = 0
        while claims := claim(lanes=Lane, limit=3, now=MONDAY):
            own += len(claims)
            with lock:
                taken.extend(claimed.job_id for claimed in claims)
        return own

    counts = race([take_all] * 4)

    assert sum(counts) == 40
    assert sorted(taken) == sorted(Job.objects.values_list("pk", flat=True))
    assert set(Job.objects.values_list("claim_no", flat=True)) == {1}


def test_racing_planners_of_one_key_make_one_row(race: Any) -> None:
    results = race([lambda: make_job(now=MONDAY)] * 8)

    assert {job.pk for job in results} == {Job.objects.get().pk}
    assert Job.objects.get().state == JobState.DUE


def test_close_earlier_cancels_older_failed_rows_of_the_kind_alone() -> None:
    rows = [make_job(now=MONDAY, key=f"work:{number}") for number in range(4)]
    other = make_job(now=MONDAY, kind="test.other", key="other:1")
    Job.objects.exclude(pk=rows[1].pk).update(state=JobState.FAILED, closed_at=MONDAY)

    assert services.close_earlier(rows[2], now=MONDAY) == 1

    states = [Job.objects.get(pk=row.pk).state for row in (*rows, other)]
    assert states == ["cancelled", "due", "failed", "failed", "failed"]
