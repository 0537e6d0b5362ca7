from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.factories.clock import SettableClock
from tests.payments.factories import GOOD_CARD, ORDER, checkout_of, job_keys, open_one, store_attempt

from greenroom.core.transactions import NetworkCallInTransactionError, unit_of_work
from greenroom.integrations.stripe.protocol import GatewayUnavailableError
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.jobs.models import Job, Run
from greenroom.payments import services
from greenroom.payments.errors import PaymentUnavailableError
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services.closing import close_at_gateway

pytestmark = pytest.mark.usefixtures("db", "gateway")

OVER = timedelta(minutes=32 + 11)


def test_request_close_without_a_live_attempt_says_so_and_plans_nothing(now: datetime) -> None:
    store_attempt(now=now, state="dead")

    assert services.request_close(order_ref=ORDER, now=now) is False
    assert job_keys(["payments.close_attempt"]) == []


def test_request_close_twice_in_a_transaction_plans_one_job(now: datetime) -> None:
    attempt = open_one(now=now)

    with unit_of_work():
        answers = [services.request_close(order_ref=ORDER, now=now) for _ in range(2)]

    attempt.refresh_from_db()
    assert (answers, attempt.is_closing, attempt.state) == ([True, True], True, "open")
    assert job_keys(["payments.close_attempt"]) == [f"payments.close_attempt:{attempt.pk}"]


def test_close_attempt_ends_the_page_and_tells_the_order(now: datetime) -> None:
    attempt = open_one(now=now)

    closed = services.close_attempt(attempt_id=attempt.pk, now=now)

    assert (closed.state, checkout_of(attempt).state) == ("dead", "dead")
    assert job_keys(["orders.settle"]) == [f"orders.settle:{ORDER}:{attempt.pk}:dead"]


def test_close_attempt_that_was_paid_meanwhile_takes_the_money(now: datetime) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)

    closed = services.close_attempt(attempt_id=attempt.pk, now=now)

    assert (closed.state, closed.captured_minor) == ("paid", 8000)
    assert job_keys(["orders.settle"]) == [f"orders.settle:{ORDER}:{attempt.pk}:paid"]


def test_close_attempt_that_is_not_live_asks_nobody(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = store_attempt(now=now, state="failed")
    arm("unavailable")

    assert services.close_attempt(attempt_id=attempt.pk, now=now).state == "failed"


def test_close_attempt_inside_a_transaction_is_refused(now: datetime) -> None:
    attempt = open_one(now=now)

    with pytest.raises(NetworkCallInTransactionError), unit_of_work():
        services.close_attempt(attempt_id=attempt.pk, now=now)

    assert checkout_of(attempt).state == "open"


def lose_answer(now: datetime, arm: Callable[[str], None], fault: str) -> PaymentAttempt:
    arm(fault)
    with pytest.raises(PaymentUnavailableError):
        open_one(now=now)
    return PaymentAttempt.objects.get()


def test_close_attempt_whose_answer_was_lost_learns_of_its_page_and_ends_it(
    now: datetime, arm: Callable[[str], None]
) -> None:
    attempt = lose_answer(now, arm, "create_times_out_after_executing")

    closed = services.close_attempt(attempt_id=attempt.pk, now=now)

    checkout = Checkout.objects.get()
    assert (closed.state, closed.gateway_ref, checkout.state) == ("dead", checkout.ref, "dead")


def test_close_attempt_that_never_came_to_be_is_dead_when_the_gateway_refuses_it(
    now: datetime, arm: Callable[[str], None], frozen_clock: SettableClock
) -> None:
    attempt = lose_answer(now, arm, "unavailable")
    later = frozen_clock.advance(timedelta(minutes=5))

    closed = services.close_attempt(attempt_id=attempt.pk, now=later)

    assert (closed.state, Checkout.objects.count()) == ("dead", 0)
    assert closed.problem.startswith("400: expires_at")


def test_close_attempt_without_a_page_whose_time_is_over_is_dead_without_asking(
    now: datetime, arm: Callable[[str], None]
) -> None:
    attempt = lose_answer(now, arm, "unavailable")
    arm("unavailable")

    assert services.close_attempt(attempt_id=attempt.pk, now=now + OVER).state == "dead"


def test_close_attempt_that_died_meanwhile_stays_dead(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = lose_answer(now, arm, "create_times_out_after_executing")
    PaymentAttempt.objects.filter(pk=attempt.pk).update(state="dead")

    assert close_at_gateway(attempt, now=now).state == "dead"
    assert Checkout.objects.get().state == "open"


def test_close_attempt_that_got_its_page_meanwhile_is_not_declared_dead(
    now: datetime, arm: Callable[[str], None]
) -> None:
    stale = lose_answer(now, arm, "create_times_out_after_executing")
    open_one(now=now)

    assert close_at_gateway(stale, now=now + OVER).state == "open"


def test_close_attempt_after_its_end_asks_what_became_of_it(now: datetime, frozen_clock: SettableClock) -> None:
    attempt = open_one(now=now)
    later = frozen_clock.advance(OVER)

    closed = services.close_attempt(attempt_id=attempt.pk, now=later)

    assert closed.state == "dead"
    assert checkout_of(attempt).state == "open"  # it was only asked; the gateway's own clock ends it


def test_close_attempt_without_a_gateway_keeps_the_attempt_live(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = open_one(now=now)
    arm("unavailable")

    with pytest.raises(GatewayUnavailableError):
        services.close_attempt(attempt_id=attempt.pk, now=now)

    assert PaymentAttempt.objects.get().state == "open"


@pytest.mark.usefixtures("money_jobs")
def test_close_job_waits_for_the_gateway_and_then_closes(
    now: datetime,
    arm: Callable[[str], None],
    frozen_clock: SettableClock,
    run_due_jobs: Callable[[], Run],
) -> None:
    open_one(now=now)
    services.request_close(order_ref=ORDER, now=now)
    arm("unavailable")

    run_due_jobs()
    job = Job.objects.get(kind="payments.close_attempt")
    assert (job.state, job.attempts, job.last_error) == ("due", 0, "The gateway cannot be reached.")
    frozen_clock.advance(timedelta(seconds=31))
    run_due_jobs()

    assert PaymentAttempt.objects.get().state == "dead"


@pytest.mark.usefixtures("money_jobs")
def test_close_job_of_a_payment_the_bank_works_on_is_done(now: datetime, run_due_jobs: Callable[[], Run]) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_debit(str(attempt.gateway_ref), will_bounce=False, now=now)
    Job.objects.all().delete()
    services.request_close(order_ref=ORDER, now=now)

    run_due_jobs()

    attempt.refresh_from_db()
    assert attempt.state == "processing"
    assert Job.objects.get(kind="payments.close_attempt").state == "done"


@pytest.mark.usefixtures("money_jobs")
def test_close_job_asks_again_while_the_gateway_insists_that_it_is_open(
    now: datetime, run_due_jobs: Callable[[], Run]
) -> None:
    attempt = open_one(now=now)
    services.request_close(order_ref=ORDER, now=now)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(expires_at=now - timedelta(hours=1))

    run_due_jobs()

    job = Job.objects.get(kind="payments.close_attempt")
    assert (job.state, job.last_error) == ("due", "The gateway still says that it can be paid.")
