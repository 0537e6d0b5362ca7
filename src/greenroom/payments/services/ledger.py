"""The ledger: every movement of money twice, once where it comes from and once where it goes."""

from collections.abc import Mapping
from datetime import datetime

from greenroom.core.ids import new_ref
from greenroom.core.money import Money, total
from greenroom.payments.models import Dispute, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import CUSTOMERS


def gateway_account(code: str) -> str:
    """Return the account that holds what a gateway holds for us."""
    return f"gateway:{code}"


def post(*, kind: str, source_kind: str, source_id: str, sides: Mapping[str, Money], now: datetime) -> None:
    """Append one journal in the caller's transaction; what was booked for the same source and kind stays as it is.

    `sides` are account -> amount in one currency and add up to zero.
    Raises: ValueError when they do not.
    """
    amounts = list(sides.values())
    if total(amounts, amounts[0].currency).minor != 0:
        raise ValueError("The entries of a journal must add up to zero.")
    journal = new_ref()
    rows = [
        LedgerEntry(
            journal=journal,
            account=account,
            amount_minor=amount.minor,
            currency=amount.currency,
            kind=kind,
            source_kind=source_kind,
            source_id=source_id,
            at=now,
        )
        for account, amount in sides.items()
    ]
    LedgerEntry.objects.bulk_create(rows, ignore_conflicts=True)


def post_capture(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Book that a customer's money arrived at the gateway."""
    sides = {gateway_account(attempt.gateway): attempt.captured, CUSTOMERS: -attempt.captured}
    post(kind="capture", source_kind="attempt", source_id=str(attempt.pk), sides=sides, now=now)


def post_refund(refund: RefundRequest, *, now: datetime) -> None:
    """Book that money went back to the customer."""
    sides = {gateway_account(refund.attempt.gateway): -refund.amount, CUSTOMERS: refund.amount}
    post(kind="refund", source_kind="refund", source_id=_try_id(refund), sides=sides, now=now)


def post_refund_reversal(refund: RefundRequest, *, now: datetime) -> None:
    """Book that a refund which had succeeded came back to the gateway."""
    sides = {gateway_account(refund.attempt.gateway): refund.amount, CUSTOMERS: -refund.amount}
    post(kind="refund_reversal", source_kind="refund", source_id=_try_id(refund), sides=sides, now=now)


def post_dispute(dispute: Dispute, taken: Money, *, now: datetime) -> None:
    """Book that a bank took money back from the gateway, and gave it to the customer."""
    sides = {gateway_account(dispute.attempt.gateway): -taken, CUSTOMERS: taken}
    source_id = f"{dispute.pk}:{dispute.withdrawn_minor}"
    post(kind="dispute", source_kind="dispute", source_id=source_id, sides=sides, now=now)


def post_dispute_reversal(dispute: Dispute, returned: Money, *, now: datetime) -> None:
    """Book that money which a dispute had taken came back to the gateway."""
    sides = {gateway_account(dispute.attempt.gateway): returned, CUSTOMERS: -returned}
    source_id = f"{dispute.pk}:{dispute.reinstated_minor}"
    post(kind="dispute_reversal", source_kind="dispute", source_id=source_id, sides=sides, now=now)


def _try_id(refund: RefundRequest) -> str:
    return f"{refund.pk}:{refund.try_no}"
