import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from tests.factories.clock import MONDAY, SettableClock
from tests.factories.jobs import claim_one, do_nothing, make_job, use_handler

from greenroom.jobs import services
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import Lane
from greenroom.jobs.services import Outcome, cancel, claim, plan, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("handlers")]

MINUTE = timedelta(minutes=1)
CLOSED = [JobState.DONE, JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED]


def _values(job: Job) -> dict[str, Any]:
    return Job.objects.filter(pk=job.pk).values().get()


def test_run_calls_the_handler_and_closes_the_row(frozen_clock: SettableClock) -> None:
    seen: list[tuple[str, int, dict[str, Any]]] = []
    use_handler("test.work", lambda job: seen.append((job.key, job.attempts, job.payload)))
    job = plan(kind="test.work", key="work:1", due_at=MONDAY, payload={"a": 1}, now=MONDAY)
    claimed = claim_one(now=MONDAY)
    frozen_clock.advance(MINUTE / 2)

    assert run(claimed) is Outcome.DONE

    row = _values(job)
    assert seen == [("work:1", 1, {"a": 1})]
    assert (row["state"], row["closed_at"], row["attempts"]) == ("done", MONDAY + MINUTE / 2, 1)


@pytest.mark.usefixtures("frozen_clock")
def test_run_counts_the_attempt_before_the_handler() -> None:
    seen: list[int] = []
    use_handler("test.work", lambda job: seen.append(Job.objects.get(pk=job.pk).attempts))
    make_job(now=MONDAY)

    run(claim_one(now=MONDAY))

    assert seen == [1]


@pytest.mark.usefixtures("frozen_clock")
def test_run_of_an_overtaken_claim_never_starts() -> None:
    use_handler("test.work", do_nothing)
    job = make_job(now=MONDAY)
    old = claim_one(now=MONDAY)
    new = claim_one(now=MONDAY + MINUTE)
    before = _values(job)

    assert run(old) is Outcome.LOST
    assert _values(job) == before
    assert run(new) is Outcome.DONE
    assert run(new) is Outcome.LOST
    assert _values(job)["attempts"] == 1


def _overtake(job: Job) -> None:
    claim(lanes=Lane, limit=1, now=MONDAY + 9 * MINUTE)
    Job.objects.filter(pk=job.pk).update(last_error="of the new claim", attempts=5)


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.parametrize(
    "error",
    [None, RetryLaterError(MINUTE, "busy"), PermanentFailureError("gone"), ValueError("broken")],
)
def test_run_that_is_overtaken_meanwhile_closes_nothing(error: Exception | None) -> None:
    after: list[dict[str, Any]] = []

    def overtaken(job: Job) -> None:
        _overtake(job)
        after.append(_values(job))
        if error:
            raise error

    use_handler("test.work", overtaken)
    job = make_job(now=MONDAY)

    assert run(claim_one(now=MONDAY)) is Outcome.LOST

    assert [_values(job)] == after


