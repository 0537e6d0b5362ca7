from dataclasses import replace
from datetime import datetime
from importlib import import_module

import pytest
from django.apps import apps
from tests.payments.factories import ORDER, pay_attempt

from greenroom.core.actors import SYSTEM
from greenroom.core.money import Money
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute
from greenroom.payments import gateways, services
from greenroom.payments.models import LedgerEntry
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway")


def test_ledger_entries_of_earlier_versions_get_their_order(now: datetime) -> None:
    for order_ref in (ORDER, "other"):
        attempt = pay_attempt(now=now, order_ref=order_ref)
        half = Money(4000, "EUR")
        [refund] = services.refund_order(
            order_ref=order_ref, amount=half, cause=RefundCause.STAFF, actor=SYSTEM, now=now
        )
        services.send_refund(refund_id=refund.pk, now=now)
        raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
        [snapshot] = gateways.hosted().list_disputes(str(attempt.payment_ref))
        won = replace(snapshot, status="won", reinstated=snapshot.withdrawn)
        services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=won, now=now)
    booked = list(LedgerEntry.objects.order_by("pk").values_list("pk", "order_ref"))
    LedgerEntry.objects.update(order_ref="")

    import_module("greenroom.payments.migrations.0004_ledger_entries_name_their_order").name_orders(apps, None)

    assert list(LedgerEntry.objects.order_by("pk").values_list("pk", "order_ref")) == booked
    assert [order_ref for _, order_ref in booked] == [ORDER] * 12 + ["other"] * 12
