from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.factories.clock import SettableClock
from tests.payments.factories import (
    ORDER,
    PRICE,
    checkout_of,
    job_keys,
    ledger,
    open_one,
    pay_attempt,
    snapshot_of,
    store_attempt,
)

from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.protocol import PayState
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.refunds import make_refund
from greenroom.jobs.models import Job, Run
from greenroom.payments import queries, services
from greenroom.payments.ledger_checks import orders_off_the_ledger
from greenroom.payments.models import LedgerEntry, PaymentAttempt, RefundRequest

pytestmark = pytest.mark.usefixtures("db")

CAPTURED = [("gateway:sandbox", 8000, "EUR", "capture"), ("customers", -8000, "EUR", "capture")]


@pytest.mark.parametrize("state", ["processing", "paid", "failed", "dead"])
def test_apply_snapshot_that_matters_tells_the_order_once(now: datetime, state: str) -> None:
    attempt = store_attempt(now=now)

    for _ in range(2):
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState(state)), now=now)

    job = Job.objects.get(kind="orders.settle")
    assert (job.kind, job.key) == ("orders.settle", f"orders.settle:{ORDER}:{attempt.pk}:{state}")
    assert job.payload == {"order_ref": ORDER}
    assert AuditEntry.objects.get().action == f"payment.{state}"


def test_apply_snapshot_of_a_payment_books_it_once(now: datetime) -> None:
    attempt = store_attempt(now=now)
    paid = snapshot_of(attempt, PayState.PAID)

    applied = [services.apply_snapshot(attempt_id=attempt.pk, snapshot=paid, now=now) for _ in range(3)]

    assert [one.state for one in applied] == ["paid"] * 3
    assert (applied[0].paid_at, applied[0].payment_ref) == (now, paid.payment_ref)
    assert ledger() == CAPTURED
    assert LedgerEntry.objects.values("journal").distinct().count() == 1


@pytest.mark.parametrize("late", ["open", "requires_action", "processing", "failed", "dead"])
def test_apply_snapshot_that_is_older_never_takes_a_payment_back(now: datetime, late: str) -> None:
    attempt = store_attempt(now=now)
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)

    later = now + timedelta(minutes=1)
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState(late)), now=later)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.captured_minor, attempt.checked_at) == ("paid", 8000, later)
    assert ledger() == CAPTURED


@pytest.mark.parametrize("given_up", ["dead", "failed"])
def test_apply_snapshot_of_late_money_makes_a_given_up_attempt_paid(now: datetime, given_up: str) -> None:
    attempt = store_attempt(now=now, state=given_up)

    services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)

    attempt.refresh_from_db()
    assert attempt.state == "paid"
    assert job_keys(["orders.settle"]) == [f"orders.settle:{ORDER}:{attempt.pk}:paid"]
    assert not RefundRequest.objects.exists()


def test_apply_snapshot_of_a_question_answered_badly_is_open_again(now: datetime) -> None:
    attempt = store_attempt(now=now)

    for state in (PayState.REQUIRES_ACTION, PayState.OPEN):
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, state), now=now)

    attempt.refresh_from_db()
    assert attempt.state == "open"
    assert job_keys(["orders.settle"]) == []


