from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.payments.factories import ORDER, PRICE, job_keys, ledger, pay_attempt, snapshot_of, store_attempt

from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.installation import installation_ref
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.protocol import GatewayUnavailableError, PayState
from greenroom.integrations.stripe.sandbox.models import Refund
from greenroom.integrations.stripe.sandbox.refunds import make_refund
from greenroom.jobs.models import Job, Run
from greenroom.payments import gateways, queries, services
from greenroom.payments.errors import NotRefundableError
from greenroom.payments.models import LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway")

ADMIN = Actor(ActorKind.ADMIN, user_id=1)
FAILS_LATER, PENDS = "4000000000005126", "4000000000007726"


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def ask(attempt: PaymentAttempt, minor: int, now: datetime) -> RefundRequest:
    return services.request_refund(
        attempt_id=attempt.pk, amount=eur(minor), cause=RefundCause.STAFF, actor=ADMIN, now=now
    )


def balance() -> int:
    """What is held of the customers' money; the gateway's fees are another matter."""
    return -queries.account_balance("customers", currency="EUR").minor


def test_request_refund_stores_a_row_a_job_and_who_asked(now: datetime) -> None:
    attempt = pay_attempt(now=now)

    refund = ask(attempt, 3000, now)

    assert (refund.amount, refund.state, refund.idempotency_key) == (
        eur(3000),
        "requested",
        f"refund:{attempt.ref}:{refund.pk}:1",
    )
    assert job_keys(["payments.send_refund"]) == [f"payments.send_refund:{refund.pk}:1"]
    entry = AuditEntry.objects.get(action="refund.requested")
    assert (entry.actor_kind, entry.actor_user_id, entry.reason) == ("admin", 1, "staff")
    assert not Refund.objects.exists()


def test_request_refund_that_is_rolled_back_leaves_nothing(now: datetime) -> None:
    attempt = pay_attempt(now=now)

    with transaction.atomic():
        ask(attempt, 3000, now)
        transaction.set_rollback(True)

    assert (RefundRequest.objects.count(), job_keys(["payments.send_refund"])) == (0, [])


@pytest.mark.parametrize(("minor", "currency"), [(0, "EUR"), (-1, "EUR"), (8001, "EUR"), (100, "USD")])
def test_request_refund_of_more_than_there_is_is_refused(now: datetime, minor: int, currency: str) -> None:
    attempt = pay_attempt(now=now)
    amount = Money(minor, currency)

    with pytest.raises(NotRefundableError):
        services.request_refund(attempt_id=attempt.pk, amount=amount, cause=RefundCause.STAFF, actor=ADMIN, now=now)

    assert not RefundRequest.objects.exists()


def test_request_refund_of_an_unpaid_attempt_is_refused(now: datetime) -> None:
    attempt = store_attempt(now=now)

    with pytest.raises(NotRefundableError):
        ask(attempt, 1, now)


def test_request_refund_in_parts_stops_at_what_was_captured(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    ask(attempt, 5000, now)
    ask(attempt, 3000, now)

    with pytest.raises(NotRefundableError):
        ask(attempt, 1, now)

    assert queries.refundable(attempt) == eur(0)


def test_request_refund_of_the_same_money_by_two_at_once_gives_it_to_one(
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]], frozen_clock: SettableClock
) -> None:
    now = frozen_clock()
    attempt = pay_attempt(now=now)

    results = race([lambda: ask(attempt, 8000, now)] * 4)

    assert sorted(type(one).__name__ for one in results) == ["NotRefundableError"] * 3 + ["RefundRequest"]
    assert RefundRequest.objects.count() == 1


