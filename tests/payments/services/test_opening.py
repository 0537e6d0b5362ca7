from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.payments.factories import (
    GOOD_CARD,
    ORDER,
    PRICE,
    checkout_of,
    job_keys,
    open_one,
    pay_attempt,
    store_attempt,
)

from greenroom.core.actors import SYSTEM
from greenroom.core.installation import installation_ref
from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Checkout, IdempotencyKey
from greenroom.payments import services
from greenroom.payments.errors import (
    AlreadyPaidError,
    AmountNotChargeableError,
    PaymentClosingError,
    PaymentInProgressError,
    PaymentRefusedError,
    PaymentUnavailableError,
)
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import opening
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway")


def states() -> list[str]:
    return list(PaymentAttempt.objects.order_by("seq").values_list("state", flat=True))


def test_open_attempt_makes_a_checkout_of_exactly_what_was_asked(now: datetime) -> None:
    attempt = open_one(now=now)

    checkout = checkout_of(attempt)
    assert (attempt.state, attempt.seq, attempt.is_test, attempt.amount) == ("open", 1, True, PRICE)
    assert attempt.pay_url == f"http://localhost:8000/sandbox/pay/{checkout.ref}"
    assert checkout.lines == [{"name": "Deep-dive session, 60 minutes", "minor": 8000}]
    assert (checkout.amount_minor, checkout.currency, checkout.email) == (8000, "EUR", "sam@example.org")
    assert checkout.metadata == {
        "greenroom_site": installation_ref(),
        "order_ref": ORDER,
        "attempt_ref": attempt.ref,
    }
    assert checkout.expires_at == attempt.expires_at == now + timedelta(minutes=32)
    assert IdempotencyKey.objects.get().key == attempt.idempotency_key == f"att:{attempt.ref}"


def test_open_attempt_called_again_returns_the_same_open_attempt(now: datetime) -> None:
    first = open_one(now=now)
    again = open_one(now=now + timedelta(minutes=5), email="other@example.org")

    assert again == first
    assert Checkout.objects.count() == 1


def test_open_attempt_inside_a_transaction_is_refused_and_stores_nothing(now: datetime) -> None:
    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        open_one(now=now)

    assert states() == []


@pytest.mark.parametrize("minor", [0, -1])
def test_open_attempt_of_nothing_is_refused(now: datetime, minor: int) -> None:
    with pytest.raises(ValueError, match="zero"):
        open_one(now=now, total=Money(minor, "EUR"))

    assert states() == []


def test_open_attempt_after_a_lost_answer_continues_with_the_same_key(
    now: datetime, arm: Callable[[str], None]
) -> None:
    arm("create_times_out_after_executing")

    with pytest.raises(PaymentUnavailableError):
        open_one(now=now)
    assert states() == ["created"]
    attempt = open_one(now=now + timedelta(minutes=4))

    assert (states(), attempt.seq) == (["open"], 1)
    assert Checkout.objects.get().ref == attempt.gateway_ref


def test_open_attempt_while_the_gateway_is_down_keeps_one_attempt(now: datetime, arm: Callable[[str], None]) -> None:
    for _ in range(3):
        arm("unavailable")
        with pytest.raises(PaymentUnavailableError):
            open_one(now=now)

    assert states() == ["created"]
    assert Checkout.objects.count() == 0
    assert open_one(now=now).seq == 1


def test_open_attempt_when_an_error_is_kept_under_the_key_begins_anew(
    now: datetime, arm: Callable[[str], None]
) -> None:
    arm("server_error")

    with pytest.raises(PaymentUnavailableError):
        open_one(now=now)
    assert states() == ["created"]
    attempt = open_one(now=now)

    assert (states(), attempt.seq) == (["dead", "open"], 2)
    assert PaymentAttempt.objects.get(seq=1).problem == "500: something went wrong at the gateway."
    assert job_keys(["orders.settle"]) == [f"orders.settle:{ORDER}:{PaymentAttempt.objects.get(seq=1).pk}:dead"]


def test_open_attempt_answered_with_errors_for_ever_gives_up(now: datetime, arm: Callable[[str], None]) -> None:
    arm("server_error")
    with pytest.raises(PaymentUnavailableError):
        open_one(now=now)

    arm("server_error")
    with pytest.raises(PaymentUnavailableError):
        open_one(now=now)

    assert states() == ["dead", "created"]


