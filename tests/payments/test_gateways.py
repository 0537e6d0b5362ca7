from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.factories.clock import SettableClock
from tests.integrations.stripe.stripe_api import stripe_gateway
from tests.payments.factories import GOOD_CARD, ORDER, open_one, pay_attempt, store_attempt

from greenroom.core.actors import SYSTEM
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.protocol import GatewayUnavailableError, WebhookRefusedError
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.jobs.models import Job
from greenroom.payments import gateways, jobs, services
from greenroom.payments.errors import GatewayOffError, PaymentsOffError
from greenroom.payments.models import LedgerEntry, PaymentAttempt
from greenroom.payments.types import RefundCause


@pytest.mark.django_db
def test_site_without_a_gateway_says_so_and_stores_nothing(gateway: SandboxGateway, now: datetime) -> None:
    assert gateways.hosted() is gateway
    gateways.use()

    with pytest.raises(PaymentsOffError):
        open_one(now=now)
    with pytest.raises(WebhookRefusedError):
        services.receive_event(body=b"{}", headers={}, now=now)
    jobs.poll(Job())
    jobs.collect_events(Job())

    assert gateways.find_hosted() is None
    assert not PaymentAttempt.objects.exists()


@pytest.mark.django_db
def test_what_began_at_one_gateway_stays_its_matter_beside_another(
    gateway: SandboxGateway, arm: Callable[[str], None], now: datetime
) -> None:
    attempt = open_one(now=now)
    gateways.use(stripe_gateway(), gateway)

    arm("callback_dropped")
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    attempt = services.sync_attempt(attempt_id=attempt.pk, now=now)
    [refund] = services.refund_in_full(order_ref=ORDER, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    refund = services.send_refund(refund_id=refund.pk, now=now)

    assert gateways.hosted().code == "stripe"
    assert (attempt.state, refund.state) == ("paid", "succeeded")
    assert {entry.account for entry in LedgerEntry.objects.all()} == {"gateway:sandbox", "customers", "fees:sandbox"}


@pytest.mark.django_db
def test_choosing_another_gateway_ends_the_attempt_at_the_first_one(gateway: SandboxGateway, now: datetime) -> None:
    first = open_one(now=now)
    gateways.use(stripe_gateway(), gateway)

    second = open_one(now=now)

    first.refresh_from_db()
    assert (first.state, first.gateway) == ("dead", "sandbox")
    assert (second.state, second.gateway) == ("open", "stripe")


@pytest.mark.django_db
def test_gateway_that_was_switched_off_is_named_on_what_it_left_undecided(
    gateway: SandboxGateway, now: datetime
) -> None:
    attempt, paid = open_one(now=now), pay_attempt(now=now, order_ref="order-2")
    [refund] = services.refund_in_full(order_ref="order-2", cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    gateways.use()

    services.poll(now=now + timedelta(hours=1))
    with pytest.raises(GatewayOffError, match=r"“sandbox” is switched off"):
        services.close_attempt(attempt_id=attempt.pk, now=now)
    with pytest.raises(GatewayOffError):
        services.send_refund(refund_id=refund.pk, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.problem) == ("open", str(GatewayOffError("sandbox")))
    gateways.use(gateway)
    assert services.send_refund(refund_id=refund.pk, now=now).state == "succeeded"
    assert paid.gateway == "sandbox"


@pytest.mark.django_db
def test_gateway_that_does_not_answer_keeps_no_other_waiting(
    gateway: SandboxGateway, arm: Callable[[str], None], now: datetime, frozen_clock: SettableClock
) -> None:
    attempt = open_one(now=now)
    arm("callback_dropped")
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    lost = StripeGateway("sk_test_wrong", tuple, client=stripe_gateway()._client)  # noqa: SLF001 -- the same tables
    lost._client._requestor._options.api_key = "sk_test_wrong"  # type: ignore[attr-defined]  # noqa: SLF001 -- as above
    gateways.use(lost, gateway)
    store_attempt(now=now, order_ref="elsewhere", gateway="stripe")

    with pytest.raises(GatewayUnavailableError):
        services.poll(now=frozen_clock.advance(timedelta(minutes=3)))

    attempt.refresh_from_db()
    assert attempt.state == "paid"
