import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.payments.factories import GOOD_CARD, job_keys, ledger, open_one, pay_attempt, store_attempt

from greenroom.core.actors import SYSTEM
from greenroom.core.installation import installation_ref
from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.protocol import GatewayUnavailableError, WebhookRefusedError
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute, take_step
from greenroom.integrations.stripe.sandbox.models import Checkout, Event, Refund
from greenroom.integrations.stripe.sandbox.refunds import finish_refund, make_refund
from greenroom.jobs.models import Job, Run
from greenroom.payments import queries, services
from greenroom.payments.models import Dispute, GatewayEvent, PaymentAttempt, RefundRequest
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway")


def signed(body: bytes, now: datetime) -> dict[str, str]:
    secret = settings.ENVIRONMENT.stripe_webhook_secrets[0]
    return {signature.HEADER: signature.sign(body, secret=secret, at=now)}


def receive(body: bytes, now: datetime) -> GatewayEvent:
    return services.receive_event(body=body, headers=signed(body, now), now=now)


def callbacks(event_type: str | None = None) -> list[bytes]:
    events = Event.objects.order_by("pk")
    return [event.body.encode() for event in events if event_type in {None, event.type}]


def stranger(**changes: Any) -> bytes:
    thing = {"id": "cs_other", "object": "checkout.session", "metadata": {}, **changes}
    event = {"id": "evt_1", "type": "checkout.session.completed", "created": 1, "livemode": False}
    return json.dumps({**event, "data": {"object": thing}}).encode()


def test_receive_event_keeps_it_as_it_came_and_plans_the_work(now: datetime) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    body = callbacks("payment_intent.succeeded")[0]

    event = receive(body, now)

    assert (event.type, event.object_kind, event.state) == ("payment_intent.succeeded", "payment_intent", "received")
    assert (event.gateway, event.account, event.received_at) == ("sandbox", "", now)
    assert event.raw == json.loads(body)
    assert job_keys(["payments.process_event"]) == [f"payments.process_event:{event.pk}"]


def test_receive_event_twice_keeps_one_and_plans_one(now: datetime) -> None:
    events = [receive(stranger(), now) for _ in range(3)]

    assert len({event.pk for event in events}) == 1
    assert Job.objects.count() == 1


def test_receive_event_that_is_forged_keeps_nothing(now: datetime) -> None:
    headers = {signature.HEADER: signature.sign(stranger(), secret="guessed", at=now)}

    with pytest.raises(WebhookRefusedError):
        services.receive_event(body=stranger(), headers=headers, now=now)

    assert (GatewayEvent.objects.count(), Job.objects.count()) == (0, 0)


def test_process_event_believes_the_gateway_and_not_the_event(now: datetime) -> None:
    attempt = open_one(now=now)
    lie = stranger(id=attempt.gateway_ref, payment_status="paid", amount_total=1)

    event = services.process_event(event_id=receive(lie, now).pk, now=now)

    attempt.refresh_from_db()
    assert (event.state, attempt.state, ledger()) == ("processed", "open", [])


def test_process_event_of_events_in_any_order_and_number_pays_once(now: datetime) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    bodies = callbacks()

    for body in [*reversed(bodies), *bodies]:
        services.process_event(event_id=receive(body, now).pk, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, len(ledger()), GatewayEvent.objects.count()) == ("paid", 2, 2)
    assert len(job_keys(["orders.settle"])) == 1


def test_process_event_inside_a_transaction_is_refused(now: datetime) -> None:
    event = receive(stranger(), now)

    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        services.process_event(event_id=event.pk, now=now)


