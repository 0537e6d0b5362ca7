"""The process dies at a named point of booking or mailing, and whoever comes next continues."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.factories.bookings import make_booking, make_offer
from tests.factories.clock import SettableClock
from tests.factories.processes import run_python

from greenroom.bookings import services
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus, Contact, Intake
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.faults import KILLED_STATUS
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.jobs.models import Run
from greenroom.notifications.models import Message
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import MessageState, NewMessage
from greenroom.orders.types import ReturnAddresses
from greenroom.payments.models import PaymentAttempt

pytestmark = pytest.mark.django_db(transaction=True)

_PRELUDE = """
from datetime import datetime
from greenroom.core import clock, faults
clock.use_source(lambda: datetime.fromisoformat({now!r}))
faults.arm({point!r})
"""
_PAY = """
from greenroom.bookings import services
from greenroom.bookings.models import Booking
from greenroom.orders.types import ReturnAddresses
from greenroom.core.actors import Actor, ActorKind
services.start_payment(
    booking=Booking.objects.get(),
    addresses=ReturnAddresses("http://localhost:8000/yes/", "http://localhost:8000/no/"),
    actor=Actor(ActorKind.GUEST),
    now=clock.now(),
)
"""
_TICK = """
from datetime import timedelta
from greenroom.jobs.ticker import run_until_idle
run_until_idle(source="test", budget=timedelta(seconds=20))
"""


def die_at(point: str, code: str, *, now: datetime, data_dir: Path) -> None:
    """Run code in another process, which must end at the named point."""
    ended = run_python(_PRELUDE.format(now=now.isoformat(), point=point) + code, data_dir=data_dir)
    assert ended.returncode == KILLED_STATUS, ended.stderr


def test_death_between_accepting_and_opening_the_payment_leaves_one_booking_and_one_page(
    frozen_clock: SettableClock, tmp_path: Path
) -> None:
    now = frozen_clock()
    booking = make_booking(offer=make_offer(), starts_at=now + timedelta(days=2), now=now, status=BookingStatus.HELD)
    services.submit_details(
        booking=booking,
        contact=Contact("Sam", "sam@example.org", "UTC"),
        intake=Intake(),
        student=None,
        actor=Actor(ActorKind.GUEST),
        now=now,
    )

    die_at("bookings.after_start_payment", _PAY, now=now, data_dir=tmp_path)
    assert Booking.objects.get().status == BookingStatus.PENDING_PAYMENT
    assert not PaymentAttempt.objects.exists()
    start = services.start_payment(
        booking=Booking.objects.get(),
        addresses=ReturnAddresses("http://localhost:8000/yes/", "http://localhost:8000/no/"),
        actor=Actor(ActorKind.GUEST),
        now=now,
    )

    assert start.pay_url is not None
    assert (PaymentAttempt.objects.count(), Checkout.objects.count()) == (1, 1)


def test_death_after_the_mail_server_took_a_mail_shows_it_once(
    frozen_clock: SettableClock, run_due_jobs: Callable[[], Run], tmp_path: Path
) -> None:
    now = frozen_clock()
    booking = make_booking(offer=make_offer(), starts_at=now + timedelta(days=2), now=now)
    new = NewMessage("bookings.confirmed_student", "test:1", booking.contact_email, booking.pk, now)
    message = plan_message(new, now=now)

    die_at("notifications.after_send", _TICK, now=now, data_dir=tmp_path)
    assert Message.objects.get(pk=message.pk).state == MessageState.PLANNED
    frozen_clock.advance(timedelta(minutes=5))
    run_due_jobs()

    assert Message.objects.get(pk=message.pk).state == MessageState.SENT
    assert DeliveredMail.objects.filter(message_id=message.message_id).count() == 1
