"""The process dies at each named point, and whoever comes next continues without losing or doubling money."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.factories.processes import run_python
from tests.payments.factories import GOOD_CARD, ORDER, checkout_of, ledger, open_one, pay_attempt

from greenroom.core.actors import SYSTEM
from greenroom.core.faults import FAULT_POINTS, KILLED_STATUS
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.models import Checkout, Event, Refund
from greenroom.jobs.models import Job
from greenroom.payments import services
from greenroom.payments.models import GatewayEvent, PaymentAttempt
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("transactional_db", "gateway")

POINTS = (
    "payments.attempt_stored",
    "payments.checkout_created",
    "payments.checkout_expired",
    "payments.checkout_fetched",
    "payments.event_verified",
    "payments.event_stored",
    "payments.refund_stored",
    "payments.refund_sent",
)

_PRELUDE = """
from datetime import UTC, datetime, timedelta
from django.conf import settings
from greenroom.core import clock, faults
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import CheckoutLine
from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.payments import gateways, services
from greenroom.payments.types import NewPayment
now = datetime(2026, 3, 2, 10, tzinfo=UTC)
clock.use_source(lambda: now)
gateways.use(SandboxGateway())
faults.arm({point!r})
"""

_OPEN = """
price = Money(8000, "EUR")
wish = NewPayment(
    gateway="sandbox",
    order_ref="order-1",
    total=price,
    lines=[CheckoutLine("Deep-dive session, 60 minutes", price)],
    email="sam@example.org",
    success_url="http://localhost:8000/booking/confirmed/b1/",
    cancel_url="http://localhost:8000/checkout/b1/",
    expires_at=now + timedelta(minutes=32),
)
services.open_attempt(wish, now=now)
"""

_RECEIVE = """
body = {body!r}
header = signature.sign(body, secret=settings.ENVIRONMENT.stripe_webhook_secrets[0], at=now)
services.receive_event(body=body, headers={{signature.HEADER: header}}, now=now)
"""


@pytest.fixture
def die_at(tmp_path: Path) -> Callable[[str, str], None]:
    """Return a function that runs code in another process, which must die at the named point."""

    def run(point: str, code: str) -> None:
        ended = run_python(_PRELUDE.format(point=point) + code, data_dir=tmp_path)
        assert ended.returncode == KILLED_STATUS, ended.stderr

    return run


def test_every_point_of_payments_is_tried() -> None:
    assert set(POINTS) == {point for point in FAULT_POINTS if point.startswith("payments.")}


@pytest.mark.parametrize(("point", "made_before"), [(POINTS[0], 0), (POINTS[1], 1)])
def test_death_while_opening_continues_with_the_same_attempt(
    now: datetime, die_at: Callable[[str, str], None], point: str, made_before: int
) -> None:
    die_at(point, _OPEN)
    assert (PaymentAttempt.objects.get().state, Checkout.objects.count()) == ("created", made_before)

    attempt = open_one(now=now)

    assert (attempt.seq, attempt.state, attempt.gateway_ref) == (1, "open", Checkout.objects.get().ref)


def test_death_after_the_gateway_ended_it_continues_to_dead(now: datetime, die_at: Callable[[str, str], None]) -> None:
    attempt = open_one(now=now)
    die_at(POINTS[2], f"services.close_attempt(attempt_id={attempt.pk}, now=now)")
    attempt.refresh_from_db()
    assert (attempt.state, checkout_of(attempt).state) == ("open", "dead")

    assert services.close_attempt(attempt_id=attempt.pk, now=now).state == "dead"


def test_death_after_fetching_a_payment_books_it_once(now: datetime, die_at: Callable[[str, str], None]) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    die_at(POINTS[3], f"services.sync_attempt(attempt_id={attempt.pk}, now=now)")
    assert ledger() == []

    assert services.sync_attempt(attempt_id=attempt.pk, now=now).state == "paid"
    assert len(ledger()) == 2


@pytest.mark.parametrize(("point", "kept"), [(POINTS[4], 0), (POINTS[5], 1)])
def test_death_while_keeping_a_callback_keeps_it_once(
    now: datetime, die_at: Callable[[str, str], None], gateway: Any, point: str, kept: int
) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    die_at(point, _RECEIVE.format(body=Event.objects.order_by("pk")[0].body.encode()))
    jobs = Job.objects.filter(kind="payments.process_event")
    assert (GatewayEvent.objects.count(), jobs.count()) == (kept, kept)

    for envelope in gateway.list_events(since=now):
        services.events.store_event(envelope, gateway="sandbox", now=now)

    assert (GatewayEvent.objects.count(), jobs.count()) == (2, 2)


@pytest.mark.parametrize(("point", "made_before"), [(POINTS[6], 0), (POINTS[7], 1)])
def test_death_while_refunding_gives_the_money_back_once(
    now: datetime, die_at: Callable[[str, str], None], point: str, made_before: int
) -> None:
    pay_attempt(now=now)
    [refund] = services.refund_in_full(order_ref=ORDER, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    die_at(point, f"services.send_refund(refund_id={refund.pk}, now=now)")
    assert Refund.objects.count() == made_before

    again = services.send_refund(refund_id=refund.pk, now=now)

    assert (again.state, again.refund_ref, again.try_no) == ("succeeded", Refund.objects.get().ref, 1)
    assert len(ledger("refund")) == 2
