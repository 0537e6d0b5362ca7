from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.bookings.steps import ADMIN, COACH, GUEST, HOUR, at, confirmed, hold, pending
from tests.factories.clock import SettableClock
from tests.factories.money import pay

from greenroom.bookings import money_checks, services
from greenroom.bookings.jobs import check_money
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.core.money import Money
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute
from greenroom.jobs.errors import PermanentFailureError
from greenroom.jobs.models import Job, JobState
from greenroom.orders.models import Order
from greenroom.payments import gateways
from greenroom.payments.models import LedgerEntry, MoneyCheck, MoneyFinding, PaymentAttempt, RefundRequest
from greenroom.payments.services import (
    apply_dispute_snapshot,
    refund_in_full,
    refund_order,
    request_refund,
    send_refund,
)
from greenroom.payments.types import RefundCause

LATER = timedelta(hours=2)


@pytest.fixture
def booking(offer: Offer) -> Booking:
    return confirmed(offer)


@pytest.fixture
def found(now: datetime) -> Callable[[], list[tuple[str, str]]]:
    """Return a function that gives what a check two hours later finds, as rule and words."""
    return lambda: [(one.rule.value, one.detail) for one in money_checks.find_all(now=now + LATER)]


Found = Callable[[], list[tuple[str, str]]]


def order_of(booking: Booking) -> Order:
    assert booking.order is not None
    return booking.order


def ref(booking: Booking) -> str:
    return order_of(booking).ref


def lose(now: datetime) -> None:
    attempt = PaymentAttempt.objects.get()
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    [snapshot] = gateways.hosted().list_disputes(str(attempt.payment_ref))
    apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(snapshot, status="lost"), now=now)


def test_what_is_in_order_is_not_found(booking: Booking, offer: Offer, now: datetime, found: Found) -> None:
    pending(offer, at(15), holder="bob")
    hold(offer, at(18), holder="cy")
    services.cancel_booking(booking=confirmed(offer, at(9), holder="di"), actor=GUEST, now=now)
    [refund] = refund_order(
        order_ref=ref(booking), amount=Money(1000, "EUR"), cause=RefundCause.STAFF, actor=ADMIN, now=now
    )
    send_refund(refund_id=refund.pk, now=now)

    assert found() == []


@pytest.mark.usefixtures("booking")
@pytest.mark.parametrize("status", ["held", "pending_payment", "expired", "cancelled"])
def test_paid_order_whose_booking_is_none_is_found_after_an_hour(now: datetime, found: Found, status: str) -> None:
    Booking.objects.update(status=status, cancelled_by="coach" if status == "cancelled" else "")

    assert money_checks.paid_without_fulfilment(now=now) == []
    words = f"It is paid, its booking is {status.replace('_', ' ')}, and nothing was refunded."
    assert found() == [("paid_is_fulfilled", words)]


@pytest.mark.usefixtures("booking")
def test_paid_order_without_any_booking_is_found(found: Found) -> None:
    Booking.objects.update(order=None, status="expired")

    assert found() == [("paid_is_fulfilled", "It is paid, and nothing was booked.")]


def test_late_cancellation_by_the_student_that_gives_nothing_back_is_in_order(
    booking: Booking, frozen_clock: SettableClock, found: Found
) -> None:
    frozen_clock.set(booking.session.starts_at - HOUR)
    services.cancel_booking(booking=booking, actor=GUEST, now=frozen_clock())

    assert not RefundRequest.objects.exists()
    assert found() == []


def test_student_who_was_promised_money_and_got_none_is_found(booking: Booking, now: datetime, found: Found) -> None:
    services.cancel_booking(booking=booking, actor=GUEST, now=now)
    RefundRequest.objects.all().delete()

    assert [rule for rule, _ in found()] == ["paid_is_fulfilled"]