@pytest.mark.usefixtures("frozen_clock")
def test_run_that_is_overtaken_between_look_and_start_never_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is read first and counted by a guarded update; a claim in between wins."""
    seen: list[int] = []
    use_handler("test.work", lambda job: seen.append(job.pk))
    find = services.registry.find_handler

    def find_while_overtaken(kind: str) -> Any:
        monkeypatch.undo()
        claim(lanes=Lane, limit=1, now=MONDAY + 9 * MINUTE)
        return find(kind)

    make_job(now=MONDAY)
    claimed = claim_one(now=MONDAY)
    monkeypatch.setattr(services.registry, "find_handler", find_while_overtaken)

    assert run(claimed) is Outcome.LOST

    assert seen == []
    assert Job.objects.get().attempts == 0


@pytest.mark.usefixtures("frozen_clock")
def test_run_of_a_cancelled_row_never_starts() -> None:
    use_handler("test.work", do_nothing)
    job = make_job(now=MONDAY)
    claimed = claim_one(now=MONDAY)
    cancel(keys=["work:1"], now=MONDAY)
    before = _values(job)

    assert run(claimed) is Outcome.LOST

    assert _values(job) == before


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.parametrize(
    ("expires_in", "outcome"),
    [(timedelta(), Outcome.EXPIRED), (-MINUTE, Outcome.EXPIRED), (timedelta(microseconds=1), Outcome.DONE)],
)
def test_run_of_a_row_past_its_use_expires(expires_in: timedelta, outcome: Outcome) -> None:
    seen: list[int] = []
    use_handler("test.work", lambda job: seen.append(job.pk))
    job = plan(kind="test.work", key="work:1", due_at=MONDAY, expires_at=MONDAY + expires_in, now=MONDAY)

    assert run(claim_one(now=MONDAY)) is outcome

    row = _values(job)
    assert (row["state"], row["closed_at"]) == (outcome.value, MONDAY)
    assert len(seen) == row["attempts"] == (1 if outcome is Outcome.DONE else 0)


def test_run_of_an_unknown_kind_waits_and_is_picked_up_later(frozen_clock: SettableClock) -> None:
    job = make_job(now=MONDAY, kind="tomorrow.work")

    assert run(claim_one(now=MONDAY)) is Outcome.RETRIED

    row = _values(job)
    assert (row["state"], row["due_at"], row["attempts"]) == ("due", MONDAY + MINUTE, 0)
    assert row["last_error"] == "No handler knows 'tomorrow.work'."
    use_handler("tomorrow.work", do_nothing, lane=Lane.ROOMS)
    frozen_clock.advance(MINUTE)
    assert run(claim_one(now=MONDAY + MINUTE)) is Outcome.DONE


def test_run_told_to_retry_later_gives_the_attempt_back(frozen_clock: SettableClock) -> None:
    def busy(_job: Job) -> None:
        frozen_clock.advance(MINUTE)
        raise RetryLaterError(5 * MINUTE, "they said 300 seconds")

    use_handler("test.work", busy, max_attempts=1)
    job = make_job(now=MONDAY)

    assert run(claim_one(now=MONDAY)) is Outcome.RETRIED
    row = _values(job)
    assert (row["state"], row["attempts"], row["due_at"]) == ("due", 0, MONDAY + 6 * MINUTE)
    assert row["last_error"] == "they said 300 seconds"

    frozen_clock.set(MONDAY + 6 * MINUTE)
    assert run(claim_one(now=MONDAY + 6 * MINUTE)) is Outcome.RETRIED


@pytest.mark.usefixtures("frozen_clock")
def test_run_that_fails_for_good_stops() -> None:
    def refuse(_job: Job) -> None:
        raise PermanentFailureError("the card is gone")

    use_handler("test.work", refuse)
    job = make_job(now=MONDAY)

    assert run(claim_one(now=MONDAY)) is Outcome.FAILED

    row = _values(job)
    assert (row["state"], row["closed_at"], row["attempts"]) == ("failed", MONDAY, 1)
    assert row["last_error"] == "the card is gone"
    assert claim(lanes=Lane, limit=1, now=MONDAY + 99 * MINUTE) == []


def _fail(_job: Job) -> None:
    raise ValueError("broken")


def test_run_that_breaks_backs_off_longer_each_time_up_to_half_an_hour(frozen_clock: SettableClock) -> None:
    use_handler("test.work", _fail, max_attempts=99)
    job = make_job(now=MONDAY)
    seconds = []

    for _ in range(30):
        now = frozen_clock.set(_values(job)["due_at"])
        assert run(claim_one(now=now)) is Outcome.RETRIED
        seconds.append((_values(job)["due_at"] - now).total_seconds())

    expected = [min(5 * 2**attempt, 1800) for attempt in range(30)]
    assert all(0.75 * want <= got <= 1.25 * want for got, want in zip(seconds, expected, strict=True))
    assert len(set(seconds)) == 30  # jitter spreads what failed together
    assert _values(job)["last_error"] == "ValueError: broken"


@pytest.mark.usefixtures("frozen_clock")
def test_run_that_breaks_too_often_stops() -> None:
    use_handler("test.work", _fail, max_attempts=3)
    job = make_job(now=MONDAY)

    outcomes = []
    for step in range(3):
        Job.objects.update(due_at=MONDAY)
        outcomes.append((run(claim_one(now=MONDAY)), _values(job)["state"]))
        assert _values(job)["attempts"] == step + 1

    assert outcomes == [(Outcome.RETRIED, "due"), (Outcome.RETRIED, "due"), (Outcome.FAILED, "failed")]
    assert (_values(job)["last_error"], _values(job)["closed_at"]) == ("ValueError: broken", MONDAY)


@pytest.mark.usefixtures("frozen_clock")
def test_run_that_killed_its_process_too_often_stops_and_says_so() -> None:
    seen: list[int] = []
    use_handler("test.work", lambda job: seen.append(job.pk), max_attempts=3)
    job = make_job(now=MONDAY)
    Job.objects.update(attempts=3)  # started three times, never came back

    assert run(claim_one(now=MONDAY)) is Outcome.FAILED

    assert seen == []
    row = _values(job)
    assert (row["state"], row["closed_at"], row["attempts"]) == ("failed", MONDAY, 3)
    assert row["last_error"] == "Started 3 times and never came back."


@pytest.mark.usefixtures("frozen_clock")
def test_run_that_was_killed_keeps_the_error_it_had() -> None:
    use_handler("test.work", do_nothing, max_attempts=3)
    job = make_job(now=MONDAY)
    Job.objects.update(attempts=3, last_error="ValueError: broken")

    assert run(claim_one(now=MONDAY)) is Outcome.FAILED

    assert _values(job)["last_error"] == "Started 3 times and never came back. ValueError: broken"


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.parametrize("kind", [ValueError, PermanentFailureError])
def test_run_keeps_errors_that_no_database_takes(kind: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1)  # pytest-xdist cannot pass half a pair on

    def fail(_job: Job) -> None:
        raise kind("zero \x00, half a pair \ud800, " + "x" * 5000)

    use_handler("test.work", fail)
    job = make_job(now=MONDAY)

    assert run(claim_one(now=MONDAY)) in {Outcome.RETRIED, Outcome.FAILED}

    text = _values(job)["last_error"]
    assert len(text) == 2000
    assert "half a pair" in text
    assert "\x00" not in text


@pytest.mark.usefixtures("frozen_clock")
def test_run_that_retries_later_with_a_strange_reason_is_kept() -> None:
    def busy(_job: Job) -> None:
        raise RetryLaterError(MINUTE, "zero \x00")

    use_handler("test.work", busy)
    job = make_job(now=MONDAY)

    assert run(claim_one(now=MONDAY)) is Outcome.RETRIED

    assert _values(job)["due_at"] == MONDAY + MINUTE


def test_run_that_plans_its_own_key_again_stays_due_for_ever(frozen_clock: SettableClock) -> None:
    def again(job: Job) -> None:
        plan(kind=job.kind, key=job.key, due_at=frozen_clock() + MINUTE, now=frozen_clock())

    use_handler("test.work", again, max_attempts=3)
    job = make_job(now=MONDAY)

    for _ in range(10):
        now = frozen_clock()
        assert run(claim_one(now=now)) is Outcome.LOST
        row = _values(job)
        assert (row["state"], row["due_at"], row["closed_at"]) == ("due", now + MINUTE, None)
        frozen_clock.advance(MINUTE)


@pytest.mark.usefixtures("frozen_clock")
def test_run_that_cancels_its_own_row_leaves_it_cancelled() -> None:
    use_handler("test.work", lambda job: cancel(keys=[job.key], now=MONDAY))  # type: ignore[arg-type,return-value]  # the count is unused
    job = make_job(now=MONDAY)

    assert run(claim_one(now=MONDAY)) is Outcome.LOST

    assert _values(job)["state"] == "cancelled"


@pytest.mark.usefixtures("frozen_clock", "transactional_db")
def test_run_calls_the_handler_outside_any_transaction() -> None:
    seen: list[bool] = []
    use_handler("test.work", lambda _job: seen.append(transaction.get_connection().in_atomic_block))
    make_job(now=MONDAY)

    run(claim_one(now=MONDAY))

    assert seen == [False]
