"""The steps of a booking, taken as a guest takes them, at the time that the test's clock shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from greenroom.accounts.models import User
from greenroom.bookings import services
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import OCCUPYING, BookingStatus, Contact, Intake, PaymentStart
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.queries import lock_coach
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.stripe.protocol import PayState
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.orders.types import ReturnAddresses
from greenroom.payments import queries as payments
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.services import sync_attempt

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
GOOD_CARD = "4242424242424242"
GUEST = Actor(ActorKind.GUEST)
STUDENT = Actor(ActorKind.STUDENT)
COACH = Actor(ActorKind.COACH)
ADMIN = Actor(ActorKind.ADMIN)
ADDRESSES = ReturnAddresses("http://localhost:8000/ok/", "http://localhost:8000/back/")


def at(hour: int, minute: int = 0, *, day: int = 4) -> datetime:
    """Return a time in March 2026, UTC; Wednesday the 4th unless told, when the clock begins on Monday the 2nd."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def hold(
    offer: Offer,
    starts_at: datetime | None = None,
    *,
    holder: str = "ann",
    student: User | None = None,
    actor: Actor = GUEST,
    duration: OfferDuration | None = None,
    topic: Topic | None = None,
    **values: Any,
) -> Booking:
    """Hold a time; noon on Wednesday unless told."""
    return services.hold_slot(
        wanted=services.Wanted(offer, duration or offer.durations.all()[0], starts_at or at(12), topic),
        holder=holder,
        student=student,
        actor=actor,
        now=clock.now(),
        **values,
    )


def describe(booking: Booking, *, name: str = "Ann Guest", email: str = "ann@example.org", **intake: Any) -> Booking:
    """Say who books."""
    return services.submit_details(
        booking=booking,
        contact=Contact(name, email, "Europe/Berlin"),
        intake=Intake(**intake),
        student=booking.student,
        actor=GUEST,
        now=clock.now(),
    )


def start_payment(booking: Booking) -> PaymentStart:
    """Accept the order and open its payment."""
    return services.start_payment(booking=booking, addresses=ADDRESSES, actor=GUEST, now=clock.now())


def pending(offer: Offer, starts_at: datetime | None = None, **values: Any) -> Booking:
    """Bring a booking to the gateway's page."""
    booking = describe(hold(offer, starts_at, **values))
    start_payment(booking)
    return fresh(booking)


def give_money(booking: Booking) -> None:
    """Pay the latest attempt and learn of it; nothing is settled yet. Slow banks pay what was ended, too."""
    attempt = PaymentAttempt.objects.filter(order_ref=order_ref(booking)).order_by("-seq")[0]
    Checkout.objects.filter(ref=attempt.gateway_ref).update(state=PayState.OPEN)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=attempt.created_at)
    sync_attempt(attempt_id=attempt.pk, now=clock.now())


def settle(booking: Booking) -> Booking:
    """Bring the booking in line with its money."""
    services.settle_order(order_ref=order_ref(booking), now=clock.now())
    return fresh(booking)


def confirmed(offer: Offer, starts_at: datetime | None = None, **values: Any) -> Booking:
    """Book and pay."""
    booking = pending(offer, starts_at, **values)
    give_money(booking)
    return settle(booking)


def seat(offer: Offer, starts_at: datetime | None = None, *, name: str = "ann", **values: Any) -> Booking:
    """Book and pay under a name and address of one's own: one of several in a group."""
    booking = describe(hold(offer, starts_at, holder=name, **values), name=name.title(), email=f"{name}@example.org")
    start_payment(booking)
    give_money(fresh(booking))
    return settle(booking)


def pay_too_late(offer: Offer, starts_at: datetime | None = None, *, name: str = "late", **values: Any) -> Booking:
    """Bring somebody to the gateway whose payment dies, whose time is up, and whose money comes after all.

    Nothing is settled yet. The clock has to be fifteen minutes past the hold: `expire` moves it.
    """
    expire = values.pop("expire")
    booking = describe(hold(offer, starts_at, holder=name, **values), name=name.title(), email=f"{name}@example.org")
    start_payment(booking)
    expire()
    die(booking)
    assert settle(booking).status == BookingStatus.EXPIRED
    give_money(booking)
    return fresh(booking)


def die(booking: Booking) -> None:
    """Let the gateway end the booking's payment; nothing is settled yet."""
    attempt = payments.find_live_attempt(order_ref(booking))
    assert attempt is not None
    checkouts.expire(str(attempt.gateway_ref), now=clock.now())
    sync_attempt(attempt_id=attempt.pk, now=clock.now())


def change(thing: Coach | Offer, **values: Any) -> None:
    """Change a coach or an offer as the services do, under the coach's lock."""
    with transaction.atomic():
        lock_coach(thing.pk if isinstance(thing, Coach) else thing.coach_id)
        for name, value in values.items():
            setattr(thing, name, value)
        thing.save(update_fields=list(values))


def fresh(booking: Booking) -> Booking:
    """Read a booking again, with everything around it."""
    return Booking.objects.select_related("session__offer", "coach__user", "order", "student").get(pk=booking.pk)


def order_ref(booking: Booking) -> str:
    """Return the reference of a booking's order."""
    order = fresh(booking).order
    assert order is not None
    return order.ref


def refunds() -> list[tuple[int, str]]:
    """Return every refund that was asked for, as amount and cause."""
    return list(RefundRequest.objects.order_by("pk").values_list("amount_minor", "cause"))


def occupied() -> list[datetime]:
    """Return the starts of the sessions that take up time, in order."""
    sessions = CoachingSession.objects.filter(status__in=OCCUPYING)
    return list(sessions.order_by("starts_at").values_list("starts_at", flat=True))


def mails(to: str | None = None) -> list[str]:
    """Return the subjects of the mails that arrived, oldest first."""
    found = DeliveredMail.objects.order_by("pk")
    return list((found.filter(to=to) if to else found).values_list("subject", flat=True))


def snapshot() -> dict[str, Any]:
    """Return what all bookings and sessions look like, to prove that nothing changed."""
    return {
        "bookings": list(Booking.objects.order_by("pk").values()),
        "sessions": list(CoachingSession.objects.order_by("pk").values()),
    }
