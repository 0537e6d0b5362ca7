"""Comparing with what the gateways list, once a night: what no callback, no poll and no event told."""

from contextlib import suppress
from datetime import datetime, timedelta

from greenroom.core import audit
from greenroom.core.money import CurrencyMismatchError
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.stripe.protocol import GatewayRejectedError, Moved, PaymentGateway
from greenroom.payments import gateways
from greenroom.payments.gateway_checks import differences, sums_apart
from greenroom.payments.services.attempts import our_metadata
from greenroom.payments.services.checking import record_check
from greenroom.payments.services.disputes import learn_disputes
from greenroom.payments.services.refunds import adopt_refunds
from greenroom.payments.services.snapshots import sync_attempt
from greenroom.payments.types import CheckSubject, Finding, Road

_LOOKS_BACK = timedelta(days=3)  # so that a night without an answer leaves no gap
_QUIET_FOR = timedelta(minutes=10)  # of what is younger the callback may be on its way


def compare_with_gateway(*, now: datetime) -> list[Finding]:
    """Compare what moved at each gateway with pages of its own in the last three days with what our rows say.

    What differs is first taken over by the ways that callbacks go; the audit log says that they were gone from here.
    What still differs is kept in the place of the last run's findings, and returned: a person decides about it, and
    nothing is changed for it. Must run outside transactions; a second call changes nothing.
    Raises: GatewayConflictError, GatewayUnavailableError; then the findings are still the last run's.
    """
    refuse_network_in_transaction()
    hosted = [gateway for gateway in gateways.wired() if gateway.is_hosted]
    findings = [finding for gateway in hosted for finding in _compare(gateway, now)]
    if hosted:
        record_check(findings=findings, now=now, subject=CheckSubject.GATEWAYS)
    return findings


def _compare(gateway: PaymentGateway, now: datetime) -> list[Finding]:
    moved = _moved(gateway, now)
    differing = differences(gateway.code, moved)
    if not differing:
        return sums_apart(gateway.code, moved)
    for attempt_id in sorted({one.attempt_id for one in differing if one.attempt_id is not None}):
        _learn(attempt_id, now)
    moved = _moved(gateway, now)  # the first list is old by now, and callbacks went on
    return [*(one.finding for one in differences(gateway.code, moved)), *sums_apart(gateway.code, moved)]


def _moved(gateway: PaymentGateway, now: datetime) -> Moved:
    return gateway.list_moved(since=now - _LOOKS_BACK, until=now - _QUIET_FOR, metadata=our_metadata())


@audit.on_road(Road.COMPARISON)
def _learn(attempt_id: int, now: datetime) -> None:
    """Take over all that the gateway says of an attempt. What cannot be taken over stays a difference."""
    with suppress(GatewayRejectedError, CurrencyMismatchError, LookupError):
        attempt = sync_attempt(attempt_id=attempt_id, now=now)
        if attempt.captured_minor:
            adopt_refunds(attempt, now=now)
            learn_disputes(attempt, now=now)
