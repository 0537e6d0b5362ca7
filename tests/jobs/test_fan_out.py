"""What the queue's door hands out."""

from collections import Counter
from datetime import timedelta

import pytest
from tests.factories.clock import SettableClock
from tests.factories.jobs import do_nothing, make_job, use_handler

from greenroom.jobs import fan_out, services
from greenroom.jobs.models import Job, Run
from greenroom.jobs.registry import Lane
from greenroom.jobs.services import Claim, Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _kinds(handlers: None) -> None:  # noqa: ARG001 -- wanted for what it does
    use_handler("test.mail", do_nothing, lane=Lane.MAIL)
    use_handler("test.room", do_nothing, lane=Lane.ROOMS)


def hand_out(clock: SettableClock, *, waiting: int = 0) -> list[tuple[Lane, Claim]]:
    sent: list[tuple[Lane, Claim]] = []
    fan_out.hand_out(send=lambda lane, claim: sent.append((lane, claim)), waiting=lambda _: waiting, now=clock())
    return sent


def test_hand_out_sends_each_due_row_to_its_lane_once_a_lease(frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    for number in range(3):
        make_job(now=now, kind="test.mail", key=f"mail:{number}")
    make_job(now=now, kind="test.room", key="room:1")

    sent = hand_out(frozen_clock)

    assert Counter(lane for lane, _ in sent) == {Lane.ROOMS: 1, Lane.MAIL: 3}
    assert hand_out(frozen_clock) == []
    assert [services.run(claim) for _, claim in sent] == [Outcome.DONE] * 4


def test_hand_out_of_a_lost_message_is_repeated_after_the_lease_and_the_late_one_does_nothing(
    frozen_clock: SettableClock,
) -> None:
    make_job(now=frozen_clock(), kind="test.mail")
    [(_, lost)] = hand_out(frozen_clock)

    frozen_clock.advance(timedelta(seconds=61))
    [(_, again)] = hand_out(frozen_clock)

    assert services.run(lost) is Outcome.LOST
    assert services.run(again) is Outcome.DONE
    assert Job.objects.get().attempts == 1


def test_hand_out_fills_a_queue_only_so_far(frozen_clock: SettableClock) -> None:
    for number in range(5):
        make_job(now=frozen_clock(), kind="test.mail", key=f"mail:{number}")

    assert len(hand_out(frozen_clock, waiting=fan_out.MOST_WAITING - 2)) == 2
    assert hand_out(frozen_clock, waiting=fan_out.MOST_WAITING) == []
    assert len(hand_out(frozen_clock)) == 3


def test_hand_out_plans_what_recurs_and_notes_its_visits_in_one_row(frozen_clock: SettableClock) -> None:
    use_handler("test.every", do_nothing, every=timedelta(minutes=5))

    assert [lane for lane, _ in hand_out(frozen_clock)] == [Lane.SLOW]
    hand_out(frozen_clock)

    [visit] = Run.objects.all()
    assert (visit.source, visit.visits, visit.finished_at) == ("queue", 2, frozen_clock())


def test_hand_out_that_breaks_leaves_the_rest_to_their_leases(frozen_clock: SettableClock) -> None:
    for number in range(2):
        make_job(now=frozen_clock(), kind="test.mail", key=f"mail:{number}")

    def refuse(_lane: Lane, _claim: Claim) -> None:
        raise ConnectionError("the broker is away")

    with pytest.raises(ConnectionError):
        fan_out.hand_out(send=refuse, waiting=lambda _: 0, now=frozen_clock())

    frozen_clock.advance(timedelta(seconds=61))
    assert len(hand_out(frozen_clock)) == 2
