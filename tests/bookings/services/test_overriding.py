"""Staff cancel and decide what goes back; the policy of the offer gives everything until 24 hours before."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from tests.bookings.steps import (
    ADMIN,
    COACH,
    GUEST,
    STUDENT,
    at,
    confirmed,
    fresh,
    hold,
    mails,
    order_ref,
    pending,
    refunds,
    snapshot,
)
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock

from greenroom.bookings import services
from greenroom.bookings.errors import IllegalTransitionError
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.core.actors import SYSTEM, Actor
from greenroom.core.errors import GreenroomError, NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute
from greenroom.payments.errors import NotRefundableError, PaymentDisputedError, RefundChangedError
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import Form, learn_disputes

Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def decide(booking: Booking, minor: int, *, seen: int = 5000, form: str = "a", actor: Actor = ADMIN) -> Booking:
    return services.cancel_with_refund(
        booking=booking,
        amount=Money(minor, "EUR"),
        seen_left=Money(seen, "EUR"),
        form=Form("The room was too loud", form),
        actor=actor,
        now=clock.now(),
    )


@pytest.mark.parametrize("hour", [9, 11])
@pytest.mark.parametrize("minor", [5000, 1250, 0])
def test_cancel_with_refund_gives_what_was_decided_whatever_the_policy_says(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None], minor: int, hour: int
) -> None:
    booking = confirmed(offer)
    frozen_clock.set(at(hour, day=3 if hour == 9 else 4))  # before and after the last hour in which all comes back

    for _ in range(2 if minor else 1):
        decide(booking, minor)
    run_jobs(clock.now())

    booking = fresh(booking)
    assert (booking.status, booking.cancelled_by, booking.refund_minor) == ("cancelled", "admin", minor)
    assert refunds() == ([(minor, "staff")] if minor else [])
    assert [entry.reason for entry in AuditEntry.objects.filter(action="booking.cancel")] == ["The room was too loud"]
    assert booking.reason == ""
    assert any("cancel" in subject.lower() for subject in mails("ann@example.org"))


def test_cancel_with_refund_of_a_booking_that_is_cancelled_since_is_refused(offer: Offer) -> None:
    booking = confirmed(offer)
    services.cancel_booking(booking=booking, actor=GUEST, now=clock.now())
    before = snapshot()

    with pytest.raises(IllegalTransitionError):
        decide(booking, 1000)

    assert (snapshot(), refunds()) == (before, [(5000, "student_cancelled")])


@pytest.mark.parametrize("minor", [1000, 0])
def test_cancel_with_refund_by_somebody_who_saw_something_else_changes_nothing(offer: Offer, minor: int) -> None:
    booking = confirmed(offer)
    before = snapshot()

    with pytest.raises(RefundChangedError):
        decide(booking, minor, seen=4000)
    with pytest.raises(NotRefundableError):
        decide(booking, 5001)

    assert (snapshot(), refunds()) == (before, [])


@pytest.mark.parametrize("make", [hold, pending])
def test_cancel_with_refund_of_what_is_not_paid_is_refused(offer: Offer, make: Callable[[Offer], Booking]) -> None:
    booking = make(offer)
    before = snapshot()

    with pytest.raises(IllegalTransitionError):
        decide(booking, 0, seen=0)

    assert snapshot() == before


@pytest.mark.parametrize("actor", [GUEST, STUDENT, COACH, SYSTEM])
def test_cancel_with_refund_is_for_staff(offer: Offer, actor: Actor) -> None:
    booking = confirmed(offer)

    with pytest.raises(NotAllowedError):
        decide(booking, 100, actor=actor)

    assert (fresh(booking).status, refunds()) == ("confirmed", [])


def test_cancel_with_refund_of_a_disputed_payment_cancels_nothing(offer: Offer) -> None:
    booking = confirmed(offer)
    attempt = PaymentAttempt.objects.get(order_ref=order_ref(booking))
    raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=clock.now())
    learn_disputes(attempt, now=clock.now())

    with pytest.raises(PaymentDisputedError):
        decide(booking, 1000)

    assert (fresh(booking).status, refunds()) == ("confirmed", [])


def test_many_who_cancel_with_a_refund_at_once_refund_once(transactional_db: None, race: Race) -> None:  # noqa: ARG001 -- commits must be real
    booking = confirmed(make_offer())
    calls = [partial(decide, booking, minor, form=f"t{minor}") for minor in (1000, 2000, 3000)]
    student = partial(services.cancel_booking, booking=booking, actor=GUEST, now=clock.now())

    results = race([*calls, student])

    assert fresh(booking).status == "cancelled"
    assert len(refunds()) == 1
    assert fresh(booking).refund_minor == refunds()[0][0]
    assert sum(isinstance(result, GreenroomError) for result in results) in {2, 3}