@pytest.mark.parametrize("state", ["held", "requested", "failed", "dropped"])
def test_order_with_a_refund_in_any_state_is_seen_to(booking: Booking, now: datetime, found: Found, state: str) -> None:
    services.cancel_booking(booking=booking, actor=COACH, now=now)
    RefundRequest.objects.update(state=state)

    assert found() == []


@pytest.mark.usefixtures("booking")
def test_order_whose_settling_stopped_is_an_item_of_the_operator_already(found: Found) -> None:
    Booking.objects.update(status="pending_payment")
    assert len(found()) == 1

    Job.objects.filter(kind="orders.settle").update(state=JobState.FAILED, closed_at=at(9))

    assert found() == []


@pytest.mark.usefixtures("booking")
def test_order_with_an_open_dispute_is_seen_to(now: datetime, found: Found) -> None:
    attempt = PaymentAttempt.objects.get()
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    Booking.objects.update(status="expired")
    [snapshot] = gateways.hosted().list_disputes(str(attempt.payment_ref))
    apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)
    assert found() == []

    won = replace(snapshot, status="won", reinstated=snapshot.withdrawn)
    apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=won, now=now)

    assert [rule for rule, _ in found()] == ["paid_is_fulfilled"]


@pytest.mark.usefixtures("booking")
def test_payment_of_an_order_that_is_not_there_is_found(found: Found) -> None:
    attempt = PaymentAttempt.objects.get()
    PaymentAttempt.objects.update(order_ref="gone")
    LedgerEntry.objects.update(order_ref="gone")
    Booking.objects.update(status="cancelled")

    assert found() == [("paid_has_order", f"Payment {attempt.payment_ref} is for an order that does not exist.")]


@pytest.mark.usefixtures("booking")
def test_confirmed_booking_whose_money_a_bank_took_is_found(now: datetime, found: Found) -> None:
    lose(now)

    assert found() == [("confirmed_is_paid", "Its session is confirmed, and no money is there.")]
    Booking.objects.update(status="completed")
    assert found() == []


@pytest.mark.usefixtures("booking")
def test_confirmed_booking_whose_dispute_was_won_has_its_money_though_it_is_still_on_its_way(
    now: datetime, found: Found
) -> None:
    attempt = PaymentAttempt.objects.get()
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    [snapshot] = gateways.hosted().list_disputes(str(attempt.payment_ref))

    apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(snapshot, status="won"), now=now)

    assert found() == []


@pytest.mark.usefixtures("booking")
def test_confirmed_booking_that_was_refunded_is_found_unless_staff_wanted_it(now: datetime, found: Found) -> None:
    attempt = PaymentAttempt.objects.get()
    request_refund(attempt_id=attempt.pk, amount=attempt.captured, cause=RefundCause.STAFF, actor=ADMIN, now=now)
    assert found() == []

    RefundRequest.objects.update(cause=RefundCause.NOT_FULFILLED)
    assert [rule for rule, _ in found()] == ["confirmed_is_paid"]
    RefundRequest.objects.update(state="failed")
    assert found() == []


@pytest.mark.usefixtures("booking")
def test_refund_of_a_payment_that_did_not_fit_takes_nothing_from_the_one_that_did(
    booking: Booking, now: datetime, found: Found
) -> None:
    wrong = pay(order_of(booking), now=now, amount=Money(6000, "EUR"))

    assert (wrong.state, RefundRequest.objects.get().amount_minor) == ("failed", 6000)
    assert found() == []


def test_confirmed_booking_that_was_never_paid_is_found(offer: Offer, found: Found) -> None:
    unpaid = pending(offer, at(15), holder="bob")
    Booking.objects.filter(pk=unpaid.pk).update(status="confirmed", confirmed_at=at(9))

    assert money_checks.confirmed_without_money()[0].order_ref == ref(unpaid)
    assert [rule for rule, _ in found()] == ["confirmed_is_paid"]
    Order.objects.filter(ref=ref(unpaid)).update(total_minor=0)
    assert found() == []


