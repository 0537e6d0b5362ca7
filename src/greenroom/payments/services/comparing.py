"""Comparing with what the gateways list, once a night: what no callback, no poll and no event told."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import QuerySet

from greenroom.core import audit
from greenroom.core.money import CurrencyMismatchError
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.stripe.protocol import GatewayRejectedError, Moved, PaymentGateway, RefundSnapshot
from greenroom.notifications.display import money
from greenroom.payments import gateways
from greenroom.payments.gateway_checks import differences, sums_apart
from greenroom.payments.models import RefundRequest
from greenroom.payments.services.attempts import our_metadata
from greenroom.payments.services.checking import record_check
from greenroom.payments.services.disputes import learn_disputes
from greenroom.payments.services.refunds import adopt_refunds, apply_refund_snapshot
from greenroom.payments.services.snapshots import sync_attempt
from greenroom.payments.types import CheckSubject, Finding, MoneyRule, RefundRequestState, Road

_LOOKS_BACK = timedelta(days=3)  # so that a night without an answer leaves no gap
_QUIET_FOR = timedelta(minutes=10)  # of what is younger the callback may be on its way
# A refund that was done may fail up to thirty days later (Stripe); a few more, for days in transit.
_BANKS_SEND_BACK = timedelta(days=35)
_MOST_REFUNDS = 200  # each may take nearly a time-out's length; the job's lease covers them all


def compare_with_gateway(*, now: datetime) -> list[Finding]:
    """Compare what moved at each gateway with pages of its own in the last three days with what our rows say.

    Older refunds that banks may still send back are asked after one by one. What differs is first taken over by the
    ways that callbacks go; the audit log says that they were gone from here. What still differs is kept in the place of
    the last run's findings, and returned: a person decides about it, and nothing is changed for it. Must run outside
    transactions; a second call changes nothing.
    Raises: GatewayConflictError, GatewayUnavailableError; then the findings are still the last run's.
    """
    refuse_network_in_transaction()
    hosted = [gateway for gateway in gateways.wired() if gateway.is_hosted]
    findings = [finding for gateway in hosted for finding in _compare(gateway, now)]
    if hosted:
        record_check(findings=findings, now=now, subject=CheckSubject.GATEWAYS)
    return findings


def _compare(gateway: PaymentGateway, now: datetime) -> list[Finding]:
    return [*_compare_moved(gateway, now), *_follow_refunds(gateway, now)]


def _compare_moved(gateway: PaymentGateway, now: datetime) -> list[Finding]:
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


def _follow_refunds(gateway: PaymentGateway, now: datetime) -> list[Finding]:
    """Ask after refunds that are done and too old to be listed, but that a bank may still send back.

    A refund that the gateway does not know, or knows as another, is found. With more of them than one night takes,
    those that were not known come first, so that they stay found, then those that nobody asked after for longest.
    """
    seen: list[RefundSnapshot] = []
    unknown: list[Finding] = []
    for refund in _refunds_that_may_fail(gateway, now):
        # Pushed to the end of the queue first, so that a row that breaks the visit does not break every visit.
        row = RefundRequest.objects.filter(pk=refund.pk)
        row.update(checked_at=now, last_error="")
        try:
            snapshot = gateway.fetch_refund(str(refund.refund_ref))
        except GatewayRejectedError as error:
            row.update(last_error=str(error)[:500])
            words = f"Refund {refund.refund_ref}: {money(refund.amount)}, succeeded here, and not known at the gateway."
            unknown.append(Finding(MoneyRule.GATEWAY_KNOWN, refund.attempt.order_ref, words))
            continue
        with audit.on_road(Road.COMPARISON):
            apply_refund_snapshot(refund_id=refund.pk, snapshot=snapshot, now=now)
        seen.append(snapshot)
    differing = differences(gateway.code, Moved([], seen, [])) if seen else []
    return [*unknown, *(one.finding for one in differing)]


def _refunds_that_may_fail(gateway: PaymentGateway, now: datetime) -> QuerySet[RefundRequest]:
    done = RefundRequest.objects.filter(
        attempt__gateway=gateway.code,
        state=RefundRequestState.SUCCEEDED,
        refund_ref__isnull=False,
        created_at__lt=now - _LOOKS_BACK,
        created_at__gt=now - _BANKS_SEND_BACK,
    )
    return done.select_related("attempt").order_by("-last_error", "checked_at", "pk")[:_MOST_REFUNDS]


@audit.on_road(Road.COMPARISON)
def _learn(attempt_id: int, now: datetime) -> None:
    """Take over all that the gateway says of an attempt. What cannot be taken over stays a difference."""
    with suppress(GatewayRejectedError, CurrencyMismatchError, LookupError):
        attempt = sync_attempt(attempt_id=attempt_id, now=now)
        if attempt.captured_minor:
            adopt_refunds(attempt, now=now)
            learn_disputes(attempt, now=now)
