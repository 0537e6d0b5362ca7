from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.payments.factories import PRICE, store_attempt

from greenroom.core.constraints import violates
from greenroom.payments.models import Dispute, GatewayEvent, LedgerEntry, RefundRequest

pytestmark = pytest.mark.usefixtures("db")

PAID = {"captured_minor": 8000, "captured_currency": "EUR", "payment_ref": "pi_1"}


@pytest.mark.parametrize(
    ("state", "changes", "name"),
    [
        ("lost", {}, "payments_attempt_state_is_known"),
        ("open", {"amount_minor": 0}, "payments_attempt_asks_for_money"),
        ("open", {"gateway_ref": None}, "payments_attempt_at_gateway_has_its_reference"),
        ("created", {"gateway_ref": "cs_1"}, "payments_attempt_at_gateway_has_its_reference"),
        ("paid", {}, "payments_paid_attempt_captured_what_was_agreed"),
        ("paid", {**PAID, "captured_minor": 8001}, "payments_paid_attempt_captured_what_was_agreed"),
        ("paid", {**PAID, "captured_currency": "USD"}, "payments_paid_attempt_captured_what_was_agreed"),
        ("paid", {**PAID, "mismatch": "no"}, "payments_paid_attempt_captured_what_was_agreed"),
    ],
)
def test_attempt_that_must_never_be_is_refused(now: datetime, state: str, changes: dict[str, Any], name: str) -> None:
    moment = {"paid_at": now} if changes else {}

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        store_attempt(now=now, state=state, **changes, **moment)

    assert violates(refused.value, name)


def test_second_live_attempt_of_an_order_is_refused(now: datetime) -> None:
    store_attempt(now=now, state="processing")

    with pytest.raises(IntegrityError), transaction.atomic():
        store_attempt(now=now, state="created")

    assert store_attempt(now=now, state="dead").seq == 2


def test_attempt_says_what_it_is(now: datetime) -> None:
    attempt = store_attempt(now=now)

    assert str(attempt) == "order-1 #1 open"
    assert (attempt.amount, attempt.captured.minor, attempt.is_live) == (PRICE, 0, True)


@pytest.mark.parametrize("changes", [{"state": "lost"}, {"amount_minor": 0}, {"cause": "whim"}])
def test_refund_that_must_never_be_is_refused(now: datetime, changes: dict[str, Any]) -> None:
    values = {"amount_minor": 1, "currency": "EUR", "cause": "staff", "state": "requested", **changes}
    times = {"created_at": now, "changed_at": now, "checked_at": now}

    with pytest.raises(IntegrityError), transaction.atomic():
        RefundRequest.objects.create(attempt=store_attempt(now=now), **values, **times)


def test_event_of_the_same_reference_is_refused_per_account(now: datetime) -> None:
    values = {"gateway": "sandbox", "event_id": "evt_1", "type": "a", "raw": {}, "received_at": now}
    event = GatewayEvent.objects.create(account="", **values)
    GatewayEvent.objects.create(account="acct_1", **values)

    with pytest.raises(IntegrityError), transaction.atomic():
        GatewayEvent.objects.create(account="", **values)
    with pytest.raises(IntegrityError), transaction.atomic():
        GatewayEvent.objects.create(account="acct_2", state="lost", **values)

    assert str(event) == "a evt_1"


def test_ledger_entry_that_moves_nothing_is_refused(now: datetime) -> None:
    values = {"account": "customers", "currency": "EUR", "kind": "capture", "source_kind": "attempt", "at": now}
    entry = LedgerEntry.objects.create(amount_minor=5, source_id="1", **values)

    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(amount_minor=0, source_id="2", **values)

    assert str(entry) == "customers 5 EUR capture"


@pytest.mark.parametrize("changes", [{"amount_minor": -1}, {"withdrawn_minor": -1}, {"reinstated_minor": -1}])
def test_dispute_that_moves_less_than_nothing_is_refused(now: datetime, changes: dict[str, int]) -> None:
    times = {"opened_at": now, "changed_at": now, "checked_at": now}
    values = {"dispute_ref": "du_1", "is_inquiry": False, "currency": "EUR", "amount_minor": 5, **times}
    attempt = store_attempt(now=now)

    with pytest.raises(IntegrityError), transaction.atomic():
        Dispute.objects.create(attempt=attempt, status="lost", **{**values, **changes})

    assert str(Dispute(attempt=attempt, status="lost", **values)) == "5 EUR lost"
