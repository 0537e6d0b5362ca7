"""Payments by hand that two people, or a person and the clock, decide at once; on real connections."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from tests.bookings.steps import ADMIN, GUEST, fresh, settle
from tests.factories.bookings import make_offer
from tests.factories.by_hand import awaited, make_method, payment_of
from tests.factories.clock import SettableClock
from tests.factories.racing import race

from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.manual.models import ManualPayment, ManualRefund
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders import services as orders
from greenroom.payments import gateways
from greenroom.payments import services as payments
from greenroom.payments.errors import AnsweredAlreadyError, PaymentClosingError
from greenroom.payments.models import LedgerEntry, PaymentAttempt

FIFTY = Money(5000, "EUR")
RunJobs = Callable[..., None]


@pytest.fixture
def booking(transactional_db: None, gateway: SandboxGateway) -> Booking:  # noqa: ARG001 -- commits must be real
    """A booking whose payment by hand is awaited for a day."""
    gateways.use(gateway, ManualGateway(is_test=True))
    return awaited(make_offer(), make_method())


def approve(ref: str, received: Money = FIFTY) -> ManualPayment:
    return orders.approve_payment(ref=ref, received=received, actor=ADMIN, now=clock.now())


def hand_in(ref: str) -> ManualPayment:
    return orders.hand_in_payment(ref=ref, note="", proof=None, actor=GUEST, now=clock.now())


def refuse(ref: str) -> ManualPayment:
    return orders.refuse_payment(ref=ref, reason="", actor=ADMIN, now=clock.now())


def test_two_who_approve_at_once_book_the_money_once(booking: Booking, run_jobs: RunJobs) -> None:
    ref = payment_of(booking).ref

    results = race([partial(approve, ref) for _ in range(4)])
    run_jobs()

    assert {type(one) for one in results} == {ManualPayment}
    assert fresh(booking).status == BookingStatus.CONFIRMED
    assert LedgerEntry.objects.filter(kind="capture").count() == 2


def test_of_two_different_answers_at_once_one_counts(booking: Booking, run_jobs: RunJobs) -> None:
    ref = payment_of(booking).ref
    hand_in(ref)

    results = race([partial(approve, ref), partial(approve, ref, Money(4900, "EUR")), partial(refuse, ref)])
    run_jobs()

    received = payment_of(booking).received.minor
    assert sum(isinstance(one, AnsweredAlreadyError) for one in results) in {1, 2}
    assert received in {5000, 4900}
    assert sum(entry.amount_minor for entry in LedgerEntry.objects.filter(account="gateway:manual")) == received
    assert fresh(booking).status == (BookingStatus.CONFIRMED if received == 5000 else BookingStatus.PENDING_PAYMENT)


@pytest.mark.parametrize("round_no", range(3))
def test_approval_at_the_very_end_of_the_time_loses_no_money(
    booking: Booking, run_jobs: RunJobs, frozen_clock: SettableClock, round_no: int
) -> None:
    assert round_no >= 0
    payment = payment_of(booking)
    attempt = PaymentAttempt.objects.get(gateway_ref=payment.ref)
    frozen_clock.set(payment.expires_at)

    race(
        [
            partial(approve, payment.ref),
            partial(payments.close_attempt, attempt_id=attempt.pk, now=clock.now()),
            partial(payments.sync_attempt, attempt_id=attempt.pk, now=clock.now()),
            partial(settle, booking),
        ]
    )
    run_jobs(clock.now() + timedelta(minutes=5))

    # Nobody else wants the time, so late money takes it again.
    assert fresh(booking).status == BookingStatus.CONFIRMED
    assert PaymentAttempt.objects.get(pk=attempt.pk).state == "paid"
    assert not ManualRefund.objects.exists()


def test_saying_that_one_paid_against_the_end_is_heard_or_refused(booking: Booking, run_jobs: RunJobs) -> None:
    ref = payment_of(booking).ref
    attempt = PaymentAttempt.objects.get(gateway_ref=ref)

    said, _closed = race(
        [partial(hand_in, ref), partial(payments.close_attempt, attempt_id=attempt.pk, now=clock.now())]
    )
    run_jobs()

    attempt.refresh_from_db()
    assert attempt.state == ("dead" if isinstance(said, PaymentClosingError) else "processing")


def test_two_who_send_one_refund_book_it_once(booking: Booking, run_jobs: RunJobs) -> None:
    approve(payment_of(booking).ref, Money(4900, "EUR"))
    run_jobs()
    refund = ManualRefund.objects.get()

    def decide(problem: str) -> ManualRefund:
        with unit_of_work():
            return payments.decide_refund(refund_ref=refund.ref, problem=problem, actor=ADMIN, now=clock.now())

    race([partial(decide, ""), partial(decide, "")])
    run_jobs()

    assert sum(entry.amount_minor for entry in LedgerEntry.objects.filter(account="gateway:manual")) == 0
    assert LedgerEntry.objects.filter(kind="refund").count() == 2
