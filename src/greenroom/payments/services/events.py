"""Callbacks: kept first, worked on later, and never believed: they only say where to look."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError

from greenroom.core import audit
from greenroom.core.faults import fault_point
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import EventEnvelope, ObjectKind, WebhookRefusedError
from greenroom.jobs import services as jobs
from greenroom.payments import gateways
from greenroom.payments.models import Dispute, GatewayEvent, PaymentAttempt, RefundRequest
from greenroom.payments.services.attempts import SITE_KEY, our_metadata
from greenroom.payments.services.disputes import apply_dispute_snapshot
from greenroom.payments.services.refunds import apply_refund_snapshot
from greenroom.payments.services.snapshots import sync_attempt
from greenroom.payments.types import EventState, Road

PROCESS = "payments.process_event"
# A callback may overtake the answer that names its object; after a day it is not that.
_STRANGER_AFTER = timedelta(hours=24)
_OVERTAKES_FOR = timedelta(hours=1)


def receive_event(*, body: bytes, headers: Mapping[str, str], now: datetime) -> GatewayEvent:
    """Verify a callback and keep it, with the job that works on it. A callback that is already kept is fine.

    Raises: WebhookRefusedError, and then nothing is kept.
    """
    gateway = gateways.find_hosted()
    if gateway is None:
        raise WebhookRefusedError("This site expects no callbacks: it takes no payments.")
    return store_event(gateway.parse_webhook(body, headers, now=now), gateway=gateway.code, now=now)


def store_event(envelope: EventEnvelope, *, gateway: str, now: datetime, is_collected: bool = False) -> GatewayEvent:
    """Keep an event of the gateway with this code once, with the job that works on it; a second call returns it.

    The index decides what is new: nearly every event is, so nothing is looked up before.
    """
    fault_point("payments.event_verified")
    identity = {"gateway": gateway, "account": envelope.account, "event_id": envelope.event_id}
    event = GatewayEvent(
        **identity,
        type=envelope.type[:80],
        object_kind=envelope.object_kind,
        object_ref=envelope.object_ref,
        payment_ref=envelope.payment_ref,
        metadata=dict(envelope.metadata),
        raw=dict(envelope.raw),
        is_collected=is_collected,
        received_at=now,
    )
    try:
        with unit_of_work():
            event.save(force_insert=True)
            jobs.plan_first(kind=PROCESS, key=f"{PROCESS}:{event.pk}", now=now, payload={"event_id": event.pk})
    except IntegrityError:
        known = GatewayEvent.objects.filter(**identity).first()
        if known is None:
            raise
        return known
    fault_point("payments.event_stored")
    return event


def process_event(*, event_id: int, now: datetime) -> GatewayEvent:
    """Look at the gateway for what an event is about, and apply that.

    Must run outside transactions; an event that was worked on stays as it is. The returned event is still `received`
    when it names something of ours that we do not know yet: call again later; after a day it is `failed`.
    Raises: GatewayRejectedError, GatewayUnavailableError.
    """
    refuse_network_in_transaction()
    event = GatewayEvent.objects.get(pk=event_id)
    if event.state in {EventState.PROCESSED, EventState.IGNORED}:
        return event
    with audit.on_road(Road.EVENTS if event.is_collected else ""):
        return _process(event, now)


def _process(event: GatewayEvent, now: datetime) -> GatewayEvent:
    if event.object_kind == ObjectKind.DISPUTE:
        return _process_dispute(event, now)
    refund = RefundRequest.objects.filter(refund_ref=event.object_ref).first()
    if refund is not None:
        snapshot = gateways.get(event.gateway).fetch_refund(event.object_ref)
        apply_refund_snapshot(refund_id=refund.pk, snapshot=snapshot, now=now)
        return _close(event, EventState.PROCESSED, now=now)
    attempt = _find_attempt(event)
    if attempt is None or not (attempt.gateway_ref or event.object_kind == ObjectKind.CHECKOUT):
        return _close_unknown(event, now)
    sync_attempt(attempt_id=attempt.pk, now=now, gateway_ref=event.object_ref)
    return _close(event, EventState.PROCESSED, now=now)


def _process_dispute(event: GatewayEvent, now: datetime) -> GatewayEvent:
    known = Dispute.objects.select_related("attempt").filter(dispute_ref=event.object_ref).first()
    attempt = known.attempt if known else _find_attempt(event)
    if attempt is None or not attempt.gateway_ref:
        # A dispute carries no metadata: it may be of a payment that we are about to hear of.
        return event if now - event.received_at < _OVERTAKES_FOR else _close_unknown(event, now)
    snapshot = gateways.get(event.gateway).fetch_dispute(event.object_ref)
    if not attempt.captured_minor:
        attempt = sync_attempt(attempt_id=attempt.pk, now=now)
    if snapshot.payment_ref != attempt.payment_ref:
        return _close_unknown(event, now)
    apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)
    return _close(event, EventState.PROCESSED, now=now)


def _find_attempt(event: GatewayEvent) -> PaymentAttempt | None:
    attempts = PaymentAttempt.objects.filter(gateway=event.gateway)
    named = str(event.metadata.get("attempt_ref", ""))
    return (
        attempts.filter(gateway_ref=event.object_ref).first()
        or attempts.filter(ref=named).first()
        or attempts.filter(payment_ref=event.payment_ref).first()
    )


def _close_unknown(event: GatewayEvent, now: datetime) -> GatewayEvent:
    if event.metadata.get(SITE_KEY) != our_metadata()[SITE_KEY]:
        return _close(event, EventState.IGNORED, now=now)
    if now - event.received_at < _STRANGER_AFTER:
        return event
    words = f"{event.object_kind} {event.object_ref} says it is ours, but no attempt knows it."
    return _close(event, EventState.FAILED, now=now, error=words)


def _close(event: GatewayEvent, state: EventState, *, now: datetime, error: str = "") -> GatewayEvent:
    event.state, event.processed_at, event.last_error = state, now, error[:500]
    event.save(update_fields=["state", "processed_at", "last_error"])
    return event
