"""What becomes of a hold: extended, described, released, over."""

from datetime import datetime, timedelta

import pytest
from tests.bookings.steps import (
    ADMIN,
    GUEST,
    HOUR,
    MINUTE,
    at,
    change,
    confirmed,
    describe,
    die,
    fresh,
    give_money,
    hold,
    occupied,
    order_ref,
    pending,
    settle,
    snapshot,
    start_payment,
)
from tests.factories.bookings import make_booking
from tests.factories.clock import SettableClock

from greenroom.bookings import services
from greenroom.bookings.errors import (
    AlreadyExtendedError,
    HoldEndedError,
    IllegalTransitionError,
)
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.core.actors import SYSTEM
from greenroom.core.errors import NotAllowedError
from greenroom.jobs.models import Job, JobState
from greenroom.orders.models import Order
from greenroom.payments.models import PaymentAttempt

QUARTER = timedelta(minutes=15)


def test_extend_hold_gives_fifteen_minutes_from_now_once(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = hold(offer)
    now = frozen_clock.advance(10 * MINUTE)

    services.extend_hold(booking=booking, actor=GUEST, now=now)

    extended = fresh(booking)
    assert (extended.hold_expires_at, extended.session.held_until) == (now + QUARTER, now + QUARTER)
    assert Job.objects.get(kind="bookings.expire_hold").due_at == now + QUARTER
    before = snapshot()
    with pytest.raises(AlreadyExtendedError):
        services.extend_hold(booking=booking, actor=GUEST, now=now)
    assert snapshot() == before


def test_extend_hold_by_the_system_is_refused(offer: Offer, now: datetime) -> None:
    with pytest.raises(NotAllowedError):
        services.extend_hold(booking=hold(offer), actor=SYSTEM, now=now)


def test_extend_hold_when_it_ended_is_refused(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = hold(offer)
    now = frozen_clock.advance(QUARTER)

    with pytest.raises(HoldEndedError):
        services.extend_hold(booking=booking, actor=GUEST, now=now)
    assert not fresh(booking).was_hold_extended


def test_submit_details_freezes_an_order(offer: Offer, now: datetime) -> None:
    booking = describe(
        hold(offer),
        name=" Ann\r\nBcc: eve@example.org ",
        email="Ann@Example.ORG",
        goals="Finish the sonata",
        answers=[{"question": "Level?", "answer": "Advanced"}],
        wants_reminders=False,
    )

    booking = fresh(booking)
    assert (booking.contact_name, booking.contact_email) == ("Ann Bcc: eve@example.org", "ann@example.org")
    assert (booking.contact_tz, booking.goals, booking.wants_reminders) == ("Europe/Berlin", "Finish the sonata", False)
    assert booking.answers == [{"question": "Level?", "answer": "Advanced"}]
    order = booking.order
    assert order is not None
    assert (order.total_minor, order.currency, order.email, order.name) == (
        5000,
        "EUR",
        "ann@example.org",
        "Ann Bcc: eve@example.org",
    )
    assert (order.created_at, order.accepted_at, order.is_test) == (now, None, True)
    assert [(line.kind, line.title, line.price_minor) for line in order.lines.all()] == [
        ("call", "A call, 60 minutes", 5000)
    ]


def test_submit_details_again_corrects_the_contact_and_keeps_the_order(offer: Offer) -> None:
    booking = describe(hold(offer))
    first = order_ref(booking)

    describe(booking, name="Ann B", email="ann.b@example.org")

    order = Order.objects.get()
    assert (order.ref, order.name, order.email) == (first, "Ann B", "ann.b@example.org")
    assert fresh(booking).contact_email == "ann.b@example.org"


def test_order_stays_as_it_was_when_the_offer_changes(offer: Offer) -> None:
    booking = describe(hold(offer))
    OfferDuration.objects.update(price_minor=9900)
    offer.refund_tiers.create(notice_hours=1, percent=0)
    change(offer, title="Another title", currency="USD")

    describe(booking, name="Ann B")
    start_payment(booking)

    order = Order.objects.get()
    assert (order.total_minor, order.currency, order.lines.get().title) == (5000, "EUR", "A call, 60 minutes")
    assert order.policy == [{"notice_hours": 24, "percent": 100}]
    assert PaymentAttempt.objects.get().amount_minor == 5000


def test_submit_details_when_the_hold_ended_is_refused(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = hold(offer)
    frozen_clock.advance(QUARTER)

    with pytest.raises(HoldEndedError):
        describe(booking)
    assert not Order.objects.exists()


def test_submit_details_under_payment_is_refused(offer: Offer) -> None:
    booking = pending(offer)

    with pytest.raises(HoldEndedError):
        describe(booking, email="other@example.org")
    assert fresh(booking).contact_email == "ann@example.org"


def test_release_hold_frees_the_time_at_once(offer: Offer, now: datetime) -> None:
    booking = describe(hold(offer))

    services.release_hold(booking=booking, actor=GUEST, now=now)

    assert (fresh(booking).status, fresh(booking).closed_at) == (BookingStatus.CANCELLED, now)
    assert occupied() == []
    before = snapshot()
    services.release_hold(booking=booking, actor=GUEST, now=now)
    assert snapshot() == before


def test_release_hold_of_a_paid_booking_is_refused(offer: Offer, now: datetime) -> None:
    booking = confirmed(offer)
    before = snapshot()

    with pytest.raises(IllegalTransitionError, match="cancel it instead"):
        services.release_hold(booking=booking, actor=GUEST, now=now)

    assert snapshot() == before


def test_release_hold_under_payment_waits_for_the_gateway(offer: Offer, now: datetime) -> None:
    booking = pending(offer)

    services.release_hold(booking=booking, actor=GUEST, now=now)

    assert (fresh(booking).status, fresh(booking).cancelled_by) == (BookingStatus.PENDING_PAYMENT, "guest")
    assert occupied() == [at(12)]
    assert PaymentAttempt.objects.get().is_closing
    assert Job.objects.filter(kind="payments.close_attempt", state=JobState.DUE).count() == 1

    die(booking)
    assert settle(booking).status == BookingStatus.CANCELLED
    assert occupied() == []


def test_release_hold_then_money_before_the_gateway_ended_it_confirms(offer: Offer, now: datetime) -> None:
    booking = pending(offer)
    services.release_hold(booking=booking, actor=GUEST, now=now)
    give_money(booking)

    booking = settle(booking)

    assert (booking.status, booking.cancelled_by) == (BookingStatus.CONFIRMED, "")


def test_release_hold_by_an_admin_is_refused(offer: Offer, now: datetime) -> None:
    with pytest.raises(NotAllowedError):
        services.release_hold(booking=hold(offer), actor=ADMIN, now=now)


def test_expire_hold_ends_it_at_its_very_end(offer: Offer, now: datetime) -> None:
    booking = hold(offer)
    ends_at = now + QUARTER

    assert services.expire_hold(booking=booking, now=ends_at - timedelta(microseconds=1)) == ends_at
    assert fresh(booking).status == BookingStatus.HELD

    assert services.expire_hold(booking=booking, now=ends_at) is None
    assert (fresh(booking).status, fresh(booking).session.status) == (BookingStatus.EXPIRED, SessionStatus.EXPIRED)
    assert occupied() == []


def test_expire_hold_of_what_is_not_a_hold_any_more_changes_nothing(offer: Offer, now: datetime) -> None:
    booking = confirmed(offer)
    before = snapshot()

    assert services.expire_hold(booking=booking, now=now + HOUR) is None
    assert snapshot() == before


def test_expire_hold_under_payment_waits_until_the_gateway_said_dead(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = pending(offer)
    now = frozen_clock.advance(QUARTER)

    assert services.expire_hold(booking=booking, now=now) is None

    assert (fresh(booking).status, fresh(booking).cancelled_by) == (BookingStatus.PENDING_PAYMENT, "")
    assert occupied() == [at(12)]
    die(booking)
    assert settle(booking).status == BookingStatus.EXPIRED
    assert occupied() == []


def test_expire_hold_whose_payment_was_never_opened_ends_at_once(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=frozen_clock(), status=BookingStatus.PENDING_PAYMENT)

    services.expire_hold(booking=booking, now=frozen_clock.advance(QUARTER))

    assert fresh(booking).status == BookingStatus.EXPIRED
