"""People and tabs that buy at once, on real connections."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from tests.bookings.conftest import gateway, run_jobs
from tests.factories.by_hand import approve, attempt_of, make_method, payment_of
from tests.factories.clock import SettableClock
from tests.factories.downloads import ANN, bought, fresh, give_money, make_download, order, start

from greenroom.core.actors import SYSTEM
from greenroom.core.errors import BusyError
from greenroom.core.money import Money
from greenroom.entitlements.models import Entitlement
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.notifications.models import Message
from greenroom.orders import services
from greenroom.orders.models import Order
from greenroom.payments import gateways
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.services import close_attempt, refund_in_full
from greenroom.payments.types import RefundCause

__all__ = ["gateway", "run_jobs"]
pytestmark = pytest.mark.usefixtures("gateway")
Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def patiently(function: Callable[[], Any]) -> Any:
    while True:  # SQLite lets waiting writers in by chance, so one may be told to come again
        try:
            return function()
        except BusyError:
            continue


def test_tabs_that_begin_to_buy_at_once_get_one_order(race: Race, now: datetime) -> None:
    offer = make_download()

    made = race([partial(patiently, partial(order, offer))] * 6)

    assert now
    assert {one.pk for one in made} == {Order.objects.get().pk}


def test_ten_tabs_that_pay_one_order_get_one_page(race: Race, now: datetime) -> None:
    mine = order(make_download())

    pages = race([partial(patiently, partial(start, mine))] * 10)

    assert now
    assert len(set(pages)) == 1
    assert PaymentAttempt.objects.count() == 1


def test_settling_at_once_gives_it_once(race: Race, now: datetime) -> None:
    mine = order(make_download())
    start(mine)
    give_money(mine)

    results = race([partial(patiently, partial(services.settle_purchase, mine.ref, now))] * 6)

    assert results == [None] * 6
    assert fresh(mine).fulfilled_at == now
    assert Entitlement.objects.count() == 1
    assert Message.objects.filter(kind="orders.purchase_ready").count() == 1


def test_two_orders_of_one_address_that_are_paid_at_once_give_it_once_and_one_goes_back(
    race: Race, now: datetime
) -> None:
    offer = make_download()
    both = [order(offer), order(offer, replace(ANN, holder="another browser"))]
    for one in both:
        start(one)
        give_money(one)

    race([partial(patiently, partial(services.settle_purchase, one.ref, now)) for one in both])

    given = [fresh(one).gives_access for one in both]
    assert sorted(given) == [False, True]
    assert Entitlement.objects.count() == 1
    assert RefundRequest.objects.count() == 1


def test_refund_while_it_is_settled_leaves_neither_money_nor_access_twice(race: Race, now: datetime) -> None:
    done = bought(make_download())
    refund = partial(services_refund, done.ref, now)

    race([refund, partial(patiently, partial(services.settle_purchase, done.ref, now))])
    services.settle_purchase(done.ref, now)

    assert not fresh(done).gives_access
    assert [one.amount_minor for one in RefundRequest.objects.all()] == [1900]


def services_refund(ref: str, now: datetime) -> None:
    patiently(lambda: refund_in_full(order_ref=ref, cause=RefundCause.STAFF, actor=SYSTEM, now=now))


@pytest.mark.parametrize("round_no", range(3))
def test_approval_at_the_very_end_of_the_time_loses_no_money(
    race: Race, gateway: SandboxGateway, frozen_clock: SettableClock, run_jobs: Callable[..., None], round_no: int
) -> None:
    assert round_no >= 0
    gateways.use(gateway, ManualGateway(is_test=True))
    mine = order(make_download())
    start(mine, f"method-{make_method().pk}")
    payment = payment_of(mine)
    attempt = attempt_of(mine)
    frozen_clock.set(payment.expires_at)

    race(
        [
            partial(patiently, partial(approve, mine, Money(1900, "EUR"))),
            partial(patiently, partial(services.end_unpaid, order_id=mine.pk, now=payment.expires_at)),
            partial(patiently, partial(close_attempt, attempt_id=attempt.pk, now=payment.expires_at)),
            partial(patiently, partial(services.settle_purchase, mine.ref, payment.expires_at)),
        ]
    )
    run_jobs()

    assert attempt_of(mine).state == "paid"
    assert fresh(mine).gives_access
    assert Entitlement.objects.count() == 1
    assert not RefundRequest.objects.exists()