@pytest.mark.usefixtures("booking")
def test_journal_that_does_not_add_up_is_found(found: Found) -> None:
    entry = LedgerEntry.objects.filter(account="customers").get()
    LedgerEntry.objects.filter(pk=entry.pk).update(amount_minor=-4900)

    words = f"Journal {entry.journal} adds up to \N{EURO SIGN}1 and not to nothing."
    assert found() == [("journal_adds_up", words)]


def test_ledger_that_says_something_else_is_found(booking: Booking, now: datetime, found: Found) -> None:
    for minor in (1000, 500):
        [refund] = refund_order(
            order_ref=ref(booking), amount=Money(minor, "EUR"), cause=RefundCause.STAFF, actor=ADMIN, now=now
        )
        send_refund(refund_id=refund.pk, now=now)
    lose(now)
    Booking.objects.update(status="completed")
    assert found() == []

    LedgerEntry.objects.filter(kind="refund", source_id=f"{refund.pk}:1").delete()

    words = (
        "Captured \N{EURO SIGN}50, refunded \N{EURO SIGN}15, taken by banks \N{EURO SIGN}35: "
        "that leaves \N{EURO SIGN}0, and the ledger says \N{EURO SIGN}5."
    )
    assert found() == [("ledger_matches", words)]


def test_ledger_of_an_order_that_paid_nothing_is_found(booking: Booking, found: Found) -> None:
    LedgerEntry.objects.filter(order_ref=ref(booking)).update(currency="USD")

    euro, dollar = found()
    assert (euro[0], "the ledger says \N{EURO SIGN}0." in euro[1]) == ("ledger_matches", True)
    assert dollar == (
        "ledger_matches",
        "The ledger holds entries in USD for an order of which nothing was captured in it.",
    )


@pytest.mark.parametrize("count", [1, 3])
def test_check_takes_the_same_queries_for_any_number_of_orders(
    offer: Offer, now: datetime, count: int, django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(count):
        confirmed(offer, at(9 + 2 * number), holder=f"h{number}")
    Booking.objects.update(status="expired")

    with django_assert_num_queries(10):
        assert len(money_checks.find_all(now=now + LATER)) == count


@pytest.fixture
def stopped(now: datetime) -> Job:
    return Job.objects.create(
        kind="bookings.check_money", key="k:1", lane="slow", due_at=now, created_at=now, state="failed", closed_at=now
    )


def test_check_keeps_what_it_found_and_fails_loudly(
    booking: Booking, frozen_clock: SettableClock, stopped: Job
) -> None:
    job = Job.objects.create(
        kind=stopped.kind, key="k:2", lane="slow", due_at=frozen_clock(), created_at=frozen_clock(), state="due"
    )
    check_money(job)
    stopped.refresh_from_db()
    assert (MoneyCheck.objects.get().ran_at, MoneyFinding.objects.count(), stopped.state) == (
        frozen_clock(),
        0,
        "cancelled",
    )
    Booking.objects.update(status="expired")
    now = frozen_clock.advance(LATER)

    with pytest.raises(PermanentFailureError, match="1 thing about money should not be"):
        check_money(job)
    with pytest.raises(PermanentFailureError):
        check_money(job)

    finding = MoneyFinding.objects.get()
    assert (MoneyCheck.objects.get().ran_at, finding.rule, finding.order_ref) == (
        now,
        "paid_is_fulfilled",
        ref(booking),
    )
    assert (str(finding), str(MoneyCheck.objects.get())) == (
        f"paid_is_fulfilled {ref(booking)}",
        "2026-03-02 12:00 UTC",
    )
    Booking.objects.update(status="confirmed")
    check_money(job)
    assert MoneyFinding.objects.count() == 0


def test_everything_refunded_is_in_order(booking: Booking, now: datetime, found: Found) -> None:
    services.cancel_booking(booking=booking, actor=COACH, now=now)
    assert refund_in_full(order_ref=ref(booking), cause=RefundCause.STAFF, actor=ADMIN, now=now) == []
    send_refund(refund_id=RefundRequest.objects.get().pk, now=now)

    assert found() == []
