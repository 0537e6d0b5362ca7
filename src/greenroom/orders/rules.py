"""What goes back when something is cancelled, and what its documents say: pure decisions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from greenroom.catalog.types import RefundTier
from greenroom.core.currencies import to_step
from greenroom.core.money import Money, total
from greenroom.orders.types import DocumentKind, PurchaseState, Shares, Sums
from greenroom.payments.types import MovementKind

ALL_PERCENT = 100
# Stripe refuses a checkout that expires in less than 30 minutes; sent exactly, clock skew fails it.
CHECKOUT_LASTS = timedelta(minutes=32)
# How long what was shown can be paid at its price. Nothing is kept from anybody meanwhile.
PURCHASE_LASTS = timedelta(hours=24)
_DOCUMENTS = {
    MovementKind.CAPTURE: DocumentKind.RECEIPT,
    MovementKind.REFUND: DocumentKind.REFUND_NOTE,
    MovementKind.REFUND_REVERSAL: DocumentKind.REFUND_REVERSAL,
}
# What a number begins with: each kind counts for itself.
_PREFIXES = {DocumentKind.RECEIPT: "G", DocumentKind.REFUND_NOTE: "GR", DocumentKind.REFUND_REVERSAL: "GX"}
_BASIS_POINTS_PER_PERCENT = 100


def refund_percent(tiers: Sequence[RefundTier], *, starts_at: datetime, now: datetime) -> int:
    """Return the share that goes back when the session at `starts_at` is cancelled at `now`; both aware.

    The longest notice that is still kept decides, to the very instant; below every tier nothing goes back.
    """
    kept = [tier for tier in tiers if now <= starts_at - tier.notice]
    return max(kept, key=lambda tier: tier.notice).percent if kept else 0


def capped_tiers(tiers: Sequence[RefundTier], percent: int) -> tuple[RefundTier, ...]:
    """Return a policy of which nothing gives more than `percent` back, the longest notice first.

    Tiers that give nothing are left out, and of those that give the same the one that is open longest counts.
    """
    shortest: dict[int, timedelta] = {}
    for tier in tiers:
        back = min(tier.percent, percent)
        if back:
            shortest[back] = min(tier.notice, shortest.get(back, tier.notice))
    kept = [RefundTier(notice, back) for back, notice in shortest.items()]
    return tuple(sorted(kept, key=lambda tier: -tier.notice))


def refund_due(paid: Money, percent: int) -> Money:
    """Return `percent` of what was paid, rounded half up to an amount that cards can be given back."""
    return to_step(paid.share(percent * _BASIS_POINTS_PER_PERCENT))


def shares_of(received: Money, tax: Money, commission_basis_points: int) -> Shares:
    """Return whose `received` is, of which `tax` is tax; the parts add up to the whole, also of less than nothing.

    The commission is of what is before tax, rounded half up once, and the coach has the rest. After a refund it is
    reckoned anew from what is left, so that the parts of refunds never differ from the whole by a rounding.
    """
    platform = (received - tax).share(commission_basis_points)
    return Shares(received - platform, platform)


def left_of_lines(
    totals: Mapping[int, Money], taken: Iterable[tuple[int, Sequence[tuple[int, int]]]]
) -> dict[int, Money]:
    """Return what can still be refunded of each line, by its number, after some refunds.

    `taken` are refunds in minor units with what of each was for which line; one without lines was for all of them, in
    proportion to what was left of each.
    """
    left = dict(totals)
    for minor, lines in taken:
        parts = dict(lines) or _in_proportion(minor, left)
        left = {number: Money(max(one.minor - parts.get(number, 0), 0), one.currency) for number, one in left.items()}
    return left


def _in_proportion(minor: int, left: Mapping[int, Money]) -> dict[int, int]:
    weights = [one.minor for one in left.values()]
    if not any(weights):
        return {}
    parts = Money(minor, next(iter(left.values())).currency).allocate(weights)
    return {number: part.minor for number, part in zip(left, parts, strict=True)}


def document_kind(kind: MovementKind) -> DocumentKind:
    """Return which document a movement of money gets."""
    return _DOCUMENTS[kind]


def document_label(kind: DocumentKind, number: int, *, year: int, is_test: bool) -> str:
    """Write a document's number as people quote it: "G-2026-000012"; play money begins with "TEST-".

    The count goes on from year to year; the year only says when it was issued.
    """
    label = f"{_PREFIXES[kind]}-{year}-{number:06}"
    return f"TEST-{label}" if is_test else label


def signed_amount(kind: DocumentKind, amount: Money) -> Money:
    """Return what a document adds to what its seller took in: less than zero for money that went back."""
    return -amount if kind is DocumentKind.REFUND_NOTE else amount


def sums_of(amounts: Iterable[tuple[DocumentKind, Money]], currency: str) -> Sums:
    """Add up the signed amounts of documents; a refund that came back to us counts as never given."""
    received: list[Money] = []
    returned: list[Money] = []
    for kind, amount in amounts:
        (received if kind is DocumentKind.RECEIPT else returned).append(amount)
    return Sums(total(received, currency), -total(returned, currency))


def purchase_state(sums: Sums) -> PurchaseState:
    """Say what became of an order's money; without any document it counts as paid."""
    if sums.given_back.minor <= 0:
        return PurchaseState.PAID
    return PurchaseState.REFUNDED if sums.net.minor <= 0 else PurchaseState.PART_REFUNDED
