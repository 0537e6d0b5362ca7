"""Payments by hand as a gateway: the same protocol as the others, answered from our own tables."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.manual import rows
from greenroom.integrations.manual.models import ManualPayment, ManualRefund
from greenroom.integrations.stripe.protocol import (
    CheckoutHandle,
    CheckoutRequest,
    DisputeSnapshot,
    EventEnvelope,
    GatewayRejectedError,
    Moved,
    PaymentSnapshot,
    PayState,
    RefundSnapshot,
    RefundState,
    WebhookRefusedError,
)

MANUAL = "manual"


class ManualGateway:
    """Where people say what arrived. Nothing calls back: whoever decides plans that we look.

    It refuses to be called inside a transaction, as the others do.
    """

    code = MANUAL
    is_hosted = False
    setup = None

    def __init__(self, *, is_test: bool) -> None:
        self.is_test = is_test

    @property
    def pages_origin(self) -> str:
        """Its pages stand on this site."""
        return str(settings.BASE_URL)

    def create_checkout(self, request: CheckoutRequest, *, idempotency_key: str) -> CheckoutHandle:
        """Begin to wait for a payment; the same key brings the same one."""
        refuse_network_in_transaction()
        payment = rows.make_payment(request, key=idempotency_key, is_test=self.is_test, now=clock.now())
        return CheckoutHandle(payment.ref, payment.page_url)

    def expire_checkout(self, gateway_ref: str) -> PaymentSnapshot:
        """Stop waiting for a payment of which nobody said that it was made, and say what is true then."""
        return _look(gateway_ref, even_if_open=True)

    def fetch(self, gateway_ref: str) -> PaymentSnapshot:
        """Return the truth about a payment."""
        return _look(gateway_ref, even_if_open=False)

    def refund(
        self, payment_ref: str, amount: Money, *, idempotency_key: str, metadata: Mapping[str, str]
    ) -> RefundSnapshot:
        """Ask a person to send money back; it is pending until they say that they did."""
        refuse_network_in_transaction()
        return _refund_snapshot(rows.make_refund(payment_ref, amount, metadata, key=idempotency_key, now=clock.now()))

    def fetch_refund(self, refund_ref: str) -> RefundSnapshot:
        """Return the truth about a refund."""
        refuse_network_in_transaction()
        refund = ManualRefund.objects.select_related("payment").filter(ref=refund_ref).first()
        if refund is None:
            raise GatewayRejectedError("404: there is no such refund.")
        return _refund_snapshot(refund)

    def list_refunds(self, payment_ref: str) -> list[RefundSnapshot]:
        """Return every refund of a payment, oldest first."""
        refuse_network_in_transaction()
        found = ManualRefund.objects.select_related("payment").filter(payment__ref=payment_ref).order_by("pk")
        return [_refund_snapshot(refund) for refund in found]

    def fetch_dispute(self, dispute_ref: str) -> DisputeSnapshot:
        """Refuse: no bank asks about money that people moved themselves."""
        raise GatewayRejectedError(f"404: there is no dispute {dispute_ref}.")

    def list_disputes(self, payment_ref: str) -> list[DisputeSnapshot]:  # noqa: ARG002 -- the protocol's
        """Return none."""
        return []

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> EventEnvelope:  # noqa: ARG002 -- the protocol's
        """Refuse: nothing calls back."""
        raise WebhookRefusedError("Nobody calls back about payments by hand.")

    def list_events(self, *, since: datetime) -> list[EventEnvelope]:  # noqa: ARG002 -- the protocol's
        """Return none: what was said here arrived here."""
        return []

    def list_moved(self, *, since: datetime, until: datetime, metadata: Mapping[str, str]) -> Moved:  # noqa: ARG002 -- the protocol's
        """Return nothing: what people said here is all there is to compare with."""
        return Moved([], [], [])


def _look(gateway_ref: str, *, even_if_open: bool) -> PaymentSnapshot:
    refuse_network_in_transaction()
    now = clock.now()
    try:
        payment = rows.end_if_over(gateway_ref, now=now, even_if_open=even_if_open)
    except ManualPayment.DoesNotExist:
        raise GatewayRejectedError("404: there is no such payment.") from None
    state = rows.state_at(payment, now)
    return PaymentSnapshot(
        gateway_ref=payment.ref,
        payment_ref=payment.ref if state is PayState.PAID else "",
        state=state,
        amount=payment.received if state is PayState.PAID else payment.amount,
        refunded=rows.refunded(payment),
        is_test=payment.is_test,
        order_ref=payment.order_ref,
        attempt_ref=payment.attempt_ref,
        problem=payment.refusal,
    )


def _refund_snapshot(refund: ManualRefund) -> RefundSnapshot:
    return RefundSnapshot(
        refund_ref=refund.ref,
        payment_ref=refund.payment.ref,
        amount=refund.amount,
        state=RefundState(refund.state),
        metadata=refund.metadata,
        problem=refund.problem,
    )