def test_process_event_that_was_worked_on_asks_nobody(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = open_one(now=now)
    event = receive(stranger(id=attempt.gateway_ref), now)
    services.process_event(event_id=event.pk, now=now)
    arm("unavailable")

    assert services.process_event(event_id=event.pk, now=now).state == "processed"


def test_process_event_of_a_stranger_is_ignored(now: datetime) -> None:
    event = receive(stranger(metadata={"greenroom_site": "https://elsewhere.example"}), now)

    event = services.process_event(event_id=event.pk, now=now)

    assert (event.state, event.processed_at, event.last_error) == ("ignored", now, "")


def test_process_event_of_ours_that_nobody_knows_waits_a_day_and_then_needs_a_person(now: datetime) -> None:
    event = receive(stranger(metadata={"greenroom_site": installation_ref()}), now)

    early = services.process_event(event_id=event.pk, now=now + timedelta(hours=23))
    late = services.process_event(event_id=event.pk, now=now + timedelta(hours=24))

    assert (early.state, late.state) == ("received", "failed")
    assert late.last_error == "checkout.session cs_other says it is ours, but no attempt knows it."
    assert list(queries.events_that_failed()) == [late]


def test_process_event_that_overtook_the_answer_finds_the_attempt_by_its_name(now: datetime) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    PaymentAttempt.objects.update(state="created", gateway_ref=None)

    payment, checkout = (receive(body, now) for body in callbacks())
    assert services.process_event(event_id=payment.pk, now=now).state == "received"
    services.process_event(event_id=checkout.pk, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.captured_minor) == ("paid", 8000)


def test_process_event_without_a_gateway_stays_received(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = open_one(now=now)
    event = receive(stranger(id=attempt.gateway_ref), now)
    arm("unavailable")

    with pytest.raises(GatewayUnavailableError):
        services.process_event(event_id=event.pk, now=now)

    assert GatewayEvent.objects.get().state == "received"


def test_process_event_of_a_refund_follows_that_refund_alone(now: datetime) -> None:
    attempt = pay_attempt(now=now, card="4000000000007726")
    for minor in (3000, 2000):
        refund = services.request_refund(
            attempt_id=attempt.pk, amount=Money(minor, "EUR"), cause=RefundCause.STAFF, actor=SYSTEM, now=now
        )
        services.send_refund(refund_id=refund.pk, now=now)
    finish_refund(Refund.objects.order_by("pk")[0].pk, now=now)

    services.process_event(event_id=receive(callbacks("refund.updated")[0], now).pk, now=now)

    assert list(RefundRequest.objects.order_by("pk").values_list("state", flat=True)) == ["succeeded", "pending"]


def test_process_event_of_a_refund_made_at_the_gateway_takes_it_over(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    make_refund(str(attempt.payment_ref), Money(3000, "EUR"), {}, now=now)

    event = services.process_event(event_id=receive(callbacks("refund.created")[0], now).pk, now=now)

    assert event.state == "processed"
    assert RefundRequest.objects.get().cause == "made_at_gateway"


def test_process_event_of_disputes_in_any_order_and_number_books_once(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    disputed = raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    take_step(disputed.ref, "win", now=now)
    bodies = [body for body in callbacks() if b"charge.dispute" in body]

    for body in [*reversed(bodies), *bodies]:
        assert services.process_event(event_id=receive(body, now).pk, now=now).state == "processed"

    assert len(bodies) == 4
    assert (Dispute.objects.get().status, [row[3] for row in ledger()][2:]) == (
        "won",
        ["dispute", "dispute", "dispute_reversal", "dispute_reversal"],
    )


def test_process_event_of_a_dispute_learns_of_the_payment_first(now: datetime) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    PaymentAttempt.objects.update(payment_ref=Checkout.objects.get().payment_ref)

    body = callbacks("charge.dispute.created")[0]
    services.process_event(event_id=receive(body, now).pk, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, [row[3] for row in ledger()]) == ("paid", ["capture"] * 2 + ["dispute"] * 2)


def test_process_event_of_a_dispute_that_names_another_payment_is_ignored(now: datetime) -> None:
    pay_attempt(now=now)
    other = pay_attempt(now=now, order_ref="other")
    disputed = raise_dispute(str(other.gateway_ref), is_inquiry=False, now=now)
    lie = PaymentAttempt.objects.get(order_ref="order-1").payment_ref
    body = stranger(id=disputed.ref, object="dispute", payment_intent=lie)

    assert services.process_event(event_id=receive(body, now).pk, now=now).state == "ignored"
    assert not Dispute.objects.exists()


def test_process_event_of_another_payments_dispute_is_ignored_after_an_hour(now: datetime) -> None:
    store_attempt(now=now)
    event = receive(stranger(id="du_1", object="dispute", payment_intent=None), now)

    # It carries no metadata, and may be of a payment of ours that we are about to hear of.
    soon = services.process_event(event_id=event.pk, now=now + timedelta(minutes=59)).state
    assert (soon, services.process_event(event_id=event.pk, now=now + timedelta(hours=1)).state) == (
        "received",
        "ignored",
    )


def test_process_event_of_a_dispute_that_overtook_its_payment_finds_it_later(now: datetime) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    told = Event.objects.get(type="charge.dispute.created").body.encode()
    event = receive(told, now)

    before = services.process_event(event_id=event.pk, now=now).state
    services.sync_attempt(attempt_id=attempt.pk, now=now)
    after = services.process_event(event_id=event.pk, now=now + timedelta(minutes=2)).state

    assert (before, after, attempt.disputes.count()) == ("received", "processed", 1)


@pytest.mark.usefixtures("money_jobs")
def test_process_event_job_shows_what_needs_a_person(
    now: datetime, run_due_jobs: Callable[[], Run], frozen_clock: SettableClock
) -> None:
    receive(stranger(metadata={"greenroom_site": installation_ref()}), now)

    run_due_jobs()
    job = Job.objects.get()
    assert (job.state, job.last_error) == ("due", "It names something of ours that is not known yet.")
    frozen_clock.advance(timedelta(hours=25))
    run_due_jobs()

    job.refresh_from_db()
    assert job.state == "failed"
    assert job.last_error == "checkout.session cs_other says it is ours, but no attempt knows it."
