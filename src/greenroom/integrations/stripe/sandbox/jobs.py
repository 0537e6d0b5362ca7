"""What the gateway does on its own, a little later."""

from collections.abc import Mapping
from datetime import timedelta

from greenroom.core import clock
from greenroom.integrations.stripe.sandbox import checkouts, disputes, events, refunds
from greenroom.integrations.stripe.sandbox.models import Checkout, Event
from greenroom.jobs.errors import RetryLaterError
from greenroom.jobs.models import Job
from greenroom.jobs.registry import HandlerSpec, Lane

_FIRST_RETRY = timedelta(seconds=10)
_LONGEST_RETRY = timedelta(hours=1)


def deliver_event(job: Job) -> None:
    """Send one event; what is not accepted is sent again with growing delay, for three days."""
    now = clock.now()
    event = Event.objects.get(pk=job.payload["event_id"])
    try:
        events.deliver(event, now=now)
    except events.DeliveryError as error:
        if now - event.created_at < events.GIVES_UP_AFTER:
            delay = min(_FIRST_RETRY * 2 ** min(event.tries, 20), _LONGEST_RETRY)
            raise RetryLaterError(delay, str(error)) from error


def expire_checkout(job: Job) -> None:
    """End a checkout whose time is over."""
    checkout = Checkout.objects.get(pk=job.payload["checkout_id"])
    checkouts.expire(checkout.ref, now=clock.now())


def settle_debit(job: Job) -> None:
    """Bring a bank debit to its end."""
    checkouts.settle_debit(job.payload["checkout_id"], now=clock.now())


def finish_refund(job: Job) -> None:
    """Bring a refund to its end."""
    refunds.finish_refund(job.payload["refund_id"], now=clock.now())


def open_dispute(job: Job) -> None:
    """Let the cardholder dispute the payment, once."""
    checkout = Checkout.objects.get(pk=job.payload["checkout_id"])
    if not checkout.disputes.exists():
        disputes.raise_dispute(checkout.ref, is_inquiry=False, now=clock.now())


JOB_HANDLERS: Mapping[str, HandlerSpec] = {
    events.DELIVER: HandlerSpec(deliver_event, Lane.MONEY),
    checkouts.EXPIRE: HandlerSpec(expire_checkout, Lane.MONEY),
    checkouts.SETTLE: HandlerSpec(settle_debit, Lane.MONEY),
    checkouts.DISPUTE: HandlerSpec(open_dispute, Lane.MONEY),
    refunds.FINISH: HandlerSpec(finish_refund, Lane.MONEY),
}
