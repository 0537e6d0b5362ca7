"""Does the ledger say what the rows about money say? Each question is one query that returns only what is wrong."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import BigIntegerField, CharField, Exists, F, Func, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Coalesce, Concat

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import DisputeStatus
from greenroom.notifications.display import money
from greenroom.payments.models import Dispute, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.rules import LOST_REFUNDS
from greenroom.payments.types import FEES, AttemptState, Finding, MoneyRule, RefundCause, RefundRequestState

_FEE_KINDS = ("fee", "dispute_fee")
MOST_FINDINGS = 200  # of one rule: whoever has more has one cause


def unbalanced_journals() -> list[Finding]:
    """Return the journals whose entries of one currency do not add up to zero."""
    sums = LedgerEntry.objects.values("journal", "currency", "order_ref").annotate(sum=Sum("amount_minor"))
    wrong = sums.exclude(sum=0).order_by("journal")[:MOST_FINDINGS]
    return [
        Finding(
            MoneyRule.JOURNAL_ADDS_UP,
            row["order_ref"],
            f"Journal {row['journal']} adds up to {money(Money(row['sum'], row['currency']))} and not to nothing.",
        )
        for row in wrong
    ]


def orders_off_the_ledger() -> list[Finding]:
    """Return the orders for which captured, less refunded, less what banks took, is not what the ledger says.

    Each currency of an order by itself. Entries of an order for which nothing was captured are found too.
    """
    return [*_payments_off_the_ledger(), *_entries_without_payment(), *_fees_off_the_ledger()]


def _payments_off_the_ledger() -> list[Finding]:
    here = {"attempt__order_ref": OuterRef("order_ref"), "currency": OuterRef("captured_currency")}
    refunds = RefundRequest.objects.filter(state=RefundRequestState.SUCCEEDED, **here)
    disputes = Dispute.objects.filter(**here)
    entries = LedgerEntry.objects.filter(
        order_ref=OuterRef("order_ref"), currency=OuterRef("captured_currency"), account__startswith="gateway:"
    ).exclude(kind__in=_FEE_KINDS)
    captured = PaymentAttempt.objects.filter(captured_minor__gt=0).values("order_ref", "captured_currency")
    compared = captured.annotate(arrived=Sum("captured_minor")).annotate(
        refunded=total_of(refunds, F("amount_minor")),
        disputed=total_of(disputes, F("withdrawn_minor") - F("reinstated_minor")),
        booked=total_of(entries, F("amount_minor")),
    )
    wrong = compared.exclude(booked=F("arrived") - F("refunded") - F("disputed")).order_by("order_ref")
    return [_difference(row) for row in wrong[:MOST_FINDINGS]]


def _entries_without_payment() -> list[Finding]:
    paid = PaymentAttempt.objects.filter(
        order_ref=OuterRef("order_ref"), captured_currency=OuterRef("currency"), captured_minor__gt=0
    )
    # Fees are in the currency of the gateway's payouts, whatever was paid in.
    entries = LedgerEntry.objects.filter(~Exists(paid)).exclude(kind__in=_FEE_KINDS).values("order_ref", "currency")
    wrong = entries.annotate(held=Sum("amount_minor")).order_by("order_ref")[:MOST_FINDINGS]
    words = "The ledger holds entries in {} for an order of which nothing was captured in it."
    return [Finding(MoneyRule.LEDGER_MATCHES, row["order_ref"], words.format(row["currency"])) for row in wrong]


def _fees_off_the_ledger() -> list[Finding]:
    """Return the payments and disputes whose fee is not booked as it is known."""
    here = {"order_ref": OuterRef("order_ref"), "account__startswith": FEES, "kind": "fee"}
    of_payment = LedgerEntry.objects.filter(source_id=Cast(OuterRef("pk"), CharField()), **here)
    known = PaymentAttempt.objects.filter(fee_minor__isnull=False).annotate(
        booked=total_of(of_payment, F("amount_minor"))
    )
    of_dispute = LedgerEntry.objects.filter(
        account__startswith=FEES,
        kind="dispute_fee",
        order_ref=OuterRef("attempt__order_ref"),
        source_id__startswith=Concat(Cast(OuterRef("pk"), CharField()), Value(":")),
    )
    disputed = Dispute.objects.annotate(booked=total_of(of_dispute, F("amount_minor")))
    found = known.exclude(booked=F("fee_minor")).order_by("pk").values_list("order_ref", "fee_minor", "booked")
    more = disputed.exclude(booked=F("fee_minor")).order_by("pk")
    wrong = [*found[:MOST_FINDINGS], *more.values_list("attempt__order_ref", "fee_minor", "booked")[:MOST_FINDINGS]]
    words = "A fee of {} is known, and the ledger says {} (minor units)."
    return [Finding(MoneyRule.LEDGER_MATCHES, ref, words.format(fee, booked)) for ref, fee, booked in wrong]


def money_there(order_ref: str, *, left_aside: Collection[RefundCause] = ()) -> CombinedExpression:
    """Return what is still there of what was paid for a row's order, in minor units, as one value for a comparison.

    `order_ref` names the row's field with the order's reference. What was asked back and not refused, and what a bank
    took for good, is gone; refunds for the causes `left_aside` count as there. A payment that did not fit,
    and its refund, are left out on both sides.
    """
    here = {"attempt__order_ref": OuterRef(order_ref), "attempt__state": AttemptState.PAID}
    paid = PaymentAttempt.objects.filter(order_ref=OuterRef(order_ref), state=AttemptState.PAID)
    back = RefundRequest.objects.filter(**here).exclude(state__in=LOST_REFUNDS).exclude(cause__in=left_aside)
    taken = Dispute.objects.filter(**here, closed_at__isnull=False).exclude(status=DisputeStatus.WON)
    gone = total_of(back, F("amount_minor")) + total_of(taken, F("withdrawn_minor") - F("reinstated_minor"))
    return total_of(paid, F("captured_minor")) - gone


def total_of(rows: QuerySet[Any], amount: Any) -> Coalesce:  # noqa: ANN401 -- any expression over the rows
    """Return the sum of an amount over correlated rows as one value for a comparison; 0 without rows."""
    # A plain function, because an aggregate would group by the rows' own keys.
    alone = rows.order_by().annotate(total=Func(amount, function="SUM", output_field=BigIntegerField()))
    return Coalesce(Subquery(alone.values("total")), 0)


def _difference(row: Mapping[str, Any]) -> Finding:
    def words(minor: int) -> str:
        return money(Money(minor, row["captured_currency"]))

    expected = row["arrived"] - row["refunded"] - row["disputed"]
    detail = (
        f"Captured {words(row['arrived'])}, refunded {words(row['refunded'])}, "
        f"taken by banks {words(row['disputed'])}: that leaves {words(expected)}, "
        f"and the ledger says {words(row['booked'])}."
    )
    return Finding(MoneyRule.LEDGER_MATCHES, row["order_ref"], detail)
