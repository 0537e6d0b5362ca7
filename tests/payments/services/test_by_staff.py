from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from tests.factories.clock import SettableClock
from tests.payments.factories import ORDER, job_keys, pay_attempt, snapshot_of, store_attempt

from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import PayState
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute
from greenroom.payments import queries, services
from greenroom.payments.errors import NotRefundableError, PaymentDisputedError, RefundChangedError
from greenroom.payments.models import RefundRequest
from greenroom.payments.services import Form

pytestmark = pytest.mark.usefixtures("db", "gateway")

ADMIN = Actor(ActorKind.ADMIN, user_id=1)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def give(minor: int, now: datetime, *, seen: int = 8000, form: str = "a", actor: Actor = ADMIN) -> list[RefundRequest]:
    said = Form(reason="The room stayed closed", token=form)
    return services.refund_by_staff(
        order_ref=ORDER, amount=eur(minor), seen_left=eur(seen), form=said, actor=actor, now=now
    )


def test_refund_by_staff_asks_once_with_its_reason(now: datetime) -> None:
    pay_attempt(now=now)

    first = give(3000, now)
    again = give(3000, now)

    assert first == again
    [refund] = RefundRequest.objects.all()
    assert (refund.amount, refund.cause, refund.reason) == (eur(3000), "staff", "The room stayed closed")
    assert job_keys(["payments.send_refund"]) == [f"payments.send_refund:{refund.pk}:1"]
    entry = AuditEntry.objects.get(action="refund.requested")
    assert (entry.actor_user_id, entry.reason) == (1, "The room stayed closed")
    assert queries.refundable_of_order(ORDER, currency="EUR") == eur(5000)


def test_refund_by_staff_takes_the_oldest_payment_first(now: datetime) -> None:
    for attempt in [store_attempt(now=now, state="dead") for _ in range(2)]:
        services.apply_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, PayState.PAID), now=now)
    RefundRequest.objects.all().delete()

    parts = give(9000, now, seen=16000)

    assert [part.amount_minor for part in parts] == [8000, 1000]
    assert give(9000, now, seen=16000) == parts


def test_refund_by_staff_who_saw_something_else_is_refused(now: datetime) -> None:
    pay_attempt(now=now)
    give(3000, now)

    with pytest.raises(RefundChangedError):
        give(3000, now, form="b")

    assert RefundRequest.objects.count() == 1


@pytest.mark.parametrize("minor", [0, -1, 8001])
def test_refund_by_staff_of_more_than_is_left_or_of_nothing_is_refused(now: datetime, minor: int) -> None:
    pay_attempt(now=now)

    with pytest.raises(NotRefundableError):
        give(minor, now)

    assert not RefundRequest.objects.exists()


def test_refund_by_staff_of_a_disputed_payment_is_refused(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    services.learn_disputes(attempt, now=now)

    with pytest.raises(PaymentDisputedError):
        give(3000, now)

    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize("actor", [SYSTEM, Actor(ActorKind.COACH, 2), Actor(ActorKind.STUDENT, 3)])
def test_refund_by_anybody_else_is_refused(now: datetime, actor: Actor) -> None:
    pay_attempt(now=now)

    with pytest.raises(NotAllowedError):
        give(3000, now, actor=actor)

    assert not RefundRequest.objects.exists()


def test_refund_by_two_at_the_same_time_is_sent_once_and_the_other_is_told(
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]], frozen_clock: SettableClock
) -> None:
    now = frozen_clock()
    pay_attempt(now=now)

    results = race([lambda: give(3000, now, form="a"), lambda: give(3000, now, form="b")])

    assert sorted(type(one).__name__ for one in results) == ["RefundChangedError", "list"]
    assert [refund.amount_minor for refund in RefundRequest.objects.all()] == [3000]


def test_same_form_pressed_twice_at_once_is_sent_once(
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]], frozen_clock: SettableClock
) -> None:
    now = frozen_clock()
    pay_attempt(now=now)

    results = race([lambda: give(3000, now)] * 3)

    assert [one[0].pk for one in results] == [RefundRequest.objects.get().pk] * 3