def test_open_attempt_waits_out_a_conflict(
    now: datetime, arm: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_PAUSE_SECONDS", 0)
    arm("conflict")

    assert open_one(now=now).state == "open"


def test_open_attempt_while_its_call_runs_elsewhere_says_try_again(
    now: datetime, monkeypatch: pytest.MonkeyPatch, arm: Callable[[str], None]
) -> None:
    monkeypatch.setattr(opening, "_PAUSE_SECONDS", 0)
    arm("create_times_out_after_executing")
    with pytest.raises(PaymentUnavailableError):
        open_one(now=now)
    IdempotencyKey.objects.update(status=0)

    with pytest.raises(PaymentUnavailableError):
        open_one(now=now)

    assert states() == ["created"]


def test_open_attempt_refused_by_the_gateway_dies_and_says_so(now: datetime) -> None:
    with pytest.raises(PaymentRefusedError):
        open_one(now=now, expires_at=now + timedelta(minutes=29))

    assert states() == ["dead"]
    assert PaymentAttempt.objects.get().problem == "400: expires_at must lie between 30 minutes and 24 hours from now."


def test_open_attempt_too_late_to_continue_begins_anew(frozen_clock: SettableClock, arm: Callable[[str], None]) -> None:
    arm("unavailable")
    with pytest.raises(PaymentUnavailableError):
        open_one(now=frozen_clock())

    attempt = open_one(now=frozen_clock.advance(timedelta(minutes=3)))

    assert (states(), attempt.seq) == (["dead", "open"], 2)


def test_open_attempt_with_a_changed_total_ends_the_old_one_first(now: datetime) -> None:
    old = open_one(now=now)

    new = open_one(now=now, total=Money(9900, "EUR"))

    assert (states(), new.seq, new.amount) == (["dead", "open"], 2, Money(9900, "EUR"))
    assert checkout_of(old).state == "dead"
    assert new.idempotency_key != old.idempotency_key


def test_open_attempt_with_a_changed_total_that_was_paid_meanwhile_says_paid(now: datetime) -> None:
    old = open_one(now=now)
    checkouts.pay_by_card(str(old.gateway_ref), GOOD_CARD, now=now)

    with pytest.raises(AlreadyPaidError):
        open_one(now=now, total=Money(9900, "EUR"))

    assert states() == ["paid"]


def test_open_attempt_with_a_changed_total_while_the_bank_works_says_in_progress(now: datetime) -> None:
    old = open_one(now=now)
    checkouts.pay_by_debit(str(old.gateway_ref), will_bounce=False, now=now)

    with pytest.raises(PaymentInProgressError):
        open_one(now=now, total=Money(9900, "EUR"))
    assert states() == ["processing"]

    assert open_one(now=now).pk == old.pk


def test_open_attempt_with_a_changed_total_and_no_gateway_changes_nothing(
    now: datetime, arm: Callable[[str], None]
) -> None:
    open_one(now=now)
    arm("unavailable")

    with pytest.raises(PaymentUnavailableError):
        open_one(now=now, total=Money(9900, "EUR"))

    assert states() == ["open"]


def test_open_attempt_with_a_changed_total_three_times_meanwhile_gives_up(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_ROUNDS", 1)
    open_one(now=now)

    with pytest.raises(PaymentUnavailableError):
        open_one(now=now, total=Money(9900, "EUR"))

    assert states() == ["dead"]


@pytest.mark.parametrize("state", ["dead", "failed"])
def test_open_attempt_after_one_that_ended_makes_a_new_one(now: datetime, state: str) -> None:
    store_attempt(now=now, state=state)

    assert open_one(now=now).seq == 2
    assert states() == [state, "open"]


def test_open_attempt_of_a_closing_order_is_refused(now: datetime) -> None:
    open_one(now=now)
    assert services.request_close(order_ref=ORDER, now=now)

    with pytest.raises(PaymentClosingError):
        open_one(now=now)

    assert states() == ["open"]


def test_open_attempt_closed_while_the_gateway_answers_is_not_handed_out(
    now: datetime, gateway: SandboxGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = gateway.create_checkout

    def close_meanwhile(*args: Any, **kwargs: Any) -> Any:
        services.request_close(order_ref=ORDER, now=now)
        return create(*args, **kwargs)

    monkeypatch.setattr(gateway, "create_checkout", close_meanwhile)

    with pytest.raises(PaymentClosingError):
        open_one(now=now)

    attempt = PaymentAttempt.objects.get()
    assert (attempt.state, attempt.is_closing) == ("open", True)
    assert services.close_attempt(attempt_id=attempt.pk, now=now).state == "dead"


def test_open_attempt_that_died_while_the_gateway_answered_is_not_handed_out(
    now: datetime, gateway: SandboxGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = gateway.create_checkout

    def die_meanwhile(*args: Any, **kwargs: Any) -> Any:
        PaymentAttempt.objects.update(state="dead")
        return create(*args, **kwargs)

    monkeypatch.setattr(gateway, "create_checkout", die_meanwhile)

    with pytest.raises(PaymentClosingError):
        open_one(now=now)

    assert states() == ["dead"]


def test_open_attempt_of_a_paid_order_is_refused_until_its_money_went_back(now: datetime) -> None:
    pay_attempt(now=now)

    with pytest.raises(AlreadyPaidError):
        open_one(now=now)
    services.refund_in_full(order_ref=ORDER, cause=RefundCause.NOT_FULFILLED, actor=SYSTEM, now=now)

    assert open_one(now=now).seq == 2


def test_open_attempt_by_two_at_once_gives_both_one_attempt(
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]], frozen_clock: SettableClock
) -> None:
    now = frozen_clock()

    results = race([lambda: open_one(now=now)] * 4)

    assert [getattr(one, "state", one) for one in results] == ["open"] * 4
    assert len({one.ref for one in results}) == 1
    assert (PaymentAttempt.objects.count(), Checkout.objects.count()) == (1, 1)


def test_open_attempt_of_two_orders_are_apart(now: datetime) -> None:
    first, second = open_one(now=now), open_one(now=now, order_ref="order-2")

    assert (first.seq, second.seq) == (1, 1)
    assert first.gateway_ref != second.gateway_ref


@pytest.mark.parametrize("total", [Money(49, "EUR"), Money(17_499, "HUF"), Money(4005, "KWD"), Money(8000, "UGX")])
def test_amount_that_cannot_be_charged_is_refused_before_anything_is_stored(now: datetime, total: Money) -> None:
    with pytest.raises(AmountNotChargeableError):
        open_one(now=now, total=total)

    assert (PaymentAttempt.objects.count(), Checkout.objects.count()) == (0, 0)
