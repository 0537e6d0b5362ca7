from datetime import datetime

import pytest
from tests.payments.factories import ORDER, PRICE, snapshot_of, store_attempt

from greenroom.core.actors import SYSTEM
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import PayState
from greenroom.payments import queries, services
from greenroom.payments.models import RefundRequest
from greenroom.payments.types import OrderMoney, RefundCause

pytestmark = pytest.mark.usefixtures("db")

NOTHING = Money(0, "EUR")


def test_order_money_of_an_unknown_order_is_nothing() -> None:
    assert queries.order_money(ORDER, currency="EUR") == OrderMoney(None, NOTHING, NOTHING, NOTHING, NOTHING)
    assert queries.find_latest_attempt(ORDER) is None


def test_order_money_tells_the_latest_attempt_while_none_is_paid(now: datetime) -> None:
    store_attempt(now=now, state="dead")
    live = store_attempt(now=now, state="processing")
    store_attempt(now=now, order_ref="other")

    assert queries.order_money(ORDER, currency="EUR").state == "processing"
    assert queries.find_live_attempt(ORDER) == queries.find_latest_attempt(ORDER) == live
    assert queries.has_live_attempt(ORDER)


def test_order_money_counts_captured_asked_back_and_returned(now: datetime) -> None:
    attempt = store_attempt(now=now)
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)
    for minor, state in ((1000, "succeeded"), (2000, "pending"), (500, "failed")):
        refund = services.request_refund(
            attempt_id=attempt.pk, amount=Money(minor, "EUR"), cause=RefundCause.STAFF, actor=SYSTEM, now=now
        )
        RefundRequest.objects.filter(pk=refund.pk).update(state=state)

    money = queries.order_money(ORDER, currency="EUR")

    assert money == OrderMoney("paid", PRICE, Money(3000, "EUR"), Money(1000, "EUR"), NOTHING)
    assert money.kept == Money(5000, "EUR")
    assert [refund.amount_minor for refund in queries.refunds_of_order(ORDER)] == [1000, 2000, 500]
    assert not queries.has_live_attempt(ORDER)
    assert queries.find_live_attempt(ORDER) is None


def test_trouble_of_things_in_order_is_empty(now: datetime) -> None:
    attempt = store_attempt(now=now)
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)
    [refund] = services.refund_in_full(order_ref=ORDER, cause=RefundCause.STAFF, actor=SYSTEM, now=now)

    assert queries.find_trouble_with_attempt(attempt.pk) == ""
    assert queries.find_trouble_with_refund(refund.pk) == ""


def test_trouble_with_a_refund_without_a_reason_names_its_state(now: datetime) -> None:
    attempt = store_attempt(now=now)
    services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)
    [refund] = services.refund_in_full(order_ref=ORDER, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    RefundRequest.objects.update(state="canceled")

    assert "order order-1 failed: canceled." in queries.find_trouble_with_refund(refund.pk)
