from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.bookings.steps import (
    COACH,
    GUEST,
    HOUR,
    MINUTE,
    STUDENT,
    at,
    confirmed,
    describe,
    die,
    fresh,
    give_money,
    hold,
    mails,
    occupied,
    order_ref,
    pending,
    refunds,
    settle,
    snapshot,
    start_payment,
)
from tests.factories.accounts import make_discord_identity, make_user
from tests.factories.bookings import make_booking, make_offer
from tests.factories.clock import SettableClock

from greenroom.accounts.models import User
from greenroom.availability.models import Blackout
from greenroom.bookings import services
from greenroom.bookings.errors import (
    DetailsMissingError,
    DiscordRequiredError,
    HoldEndedError,
    IllegalTransitionError,
    SlotTakenError,
)
from greenroom.bookings.models import Booking
from greenroom.bookings.services import locked
from greenroom.bookings.services.payment import has_discord
from greenroom.bookings.types import BookingStatus, PaymentStart, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.types import DiscordRequirement
from greenroom.core.actors import SYSTEM
from greenroom.core.errors import NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.jobs.models import Job, JobState
from greenroom.notifications.models import Message
from greenroom.orders.models import Order
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import sync_attempt

QUARTER = timedelta(minutes=15)
S = BookingStatus


def latest_attempt() -> PaymentAttempt:
    return PaymentAttempt.objects.order_by("-seq")[0]


def messages(kind: str) -> int:
    return Message.objects.filter(kind=f"bookings.{kind}").count()


def expired_then_paid(offer: Offer, clock: SettableClock) -> Booking:
    """Bring a booking to where its money arrives after its time was given up."""
    booking = pending(offer)
    clock.advance(QUARTER)
    services.expire_hold(booking=booking, now=clock())
    die(booking)
    assert settle(booking).status == S.EXPIRED
    give_money(booking)
    return booking


def test_start_payment_accepts_the_order_and_opens_a_page(offer: Offer, now: datetime) -> None:
    booking = describe(hold(offer))

    start = start_payment(booking)

    attempt = PaymentAttempt.objects.get()
    assert start == PaymentStart(S.PENDING_PAYMENT, attempt.pay_url)
    assert (attempt.amount_minor, attempt.currency, attempt.expires_at) == (5000, "EUR", now + 32 * MINUTE)
    assert attempt.request == {
        "lines": [{"name": "A call, 60 minutes", "minor": 5000}],
        "email": "ann@example.org",
        "success_url": "http://localhost:8000/ok/",
        "cancel_url": "http://localhost:8000/back/",
    }
    booking = fresh(booking)
    assert (booking.status, booking.session.status, booking.session.held_until) == (
        S.PENDING_PAYMENT,
        SessionStatus.HELD,
        None,
    )
    assert Order.objects.get().accepted_at == now


def test_start_payment_again_gives_the_same_page(offer: Offer, now: datetime, frozen_clock: SettableClock) -> None:
    booking = describe(hold(offer))
    first = start_payment(booking)
    frozen_clock.advance(5 * MINUTE)

    assert start_payment(booking) == first
    assert (PaymentAttempt.objects.count(), Checkout.objects.count()) == (1, 1)
    assert Order.objects.get().accepted_at == now


def test_start_payment_of_a_free_offer_confirms_at_once(db: None, now: datetime) -> None:  # noqa: ARG001 -- it writes
    booking = describe(hold(make_offer(price_minor=0)))

    assert start_payment(booking) == PaymentStart(S.CONFIRMED, None)

    booking = fresh(booking)
    assert (booking.status, booking.confirmed_at, booking.session.status) == (S.CONFIRMED, now, SessionStatus.CONFIRMED)
    assert Order.objects.get().accepted_at == now
    assert not PaymentAttempt.objects.exists()
    assert messages("confirmed_student") == 1


def test_start_payment_without_details_is_refused(offer: Offer) -> None:
    booking = hold(offer)
    before = snapshot()

    with pytest.raises(DetailsMissingError):
        start_payment(booking)

    assert snapshot() == before
    assert not PaymentAttempt.objects.exists()


