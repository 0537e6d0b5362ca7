"""What payments does later: close, work on callbacks, give back, compare, report."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from greenroom.core import clock
from greenroom.integrations.stripe.protocol import GatewayConflictError, GatewayUnavailableError
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job
from greenroom.jobs.registry import HandlerSpec, Lane
from greenroom.jobs.services import close_earlier
from greenroom.payments import queries, services
from greenroom.payments.types import AttemptState, EventState

_SOON = timedelta(seconds=30)
_NOT_KNOWN_YET = timedelta(minutes=2)
_WORKED_ON_BY_BANK = AttemptState.PROCESSING


@contextmanager
def _patient() -> Iterator[None]:
    """Wait for a gateway that does not answer for as long as it takes: money is never given up on."""
    try:
        yield
    except (GatewayConflictError, GatewayUnavailableError) as error:
        raise RetryLaterError(_SOON, str(error)) from error


def close_attempt(job: Job) -> None:
    """End an attempt at the gateway."""
    with _patient():
        attempt = services.close_attempt(attempt_id=job.payload["attempt_id"], now=clock.now())
    if attempt.is_live and attempt.state != _WORKED_ON_BY_BANK:
        raise RetryLaterError(_SOON, "The gateway still says that it can be paid.")


def process_event(job: Job) -> None:
    """Work on one callback."""
    with _patient():
        event = services.process_event(event_id=job.payload["event_id"], now=clock.now())
    if event.state == EventState.RECEIVED:
        raise RetryLaterError(_NOT_KNOWN_YET, "It names something of ours that is not known yet.")
    if event.state == EventState.FAILED:
        raise PermanentFailureError(event.last_error)


def send_refund(job: Job) -> None:
    """Send one refund."""
    with _patient():
        services.send_refund(refund_id=job.payload["refund_id"], now=clock.now())


def look_by_hand(job: Job) -> None:
    """Take over what a person said about a payment or refund by hand."""
    services.look_by_hand(now=clock.now(), **job.payload)


def poll(_job: Job) -> None:
    """Compare undecided attempts and refunds with their gateways."""
    with _patient():
        services.poll(now=clock.now())


def collect_events(_job: Job) -> None:
    """Fetch the callbacks that did not arrive."""
    with _patient():
        services.collect_events(now=clock.now())


def compare_with_gateway(job: Job) -> None:
    """Compare with the gateways every night; stay failed, for the operator to see, when something stays."""
    now = clock.now()
    with _patient():
        findings = services.compare_with_gateway(now=now)
    close_earlier(job, now=now)
    if findings:
        count = f"{len(findings)} thing{'s' if len(findings) > 1 else ''}"
        raise PermanentFailureError(f"{count} at the gateway should not be: see the page about money.")


def report_mismatch(job: Job) -> None:
    """Stay failed, for the operator to see, until wrong money has gone back."""
    trouble = queries.find_trouble_with_attempt(job.payload["attempt_id"])
    if trouble:
        raise PermanentFailureError(trouble)


def report_failed_refund(job: Job) -> None:
    """Stay failed, for the operator to see, until the refund was tried again."""
    trouble = queries.find_trouble_with_refund(job.payload["refund_id"])
    if trouble:
        raise PermanentFailureError(trouble)


def report_dispute(job: Job) -> None:
    """Stay failed, for the operator to see, until the dispute is over."""
    trouble = queries.find_trouble_with_dispute(job.payload["dispute_id"])
    if trouble:
        raise PermanentFailureError(trouble)


JOB_HANDLERS: Mapping[str, HandlerSpec] = {
    "payments.close_attempt": HandlerSpec(close_attempt, Lane.MONEY),
    "payments.process_event": HandlerSpec(process_event, Lane.MONEY, lease=timedelta(minutes=2)),
    "payments.send_refund": HandlerSpec(send_refund, Lane.MONEY, lease=timedelta(minutes=2)),
    "payments.look_by_hand": HandlerSpec(look_by_hand, Lane.MONEY),
    "payments.report_mismatch": HandlerSpec(report_mismatch, Lane.MONEY),
    "payments.report_failed_refund": HandlerSpec(report_failed_refund, Lane.MONEY),
    "payments.report_dispute": HandlerSpec(report_dispute, Lane.MONEY),
    "payments.poll": HandlerSpec(poll, Lane.SLOW, lease=timedelta(minutes=20), every=timedelta(minutes=2)),
    "payments.collect_events": HandlerSpec(
        collect_events, Lane.SLOW, lease=timedelta(minutes=5), every=timedelta(hours=1)
    ),
    "payments.compare_with_gateway": HandlerSpec(
        compare_with_gateway, Lane.SLOW, lease=timedelta(hours=1), every=timedelta(days=1)
    ),
}
