"""What every payment gateway must do: the sandbox, and the adapter of Stripe before an interface of its shape."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.integrations.stripe.factories import PRICE, make_checkout, make_request
from tests.integrations.stripe.stripe_api import stripe_gateway

from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.protocol import (
    CheckoutLine,
    GatewayConflictError,
    GatewayRejectedError,
    GatewayUnavailableError,
    Moved,
    PaymentGateway,
    PaymentSnapshot,
    PayState,
    RefundState,
)
from greenroom.integrations.stripe.sandbox import checkouts, disputes, refunds
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Checkout, Event, IdempotencyKey, Refund

GOOD = "4242424242424242"


@pytest.fixture(params=["sandbox", "stripe"])
def gateway(gateway: SandboxGateway, request: pytest.FixtureRequest) -> PaymentGateway:
    return gateway if request.param == "sandbox" else stripe_gateway()


def pay(checkout: Checkout, now: datetime, card: str = GOOD) -> Checkout:
    checkouts.pay_by_card(checkout.ref, card, now=now)
    checkout.refresh_from_db()
    return checkout


def test_gateway_says_what_it_is(gateway: PaymentGateway) -> None:
    assert gateway.code in {"sandbox", "stripe"}
    assert gateway.is_test
    assert gateway.pages_origin in {settings.BASE_URL, "https://checkout.stripe.com"}


def test_fetch_of_a_new_checkout_tells_what_was_asked(gateway: PaymentGateway, now: datetime) -> None:
    checkout = make_checkout(gateway, now)
    found = gateway.fetch(checkout.ref)

    assert found.payment_ref in {"", checkout.payment_ref}  # Stripe makes the payment when a card is sent off
    assert replace(found, payment_ref="") == PaymentSnapshot(
        gateway_ref=checkout.ref,
        payment_ref="",
        state=PayState.OPEN,
        amount=PRICE,
        refunded=Money(0, "EUR"),
        is_test=True,
        order_ref="order-1",
        attempt_ref="attempt-1",
    )
    assert checkout.ref.startswith("cs_test_")
    assert checkout.payment_ref.startswith("pi_")


def test_create_checkout_with_the_same_key_brings_the_same_one(gateway: PaymentGateway, now: datetime) -> None:
    handles = [gateway.create_checkout(make_request(now), idempotency_key="k") for _ in range(2)]

    assert handles[0] == handles[1]
    assert Checkout.objects.count() == 1


def test_create_checkout_with_the_same_key_and_other_words_is_refused(gateway: PaymentGateway, now: datetime) -> None:
    make_checkout(gateway, now, key="k")

    with pytest.raises(GatewayRejectedError, match="other parameters"):
        make_checkout(gateway, now, key="k", email="other@example.org")

    assert Checkout.objects.count() == 1


def test_create_checkout_with_a_key_of_yesterday_makes_a_new_one(
    gateway: PaymentGateway, frozen_clock: SettableClock
) -> None:
    make_checkout(gateway, frozen_clock(), key="k")
    later = frozen_clock.advance(timedelta(hours=25))

    make_checkout(gateway, later, key="k")

    assert Checkout.objects.count() == 2


@pytest.mark.parametrize("minutes", [29, 24 * 60 + 1])
def test_create_checkout_that_ends_too_soon_or_too_late_is_refused(
    gateway: PaymentGateway, now: datetime, minutes: int
) -> None:
    with pytest.raises(GatewayRejectedError, match="expires_at"):
        make_checkout(gateway, now, expires_at=now + timedelta(minutes=minutes))

    assert (Checkout.objects.count(), IdempotencyKey.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [CheckoutLine("Half", Money(4000, "EUR"))]},
        {"total": Money(0, "EUR"), "lines": []},
    ],
)
def test_create_checkout_of_lines_that_do_not_add_up_is_refused(
    gateway: PaymentGateway, now: datetime, changes: dict[str, object]
) -> None:
    with pytest.raises(GatewayRejectedError, match="lines"):
        make_checkout(gateway, now, **changes)


def test_calls_inside_a_transaction_are_refused(gateway: PaymentGateway, now: datetime) -> None:
    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        make_checkout(gateway, now)


def test_expire_of_an_open_checkout_kills_it_once(gateway: PaymentGateway, now: datetime) -> None:
    checkout = make_checkout(gateway, now)

    states = [gateway.expire_checkout(checkout.ref).state for _ in range(2)]

    assert states == [PayState.DEAD, PayState.DEAD]
    assert [event.type for event in Event.objects.all()] == ["checkout.session.expired"]


def test_fee_of_a_payment_is_told_once_it_is_paid_and_stays_when_money_goes_back(
    gateway: PaymentGateway, now: datetime
) -> None:
    checkout = make_checkout(gateway, now)
    assert gateway.fetch(checkout.ref).fee is None

    pay(checkout, now)
    gateway.refund(checkout.payment_ref, PRICE, idempotency_key="r", metadata={})

    assert gateway.fetch(checkout.ref).fee == Money(145, "EUR")


def test_fee_of_a_dispute_is_told_when_money_was_taken(gateway: PaymentGateway, now: datetime) -> None:
    checkout = pay(make_checkout(gateway, now), now)
    dispute = disputes.raise_dispute(checkout.ref, is_inquiry=True, now=now)
    assert gateway.fetch_dispute(dispute.ref).fee is None

    for step in ("escalate", "win"):
        disputes.take_step(dispute.ref, step, now=now)

        assert gateway.fetch_dispute(dispute.ref).fee == Money(1500, "EUR")


def test_expire_of_a_paid_checkout_answers_that_it_is_paid(gateway: PaymentGateway, now: datetime) -> None:
    checkout = pay(make_checkout(gateway, now), now)

    assert gateway.expire_checkout(checkout.ref).state is PayState.PAID


def test_fetch_after_the_end_tells_dead_before_any_job_ran(
    gateway: PaymentGateway, frozen_clock: SettableClock
) -> None:
    checkout = make_checkout(gateway, frozen_clock())
    frozen_clock.advance(timedelta(minutes=32))

    assert gateway.fetch(checkout.ref).state is PayState.DEAD


@pytest.mark.parametrize("call", ["fetch", "expire_checkout", "fetch_refund", "fetch_dispute"])
def test_calls_about_unknown_things_are_refused(gateway: PaymentGateway, call: str) -> None:
    with pytest.raises(GatewayRejectedError, match="404"):
        getattr(gateway, call)("nothing")


def test_refund_in_parts_is_listed_and_counted(gateway: PaymentGateway, now: datetime) -> None:
    checkout = pay(make_checkout(gateway, now), now)

    made = [
        gateway.refund(checkout.payment_ref, Money(minor, "EUR"), idempotency_key=str(minor), metadata={"a": "b"})
        for minor in (3000, 5000)
    ]

    assert [refund.state for refund in made] == [RefundState.SUCCEEDED] * 2
    assert gateway.list_refunds(checkout.payment_ref) == made
    assert gateway.fetch_refund(made[0].refund_ref) == made[0]
    assert (made[0].metadata, made[0].amount) == ({"a": "b"}, Money(3000, "EUR"))
    assert gateway.fetch(checkout.ref).refunded == PRICE
    assert gateway.list_refunds("pi_none") == []


@pytest.mark.parametrize("amount", [Money(8001, "EUR"), Money(0, "EUR")])
def test_refund_of_more_than_is_left_is_refused(gateway: PaymentGateway, now: datetime, amount: Money) -> None:
    checkout = pay(make_checkout(gateway, now), now)

    with pytest.raises(GatewayRejectedError, match="what is left"):
        gateway.refund(checkout.payment_ref, amount, idempotency_key="r", metadata={})

    assert not Refund.objects.exists()


def test_refund_of_an_unpaid_checkout_is_refused(gateway: PaymentGateway, now: datetime) -> None:
    checkout = make_checkout(gateway, now)

    for ref in (checkout.payment_ref, "pi_none"):
        with pytest.raises(GatewayRejectedError, match="no such payment"):
            gateway.refund(ref, PRICE, idempotency_key="r", metadata={})


def test_refund_with_the_same_key_brings_the_first_answer_even_when_it_moved_on(
    gateway: PaymentGateway, now: datetime
) -> None:
    checkout = pay(make_checkout(gateway, now), now, card="4000000000007726")
    first = gateway.refund(checkout.payment_ref, PRICE, idempotency_key="r", metadata={})
    Refund.objects.update(state="succeeded")

    again = gateway.refund(checkout.payment_ref, PRICE, idempotency_key="r", metadata={})

    assert (first.state, again.state) == (RefundState.PENDING, RefundState.PENDING)
    assert Refund.objects.count() == 1


def test_unavailable_does_nothing_and_passes(
    gateway: PaymentGateway, now: datetime, arm: Callable[[str], None]
) -> None:
    arm("unavailable")

    with pytest.raises(GatewayUnavailableError) as lost:
        make_checkout(gateway, now)

    assert (lost.value.has_answered, Checkout.objects.count()) == (False, 0)
    assert make_checkout(gateway, now).state == "open"


def test_create_times_out_after_executing_is_learned_by_the_same_key(
    gateway: PaymentGateway, now: datetime, arm: Callable[[str], None]
) -> None:
    arm("create_times_out_after_executing")

    with pytest.raises(GatewayUnavailableError):
        make_checkout(gateway, now, key="k")
    made = Checkout.objects.get()

    assert make_checkout(gateway, now, key="k") == made


def test_refund_times_out_after_executing_is_learned_by_the_same_key(
    gateway: PaymentGateway, now: datetime, arm: Callable[[str], None]
) -> None:
    checkout = pay(make_checkout(gateway, now), now)
    arm("refund_times_out_after_executing")

    with pytest.raises(GatewayUnavailableError):
        gateway.refund(checkout.payment_ref, PRICE, idempotency_key="r", metadata={})
    again = gateway.refund(checkout.payment_ref, PRICE, idempotency_key="r", metadata={})

    assert again.refund_ref == Refund.objects.get().ref


def test_server_error_is_kept_under_its_key_and_not_under_another(
    gateway: PaymentGateway, now: datetime, arm: Callable[[str], None]
) -> None:
    arm("server_error")

    for _ in range(3):
        with pytest.raises(GatewayUnavailableError) as failed:
            make_checkout(gateway, now, key="k")
        assert failed.value.has_answered

    assert Checkout.objects.count() == 0
    assert make_checkout(gateway, now, key="k2").state == "open"


def test_conflict_is_over_at_the_next_call(gateway: PaymentGateway, now: datetime, arm: Callable[[str], None]) -> None:
    arm("conflict")

    with pytest.raises(GatewayConflictError):
        make_checkout(gateway, now, key="k")

    assert make_checkout(gateway, now, key="k").state == "open"


def test_call_that_is_being_executed_is_a_conflict_until_it_was_abandoned(
    gateway: PaymentGateway, frozen_clock: SettableClock, now: datetime
) -> None:
    request = make_request(now)
    gateway.create_checkout(request, idempotency_key="k")
    Checkout.objects.all().delete()
    IdempotencyKey.objects.update(status=0, answer={})

    with pytest.raises(GatewayConflictError):
        gateway.create_checkout(request, idempotency_key="k")
    frozen_clock.advance(timedelta(seconds=31))
    gateway.create_checkout(request, idempotency_key="k")

    assert Checkout.objects.count() == 1


@pytest.mark.parametrize(
    ("fault", "amount"), [("wrong_amount", Money(8001, "EUR")), ("wrong_currency", Money(8000, "USD"))]
)
def test_wrong_money_is_what_the_gateway_then_tells(
    gateway: PaymentGateway, now: datetime, arm: Callable[[str], None], fault: str, amount: Money
) -> None:
    arm(fault)

    checkout = pay(make_checkout(gateway, now), now)

    assert gateway.fetch(checkout.ref).amount == amount


def test_wrong_currency_of_a_payment_in_dollars_is_euros(
    gateway: PaymentGateway, now: datetime, arm: Callable[[str], None]
) -> None:
    arm("wrong_currency")
    dollars = Money(8000, "USD")

    checkout = pay(make_checkout(gateway, now, total=dollars, lines=[CheckoutLine("Call", dollars)]), now)

    assert gateway.fetch(checkout.ref).amount == Money(8000, "EUR")


def test_refund_fails_is_told_at_once(gateway: PaymentGateway, now: datetime, arm: Callable[[str], None]) -> None:
    checkout = pay(make_checkout(gateway, now), now)
    arm("refund_fails")

    failed = gateway.refund(checkout.payment_ref, PRICE, idempotency_key="r", metadata={})

    assert (failed.state, failed.problem) == (RefundState.FAILED, "lost_or_stolen_card")
    assert gateway.fetch(checkout.ref).refunded == Money(0, "EUR")


@pytest.mark.parametrize("steps", [(), ("answer",), ("win",), ("answer", "lose")])
@pytest.mark.parametrize("is_inquiry", [True, False])
def test_dispute_is_told_with_the_money_that_moved(
    gateway: PaymentGateway, now: datetime, *, is_inquiry: bool, steps: tuple[str, ...]
) -> None:
    checkout = pay(make_checkout(gateway, now), now)
    dispute = disputes.raise_dispute(checkout.ref, is_inquiry=is_inquiry, now=now)
    if is_inquiry and steps:
        disputes.take_step(dispute.ref, "escalate", now=now)
    for step in steps:
        disputes.take_step(dispute.ref, step, now=now)
    dispute.refresh_from_db()

    found = gateway.fetch_dispute(dispute.ref)

    assert gateway.list_disputes(checkout.payment_ref) == [found]
    assert (found.dispute_ref, found.payment_ref, found.amount) == (dispute.ref, checkout.payment_ref, PRICE)
    assert (found.status, found.is_inquiry, found.reason) == (dispute.status, is_inquiry and not steps, "fraudulent")
    assert (found.withdrawn.minor, found.reinstated.minor) == (dispute.withdrawn_minor, dispute.reinstated_minor)
    assert found.opened_at == now
    if not steps:
        assert found.evidence_due_at == dispute.evidence_due_at
    assert gateway.list_disputes("pi_none") == []


OURS = {"greenroom_site": "https://shop.example"}


def test_list_moved_brings_what_arrived_and_what_became_of_it(
    gateway: PaymentGateway, frozen_clock: SettableClock, now: datetime
) -> None:
    make_checkout(gateway, now, key="unpaid")
    paid = [pay(make_checkout(gateway, now, key=f"paid-{number}"), now) for number in range(3)]
    gateway.refund(paid[0].payment_ref, PRICE, idempotency_key="by-us", metadata={"refund_request": "7"})
    refunds.make_refund(paid[1].payment_ref, Money(3000, "EUR"), {}, now=now)
    disputes.raise_dispute(paid[2].ref, is_inquiry=False, now=now)

    found = gateway.list_moved(since=now, until=frozen_clock.advance(timedelta(seconds=1)), metadata=OURS)

    told = [(one.payment_ref, one.state, one.amount, one.refunded.minor) for one in found.payments]
    assert told == [(one.payment_ref, "paid", PRICE, back) for one, back in zip(paid, (8000, 3000, 0), strict=True)]
    assert {(one.order_ref, one.attempt_ref, one.is_test) for one in found.payments} == {("order-1", "attempt-1", True)}
    assert {one.fee for one in found.payments} == {Money(145, "EUR")}
    assert found.refunds == [*gateway.list_refunds(paid[0].payment_ref), *gateway.list_refunds(paid[1].payment_ref)]
    assert found.disputes == gateway.list_disputes(paid[2].payment_ref)
    assert (len(found.refunds), len(found.disputes)) == (2, 1)


def test_list_moved_leaves_out_other_times_and_other_sites(
    gateway: PaymentGateway, frozen_clock: SettableClock
) -> None:
    def move_money(key: str, **changes: object) -> None:
        paid = pay(make_checkout(gateway, frozen_clock(), key=key, **changes), frozen_clock())
        gateway.refund(paid.payment_ref, Money(100, "EUR"), idempotency_key=f"re-{key}", metadata=OURS)
        disputes.raise_dispute(paid.ref, is_inquiry=True, now=frozen_clock())

    move_money("before")
    since = frozen_clock.advance(timedelta(seconds=1))
    move_money("elsewhere", metadata={"greenroom_site": "https://other.example"})
    move_money("nobody", metadata={})
    until = frozen_clock.advance(timedelta(seconds=1))
    move_money("after")

    assert gateway.list_moved(since=since, until=until, metadata=OURS) == Moved([], [], [])


def test_list_events_brings_what_was_not_delivered_since(gateway: PaymentGateway, frozen_clock: SettableClock) -> None:
    gateway.expire_checkout(make_checkout(gateway, frozen_clock(), key="old").ref)
    now = frozen_clock.advance(timedelta(minutes=1))
    pay(make_checkout(gateway, now), now)
    Event.objects.filter(type="checkout.session.completed").update(delivered_at=now)

    event = next(one for one in gateway.list_events(since=now) if one.type == "payment_intent.succeeded")

    assert (event.type, event.is_test, event.created_at) == ("payment_intent.succeeded", True, now)
    assert event.metadata["attempt_ref"] == "attempt-1"
