"""Payments in every state, with all the events that a gateway tells about them, and what stands of them here."""

import json
import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from tests.factories.clock import SettableClock
from tests.factories.jobs import do_nothing
from tests.factories.money import make_order
from tests.payments.factories import GOOD_CARD, open_one

from greenroom.coaches.models import Coach
from greenroom.config.wiring import JOB_HANDLERS
from greenroom.core.actors import SYSTEM
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.integrations.sandbox import faults
from greenroom.integrations.stripe.sandbox import checkouts, disputes
from greenroom.integrations.stripe.sandbox.jobs import JOB_HANDLERS as GATEWAYS_OWN
from greenroom.integrations.stripe.sandbox.models import Dispute as GatewaysDispute
from greenroom.integrations.stripe.sandbox.models import Event
from greenroom.integrations.stripe.webhook import envelope_of
from greenroom.jobs import registry
from greenroom.jobs.models import Job
from greenroom.jobs.registry import HandlerSpec, Lane
from greenroom.jobs.ticker import run_until_idle
from greenroom.notifications.models import Message
from greenroom.orders.models import Document, Order
from greenroom.orders.services import plan_missing_documents
from greenroom.payments import services
from greenroom.payments.models import Dispute, GatewayEvent, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.services.events import store_event
from greenroom.payments.types import EventState, RefundCause

_BUDGET = timedelta(hours=1)
_COMPARED = (PaymentAttempt, RefundRequest, Dispute, LedgerEntry, Order, Document, Message, AuditEntry, Job)
_LOOKS_ONLY = {"checked_at"}  # when the gateway was asked last: that it was asked again changes nothing


class Traffic:
    """Makes payments, hears of them, and hears of them again."""

    def __init__(self, coach: Coach, clock: SettableClock, *, seed: int) -> None:
        """Wire the jobs of money, which run when told; callbacks are stored from here and not sent."""
        self.coach = coach
        self.clock = clock
        self.dice = random.Random(seed)  # noqa: S311 -- reproducible
        table = {**JOB_HANDLERS, **GATEWAYS_OWN, "stripe_sandbox.deliver_event": HandlerSpec(do_nothing, Lane.SLOW)}
        registry.use({kind: spec for kind, spec in table.items() if spec.every is None})

    def make(self, count: int) -> None:
        """Make so many orders, the ways to pay in turn, and let everything that follows happen."""
        for number in range(count):
            _WAYS[number % len(_WAYS)](self)
        self.hear()
        for _ in range(2):
            self.clock.advance(timedelta(minutes=40))  # debits settle, refunds end, cards are disputed, pages expire
            self.hear()
        found = sorted(GatewaysDispute.objects.order_by("pk"), key=disputes.is_inquiry)
        for number, dispute in enumerate(found):
            steps = [*disputes.steps_of(dispute), None]
            step = steps[number % len(steps)]
            if step:
                disputes.take_step(dispute.ref, step, now=self.clock())
        self.hear()
        plan_missing_documents(now=self.clock())
        self.hear()

    def hear(self) -> None:
        """Keep what the gateway has to tell and was not heard yet, and do the due work."""
        while True:
            run_until_idle(source="test", budget=_BUDGET)
            heard = GatewayEvent.objects.values_list("event_id", flat=True)
            news = Event.objects.exclude(ref__in=heard).order_by("pk")
            if not news:
                return
            for event in news:
                self.tell(json.loads(event.body))

    def tell(self, event: dict[str, Any], *, name: str = "") -> GatewayEvent:
        """Keep one event, under another name of its own if given."""
        told = event | {"id": name} if name else event
        return store_event(envelope_of(told), gateway="sandbox", now=self.clock())

    def replay(self, events: Iterable[int]) -> None:
        """Work on events again, as if each had only just been kept."""
        ids = list(events)
        self.dice.shuffle(ids)
        for event_id in ids:
            GatewayEvent.objects.filter(pk=event_id).update(state=EventState.RECEIVED)
            services.process_event(event_id=event_id, now=self.clock())

    def pay(self, card: str = GOOD_CARD) -> PaymentAttempt:
        """Make an order and try a card on its page."""
        attempt = self.open()
        checkouts.pay_by_card(str(attempt.gateway_ref), card, now=self.clock())
        return attempt

    def open(self) -> PaymentAttempt:
        """Make an order and its page."""
        return open_one(now=self.clock(), order_ref=make_order(self.coach, now=self.clock()).ref)

    def give_back(self, attempt: PaymentAttempt, minor: int) -> None:
        """Ask for money of a payment back."""
        self.hear()
        services.refund_order(
            order_ref=attempt.order_ref,
            amount=Money(minor, attempt.currency),
            cause=RefundCause.STAFF,
            actor=SYSTEM,
            now=self.clock(),
        )

    def dispute(self, attempt: PaymentAttempt, *, is_inquiry: bool) -> None:
        """Let the cardholder ask the bank."""
        disputes.raise_dispute(str(attempt.gateway_ref), is_inquiry=is_inquiry, now=self.clock())


def standing() -> dict[str, list[dict[str, Any]]]:
    """Return everything that stands here about money, to prove that nothing changed."""
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in _LOOKS_ONLY}
            for row in model.objects.order_by("pk").values()
        ]
        for model in _COMPARED
    }


def _refuse_the_bank(traffic: Traffic) -> None:
    attempt = traffic.pay("4000002500003155")
    checkouts.answer_bank(str(attempt.gateway_ref), is_approved=False, now=traffic.clock())


def _approve_at_the_bank(traffic: Traffic) -> None:
    attempt = traffic.pay("4000002760003184")
    checkouts.answer_bank(str(attempt.gateway_ref), is_approved=True, now=traffic.clock())


def _pay_wrongly(traffic: Traffic) -> None:
    faults.arm(seam="payments", fault="wrong_amount", count=1)
    traffic.pay()


def _pay_twice(traffic: Traffic) -> None:
    first = traffic.open()
    checkouts.expire(str(first.gateway_ref), now=traffic.clock())
    traffic.hear()
    second = open_one(now=traffic.clock(), order_ref=first.order_ref)
    checkouts.Checkout.objects.filter(ref=first.gateway_ref).update(state="open")
    for attempt in (first, second):
        checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=traffic.clock())


def _by_debit(traffic: Traffic, *, will_bounce: bool) -> None:
    checkouts.pay_by_debit(str(traffic.open().gateway_ref), will_bounce=will_bounce, now=traffic.clock())


def _given_back(traffic: Traffic, minor: int, *, card: str = GOOD_CARD) -> None:
    traffic.give_back(traffic.pay(card), minor)


def _disputed(traffic: Traffic, *, is_inquiry: bool) -> None:
    traffic.dispute(traffic.pay(), is_inquiry=is_inquiry)


_WAYS: tuple[Callable[[Traffic], object], ...] = (
    Traffic.open,
    Traffic.pay,
    lambda traffic: traffic.pay("4000000000000002"),
    _refuse_the_bank,
    _approve_at_the_bank,
    lambda traffic: _by_debit(traffic, will_bounce=False),
    lambda traffic: _by_debit(traffic, will_bounce=True),
    lambda traffic: _given_back(traffic, 8000),
    lambda traffic: _given_back(traffic, 1500),
    lambda traffic: _given_back(traffic, 8000, card="4000000000005126"),
    lambda traffic: _given_back(traffic, 8000, card="4000000000007726"),
    lambda traffic: traffic.pay("4000000000000259"),
    lambda traffic: _disputed(traffic, is_inquiry=False),
    lambda traffic: _disputed(traffic, is_inquiry=True),
    _pay_wrongly,
    _pay_twice,
)