WRONG = [
    ({"amount": Money(8001, "EUR")}, "80.01 EUR arrived instead of 80.00 EUR"),
    ({"amount": Money(8000, "USD")}, "80.00 USD arrived instead of 80.00 EUR"),
    ({"is_test": False}, "real money arrived for a test order"),
    ({"attempt_ref": "somebody-else"}, "it names another attempt (somebody-else)"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_apply_snapshot_of_wrong_money_never_counts_as_paid_and_goes_back(
    now: datetime, changes: dict[str, Any], words: str
) -> None:
    attempt = store_attempt(now=now)
    wrong = snapshot_of(attempt, PayState.PAID, **changes)

    for _ in range(2):
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=wrong, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.mismatch, attempt.captured) == ("failed", words, wrong.amount)
    refund = RefundRequest.objects.get()
    assert (refund.amount, refund.cause, refund.state) == (wrong.amount, "wrong_payment", "requested")
    assert [row[1] for row in ledger()] == [wrong.amount.minor, -wrong.amount.minor]
    assert job_keys(["payments.send_refund"]) == [f"payments.send_refund:{refund.pk}:1"]
    assert job_keys(["payments.report_mismatch"]) == [f"payments.report_mismatch:{attempt.pk}"]
    assert job_keys(["orders.settle"]) == [f"orders.settle:{ORDER}:{attempt.pk}:failed"]
    assert queries.order_money(ORDER, currency="EUR").captured == Money(0, "EUR")


def test_apply_snapshot_of_a_payment_of_nothing_is_reported_without_a_refund(now: datetime) -> None:
    attempt = store_attempt(now=now)
    nothing = snapshot_of(attempt, PayState.PAID, amount=Money(0, "EUR"))

    services.apply_snapshot(attempt_id=attempt.pk, snapshot=nothing, now=now)

    assert PaymentAttempt.objects.get().state == "failed"
    assert (RefundRequest.objects.count(), ledger()) == (0, [])
    assert job_keys(["payments.report_mismatch"]) == [f"payments.report_mismatch:{attempt.pk}"]


def test_apply_snapshot_of_a_second_payment_sends_the_second_back(now: datetime) -> None:
    first = store_attempt(now=now, state="dead")
    second = store_attempt(now=now)
    for attempt in (second, first):
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)

    refund = RefundRequest.objects.get()
    assert (refund.attempt, refund.amount, refund.cause) == (first, PRICE, "paid_twice")
    money = queries.order_money(ORDER, currency="EUR")
    assert (money.state, money.captured, money.kept) == ("paid", PRICE, PRICE)


def test_apply_snapshot_of_a_payment_ends_the_live_attempt_beside_it(now: datetime) -> None:
    late = store_attempt(now=now, state="dead")
    live = store_attempt(now=now)

    services.apply_snapshot(attempt_id=late.pk, snapshot=snapshot_of(late, PayState.PAID), now=now)

    live.refresh_from_db()
    assert (live.state, live.is_closing) == ("open", True)
    assert job_keys(["payments.close_attempt"]) == [f"payments.close_attempt:{live.pk}"]


def test_apply_snapshot_learns_the_reference_of_an_attempt_without_one(now: datetime) -> None:
    attempt = store_attempt(now=now, state="created")
    snapshot = snapshot_of(attempt, PayState.PAID)

    services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.gateway_ref) == ("paid", snapshot.gateway_ref)


def test_apply_snapshot_that_cannot_be_stored_changes_nothing(now: datetime) -> None:
    taken = store_attempt(now=now, order_ref="other", payment_ref="pi_taken")
    attempt = store_attempt(now=now)
    paid = replace(snapshot_of(attempt, PayState.PAID), payment_ref=str(taken.payment_ref))

    with pytest.raises(IntegrityError):
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=paid, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, ledger(), Job.objects.count()) == ("open", [], 0)


@pytest.mark.usefixtures("gateway")
def test_sync_attempt_without_a_reference_says_so(now: datetime) -> None:
    attempt = store_attempt(now=now, state="created")

    with pytest.raises(LookupError):
        services.sync_attempt(attempt_id=attempt.pk, now=now)


@pytest.mark.usefixtures("gateway")
def test_sync_attempt_inside_a_transaction_is_refused(now: datetime) -> None:
    attempt = open_one(now=now)

    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        services.sync_attempt(attempt_id=attempt.pk, now=now)


@pytest.mark.usefixtures("gateway")
def test_sync_attempt_follows_a_bank_debit_to_its_end(now: datetime) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_debit(str(attempt.gateway_ref), will_bounce=True, now=now)

    seen = [services.sync_attempt(attempt_id=attempt.pk, now=now).state]
    checkouts.settle_debit(checkout_of(attempt).pk, now=now)
    seen.append(services.sync_attempt(attempt_id=attempt.pk, now=now).state)

    assert seen == ["processing", "failed"]
    assert PaymentAttempt.objects.get().problem == "insufficient_funds"
    assert ledger() == []


