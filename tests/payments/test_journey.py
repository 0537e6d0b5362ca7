from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from tests.integrations.stripe.stripe_api import stripe_gateway
from tests.payments.factories import ORDER, job_keys, ledger, open_one

from greenroom.core.actors import SYSTEM
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Event
from greenroom.jobs.models import Run
from greenroom.payments import gateways, queries, services
from greenroom.payments.models import GatewayEvent
from greenroom.payments.types import RefundCause


@pytest.fixture(params=["sandbox", "stripe"])
def account(gateway: SandboxGateway, request: pytest.FixtureRequest) -> str:
    """The account of the gateway that is wired: the sandbox, or Stripe's adapter before the same tables."""
    gateways.use(gateway if request.param == "sandbox" else stripe_gateway())
    return f"gateway:{request.param}"


@pytest.mark.usefixtures("money_jobs", "webhook_port")
def test_payment_by_page_and_signed_callback_settles_the_order_and_is_refunded(
    account: str, now: datetime, live_server: Any, run_due_jobs: Callable[[], Run]
) -> None:
    attempt = open_one(now=now, success_url=f"{live_server.url}/readyz")
    page = f"{live_server.url}/sandbox/pay/{attempt.gateway_ref}"

    shown = httpx.get(page, trust_env=False)
    paid = httpx.post(page, data={"card": "4242 4242 4242 4242"}, trust_env=False)

    assert (shown.status_code, paid.status_code) == (200, 303)
    assert paid.headers["location"] == f"{live_server.url}/readyz"
    assert not GatewayEvent.objects.exists()

    run_due_jobs()

    attempt.refresh_from_db()
    assert attempt.state == "paid"
    assert not Event.objects.filter(delivered_at__isnull=True).exists()
    assert [event.state for event in GatewayEvent.objects.all()] == ["processed", "processed"]
    assert job_keys(["orders.settle"]) == [f"orders.settle:{ORDER}:{attempt.pk}:paid"]
    assert ledger() == [(account, 8000, "EUR", "capture"), ("customers", -8000, "EUR", "capture")]

    services.refund_in_full(order_ref=ORDER, cause=RefundCause.STUDENT_CANCELLED, actor=SYSTEM, now=now)
    run_due_jobs()

    assert queries.order_money(ORDER, currency="EUR").refunded.minor == 8000
    assert queries.account_balance("customers", currency="EUR").minor == 0
    assert queries.account_balance(account, currency="EUR").minor == -145  # the gateway keeps its fee
