"""The sandbox as a gateway: the same protocol as the real one, answered from its own tables."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from json import loads
from typing import Any

from django.conf import settings

from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.stripe.protocol import (
    CheckoutHandle,
    CheckoutRequest,
    DisputeSnapshot,
    EventEnvelope,
    GatewayRejectedError,
    GatewayUnavailableError,
    Moved,
    PaymentSnapshot,
    PayState,
    RefundSnapshot,
    RefundState,
)
from greenroom.integrations.stripe.sandbox import checkouts, disputes, refunds
from greenroom.integrations.stripe.sandbox.faults import strikes
from greenroom.integrations.stripe.sandbox.idempotency import Answer, answer_once
from greenroom.integrations.stripe.sandbox.models import Checkout, Dispute, Event, Refund
from greenroom.integrations.stripe.webhook import envelope_of, read_callback


class SandboxGateway:
    """A gateway with play money. It refuses to be called inside a transaction, as the real one does."""

    code = "sandbox"
    is_test = True
    is_hosted = True
    setup = None

    @property
    def pages_origin(self) -> str:
        """Its pages stand on this site."""
        return str(settings.BASE_URL)

    def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutHandle:
        """Make a checkout; the same key brings the same one."""
        now = _reach()

        def execute() -> Answer:
            ref = checkouts.make_checkout(request, now=now).ref
            return {"gateway_ref": ref, "pay_url": checkouts.pay_url(ref)}

        params = {"call": "checkouts", **asdict(request)}
        answer = answer_once(key=idempotency_key, params=params, execute=execute, now=now)
        if strikes("create_times_out_after_executing"):
            raise GatewayUnavailableError("The gateway did not answer in time.")
        return CheckoutHandle(**answer)

    def expire_checkout(self, gateway_ref: str) -> PaymentSnapshot:
        """End a checkout while it is open, and say what is true then."""
        now = _reach()
        try:
            return _snapshot(checkouts.expire(gateway_ref, now=now), now)
        except Checkout.DoesNotExist:
            raise GatewayRejectedError("404: there is no such checkout.") from None

    def fetch(self, gateway_ref: str) -> PaymentSnapshot:
        """Return the truth about a checkout."""
        now = _reach()
        checkout = Checkout.objects.filter(ref=gateway_ref).first()
        if checkout is None:
            raise GatewayRejectedError("404: there is no such checkout.")
        return _snapshot(checkout, now)

    def refund(
        self, payment_ref: str, amount: Money, *, idempotency_key: str, metadata: Mapping[str, str]
    ) -> RefundSnapshot:
        """Give money back; the same key brings the same refund, as it was when it was made."""
        now = _reach()

        def execute() -> Answer:
            refund = refunds.make_refund(payment_ref, amount, metadata, now=now)
            return {"ref": refund.ref, "state": refund.state}

        params = {"call": "refunds", "payment_ref": payment_ref, **asdict(amount), "metadata": dict(metadata)}
        answer = answer_once(key=idempotency_key, params=params, execute=execute, now=now)
        if strikes("refund_times_out_after_executing"):
            raise GatewayUnavailableError("The gateway did not answer in time.")
        refund = Refund.objects.select_related("checkout").get(ref=answer["ref"])
        return _refund_snapshot(refund, state=RefundState(answer["state"]))

    def fetch_refund(self, refund_ref: str) -> RefundSnapshot:
        """Return the truth about a refund."""
        _reach()
        refund = Refund.objects.select_related("checkout").filter(ref=refund_ref).first()
        if refund is None:
            raise GatewayRejectedError("404: there is no such refund.")
        return _refund_snapshot(refund)

    def list_refunds(self, payment_ref: str) -> list[RefundSnapshot]:
        """Return every refund of a payment, oldest first."""
        _reach()
        rows = Refund.objects.select_related("checkout").filter(checkout__payment_ref=payment_ref).order_by("pk")
        return [_refund_snapshot(refund) for refund in rows]

    def fetch_dispute(self, dispute_ref: str) -> DisputeSnapshot:
        """Return the truth about a dispute."""
        _reach()
        dispute = Dispute.objects.select_related("checkout").filter(ref=dispute_ref).first()
        if dispute is None:
            raise GatewayRejectedError("404: there is no such dispute.")
        return _dispute_snapshot(dispute)

    def list_disputes(self, payment_ref: str) -> list[DisputeSnapshot]:
        """Return every dispute of a payment, oldest first."""
        _reach()
        rows = Dispute.objects.select_related("checkout").filter(checkout__payment_ref=payment_ref).order_by("pk")
        return [_dispute_snapshot(dispute) for dispute in rows]

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> EventEnvelope:
        """Verify a callback with the configured secret."""
        return read_callback(body, headers, secrets=settings.ENVIRONMENT.stripe_webhook_secrets, now=now)

    def list_events(self, *, since: datetime) -> list[EventEnvelope]:
        """Return the events since `since` that were not delivered, oldest first."""
        _reach()
        undelivered = Event.objects.filter(delivered_at__isnull=True, created_at__gte=since).order_by("pk")
        bodies: list[dict[str, Any]] = [loads(event.body) for event in undelivered]
        return [envelope_of(body) for body in bodies]

    def list_moved(self, *, since: datetime, until: datetime, metadata: Mapping[str, str]) -> Moved:
        """Return what moved in a while; a payment began with its checkout here."""
        now = _reach()
        in_time = {"created_at__gte": since, "created_at__lt": until}
        paid = Checkout.objects.filter(state=PayState.PAID, **in_time).order_by("pk")
        back = Refund.objects.select_related("checkout").filter(**in_time).order_by("pk")
        disputed = Dispute.objects.select_related("checkout").filter(**in_time).order_by("pk")
        return Moved(
            [_snapshot(one, now) for one in paid if _carries(one, metadata)],
            [_refund_snapshot(one) for one in back if _carries(one.checkout, metadata)],
            [_dispute_snapshot(one) for one in disputed if _carries(one.checkout, metadata)],
        )


def _carries(checkout: Checkout, metadata: Mapping[str, str]) -> bool:
    return all(checkout.metadata.get(name) == value for name, value in metadata.items())


def _reach() -> datetime:
    refuse_network_in_transaction()
    if strikes("unavailable"):
        raise GatewayUnavailableError("The gateway cannot be reached.")
    return clock.now()


def _snapshot(checkout: Checkout, now: datetime) -> PaymentSnapshot:
    state = checkouts.state_at(checkout, now)
    asked = Money(checkout.amount_minor, checkout.currency)
    return PaymentSnapshot(
        gateway_ref=checkout.ref,
        payment_ref=checkout.payment_ref,
        state=state,
        amount=checkouts.captured(checkout) if state is PayState.PAID else asked,
        refunded=refunds.refunded(checkout),
        is_test=True,
        order_ref=checkout.metadata["order_ref"],
        attempt_ref=checkout.metadata["attempt_ref"],
        problem=checkout.problem,
        fee=checkouts.fee(checkout),
    )


def _refund_snapshot(refund: Refund, *, state: RefundState | None = None) -> RefundSnapshot:
    return RefundSnapshot(
        refund_ref=refund.ref,
        payment_ref=refund.checkout.payment_ref,
        amount=Money(refund.amount_minor, checkouts.captured(refund.checkout).currency),
        state=state or RefundState(refund.state),
        metadata=refund.metadata,
        problem=refund.problem,
    )


def _dispute_snapshot(dispute: Dispute) -> DisputeSnapshot:
    currency = checkouts.captured(dispute.checkout).currency
    return DisputeSnapshot(
        dispute_ref=dispute.ref,
        payment_ref=dispute.checkout.payment_ref,
        amount=Money(dispute.amount_minor, currency),
        status=dispute.status,
        is_inquiry=disputes.is_inquiry(dispute),
        withdrawn=Money(dispute.withdrawn_minor, currency),
        reinstated=Money(dispute.reinstated_minor, currency),
        reason=dispute.reason,
        opened_at=dispute.created_at,
        evidence_due_at=dispute.evidence_due_at if disputes.is_open(dispute) else None,
        fee=disputes.fee(dispute),
    )