def test_start_payment_when_the_hold_ended_is_refused(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = describe(hold(offer))
    frozen_clock.advance(QUARTER)
    before = snapshot()

    with pytest.raises(HoldEndedError):
        start_payment(booking)

    assert snapshot() == before
    assert not PaymentAttempt.objects.exists()


def test_start_payment_after_it_was_released_begins_no_other(offer: Offer, now: datetime) -> None:
    booking = pending(offer)
    services.release_hold(booking=booking, actor=GUEST, now=now)
    die(booking)

    with pytest.raises(HoldEndedError):
        start_payment(booking)

    assert PaymentAttempt.objects.count() == 1
    assert settle(booking).status == S.CANCELLED


@pytest.mark.parametrize("status", [S.CONFIRMED, S.IN_PROGRESS, S.COMPLETED, S.NO_SHOW, S.CANCELLED, S.EXPIRED])
def test_start_payment_of_what_is_not_unpaid_is_refused(offer: Offer, now: datetime, status: BookingStatus) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now, status=status)

    with pytest.raises(IllegalTransitionError, match=f"is {status.replace('_', ' ')}: there is nothing to pay"):
        start_payment(booking)


def test_start_payment_by_the_system_is_refused(offer: Offer, now: datetime) -> None:
    booking = describe(hold(offer))

    with pytest.raises(NotAllowedError):
        services.start_payment(booking=booking, addresses=None, actor=SYSTEM, now=now)  # type: ignore[arg-type]  # unread


