"""The ledger: every movement of money twice, once where it comes from and once where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from greenroom.core.ids import new_ref
from greenroom.core.money import Money, total
from greenroom.jobs import services as jobs
from greenroom.payments.models import Dispute, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import CUSTOMERS, FEES, SHARES

SHARE = "orders.book_shares"  # a kind of the app above: `config.wiring` knows its handler


def gateway_account(code: str) -> str:
    """Return the account that holds what a gateway holds for us."""
    return f"gateway:{code}"


@dataclass(frozen=True, slots=True)
class Source:
    """What moved money: a kind and a key, booked once per kind of journal, and the order it belongs to."""

    kind: str
    key: str
    order_ref: str


def post(kind: str, source: Source, *, sides: Mapping[str, Money], now: datetime) -> None:
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
            source_kind=source.kind,
            source_id=source.key,
            order_ref=source.order_ref,
            at=now,
        )
        for account, amount in sides.items()
    ]
    LedgerEntry.objects.bulk_create(rows, ignore_conflicts=True)


def post_capture(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Book that a customer's money arrived at the gateway."""
    _post_moved("capture", Source("attempt", str(attempt.pk), attempt.order_ref), attempt, attempt.captured, now)


def post_refund(refund: RefundRequest, *, now: datetime) -> None:
    """Book that money went back to the customer."""
    _post_moved("refund", _refund_source(refund), refund.attempt, -refund.amount, now)


def post_refund_reversal(refund: RefundRequest, *, now: datetime) -> None:
    """Book that a refund which had succeeded came back to the gateway."""
    _post_moved("refund_reversal", _refund_source(refund), refund.attempt, refund.amount, now)


def post_dispute(dispute: Dispute, taken: Money, *, now: datetime) -> None:
    """Book that a bank took money back from the gateway, and gave it to the customer."""
    source = _dispute_source(dispute, dispute.withdrawn_minor)
    _post_moved("dispute", source, dispute.attempt, -taken, now)


def post_dispute_reversal(dispute: Dispute, returned: Money, *, now: datetime) -> None:
    """Book that money which a dispute had taken came back to the gateway."""
    source = _dispute_source(dispute, dispute.reinstated_minor)
    _post_moved("dispute_reversal", source, dispute.attempt, returned, now)


def post_shares(order_ref: str, changes: Mapping[str, Money], *, now: datetime) -> None:
    """Book by how much the shares in an order's money changed, in the caller's transaction, which holds the order.

    What an account earns leaves `customers`: that account is empty for an order whose money is all somebody's.
    """
    sides = {account: -change for account, change in changes.items() if change.minor}
    if sides:
        currency = next(iter(sides.values())).currency
        sides[CUSTOMERS] = -total(list(sides.values()), currency)
        number = LedgerEntry.objects.filter(order_ref=order_ref, kind=SHARES).count()
        post(SHARES, Source("order", f"{order_ref}:{number}", order_ref), sides=sides, now=now)


def post_fee(attempt: PaymentAttempt, fee: Money, *, now: datetime) -> None:
    """Book what the gateway keeps of a payment; nothing for none."""
    source = Source("attempt", str(attempt.pk), attempt.order_ref)
    _post_kept("fee", source, attempt, fee, now)


def post_dispute_fee(dispute: Dispute, change: Money, *, now: datetime) -> None:
    """Book by how much the gateway's fee for a dispute changed; below zero when it gave some of it back."""
    _post_kept("dispute_fee", _dispute_fee_source(dispute), dispute.attempt, change, now)


def _post_kept(kind: str, source: Source, attempt: PaymentAttempt, fee: Money, now: datetime) -> None:
    if fee.minor:
        sides = {gateway_account(attempt.gateway): -fee, f"{FEES}{attempt.gateway}": fee}
        post(kind, source, sides=sides, now=now)


def _post_moved(kind: str, source: Source, attempt: PaymentAttempt, amount: Money, now: datetime) -> None:
    """Book money that came from a customer, below zero that went back, and plan that it becomes somebody's."""
    post(kind, source, sides={gateway_account(attempt.gateway): amount, CUSTOMERS: -amount}, now=now)
    key = f"{SHARE}:{source.order_ref}:{kind}:{source.key}"
    jobs.plan(kind=SHARE, key=key, due_at=now, now=now, payload={"order_ref": source.order_ref})


def _refund_source(refund: RefundRequest) -> Source:
    return Source("refund", f"{refund.pk}:{refund.try_no}", refund.attempt.order_ref)


def _dispute_source(dispute: Dispute, moved_in_all: int) -> Source:
    return Source("dispute", f"{dispute.pk}:{moved_in_all}", dispute.attempt.order_ref)


def _dispute_fee_source(dispute: Dispute) -> Source:
    # Money moves together with its fee, and what moved only grows: each change has a key of its own.
    moved = f"{dispute.pk}:{dispute.withdrawn_minor}:{dispute.reinstated_minor}"
    return Source("dispute", moved[:32], dispute.attempt.order_ref)
