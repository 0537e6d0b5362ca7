"""Bookings that are paid by hand, from the choice to the money's end."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.bookings.steps import ADDRESSES, ADMIN, COACH, GUEST, at, describe, fresh, hold, settle
from tests.factories.accounts import make_admin
from tests.factories.by_hand import (
    answer_refund,
    approve,
    attempt_of,
    awaited,
    hand_in,
    make_method,
    payment_of,
    refuse,
    start_by_hand,
)
from tests.factories.clock import SettableClock

from greenroom.bookings import services
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.manual.models import ManualRefund, PayMethod
from greenroom.integrations.manual.proofs import MOST_PROOFS, ProofFile
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.notifications.models import Message
from greenroom.orders import services as orders
from greenroom.orders.models import Document
from greenroom.payments import gateways
from greenroom.payments import services as payments
from greenroom.payments.errors import (
    AnsweredAlreadyError,
    PaymentClosingError,
    PaymentInProgressError,
    PaymentsOffError,
)
from greenroom.payments.models import LedgerEntry, RefundRequest
from greenroom.payments.ways import ways_to_pay

HOUR = timedelta(hours=1)
FIFTY = Money(5000, "EUR")
RunJobs = Callable[..., None]


@pytest.fixture(autouse=True)
def both(gateway: SandboxGateway) -> None:
    """Cards, and payments by hand beside them."""
    gateways.use(gateway, ManualGateway(is_test=True))


@pytest.fixture
def method(offer: Offer) -> PayMethod:  # noqa: ARG001 -- the database
    return make_method()


def mails(kind: str) -> list[str]:
    return list(Message.objects.filter(kind=f"orders.{kind}", state="sent").values_list("to", flat=True))


def test_time_is_kept_for_as_long_as_the_method_says(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: RunJobs
) -> None:
    booking = awaited(offer, method)
    run_jobs()

    payment, attempt = payment_of(booking), attempt_of(booking)
    assert booking.hold_expires_at == payment.expires_at == attempt.expires_at == now + 24 * HOUR
    assert payment.answer_by == booking.session.starts_at
    assert (attempt.gateway, attempt.state, attempt.pay_url) == ("manual", "open", payment.page_url)
    assert mails("pay_by_hand") == ["ann@example.org"]
    body = DeliveredMail.objects.get(subject="How to pay €50").text
    assert all(words in body for words in ("Account 123", payment.code, payment.page_url))


def test_time_is_kept_at_most_until_the_session_starts(offer: Offer, now: datetime) -> None:
    booking = awaited(offer, make_method(hours_to_pay=720))

    assert booking.hold_expires_at == booking.session.starts_at == at(12)
    assert now < at(12)


def test_choosing_again_wins_no_time_and_brings_the_same_payment(
    offer: Offer, method: PayMethod, frozen_clock: SettableClock
) -> None:
    booking = awaited(offer, method)
    before = (payment_of(booking), booking.hold_expires_at)
    frozen_clock.advance(5 * HOUR)

    booking = start_by_hand(booking, method)

    assert (payment_of(booking), booking.hold_expires_at) == before


def test_another_way_ends_the_payment_by_hand(offer: Offer, method: PayMethod) -> None:
    booking = awaited(offer, method)
    payment = payment_of(booking)

    start = services.start_payment(booking=booking, addresses=ADDRESSES, actor=GUEST, now=clock.now(), method="card")

    payment.refresh_from_db()
    assert payment.ended_at is not None
    assert "/sandbox/pay/" in str(start.pay_url)
    with pytest.raises(PaymentClosingError):
        hand_in(booking)


def test_unpaid_time_is_free_again_and_the_buyer_is_told(
    offer: Offer, method: PayMethod, run_jobs: RunJobs, now: datetime
) -> None:
    booking = awaited(offer, method)

    run_jobs(now + 24 * HOUR + timedelta(minutes=5))

    assert fresh(booking).status == BookingStatus.EXPIRED
    assert attempt_of(booking).state == "dead"
    assert mails("pay_time_over") == ["ann@example.org"]


def test_handed_in_payment_waits_past_its_deadline_and_is_confirmed_by_an_answer(
    offer: Offer, method: PayMethod, run_jobs: RunJobs, now: datetime
) -> None:
    make_admin()
    booking = awaited(offer, method)
    hand_in(booking, ProofFile("png", b"\x89PNG"), "From Ann")
    run_jobs(now + 30 * HOUR)
    assert (fresh(booking).status, attempt_of(booking).state) == (BookingStatus.PENDING_PAYMENT, "processing")
    assert mails("handed_in") == mails("still_waits") == ["admin@example.org"]

    approve(booking, FIFTY)
    run_jobs(clock.now())

    assert (fresh(booking).status, attempt_of(booking).state) == (BookingStatus.CONFIRMED, "paid")
    assert set(LedgerEntry.objects.filter(kind="capture").values_list("account", "amount_minor")) == {
        ("gateway:manual", 5000),
        ("customers", -5000),
    }


def test_handed_in_payment_without_an_answer_ends_at_the_start_and_stays_to_be_answered(
    offer: Offer, method: PayMethod, run_jobs: RunJobs
) -> None:
    booking = awaited(offer, method)
    hand_in(booking)
    run_jobs(at(12))

    payments.poll(now=clock.now())
    run_jobs(at(12))

    assert (fresh(booking).status, attempt_of(booking).state) == (BookingStatus.EXPIRED, "dead")
    assert payment_of(booking).waits_for_an_answer
    assert mails("pay_time_over") == ["ann@example.org"]


def test_refused_buyer_reads_why_and_may_say_it_again_until_the_deadline(
    offer: Offer, method: PayMethod, run_jobs: RunJobs, frozen_clock: SettableClock
) -> None:
    booking = awaited(offer, method)
    hand_in(booking)
    run_jobs()
    refuse(booking, "Wrong account")
    run_jobs()
    assert (attempt_of(booking).state, mails("refused")) == ("open", ["ann@example.org"])
    frozen_clock.advance(HOUR)

    hand_in(booking)
    run_jobs()
    refuse(booking)
    run_jobs()

    assert (attempt_of(booking).state, payment_of(booking).times_handed_in) == ("open", 2)
    assert mails("refused") == ["ann@example.org", "ann@example.org"]


def test_refusal_after_the_deadline_frees_the_time(
    offer: Offer, method: PayMethod, run_jobs: RunJobs, now: datetime
) -> None:
    booking = awaited(offer, method)
    hand_in(booking)
    run_jobs(now + 30 * HOUR)

    refuse(booking)
    run_jobs(clock.now())

    assert (fresh(booking).status, attempt_of(booking).state) == (BookingStatus.EXPIRED, "dead")
    with pytest.raises(PaymentClosingError):
        hand_in(booking)


@pytest.mark.parametrize("is_taken", [False, True])
def test_money_after_the_end_takes_the_time_again_or_is_to_be_sent_back(
    offer: Offer, method: PayMethod, run_jobs: RunJobs, now: datetime, *, is_taken: bool
) -> None:
    booking = awaited(offer, method)
    run_jobs(now + 25 * HOUR)
    assert fresh(booking).status == BookingStatus.EXPIRED
    if is_taken:
        hold(offer, holder="bob")

    approve(booking, FIFTY)
    run_jobs(clock.now())

    if is_taken:
        assert fresh(booking).status == BookingStatus.EXPIRED
        assert [(one.amount, one.state) for one in ManualRefund.objects.all()] == [(FIFTY, "pending")]
    else:
        assert fresh(booking).status == BookingStatus.CONFIRMED
        assert not ManualRefund.objects.exists()


@pytest.mark.parametrize("received", [Money(4000, "EUR"), Money(5000, "USD")])
def test_other_money_than_agreed_counts_as_nothing_and_is_to_be_sent_back(
    offer: Offer, method: PayMethod, run_jobs: RunJobs, received: Money
) -> None:
    booking = awaited(offer, method)

    approve(booking, received)
    run_jobs()

    assert (attempt_of(booking).state, fresh(booking).status) == ("failed", BookingStatus.PENDING_PAYMENT)
    assert ManualRefund.objects.get().amount == received
    assert mails("wrong_amount") == ["ann@example.org"]
    assert not Document.objects.exists()


def test_refund_is_done_when_a_person_says_so(offer: Offer, method: PayMethod, run_jobs: RunJobs) -> None:
    booking = awaited(offer, method)
    approve(booking, FIFTY)
    run_jobs()
    services.cancel_booking(booking=fresh(booking), actor=COACH, now=clock.now())
    run_jobs()
    assert RefundRequest.objects.get().state == "pending"

    for _ in range(2):
        answer_refund()
    run_jobs()

    assert RefundRequest.objects.get().state == "succeeded"
    assert sum(LedgerEntry.objects.filter(account="gateway:manual").values_list("amount_minor", flat=True)) == 0
    with pytest.raises(AnsweredAlreadyError):
        answer_refund("No")


def test_refund_that_cannot_be_sent_fails_with_the_reason(offer: Offer, method: PayMethod, run_jobs: RunJobs) -> None:
    booking = awaited(offer, method)
    approve(booking, FIFTY)
    run_jobs()
    services.cancel_booking(booking=fresh(booking), actor=COACH, now=clock.now())
    run_jobs()

    answer_refund("Account closed")
    run_jobs()

    refund = RefundRequest.objects.get()
    assert (refund.state, refund.last_error) == ("failed", "Account closed")


def test_buyer_who_changes_their_mind_frees_the_time_also_after_handing_in(
    offer: Offer, method: PayMethod, run_jobs: RunJobs
) -> None:
    booking = awaited(offer, method)
    hand_in(booking)
    run_jobs()

    with unit_of_work():
        payments.withdraw(ref=payment_of(booking).ref, actor=GUEST, now=clock.now())
    services.release_hold(booking=booking, actor=GUEST, now=clock.now())
    run_jobs()

    assert (fresh(booking).status, attempt_of(booking).state) == (BookingStatus.CANCELLED, "dead")
    assert payment_of(booking).waits_for_an_answer
    approve(booking, FIFTY)
    run_jobs()
    assert ManualRefund.objects.get().amount == FIFTY  # they let it go: the money goes back


def test_mail_about_money_that_a_person_sends_back_promises_no_bank(
    offer: Offer, method: PayMethod, run_jobs: RunJobs
) -> None:
    booking = awaited(offer, method)
    approve(booking, FIFTY)
    run_jobs()

    services.cancel_booking(booking=fresh(booking), actor=GUEST, now=clock.now(), reason="")
    run_jobs()

    text = DeliveredMail.objects.get(subject__startswith="Cancelled: ", to="ann@example.org").text
    assert "€50 goes back the way you paid; somebody sends it by hand within a few days." in text


def test_choosing_another_time_leaves_the_one_whose_payment_is_under_way(
    offer: Offer, method: PayMethod, run_jobs: RunJobs
) -> None:
    booking = awaited(offer, method)
    hand_in(booking)
    run_jobs()

    other = hold(offer, at(15))
    refuse(booking)
    run_jobs()

    assert (fresh(booking).status, fresh(booking).cancelled_by) == (BookingStatus.PENDING_PAYMENT, "")
    assert attempt_of(booking).state == "open"
    assert fresh(other).status == BookingStatus.HELD


def test_choosing_another_time_lets_go_of_the_one_that_nobody_paid(
    offer: Offer, method: PayMethod, run_jobs: RunJobs
) -> None:
    booking = awaited(offer, method)

    hold(offer, at(15))
    run_jobs()

    assert (fresh(booking).status, attempt_of(booking).state) == (BookingStatus.CANCELLED, "dead")


def test_same_answer_twice_has_one_effect_and_another_is_refused(
    offer: Offer, method: PayMethod, run_jobs: RunJobs
) -> None:
    booking = awaited(offer, method)
    for _ in range(2):
        approve(booking, FIFTY)
        run_jobs()

    with pytest.raises(AnsweredAlreadyError):
        approve(booking, Money(1, "EUR"))
    with pytest.raises(AnsweredAlreadyError):
        refuse(booking)
    with pytest.raises(AnsweredAlreadyError):
        hand_in(booking)
    assert LedgerEntry.objects.filter(kind="capture").count() == 2
    assert settle(booking).status == BookingStatus.CONFIRMED


def test_who_may_answer(offer: Offer, method: PayMethod) -> None:
    booking = awaited(offer, method)
    hand_in(booking)
    ref, now = payment_of(booking).ref, clock.now()

    for actor in (GUEST, COACH):
        with pytest.raises(NotAllowedError):
            orders.approve_payment(ref=ref, received=FIFTY, actor=actor, now=now)
        with pytest.raises(NotAllowedError):
            orders.refuse_payment(ref=ref, reason="", actor=actor, now=now)
    for actor in (COACH, ADMIN):
        with pytest.raises(NotAllowedError):
            orders.hand_in_payment(ref=ref, note="", proof=None, actor=actor, now=now)
    assert payment_of(booking).received_at is None

    PayMethod.objects.update(coach_approves=True)
    assert orders.approve_payment(ref=ref, received=FIFTY, actor=COACH, now=now).received == FIFTY


def test_coach_who_may_answer_is_told(offer: Offer, run_jobs: RunJobs) -> None:
    make_admin()
    booking = awaited(offer, make_method(coach_approves=True))
    hand_in(booking)
    run_jobs()

    assert mails("handed_in") == [offer.coach.user.email]


def test_only_so_many_files_are_kept(offer: Offer, method: PayMethod) -> None:
    booking = awaited(offer, method)
    for _ in range(MOST_PROOFS):
        hand_in(booking, ProofFile("pdf", b"%PDF-"))

    with pytest.raises(InvalidInputError) as found:
        hand_in(booking, ProofFile("pdf", b"%PDF-"))

    assert found.value.field == "proof"
    assert payment_of(booking).proofs.count() == MOST_PROOFS


def test_handed_in_payment_cannot_be_exchanged_for_another(offer: Offer, method: PayMethod, run_jobs: RunJobs) -> None:
    booking = awaited(offer, method)
    hand_in(booking)
    run_jobs()

    with pytest.raises(PaymentInProgressError):
        services.start_payment(booking=booking, addresses=ADDRESSES, actor=GUEST, now=clock.now(), method="card")


def test_site_without_cards_sells_by_hand_and_without_both_says_so(offer: Offer) -> None:
    gateways.use(ManualGateway(is_test=False))
    booking = describe(hold(offer))
    with pytest.raises(PaymentsOffError):
        services.start_payment(booking=booking, addresses=ADDRESSES, actor=GUEST, now=clock.now())
    method = make_method()
    make_method("Old", is_active=False)

    assert [way.title for way in ways_to_pay()] == ["Bank transfer"]
    assert start_by_hand(booking, method).status == BookingStatus.PENDING_PAYMENT
    with pytest.raises(InvalidInputError) as found:
        services.start_payment(booking=booking, addresses=ADDRESSES, actor=GUEST, now=clock.now(), method="method-0")
    assert found.value.field == "method"


def test_booking_that_a_coach_made_is_paid_by_hand_in_the_time_the_coach_gave(offer: Offer, now: datetime) -> None:
    booking = describe(hold(offer))
    until = now + 5 * HOUR
    Booking.objects.filter(pk=booking.pk).update(is_manual=True, hold_expires_at=until)

    assert start_by_hand(fresh(booking), make_method()).hold_expires_at == until