def test_refund_in_full_asks_for_what_is_left_and_only_once(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    ask(attempt, 3000, now)

    refunds = [
        services.refund_in_full(order_ref=ORDER, cause=RefundCause.COACH_CANCELLED, actor=SYSTEM, now=now)
        for _ in range(2)
    ]

    assert [[refund.amount for refund in one] for one in refunds] == [[eur(5000)], []]


def test_refund_in_full_of_an_order_without_payments_does_nothing(now: datetime) -> None:
    assert services.refund_in_full(order_ref="none", cause=RefundCause.STAFF, actor=SYSTEM, now=now) == []


def test_refund_order_takes_the_oldest_payment_first(now: datetime) -> None:
    first, second = (store_attempt(now=now, state="dead") for _ in range(2))
    for attempt in (first, second):
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)
    RefundRequest.objects.all().delete()

    def refund(minor: int) -> list[tuple[int, Money]]:
        asked = services.refund_order(order_ref=ORDER, amount=eur(minor), cause=RefundCause.STAFF, actor=ADMIN, now=now)
        return [(one.attempt_id, one.amount) for one in asked]

    assert refund(5000) == [(first.pk, eur(5000))]
    assert refund(4000) == [(first.pk, eur(3000)), (second.pk, eur(1000))]
    with pytest.raises(NotRefundableError):
        refund(7001)
    second.refresh_from_db()
    assert queries.refundable(second) == eur(7000)


@pytest.mark.parametrize("amount", [Money(0, "EUR"), Money(1, "USD")])
def test_refund_order_of_nothing_or_another_currency_is_refused(now: datetime, amount: Money) -> None:
    pay_attempt(now=now)

    with pytest.raises(NotRefundableError):
        services.refund_order(order_ref=ORDER, amount=amount, cause=RefundCause.STAFF, actor=ADMIN, now=now)


def test_refund_order_of_less_than_the_first_payment_leaves_the_second_alone(now: datetime) -> None:
    first, second = (store_attempt(now=now, state="dead") for _ in range(2))
    for attempt in (first, second):
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)
    RefundRequest.objects.all().delete()

    services.refund_order(order_ref=ORDER, amount=eur(1), cause=RefundCause.STAFF, actor=ADMIN, now=now)

    assert [refund.attempt_id for refund in queries.refunds_of_order(ORDER)] == [first.pk]


def test_send_refund_gives_the_money_back_once(now: datetime) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)

    sent = [services.send_refund(refund_id=refund.pk, now=now) for _ in range(3)]

    assert [one.state for one in sent] == ["succeeded"] * 3
    assert Refund.objects.get().ref == sent[0].refund_ref
    assert ledger("refund") == [("gateway:sandbox", -3000, "EUR", "refund"), ("customers", 3000, "EUR", "refund")]
    assert balance() == 5000


def test_send_refund_inside_a_transaction_is_refused(now: datetime) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)

    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        services.send_refund(refund_id=refund.pk, now=now)

    assert not Refund.objects.exists()


def test_send_refund_whose_answer_was_lost_is_found_and_not_sent_again(
    now: datetime, arm: Callable[[str], None]
) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)
    arm("refund_times_out_after_executing")

    with pytest.raises(GatewayUnavailableError):
        services.send_refund(refund_id=refund.pk, now=now)
    assert RefundRequest.objects.get().state == "requested"
    again = services.send_refund(refund_id=refund.pk, now=now)

    assert (again.state, again.try_no, Refund.objects.count()) == ("succeeded", 1, 1)


def test_send_refund_whose_answer_was_lost_is_found_even_when_its_key_is_given_up(
    now: datetime, arm: Callable[[str], None]
) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)
    arm("refund_times_out_after_executing")
    with pytest.raises(GatewayUnavailableError):
        services.send_refund(refund_id=refund.pk, now=now)

    again = services.send_refund(refund_id=refund.pk, now=now + timedelta(hours=30))

    assert (again.state, again.try_no, Refund.objects.count(), balance()) == ("succeeded", 1, 1, 5000)


def test_send_refund_that_failed_at_once_with_a_lost_answer_is_known_as_failed(
    now: datetime, arm: Callable[[str], None]
) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)
    arm("refund_times_out_after_executing")
    arm("refund_fails")

    with pytest.raises(GatewayUnavailableError):
        services.send_refund(refund_id=refund.pk, now=now)

    assert services.send_refund(refund_id=refund.pk, now=now).state == "failed"
    assert Refund.objects.count() == 1


