"""Whose the money of an order is: what is booked for its coach and for the platform."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db.models import Sum
from tests.factories.bookings import make_coach
from tests.factories.money import answer_refund, ask_back, give_back, make_order, pay

from greenroom.coaches.models import Coach
from greenroom.core.errors import BusyError
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import DisputeSnapshot, RefundState
from greenroom.jobs.models import Job
from greenroom.orders.models import Order
from greenroom.orders.services import book_shares, plan_missing_shares
from greenroom.orders.types import TaxRule
from greenroom.payments import services
from greenroom.payments.ledger_checks import orders_off_the_ledger, unbalanced_journals
from greenroom.payments.models import LedgerEntry, PaymentAttempt

Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def accounts(order: Order) -> dict[str, int]:
    """What each account has of an order's money; what is owed to people is below zero."""
    assert unbalanced_journals() == []
    assert orders_off_the_ledger() == []
    sums = LedgerEntry.objects.filter(order_ref=order.ref).values_list("account").annotate(Sum("amount_minor"))
    names = {f"coach:{order.coach_id}": "coach", "gateway:sandbox": "gateway"}
    return {names.get(account, account): minor for account, minor in sums.order_by("account") if minor}


def shares_due() -> int:
    return Job.objects.filter(kind="orders.book_shares", state="due").count()


def dispute(attempt: PaymentAttempt, *, now: datetime, taken: int, returned: int = 0, status: str) -> None:
    snapshot = DisputeSnapshot(
        dispute_ref="du_1",
        payment_ref=str(attempt.payment_ref),
        amount=attempt.amount,
        status=status,
        is_inquiry=False,
        withdrawn=Money(taken, attempt.currency),
        reinstated=Money(returned, attempt.currency),
        reason="fraudulent",
        opened_at=now,
    )
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)


def test_payment_plans_its_shares_and_is_the_coachs(coach: Coach, now: datetime) -> None:
    order = make_order(coach, now=now)
    pay(order, now=now)
    assert shares_due() == 1
    assert accounts(order) == {"gateway": 8000, "customers": -8000}

    book_shares(order_ref=order.ref, now=now)
    book_shares(order_ref=order.ref, now=now)

    assert accounts(order) == {"gateway": 8000, "coach": -8000}


def test_commission_is_of_what_is_before_tax_and_stays_as_it_was_when_the_order_was_made(
    coach: Coach, now: datetime, settings: Any
) -> None:
    settings.COMMISSION_BASIS_POINTS, settings.TAX = 1500, TaxRule("VAT", 2100)
    order = make_order(coach, now=now, minor=12100)
    settings.COMMISSION_BASIS_POINTS, settings.TAX = 5000, None
    pay(order, now=now)

    book_shares(order_ref=order.ref, now=now)

    assert accounts(order) == {"gateway": 12100, "coach": -10600, "platform": -1500}


def test_refunds_take_from_both_and_leave_nothing_when_all_is_gone(coach: Coach, now: datetime, settings: Any) -> None:
    settings.COMMISSION_BASIS_POINTS, settings.TAX = 1000, TaxRule("VAT", 1900)
    order = make_order(coach, now=now, minor=9999)
    attempt = pay(order, now=now)
    book_shares(order_ref=order.ref, now=now)
    assert accounts(order) == {"gateway": 9999, "coach": -9159, "platform": -840}

    for minor in (3333, 3333):
        give_back(attempt, minor, now=now)
        book_shares(order_ref=order.ref, now=now)
    assert accounts(order) == {"gateway": 3333, "coach": -3053, "platform": -280}

    last = give_back(attempt, 3333, now=now)
    book_shares(order_ref=order.ref, now=now)
    assert accounts(order) == {}

    answer_refund(last, RefundState.FAILED, now=now)
    book_shares(order_ref=order.ref, now=now)
    assert accounts(order) == {"gateway": 3333, "coach": -3053, "platform": -280}


def test_refund_that_is_only_asked_for_changes_nothing(coach: Coach, now: datetime) -> None:
    order = make_order(coach, now=now)
    ask_back(pay(order, now=now), 3000, now=now)

    book_shares(order_ref=order.ref, now=now)

    assert accounts(order) == {"gateway": 8000, "coach": -8000}


def test_money_that_a_bank_holds_is_not_the_coachs_until_it_returns(coach: Coach, now: datetime) -> None:
    order = make_order(coach, now=now)
    attempt = pay(order, now=now)
    book_shares(order_ref=order.ref, now=now)

    dispute(attempt, now=now, taken=8000, status="needs_response")
    assert shares_due() == 2
    book_shares(order_ref=order.ref, now=now)
    assert accounts(order) == {}

    dispute(attempt, now=now, taken=8000, returned=8000, status="won")
    assert shares_due() == 3
    book_shares(order_ref=order.ref, now=now)
    assert accounts(order) == {"gateway": 8000, "coach": -8000}


def test_second_payment_and_wrong_money_are_nobodys(coach: Coach, now: datetime) -> None:
    twice, wrong = make_order(coach, now=now), make_order(coach, now=now)
    pay(twice, now=now)
    pay(twice, now=now)
    pay(wrong, now=now, amount=Money(7000, "EUR"))

    for order in (twice, wrong):
        book_shares(order_ref=order.ref, now=now)

    assert accounts(twice) == {"gateway": 16000, "coach": -8000, "customers": -8000}
    assert accounts(wrong) == {"gateway": 7000, "customers": -7000}


def test_what_was_paid_before_shares_were_booked_is_found(coach: Coach, now: datetime) -> None:
    older, booked = make_order(coach, now=now), make_order(coach, now=now)
    for order in (older, booked):
        pay(order, now=now)
    Job.objects.all().delete()
    book_shares(order_ref=booked.ref, now=now)

    assert plan_missing_shares(now=now) == 1
    [job] = Job.objects.all()
    assert job.payload == {"order_ref": older.ref}


@pytest.mark.django_db
def test_shares_of_what_is_no_order_are_left_alone(now: datetime) -> None:
    book_shares(order_ref="nothing", now=now)

    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_shares_booked_at_once_are_booked_once(race: Race, now: datetime) -> None:
    order = make_order(make_coach(), now=now)
    pay(order, now=now)

    def patiently() -> None:
        while True:  # SQLite lets waiting writers in by chance, so one may be told to come again
            try:
                return book_shares(order_ref=order.ref, now=now)
            except BusyError:
                continue

    assert race([patiently] * 8) == [None] * 8
    assert accounts(order) == {"gateway": 8000, "coach": -8000}
