from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.payments.factories import GOOD_CARD, job_keys, ledger, open_one, pay_attempt, store_attempt

from greenroom.core.actors import SYSTEM
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.protocol import GatewayUnavailableError
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute, take_step
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Event, Refund
from greenroom.jobs.models import Job
from greenroom.payments import gateways, jobs, services
from greenroom.payments.models import Dispute, GatewayEvent, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway")

LATER = timedelta(minutes=3)


class QuietGateway(SandboxGateway):
    is_hosted = False


def test_poll_finds_a_payment_whose_callbacks_never_came(
    now: datetime, arm: Callable[[str], None], frozen_clock: SettableClock
) -> None:
    attempt = open_one(now=now)
    arm("callback_dropped")
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)

    services.poll(now=now + timedelta(minutes=2))
    attempt.refresh_from_db()
    assert attempt.state == "open"
    services.poll(now=frozen_clock.advance(LATER))

    attempt.refresh_from_db()
    assert attempt.state == "paid"


def test_poll_inside_a_transaction_is_refused(now: datetime) -> None:
    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        services.poll(now=now)


def test_poll_looks_at_undecided_attempts_of_this_gateway_only(now: datetime) -> None:
    for number, state in enumerate(("paid", "failed", "dead")):
        money = {"captured_minor": 8000, "captured_currency": "EUR", "paid_at": now, "payment_ref": "pi_1"}
        store_attempt(now=now, order_ref=f"done-{number}", state=state, **(money if state == "paid" else {}))
    store_attempt(now=now, order_ref="elsewhere", gateway="stripe")

    services.poll(now=now + LATER)

    assert set(PaymentAttempt.objects.values_list("checked_at", flat=True)) == {now}


def test_poll_is_not_held_up_by_a_row_that_the_gateway_does_not_know(now: datetime) -> None:
    lost = store_attempt(now=now - LATER, order_ref="lost")
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)

    services.poll(now=now + LATER)

    lost.refresh_from_db()
    attempt.refresh_from_db()
    assert (lost.state, lost.problem) == ("open", "404: there is no such checkout.")
    assert (attempt.state, lost.checked_at) == ("paid", now + LATER)


def test_poll_without_a_gateway_pushes_the_row_back_and_says_so(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = open_one(now=now)
    arm("unavailable")

    with pytest.raises(GatewayUnavailableError):
        services.poll(now=now + LATER)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.checked_at) == ("open", now + LATER)


def test_poll_ends_an_attempt_that_never_got_a_page_once_its_time_is_over(now: datetime) -> None:
    attempt = store_attempt(now=now, state="created")

    services.poll(now=now + timedelta(minutes=42))
    attempt.refresh_from_db()
    assert attempt.state == "created"
    services.poll(now=now + timedelta(minutes=45))

    attempt.refresh_from_db()
    assert attempt.state == "dead"
    assert AuditEntry.objects.get(action="payment.dead").road == ""
    assert job_keys(["orders.settle"]) == [f"orders.settle:order-1:{attempt.pk}:dead"]


def test_poll_follows_a_refund_that_pends(now: datetime) -> None:
    attempt = pay_attempt(now=now, card="4000000000007726")
    refund = services.request_refund(
        attempt_id=attempt.pk, amount=Money(8000, "EUR"), cause=RefundCause.STAFF, actor=SYSTEM, now=now
    )
    services.send_refund(refund_id=refund.pk, now=now)
    Refund.objects.update(state="succeeded")

    services.poll(now=now + LATER)

    refund.refresh_from_db()
    assert refund.state == "succeeded"


def test_poll_is_not_held_up_by_a_refund_that_the_gateway_does_not_know(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    services.request_refund(
        attempt_id=attempt.pk, amount=Money(8000, "EUR"), cause=RefundCause.STAFF, actor=SYSTEM, now=now
    )
    RefundRequest.objects.update(state="pending", refund_ref="re_lost")

    services.poll(now=now + LATER)

    refund = RefundRequest.objects.get()
    assert (refund.state, refund.last_error) == ("pending", "404: there is no such refund.")


def test_poll_follows_an_open_dispute_every_hour(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    disputed = raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    services.learn_disputes(attempt, now=now)
    take_step(disputed.ref, "lose", now=now)

    services.poll(now=now + timedelta(hours=1))
    assert Dispute.objects.get().status == "needs_response"
    services.poll(now=now + timedelta(hours=1, seconds=1))

    assert Dispute.objects.get().status == "lost"


def test_poll_is_not_held_up_by_a_dispute_that_the_gateway_does_not_know(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    services.learn_disputes(attempt, now=now)
    Dispute.objects.update(dispute_ref="du_lost")

    services.poll(now=now + timedelta(hours=2))

    assert (Dispute.objects.get().status, Dispute.objects.get().checked_at) == (
        "needs_response",
        now + timedelta(hours=2),
    )


def test_collect_events_keeps_what_could_not_be_delivered(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = open_one(now=now)
    arm("callback_dropped")
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    Event.objects.filter(type="checkout.session.completed").update(delivered_at=now)

    counts = [services.collect_events(now=now + timedelta(hours=1)) for _ in range(2)]

    event = GatewayEvent.objects.get()
    assert (counts, event.type) == ([1, 0], "payment_intent.succeeded")
    assert services.process_event(event_id=event.pk, now=now).state == "processed"
    attempt.refresh_from_db()
    assert attempt.state == "paid"


def test_recurring_jobs_compare_with_the_gateway(
    frozen_clock: SettableClock, now: datetime, arm: Callable[[str], None]
) -> None:
    attempt = open_one(now=now)
    arm("callback_dropped")
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    frozen_clock.advance(LATER)

    jobs.poll(Job())
    jobs.collect_events(Job())

    attempt.refresh_from_db()
    assert (attempt.state, GatewayEvent.objects.count()) == ("paid", 2)


def test_poll_learns_a_fee_that_was_not_known_once_an_hour(now: datetime, frozen_clock: SettableClock) -> None:
    attempt = pay_attempt(now=now)
    LedgerEntry.objects.filter(kind="fee").delete()
    PaymentAttempt.objects.update(fee_minor=None, fee_currency="")

    services.poll(now=now + timedelta(hours=1))
    attempt.refresh_from_db()
    assert attempt.fee is None
    services.poll(now=frozen_clock.advance(timedelta(hours=1, seconds=1)))

    attempt.refresh_from_db()
    assert attempt.fee == Money(145, "EUR")
    assert [row[1] for row in ledger("fee")] == [-145, 145]


def test_poll_of_a_gateway_that_never_calls_back_finds_nothing_that_was_missed(
    now: datetime,
) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    gateways.use(QuietGateway())

    services.poll(now=now + LATER)

    assert AuditEntry.objects.get(action="payment.paid").road == ""
