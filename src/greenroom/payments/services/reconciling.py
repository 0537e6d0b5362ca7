"""Comparing with the gateway on our own account, for callbacks that never come."""

from collections.abc import Callable
from datetime import datetime, timedelta

from greenroom.core import audit
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.stripe.protocol import GatewayRejectedError, GatewayUnavailableError, PaymentGateway
from greenroom.payments import gateways, rules
from greenroom.payments.errors import GatewayOffError
from greenroom.payments.models import Dispute, GatewayEvent, PaymentAttempt, RefundRequest
from greenroom.payments.services.closing import GRACE, close_attempt
from greenroom.payments.services.disputes import apply_dispute_snapshot
from greenroom.payments.services.events import store_event
from greenroom.payments.services.refunds import apply_refund_snapshot
from greenroom.payments.services.snapshots import sync_attempt
from greenroom.payments.types import Road

_QUIET_FOR = timedelta(minutes=2)
_MOST_AT_ONCE = 40  # each may take a time-out's length; the job's lease covers them all
_BANKS_TAKE = timedelta(hours=1)
_MOST_DISPUTES = 20
_FEE_TAKES = timedelta(hours=1)
_FEES_WANTED_FOR = timedelta(days=180)
_LOOKS_BACK = timedelta(days=3)


def poll(*, now: datetime) -> None:
    """Ask after every attempt and refund that is not decided and was not looked at for two minutes.

    And once an hour after every dispute that is not over, and every payment whose fee is not known. What belongs to a
    gateway that was switched off says so.

    Must run outside transactions. A row that the gateway refuses to know keeps that as its problem and does not hold
    up the others. Raises: GatewayUnavailableError.
    """
    refuse_network_in_transaction()
    _note_switched_off()
    _each(lambda gateway: _poll_noting(gateway, now))


def _each(visit: Callable[[PaymentGateway], None]) -> None:
    """Visit every gateway; one that does not answer keeps no other waiting. Raises: GatewayUnavailableError."""
    trouble: GatewayUnavailableError | None = None
    for gateway in gateways.wired():
        try:
            visit(gateway)
        except GatewayUnavailableError as error:
            trouble = error
    if trouble:
        raise trouble


def _note_switched_off() -> None:
    """Say on every row that is not decided that its gateway cannot be asked any more."""
    codes = [gateway.code for gateway in gateways.wired()]
    live = PaymentAttempt.objects.filter(state__in=rules.LIVE).exclude(gateway__in=codes)
    moving = RefundRequest.objects.filter(state__in=rules.UNSETTLED_REFUNDS).exclude(attempt__gateway__in=codes)
    for code in live.values_list("gateway", flat=True).distinct():
        live.filter(gateway=code).update(problem=str(GatewayOffError(code)))
    for code in moving.values_list("attempt__gateway", flat=True).distinct():
        moving.filter(attempt__gateway=code).update(last_error=str(GatewayOffError(code)))


def _poll_noting(gateway: PaymentGateway, now: datetime) -> None:
    """Visit a gateway, and let the audit log say that no callback told, where one could have come."""
    with audit.on_road(Road.POLL if gateway.is_hosted else ""):
        _poll(gateway, now)


def _poll(gateway: PaymentGateway, now: datetime) -> None:
    quiet = {"checked_at__lt": now - _QUIET_FOR}
    code = gateway.code
    live = PaymentAttempt.objects.filter(state__in=rules.LIVE, gateway=code, **quiet).order_by("checked_at")
    for attempt in live[:_MOST_AT_ONCE]:
        # Pushed to the end of the queue first, so that a row that breaks the visit does not break every visit.
        PaymentAttempt.objects.filter(pk=attempt.pk).update(checked_at=now)
        _ask_after_attempt(attempt, now)
    moving = RefundRequest.objects.filter(state__in=rules.UNSETTLED_REFUNDS, attempt__gateway=code, **quiet)
    for refund in moving.order_by("checked_at")[:_MOST_AT_ONCE]:
        RefundRequest.objects.filter(pk=refund.pk).update(checked_at=now)
        _ask_after_refund(gateway, refund, now)
    stale = Dispute.objects.filter(closed_at__isnull=True, checked_at__lt=now - _BANKS_TAKE, attempt__gateway=code)
    for dispute in stale.order_by("checked_at")[:_MOST_DISPUTES]:
        Dispute.objects.filter(pk=dispute.pk).update(checked_at=now)
        _ask_after_dispute(gateway, dispute, now)
    if gateway.is_hosted:
        _ask_after_fees(gateway, now)


def _ask_after_fees(gateway: PaymentGateway, now: datetime) -> None:
    """Look again at payments whose fee was not known: gateways tell it late, and older rows never heard of it."""
    unknown = PaymentAttempt.objects.filter(
        gateway=gateway.code,
        captured_minor__gt=0,
        fee_minor__isnull=True,
        paid_at__gt=now - _FEES_WANTED_FOR,
        checked_at__lt=now - _FEE_TAKES,
    )
    for attempt in unknown.order_by("checked_at")[:_MOST_DISPUTES]:
        PaymentAttempt.objects.filter(pk=attempt.pk).update(checked_at=now)
        _ask_after_attempt(attempt, now)


def collect_events(*, now: datetime) -> int:
    """Keep the events of the last three days that did not arrive; returns how many these were.

    Must run outside transactions. Raises: GatewayUnavailableError.
    """
    refuse_network_in_transaction()
    counts: list[int] = []
    _each(lambda gateway: counts.append(_collect(gateway, now)))
    return sum(counts)


def _collect(gateway: PaymentGateway, now: datetime) -> int:
    events = list(gateway.list_events(since=now - _LOOKS_BACK))
    kept = GatewayEvent.objects.filter(gateway=gateway.code, received_at__gte=now - 2 * _LOOKS_BACK)
    known = set(kept.values_list("event_id", flat=True))
    missing = [envelope for envelope in events if envelope.event_id not in known]
    for envelope in missing:
        store_event(envelope, gateway=gateway.code, now=now, is_collected=True)
    return len(missing)


def _ask_after_attempt(attempt: PaymentAttempt, now: datetime) -> None:
    if attempt.gateway_ref is None:
        if now > attempt.expires_at + GRACE:
            with audit.on_road(""):  # of what never got a page no callback can come
                close_attempt(attempt_id=attempt.pk, now=now)
        return
    try:
        sync_attempt(attempt_id=attempt.pk, now=now)
    except GatewayRejectedError as error:
        PaymentAttempt.objects.filter(pk=attempt.pk).update(problem=str(error)[:200])


def _ask_after_refund(gateway: PaymentGateway, refund: RefundRequest, now: datetime) -> None:
    try:
        snapshot = gateway.fetch_refund(str(refund.refund_ref))
    except GatewayRejectedError as error:
        RefundRequest.objects.filter(pk=refund.pk).update(last_error=str(error)[:500])
        return
    apply_refund_snapshot(refund_id=refund.pk, snapshot=snapshot, now=now)


def _ask_after_dispute(gateway: PaymentGateway, dispute: Dispute, now: datetime) -> None:
    try:
        snapshot = gateway.fetch_dispute(dispute.dispute_ref)
    except GatewayRejectedError:
        return  # it stays open, and so does the operator's item
    apply_dispute_snapshot(attempt_id=dispute.attempt_id, snapshot=snapshot, now=now)
