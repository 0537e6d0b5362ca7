"""Handlers of the due rows about bookings."""

from greenroom.accounts.models import DiscordIdentity
from greenroom.bookings import services
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.core import clock
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job
from greenroom.jobs.services import close_earlier


def expire_hold(job: Job) -> None:
    """End a hold whose time is over; an extended one is looked at again at its new end."""
    now = clock.now()
    booking = Booking.objects.get(pk=job.payload["booking_id"])
    look_again_at = services.expire_hold(booking=booking, now=now)
    if look_again_at is not None:
        raise RetryLaterError(look_again_at - now, "The hold was extended.")


def complete_if_unknown(job: Job) -> None:
    """Complete a session of which nobody said anything."""
    services.complete_if_unknown(booking=Booking.objects.get(pk=job.payload["booking_id"]), now=clock.now())


def time_out_request(job: Job) -> None:
    """End a request that the coach did not answer in time."""
    services.time_out_request(booking=Booking.objects.get(pk=job.payload["booking_id"]), now=clock.now())


def decide_session(job: Job) -> None:
    """Decide whether a group session takes place; while people are still paying it is looked at again."""
    now = clock.now()
    session = CoachingSession.objects.get(pk=job.payload["session_id"])
    look_again_at = services.decide_session(session=session, now=now)
    if look_again_at is not None:
        raise RetryLaterError(look_again_at - now, "People are still booking.")


def check_money(job: Job) -> None:
    """Compare money and bookings every night; stay failed, for the operator to see, when something is found."""
    now = clock.now()
    findings = services.check_money(now=now)
    close_earlier(job, now=now)
    if findings:
        count = f"{len(findings)} thing{'s' if len(findings) > 1 else ''}"
        raise PermanentFailureError(f"{count} about money should not be: see the page about money.")


def attach_discord(job: Job) -> None:
    """Give a booking the Discord account that its holder linked."""
    services.attach_discord(
        booking=Booking.objects.get(pk=job.payload["booking_id"]),
        identity=DiscordIdentity.objects.get(pk=job.payload["identity_id"]),
        now=clock.now(),
    )


def discord_linked(job: Job) -> None:
    """Have all coming rooms of somebody who linked Discord in their account looked at."""
    services.look_at_rooms_of(user_id=job.payload["user_id"], now=clock.now())