def test_send_refund_keeps_its_key_for_ten_minutes_and_then_takes_a_new_one(
    now: datetime, arm: Callable[[str], None]
) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)
    arm("server_error")

    for minutes in (0, 5, 10):
        with pytest.raises(GatewayUnavailableError):
            services.send_refund(refund_id=refund.pk, now=now + timedelta(minutes=minutes))
    sent = services.send_refund(refund_id=refund.pk, now=now + timedelta(minutes=11))

    assert (sent.state, sent.try_no) == ("succeeded", 2)
    assert sent.idempotency_key == f"refund:{refund.attempt.ref}:{refund.pk}:2"
    assert Refund.objects.count() == 1


@pytest.mark.usefixtures("money_jobs")
def test_send_refund_job_waits_for_the_gateway(
    now: datetime, arm: Callable[[str], None], run_due_jobs: Callable[[], Run], frozen_clock: SettableClock
) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)
    Job.objects.exclude(kind="payments.send_refund").delete()
    arm("conflict")

    run_due_jobs()
    assert RefundRequest.objects.get().state == "requested"
    frozen_clock.advance(timedelta(seconds=31))
    run_due_jobs()

    refund.refresh_from_db()
    assert refund.state == "succeeded"


def test_send_refund_that_the_gateway_refuses_is_failed_and_reported(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    refund = ask(attempt, 8000, now)
    make_refund(str(attempt.payment_ref), eur(1), {}, now=now)

    refused = services.send_refund(refund_id=refund.pk, now=now)

    assert (refused.state, balance()) == ("failed", 8000)
    assert refused.last_error == "400: the refund is greater than what is left of the payment."
    assert job_keys(["payments.report_failed_refund"]) == [f"payments.report_failed_refund:{refund.pk}:1"]
    assert queries.find_trouble_with_refund(refund.pk) == (
        "Refund of €80 for order order-1 failed: 400: the refund is greater than what is left of the payment. "
        "Try again, or send it another way."
    )


def test_send_refund_refused_after_its_success_was_heard_stays_succeeded(
    now: datetime, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = pay_attempt(now=now)
    refund = ask(attempt, 8000, now)
    real = gateway.refund

    def hear_meanwhile(*args: Any, **kwargs: Any) -> Any:
        snapshot = real(*args, **kwargs)
        services.apply_refund_snapshot(refund_id=refund.pk, snapshot=snapshot, now=now)
        return real(*args, **{**kwargs, "idempotency_key": "another"})

    monkeypatch.setattr(gateway, "refund", hear_meanwhile)
    services.send_refund(refund_id=refund.pk, now=now)

    refund.refresh_from_db()
    assert (refund.state, refund.last_error, balance()) == ("succeeded", "", 0)


def test_refund_that_succeeded_and_failed_later_is_booked_back_and_can_be_tried_again(now: datetime) -> None:
    refund = ask(pay_attempt(now=now, card=FAILS_LATER), 8000, now)
    sent = services.send_refund(refund_id=refund.pk, now=now)
    assert (sent.state, balance()) == ("succeeded", 0)

    Refund.objects.update(state="failed", problem="lost_or_stolen_card")
    failed = services.apply_refund_snapshot(refund_id=refund.pk, snapshot=_fetch(sent), now=now)

    assert (failed.state, failed.last_error, balance()) == ("failed", "lost_or_stolen_card", 8000)
    assert queries.refundable(failed.attempt) == PRICE
    assert job_keys(["payments.report_failed_refund"]) == [f"payments.report_failed_refund:{refund.pk}:1"]

    services.retry_refund(refund_id=refund.pk, actor=ADMIN, now=now)
    again = services.send_refund(refund_id=refund.pk, now=now)

    assert (again.state, again.try_no, balance()) == ("succeeded", 2, 0)
    assert again.refund_ref != sent.refund_ref
    assert [row[3] for row in ledger()] == ["capture"] * 2 + ["refund"] * 2 + ["refund_reversal"] * 2 + ["refund"] * 2
    assert _journals_are_balanced()
    assert queries.find_trouble_with_refund(refund.pk) == ""


def _fetch(refund: RefundRequest) -> Any:
    return gateways.hosted().fetch_refund(str(refund.refund_ref))


def _journals_are_balanced() -> bool:
    sums: dict[tuple[str, str], int] = {}
    for entry in LedgerEntry.objects.all():
        sums[entry.journal, entry.currency] = sums.get((entry.journal, entry.currency), 0) + entry.amount_minor
    return bool(sums) and not any(sums.values())


def test_apply_refund_snapshot_of_an_earlier_try_changes_nothing(now: datetime) -> None:
    refund = ask(pay_attempt(now=now, card=FAILS_LATER), 8000, now)
    first = services.send_refund(refund_id=refund.pk, now=now)
    Refund.objects.update(state="failed")
    old = _fetch(first)
    services.apply_refund_snapshot(refund_id=refund.pk, snapshot=old, now=now)
    services.retry_refund(refund_id=refund.pk, actor=ADMIN, now=now)
    services.send_refund(refund_id=refund.pk, now=now)

    services.apply_refund_snapshot(refund_id=refund.pk, snapshot=old, now=now)

    assert (RefundRequest.objects.get().state, balance()) == ("succeeded", 0)


def test_refund_that_pends_is_booked_when_it_succeeds(now: datetime) -> None:
    refund = ask(pay_attempt(now=now, card=PENDS), 8000, now)

    sent = services.send_refund(refund_id=refund.pk, now=now)
    assert (sent.state, balance()) == ("pending", 8000)
    Refund.objects.update(state="succeeded")
    services.apply_refund_snapshot(refund_id=refund.pk, snapshot=_fetch(sent), now=now)

    assert (RefundRequest.objects.get().state, balance()) == ("succeeded", 0)


def test_refund_that_pends_and_fails_was_never_booked(now: datetime) -> None:
    refund = ask(pay_attempt(now=now, card=PENDS), 8000, now)
    sent = services.send_refund(refund_id=refund.pk, now=now)
    Refund.objects.update(state="failed")

    services.apply_refund_snapshot(refund_id=refund.pk, snapshot=_fetch(sent), now=now)

    assert (RefundRequest.objects.get().state, balance(), ledger("refund")) == ("failed", 8000, [])


@pytest.mark.parametrize("state", ["requested", "pending", "succeeded"])
def test_retry_refund_that_has_not_failed_is_refused(now: datetime, state: str) -> None:
    refund = ask(pay_attempt(now=now), 3000, now)
    RefundRequest.objects.update(state=state)

    with pytest.raises(NotRefundableError):
        services.retry_refund(refund_id=refund.pk, actor=ADMIN, now=now)

    assert RefundRequest.objects.get().try_no == 1


def test_retry_refund_of_money_given_back_otherwise_is_refused(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    refund = ask(attempt, 3000, now)
    RefundRequest.objects.update(state="failed")
    ask(attempt, 6000, now)

    with pytest.raises(NotRefundableError):
        services.retry_refund(refund_id=refund.pk, actor=ADMIN, now=now)


def test_adopt_refunds_leaves_failed_ones_and_earlier_tries_alone(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = pay_attempt(now=now)
    arm("refund_fails")
    make_refund(str(attempt.payment_ref), eur(1000), {}, now=now)
    make_refund(
        str(attempt.payment_ref),
        eur(2000),
        {"greenroom_site": installation_ref(), "refund_request": "999"},
        now=now,
    )

    services.sync_attempt(attempt_id=attempt.pk, now=now)

    assert not RefundRequest.objects.exists()


def test_adopt_refunds_finds_our_own_whose_answer_was_lost(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = pay_attempt(now=now)
    refund = ask(attempt, 3000, now)
    arm("refund_times_out_after_executing")
    with pytest.raises(GatewayUnavailableError):
        services.send_refund(refund_id=refund.pk, now=now)

    services.sync_attempt(attempt_id=attempt.pk, now=now)

    refund.refresh_from_db()
    assert (refund.state, refund.refund_ref, balance()) == ("succeeded", Refund.objects.get().ref, 5000)
