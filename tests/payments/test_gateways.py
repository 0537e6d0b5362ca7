from datetime import datetime

import pytest
from tests.payments.factories import ORDER, PRICE

from greenroom.integrations.stripe.protocol import CheckoutLine, WebhookRefusedError
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.jobs.models import Job
from greenroom.payments import gateways, jobs, services
from greenroom.payments.errors import PaymentsOffError
from greenroom.payments.models import PaymentAttempt


@pytest.mark.django_db
def test_site_without_a_gateway_says_so_and_stores_nothing(gateway: SandboxGateway, now: datetime) -> None:
    assert gateways.current() is gateway
    gateways.use(None)

    with pytest.raises(PaymentsOffError):
        services.open_attempt(
            order_ref=ORDER,
            total=PRICE,
            lines=[CheckoutLine("Call", PRICE)],
            email="sam@example.org",
            success_url="https://shop.example/a",
            cancel_url="https://shop.example/b",
            expires_at=now,
            now=now,
        )
    with pytest.raises(WebhookRefusedError):
        services.receive_event(body=b"{}", headers={}, now=now)
    jobs.poll(Job())
    jobs.collect_events(Job())

    assert gateways.find() is None
    assert not PaymentAttempt.objects.exists()
