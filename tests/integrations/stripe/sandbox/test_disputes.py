from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.integrations.stripe.factories import event_types, make_checkout, objects_of

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import DisputeSnapshot, GatewayRejectedError
from greenroom.integrations.stripe.sandbox import checkouts, disputes, queries
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Checkout, Dispute

EUR_80, NOTHING = Money(8000, "EUR"), Money(0, "EUR")


@pytest.fixture
def paid(gateway: SandboxGateway, now: datetime) -> Checkout:
    checkout = make_checkout(gateway, now)
    checkouts.pay_by_card(checkout.ref, "4242424242424242", now=now)
    checkout.refresh_from_db()
    return checkout


def test_dispute_takes_the_money_at_once(gateway: SandboxGateway, paid: Checkout, now: datetime) -> None:
    dispute = disputes.raise_dispute(paid.ref, is_inquiry=False, now=now)

    expected = DisputeSnapshot(
        dispute_ref=dispute.ref,
        payment_ref=paid.payment_ref,
        amount=EUR_80,
        status="needs_response",
        is_inquiry=False,
        withdrawn=EUR_80,
        reinstated=NOTHING,
        reason="fraudulent",
        opened_at=now,
        evidence_due_at=now + timedelta(days=7),
        fee=Money(1500, "EUR"),
    )
    assert gateway.fetch_dispute(dispute.ref) == expected
    assert gateway.list_disputes(paid.payment_ref) == [expected]
    assert event_types()[2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    [told] = objects_of("charge.dispute.created")
    assert told["balance_transactions"][0]["amount"] == -8000
    assert (told["metadata"], told["is_charge_refundable"]) == ({}, False)
    assert str(dispute) == f"{dispute.ref} needs_response"


@pytest.mark.parametrize(
    ("is_inquiry", "steps", "status", "moved", "told"),
    [
        (False, ["win"], "won", (8000, 8000), ["closed", "funds_reinstated"]),
        (False, ["answer", "lose"], "lost", (8000, 0), ["updated", "closed"]),
        (True, ["answer", "close"], "warning_closed", (0, 0), ["updated", "closed"]),
        (True, ["escalate", "lose"], "lost", (8000, 0), ["updated", "funds_withdrawn", "closed"]),
    ],
)
def test_dispute_ends_as_it_is_decided(
    gateway: SandboxGateway,
    paid: Checkout,
    now: datetime,
    is_inquiry: bool,  # noqa: FBT001 -- a parameter of the table
    steps: list[str],
    status: str,
    moved: tuple[int, int],
    told: list[str],
) -> None:
    dispute = disputes.raise_dispute(paid.ref, is_inquiry=is_inquiry, now=now)
    before = len(event_types())

    for step in steps:
        disputes.take_step(dispute.ref, step, now=now)

    seen = gateway.fetch_dispute(dispute.ref)
    assert (seen.status, (seen.withdrawn.minor, seen.reinstated.minor), seen.evidence_due_at) == (status, moved, None)
    assert event_types()[before:] == [f"charge.dispute.{word}" for word in told]
    assert queries.disputable_payments(limit=5)[0].status == status


def test_steps_that_do_not_fit_are_refused(paid: Checkout, now: datetime) -> None:
    dispute = disputes.raise_dispute(paid.ref, is_inquiry=True, now=now)

    for ref, step in ((dispute.ref, "win"), (dispute.ref, "fly"), ("du_none", "win")):
        with pytest.raises(GatewayRejectedError):
            disputes.take_step(ref, step, now=now)

    assert Dispute.objects.get().status == "warning_needs_response"


def test_what_is_not_paid_or_disputed_already_cannot_be_disputed(
    gateway: SandboxGateway, paid: Checkout, now: datetime
) -> None:
    open_one = make_checkout(gateway, now, key="other")
    disputes.raise_dispute(paid.ref, is_inquiry=False, now=now)

    for ref in (open_one.ref, paid.ref, "cs_none"):
        with pytest.raises(GatewayRejectedError):
            disputes.raise_dispute(ref, is_inquiry=False, now=now)

    with pytest.raises(GatewayRejectedError):
        gateway.fetch_dispute("du_none")


def test_refund_of_a_disputed_payment_is_refused_until_it_is_won(
    gateway: SandboxGateway, paid: Checkout, now: datetime
) -> None:
    def refund(key: str) -> str:
        return gateway.refund(paid.payment_ref, Money(1000, "EUR"), idempotency_key=key, metadata={}).state

    dispute = disputes.raise_dispute(paid.ref, is_inquiry=False, now=now)
    with pytest.raises(GatewayRejectedError, match="charge_disputed"):
        refund("a")
    disputes.take_step(dispute.ref, "win", now=now)

    assert refund("b") == "succeeded"
    lost = disputes.raise_dispute(paid.ref, is_inquiry=False, now=now)
    assert lost.amount_minor == 7000
    disputes.take_step(lost.ref, "lose", now=now)
    with pytest.raises(GatewayRejectedError, match="greater than what is left"):
        refund("c")


def test_refund_during_an_inquiry_is_made(gateway: SandboxGateway, paid: Checkout, now: datetime) -> None:
    disputes.raise_dispute(paid.ref, is_inquiry=True, now=now)

    assert gateway.refund(paid.payment_ref, EUR_80, idempotency_key="a", metadata={}).state == "succeeded"


def test_console_lists_paid_payments_with_what_can_be_done(
    gateway: SandboxGateway, paid: Checkout, now: datetime, django_assert_num_queries: Callable[..., object]
) -> None:
    make_checkout(gateway, now, key="unpaid")

    def steps() -> list[str]:
        with django_assert_num_queries(2):
            [listed] = queries.disputable_payments(limit=5)
        return [step for step, _words in listed.steps]

    assert steps() == ["inquire", "dispute"]
    dispute = disputes.raise_dispute(paid.ref, is_inquiry=True, now=now)
    assert steps() == ["answer", "escalate", "close"]
    disputes.take_step(dispute.ref, "escalate", now=now)
    assert steps() == ["answer", "win", "lose"]
    disputes.take_step(dispute.ref, "lose", now=now)
    assert steps() == ["inquire", "dispute"]
