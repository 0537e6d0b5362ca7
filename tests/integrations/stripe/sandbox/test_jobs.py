"""What the sandbox does later, and how its callbacks arrive, over real HTTP."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import settings as site
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.integrations.stripe.factories import event_types, make_checkout, objects_of

from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.protocol import WebhookRefusedError
from greenroom.integrations.stripe.sandbox import checkouts, events
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.jobs import JOB_HANDLERS
from greenroom.integrations.stripe.sandbox.models import Checkout, Dispute, Event, Refund
from greenroom.jobs import registry
from greenroom.jobs.models import Job, Run

GOOD = "4242424242424242"
Received = list[tuple[str, bytes, dict[str, str]]]


class Shop:
    """A shop's webhook that remembers what it got and answers as told."""

    def __init__(self) -> None:
        self.received: Received = []
        self.statuses: list[int] = []

    def types(self, gateway: SandboxGateway, now: datetime) -> list[str]:
        """Return the types of the genuine callbacks, and `refused` for the others."""
        return [_type(gateway, body, headers, now) for _, body, headers in self.received]


def _type(gateway: SandboxGateway, body: bytes, headers: dict[str, str], now: datetime) -> str:
    try:
        return gateway.parse_webhook(body, headers, now=now).type
    except WebhookRefusedError:
        return "refused"


@pytest.fixture
def shop(settings: Any, handlers: None) -> Iterator[Shop]:  # noqa: ARG001 -- restores the table
    registry.use(JOB_HANDLERS)
    shop = Shop()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            shop.received.append((self.path, body, dict(self.headers)))
            self.send_response(shop.statuses.pop(0) if shop.statuses else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.ENVIRONMENT = replace(site.ENVIRONMENT, port=server.server_port)
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def paid(gateway: SandboxGateway, now: datetime) -> Callable[..., Checkout]:
    def make(card: str = GOOD) -> Checkout:
        checkout = make_checkout(gateway, now)
        checkouts.pay_by_card(checkout.ref, card, now=now)
        checkout.refresh_from_db()
        return checkout

    return make


PAID = ["payment_intent.succeeded", "checkout.session.completed"]


def test_callbacks_come_signed_to_the_webhook_and_are_counted(
    shop: Shop, gateway: SandboxGateway, now: datetime, paid: Callable[..., Checkout], run_due_jobs: Callable[[], Run]
) -> None:
    paid()
    run_due_jobs()

    assert shop.types(gateway, now) == PAID
    assert {path for path, _, _ in shop.received} == {"/api/webhooks/stripe"}
    assert list(Event.objects.values_list("tries", "delivered_at")) == [(1, now), (1, now)]


@pytest.mark.parametrize("status", [500, 400, 302, 404])
def test_callback_that_is_not_accepted_comes_again_later_and_later(
    shop: Shop,
    paid: Callable[..., Checkout],
    run_due_jobs: Callable[[], Run],
    frozen_clock: SettableClock,
    status: int,
) -> None:
    paid()
    Job.objects.filter(kind=events.DELIVER).order_by("-pk")[0].delete()
    shop.statuses = [status, status]

    due = []
    for _ in range(3):
        run_due_jobs()
        job = Job.objects.get(kind=events.DELIVER)
        due.append((job.due_at - frozen_clock()).total_seconds())
        frozen_clock.set(max(job.due_at, frozen_clock()))

    assert due[:2] == [10.0, 20.0]
    assert (job.state, len(shop.received)) == ("done", 3)
    assert job.last_error == f"The webhook answered {status}."


def test_callback_to_nobody_comes_again(
    shop: Shop, settings: Any, paid: Callable[..., Checkout], run_due_jobs: Callable[[], Run]
) -> None:
    settings.ENVIRONMENT = replace(site.ENVIRONMENT, port=9)
    paid()

    run_due_jobs()

    job = Job.objects.filter(kind=events.DELIVER).first()
    assert job is not None
    assert (job.state, job.last_error) == ("due", "The webhook was not reached: ConnectError.")
    assert not shop.received


def test_callback_is_given_up_after_three_days(
    shop: Shop, paid: Callable[..., Checkout], run_due_jobs: Callable[[], Run], frozen_clock: SettableClock
) -> None:
    paid()
    frozen_clock.advance(timedelta(days=3))
    shop.statuses = [500] * 10

    run_due_jobs()

    assert set(Job.objects.filter(kind=events.DELIVER).values_list("state", flat=True)) == {"done"}
    assert Event.objects.filter(delivered_at__isnull=True).count() == Event.objects.count()


def test_callback_inside_a_transaction_is_refused(paid: Callable[..., Checkout], now: datetime) -> None:
    paid()

    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        events.deliver(Event.objects.order_by("pk")[0], now=now)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("callback_dropped", ["checkout.session.completed"]),
        ("callback_delayed", ["checkout.session.completed", "payment_intent.succeeded"]),
        ("callback_reordered", ["checkout.session.completed", "payment_intent.succeeded"]),
        ("callback_duplicated", ["payment_intent.succeeded", *PAID]),
        ("callback_stale_timestamp", ["refused", "checkout.session.completed", "payment_intent.succeeded"]),
        ("callback_future_timestamp", ["refused", "checkout.session.completed", "payment_intent.succeeded"]),
        ("callback_bad_signature", ["refused", "checkout.session.completed", "payment_intent.succeeded"]),
    ],
)
def test_callback_faults_are_what_they_say(
    shop: Shop,
    gateway: SandboxGateway,
    paid: Callable[..., Checkout],
    arm: Callable[[str], None],
    run_due_jobs: Callable[[], Run],
    frozen_clock: SettableClock,
    fault: str,
    expected: list[str],
) -> None:
    arm(fault)
    paid()
    shop.statuses = [400] if "timestamp" in fault or "signature" in fault else []

    run_due_jobs()
    seen = shop.types(gateway, frozen_clock())
    shop.received.clear()
    run_due_jobs()
    later = frozen_clock.advance(timedelta(minutes=5))
    run_due_jobs()

    assert seen + shop.types(gateway, later) == expected