@pytest.mark.usefixtures("gateway")
def test_sync_attempt_takes_over_refunds_made_at_the_gateway(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    make_refund(str(attempt.payment_ref), Money(3000, "EUR"), {}, now=now)

    for _ in range(2):
        services.sync_attempt(attempt_id=attempt.pk, now=now)

    refund = RefundRequest.objects.get()
    assert (refund.amount.minor, refund.cause, refund.state) == (3000, "made_at_gateway", "succeeded")
    assert queries.account_balance("customers", currency="EUR") == Money(-5000, "EUR")
    assert queries.refundable(attempt) == Money(5000, "EUR")

    make_refund(str(attempt.payment_ref), Money(1000, "EUR"), {}, now=now)
    services.sync_attempt(attempt_id=attempt.pk, now=now)

    assert [row.amount_minor for row in queries.refunds_of_order(ORDER)] == [3000, 1000]


@pytest.mark.usefixtures("gateway", "money_jobs")
@pytest.mark.parametrize(("fault", "captured"), [("wrong_amount", (8001, "EUR")), ("wrong_currency", (8000, "USD"))])
def test_wrong_money_at_the_gateway_goes_back_and_is_visible_until_it_has(
    frozen_clock: SettableClock,
    arm: Callable[[str], None],
    run_due_jobs: Callable[[], Run],
    fault: str,
    captured: tuple[int, str],
) -> None:
    arm(fault)
    attempt = pay_attempt(now=frozen_clock())
    Job.objects.filter(kind="stripe_sandbox.deliver_event").delete()
    report = Job.objects.get(kind="payments.report_mismatch")

    arm("unavailable")
    run_due_jobs()

    report.refresh_from_db()
    assert report.state == "failed"
    assert "arrived instead of 80.00 EUR" in report.last_error
    frozen_clock.advance(timedelta(minutes=1))
    run_due_jobs()
    report.refresh_from_db()
    refund = RefundRequest.objects.get()
    assert (attempt.captured.minor, attempt.captured.currency) == captured
    assert (refund.state, refund.amount) == ("succeeded", attempt.captured)
    assert report.state == "done"
    assert queries.find_trouble_with_attempt(attempt.pk) == ""
    assert queries.account_balance("customers", currency=captured[1]).minor == 0


def test_fee_is_kept_and_booked_once_when_it_is_known(now: datetime) -> None:
    attempt = store_attempt(now=now)
    paid = snapshot_of(attempt, PayState.PAID)
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=paid, now=now)
    assert ledger("fee") == []

    for minor in (145, 145, 999):
        told = replace(paid, fee=Money(minor, "USD"))
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=told, now=now)

    attempt.refresh_from_db()
    assert attempt.fee == Money(145, "USD")
    assert ledger("fee") == [("gateway:sandbox", -145, "USD", "fee"), ("fees:sandbox", 145, "USD", "fee")]
    assert ledger() == CAPTURED
    assert orders_off_the_ledger() == []


@pytest.mark.parametrize("state", [PayState.OPEN, PayState.DEAD])
def test_fee_of_what_brought_no_money_is_none(now: datetime, state: PayState) -> None:
    attempt = store_attempt(now=now)

    told = snapshot_of(attempt, state, fee=Money(1, "EUR"))
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=told, now=now)

    attempt.refresh_from_db()
    assert (attempt.fee, ledger("fee")) == (None, [])


def test_fee_of_nothing_is_known_and_books_nothing(now: datetime) -> None:
    attempt = store_attempt(now=now)

    services.apply_snapshot(
        attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID, fee=Money(0, "EUR")), now=now
    )

    attempt.refresh_from_db()
    assert (attempt.fee, ledger("fee"), orders_off_the_ledger()) == (Money(0, "EUR"), [], [])


def test_fee_that_is_not_booked_as_it_is_known_is_found(now: datetime) -> None:
    attempt = store_attempt(now=now)
    told = snapshot_of(attempt, PayState.PAID, fee=Money(145, "EUR"))
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=told, now=now)

    PaymentAttempt.objects.update(fee_minor=146)

    [found] = orders_off_the_ledger()
    assert (found.order_ref, found.detail) == (
        ORDER,
        "A fee of 146 is known, and the ledger says 145 (minor units).",
    )


def test_fee_of_a_payment_that_did_not_fit_is_booked_too(now: datetime) -> None:
    attempt = store_attempt(now=now)
    told = snapshot_of(attempt, PayState.PAID, amount=Money(8001, "EUR"), fee=Money(145, "EUR"))

    services.apply_snapshot(attempt_id=attempt.pk, snapshot=told, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.fee, len(ledger("fee"))) == ("failed", Money(145, "EUR"), 2)