@pytest.mark.parametrize(
    ("requirement", "is_needed"),
    [
        (DiscordRequirement.BEFORE_BOOKING, True),
        (DiscordRequirement.BEFORE_PAYMENT, True),
        (DiscordRequirement.BEFORE_JOIN, False),
        (DiscordRequirement.NOT_REQUIRED, False),
    ],
)
def test_start_payment_asks_for_discord_where_the_offer_does(
    offer: Offer,
    requirement: DiscordRequirement,
    is_needed: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    offer.discord_requirement = requirement
    offer.save()
    booking = describe(hold(offer))

    if is_needed:
        with pytest.raises(DiscordRequiredError):
            start_payment(booking)
        assert fresh(booking).status == S.HELD
        assert not PaymentAttempt.objects.exists()
        booking.discord_identity = make_discord_identity()
        booking.save()
    assert start_payment(booking).status == S.PENDING_PAYMENT


def test_has_discord_counts_the_booking_and_the_account(offer: Offer, now: datetime) -> None:
    student = make_user()
    booking = make_booking(offer=offer, starts_at=at(12), now=now)
    assert not has_discord(booking)

    booking.student = student
    assert not has_discord(booking)

    make_discord_identity(user=student)
    booking.student = User.objects.get(pk=student.pk)
    assert has_discord(booking)


def test_money_in_time_confirms(offer: Offer, now: datetime) -> None:
    booking = pending(offer)
    give_money(booking)

    booking = settle(booking)

    assert (booking.status, booking.confirmed_at, booking.closed_at) == (S.CONFIRMED, now, None)
    assert (booking.session.status, booking.session.seats_taken) == (SessionStatus.CONFIRMED, 1)
    assert booking.student is not None
    assert (booking.student.email, booking.student.name, booking.student.time_zone) == (
        "ann@example.org",
        "Ann Guest",
        "Europe/Berlin",
    )
    assert not booking.student.has_usable_password()
    assert list(AuditEntry.objects.filter(action__startswith="booking.").values_list("action", flat=True)) == [
        "booking.hold",
        "booking.details",
        "booking.start_payment",
        "booking.confirm",
    ]


def test_confirming_for_a_known_address_does_not_edit_that_account(offer: Offer) -> None:
    known = make_user("ann@example.org", name="Ann Real", time_zone="Asia/Tokyo")

    booking = confirmed(offer)

    known.refresh_from_db()
    assert booking.student == known
    assert (known.name, known.time_zone) == ("Ann Real", "Asia/Tokyo")


def test_settling_again_changes_nothing(offer: Offer) -> None:
    booking = confirmed(offer)
    before, jobs = snapshot(), Job.objects.count()

    settle(booking)

    assert snapshot() == before
    assert Job.objects.count() == jobs


def test_settling_an_unknown_order_does_nothing(db: None, now: datetime) -> None:  # noqa: ARG001 -- it reads
    services.settle_order(order_ref="nobody's", now=now)


def test_settling_before_any_payment_changes_nothing(offer: Offer) -> None:
    booking = describe(hold(offer))
    before = snapshot()

    settle(booking)

    assert snapshot() == before


def test_settling_an_order_over_nothing_changes_nothing(db: None, frozen_clock: SettableClock) -> None:  # noqa: ARG001 -- it writes
    booking = describe(hold(make_offer(price_minor=0)))
    before = snapshot()
    settle(booking)
    assert snapshot() == before

    services.expire_hold(booking=booking, now=frozen_clock.advance(QUARTER))
    assert settle(booking).status == S.EXPIRED


def test_paying_signed_in_keeps_the_student(offer: Offer) -> None:
    student = make_user("sam@example.org")

    booking = confirmed(offer, student=student, actor=STUDENT)

    assert (booking.student, booking.contact_email) == (student, "ann@example.org")
    assert not User.objects.filter(email="ann@example.org").exists()


def test_time_lost_without_the_lock_does_not_refund_what_another_call_settled(
    offer: Offer, frozen_clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = expired_then_paid(offer, frozen_clock)
    real = locked.lock
    seen: list[Booking] = []

    def lock(wanted: Booking) -> locked.LockedBooking:
        seen.append(wanted)
        if len(seen) == 1:
            raise SlotTakenError
        Booking.objects.filter(pk=wanted.pk).update(status=S.CONFIRMED, confirmed_at=frozen_clock())
        return real(wanted)

    monkeypatch.setattr(locked, "lock", lock)

    assert settle(booking).status == S.CONFIRMED
    assert (refunds(), messages("unfulfillable")) == ([], 0)


def test_late_money_takes_a_free_time_again(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = expired_then_paid(offer, frozen_clock)

    booking = settle(booking)

    assert (booking.status, booking.closed_at, booking.confirmed_at) == (S.CONFIRMED, None, frozen_clock())
    assert (booking.session.status, booking.session.seats_taken, booking.session.closed_at) == (
        SessionStatus.CONFIRMED,
        1,
        None,
    )
    assert (occupied(), refunds()) == ([at(12)], [])
    assert (messages("confirmed_student"), messages("unfulfillable")) == (1, 0)


def test_late_money_takes_the_time_again_from_a_hold_that_is_over(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = expired_then_paid(offer, frozen_clock)
    stale = hold(offer, holder="bob")
    frozen_clock.advance(QUARTER)

    assert settle(booking).status == S.CONFIRMED
    assert fresh(stale).status == S.EXPIRED


def test_late_money_keeps_the_notice_that_was_kept_when_choosing(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = expired_then_paid(offer, frozen_clock)
    Offer.objects.update(notice_minutes=30 * 24 * 60, daily_limit=1, horizon_days=1)

    assert settle(booking).status == S.CONFIRMED


@pytest.mark.parametrize("reason", ["taken", "past", "blacked out", "buffered"])
def test_late_money_for_a_time_that_is_gone_goes_back_once(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None], reason: str
) -> None:
    booking = expired_then_paid(offer, frozen_clock)
    if reason == "taken":
        hold(offer, at(12, 30), holder="bob")
    if reason == "past":
        frozen_clock.set(at(12))
    if reason == "blacked out":
        Blackout.objects.create(coach=offer.coach, starts_at=at(12, 59), ends_at=at(15))
    if reason == "buffered":
        Offer.objects.update(buffer_before_minutes=30)
        hold(Offer.objects.get(), at(13), holder="bob")

    for _ in range(2):
        settled = settle(booking)

    assert (settled.status, refunds()) == (S.EXPIRED, [(5000, "not_fulfilled")])
    assert messages("unfulfillable") == 1
    run_jobs()
    assert mails("ann@example.org") == ["Your payment goes back: A call"]
    before = snapshot()
    settle(booking)
    assert (snapshot(), len(refunds()), messages("unfulfillable")) == (before, 1, 1)


def test_money_for_a_released_time_goes_back(offer: Offer, now: datetime) -> None:
    booking = pending(offer)
    services.release_hold(booking=booking, actor=GUEST, now=now)
    die(booking)
    assert settle(booking).status == S.CANCELLED
    give_money(booking)

    booking = settle(booking)

    assert (booking.status, refunds(), messages("unfulfillable")) == (
        S.CANCELLED,
        [(5000, "not_fulfilled")],
        1,
    )


def test_money_news_about_a_cancelled_booking_that_was_paid_changes_nothing(offer: Offer, now: datetime) -> None:
    booking = confirmed(offer)
    Order.objects.update(policy=[{"notice_hours": 1, "percent": 50}])
    services.cancel_booking(booking=fresh(booking), actor=GUEST, now=now)
    before = snapshot()

    settle(booking)

    assert (snapshot(), refunds()) == (before, [(2500, "student_cancelled")])


def test_dead_payment_with_time_left_lets_the_person_pay_again(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = pending(offer)
    frozen_clock.advance(5 * MINUTE)
    die(booking)

    assert settle(booking).status == S.PENDING_PAYMENT
    assert occupied() == [at(12)]

    start = start_payment(booking)

    assert [attempt.seq for attempt in PaymentAttempt.objects.order_by("seq")] == [1, 2]
    assert start.pay_url == latest_attempt().pay_url
    give_money(booking)
    assert settle(booking).status == S.CONFIRMED


def test_dead_payment_and_no_other_ends_with_the_hold(offer: Offer, frozen_clock: SettableClock) -> None:
    booking = pending(offer)
    die(booking)
    settle(booking)

    services.expire_hold(booking=booking, now=frozen_clock.advance(QUARTER))

    assert (fresh(booking).status, occupied()) == (S.EXPIRED, [])


def test_processing_payment_keeps_the_time_beyond_the_hold(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None]
) -> None:
    booking = pending(offer)
    attempt = latest_attempt()
    checkouts.pay_by_debit(str(attempt.gateway_ref), will_bounce=False, now=frozen_clock())
    sync_attempt(attempt_id=attempt.pk, now=frozen_clock())

    run_jobs(frozen_clock() + HOUR)

    assert (fresh(booking).status, occupied()) == (S.PENDING_PAYMENT, [at(12)])
    attempt.refresh_from_db()
    assert attempt.state == "processing"
    checkouts.settle_debit(Checkout.objects.get().pk, now=frozen_clock())
    sync_attempt(attempt_id=attempt.pk, now=frozen_clock())
    run_jobs()
    assert fresh(booking).status == S.CONFIRMED


def test_bounced_debit_after_the_hold_frees_the_time(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None]
) -> None:
    booking = pending(offer)
    attempt = latest_attempt()
    checkouts.pay_by_debit(str(attempt.gateway_ref), will_bounce=True, now=frozen_clock())
    sync_attempt(attempt_id=attempt.pk, now=frozen_clock())
    run_jobs(frozen_clock() + HOUR)

    checkouts.settle_debit(Checkout.objects.get().pk, now=frozen_clock())
    sync_attempt(attempt_id=attempt.pk, now=frozen_clock())
    run_jobs()

    assert (fresh(booking).status, occupied()) == (S.EXPIRED, [])


def test_left_pay_page_is_ended_by_the_jobs_and_the_time_is_free(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None]
) -> None:
    booking = pending(offer)

    run_jobs(frozen_clock() + QUARTER)

    assert (fresh(booking).status, occupied()) == (S.EXPIRED, [])
    assert latest_attempt().state == "dead"
    assert Checkout.objects.get().state == "dead"
    assert hold(offer, holder="bob").session.starts_at == at(12)


def test_extended_hold_is_looked_at_again_at_its_new_end(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Callable[..., None]
) -> None:
    booking = hold(offer)
    services.extend_hold(booking=booking, actor=GUEST, now=frozen_clock.advance(10 * MINUTE))

    run_jobs(at(10, 15, day=2))
    assert fresh(booking).status == S.HELD

    run_jobs(at(10, 25, day=2))
    assert fresh(booking).status == S.EXPIRED


def test_expiry_job_that_comes_early_waits(offer: Offer, run_jobs: Callable[..., None]) -> None:
    booking = hold(offer)
    Job.objects.update(due_at=at(10, 5, day=2))

    run_jobs(at(10, 6, day=2))

    job = Job.objects.get()
    assert (fresh(booking).status, job.state, job.due_at) == (S.HELD, JobState.DUE, booking.hold_expires_at)


def test_money_that_came_back_does_not_confirm(offer: Offer, now: datetime) -> None:
    booking = confirmed(offer)
    services.cancel_booking(booking=booking, actor=COACH, now=now)

    assert settle(booking).status == S.CANCELLED
    assert order_ref(booking) == Order.objects.get().ref