def test_delayed_callback_comes_five_minutes_late_and_a_reordered_one_twenty_seconds(
    paid: Callable[..., Checkout], arm: Callable[[str], None], now: datetime
) -> None:
    arm("callback_delayed")
    paid()
    arm("callback_reordered")
    checkout = Checkout.objects.get()
    events.emit("charge.updated", {"id": checkout.ref, "object": "charge"}, now=now)

    late = [job.due_at - now for job in Job.objects.filter(kind=events.DELIVER).order_by("pk")]

    assert late == [timedelta(minutes=5), timedelta(), timedelta(seconds=20)]


@pytest.mark.parametrize(
    ("choice", "state", "last_events"),
    [
        (False, "paid", ["payment_intent.succeeded", "checkout.session.async_payment_succeeded"]),
        (True, "failed", ["payment_intent.payment_failed", "checkout.session.async_payment_failed"]),
    ],
)
def test_debit_settles_two_minutes_later(
    shop: Shop,
    gateway: SandboxGateway,
    frozen_clock: SettableClock,
    run_due_jobs: Callable[[], Run],
    choice: bool,  # noqa: FBT001 -- a parameter of the table
    state: str,
    last_events: list[str],
) -> None:
    checkout = make_checkout(gateway, frozen_clock())
    checkouts.pay_by_debit(checkout.ref, will_bounce=choice, now=frozen_clock())

    run_due_jobs()
    assert gateway.fetch(checkout.ref).state == "processing"
    now = frozen_clock.advance(timedelta(minutes=2))
    run_due_jobs()
    checkouts.settle_debit(checkout.pk, now=now)

    assert gateway.fetch(checkout.ref).state == state
    assert shop.types(gateway, now)[2:] == last_events


def test_checkout_ends_at_its_time(
    shop: Shop, gateway: SandboxGateway, frozen_clock: SettableClock, run_due_jobs: Callable[[], Run]
) -> None:
    make_checkout(gateway, frozen_clock())
    now = frozen_clock.advance(timedelta(minutes=32))

    run_due_jobs()

    assert Checkout.objects.get().state == "dead"
    assert shop.types(gateway, now) == ["checkout.session.expired"]
    assert objects_of("checkout.session.expired")[0]["status"] == "expired"


def test_checkout_that_was_paid_does_not_end(
    shop: Shop, paid: Callable[..., Checkout], frozen_clock: SettableClock, run_due_jobs: Callable[[], Run]
) -> None:
    paid()
    frozen_clock.advance(timedelta(hours=1))

    run_due_jobs()

    assert (Checkout.objects.get().state, len(shop.received)) == ("paid", 2)


@pytest.mark.parametrize(
    ("card", "first", "last", "told"),
    [
        (GOOD, "succeeded", "succeeded", []),
        ("4000000000005126", "succeeded", "failed", ["refund.failed"]),
        ("4000000000007726", "pending", "succeeded", ["refund.updated"]),
    ],
)
def test_refund_ends_a_minute_later_as_its_card_says(  # noqa: PLR0913, PLR0917 -- fixtures
    shop: Shop,
    gateway: SandboxGateway,
    paid: Callable[..., Checkout],
    frozen_clock: SettableClock,
    run_due_jobs: Callable[[], Run],
    card: str,
    first: str,
    last: str,
    told: list[str],
) -> None:
    checkout = paid(card)
    refund = gateway.refund(checkout.payment_ref, Money(8000, "EUR"), idempotency_key="r", metadata={})
    run_due_jobs()
    frozen_clock.advance(timedelta(minutes=1))

    run_due_jobs()

    assert (refund.state, gateway.fetch_refund(refund.refund_ref).state) == (first, last)
    assert event_types() == [*PAID, "refund.created", *told]
    assert len(shop.received) == len(event_types())


def test_refund_that_is_finished_stays_as_it_is(
    gateway: SandboxGateway, paid: Callable[..., Checkout], now: datetime
) -> None:
    from greenroom.integrations.stripe.sandbox.refunds import finish_refund  # noqa: PLC0415 -- only here

    gateway.refund(paid().payment_ref, Money(8000, "EUR"), idempotency_key="r", metadata={})
    refund = Refund.objects.get()

    finish_refund(refund.pk, now=now)

    refund.refresh_from_db()
    assert (refund.state, event_types()) == ("succeeded", [*PAID, "refund.created"])


def test_disputed_payment_is_told_a_minute_later(
    shop: Shop,
    gateway: SandboxGateway,
    paid: Callable[..., Checkout],
    frozen_clock: SettableClock,
    run_due_jobs: Callable[[], Run],
) -> None:
    checkout = paid("4000000000000259")
    run_due_jobs()
    now = frozen_clock.advance(timedelta(minutes=1))

    run_due_jobs()

    assert shop.types(gateway, now) == [*PAID, "charge.dispute.created", "charge.dispute.funds_withdrawn"]
    [dispute] = objects_of("charge.dispute.created")
    assert (dispute["payment_intent"], dispute["amount"]) == (checkout.payment_ref, 8000)
    JOB_HANDLERS["stripe_sandbox.open_dispute"].run(Job.objects.get(kind="stripe_sandbox.open_dispute"))
    assert Dispute.objects.count() == 1
