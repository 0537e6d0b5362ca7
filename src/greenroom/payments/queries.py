"""Reading payments. Orders ask here by their reference."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from greenroom.core.models import AuditEntry
from greenroom.core.money import Money, total
from greenroom.integrations.manual.gateway import MANUAL
from greenroom.notifications.display import Viewer, moment
from greenroom.notifications.display import money as money_words
from greenroom.payments import gateways, rules
from greenroom.payments.models import (
    Dispute,
    GatewayEvent,
    LedgerEntry,
    MoneyCheck,
    PaymentAttempt,
    RefundRequest,
    WebhookEndpoint,
)
from greenroom.payments.types import (
    CUSTOMERS,
    PLATFORM,
    SHARES,
    AttemptState,
    CheckSubject,
    EventState,
    FeeSum,
    Movement,
    MovementKind,
    OrderMoney,
    RefundCause,
    RefundRequestState,
    Repair,
    Road,
)

# What a callback would have told us; a question of the bank, or a card that was refused, changes no money.
REPAIR_ACTIONS = (
    "payment.processing",
    "payment.paid",
    "payment.failed",
    "payment.dead",
    "refund.pending",
    "refund.succeeded",
    "refund.failed",
    "refund.canceled",
    "dispute.change",
)
_SENT_BACK = (RefundCause.PAID_TWICE, RefundCause.WRONG_PAYMENT)


def find_live_attempt(order_ref: str) -> PaymentAttempt | None:
    """Return the attempt that may still be paid, if there is one."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, state__in=rules.LIVE).first()


def is_awaited_by_hand(order_ref: str) -> bool:
    """Tell whether the attempt that may still be paid is one by hand."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, state__in=rules.LIVE, gateway=MANUAL).exists()


def has_live_attempt(order_ref: str) -> bool:
    """Tell whether money may still arrive for this order as far as we know: its slot must be kept."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, state__in=rules.LIVE).exists()


def was_paid_by_hand(order_ref: str) -> bool:
    """Tell whether money of this order came by hand, so that a person sends it back."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, gateway=MANUAL, captured_minor__gt=0).exists()


def is_under_way(order_ref: str) -> bool:
    """Tell whether somebody paid and nobody knows yet whether it arrives: a bank, or a person, still has to say so."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, state=AttemptState.PROCESSING).exists()


def find_latest_attempt(order_ref: str) -> PaymentAttempt | None:
    """Return the attempt that was begun last, if there is one."""
    return PaymentAttempt.objects.filter(order_ref=order_ref).order_by("-seq").first()


def webhook_secrets(gateway: str) -> tuple[str, ...]:
    """Return the secrets of the endpoints that were made from here, the newest first; one query."""
    rows = WebhookEndpoint.objects.filter(gateway=gateway).order_by("-pk")
    return tuple(rows.values_list("secret", flat=True))


def latest_events(count: int) -> QuerySet[GatewayEvent]:
    """Return the callbacks that came last."""
    return GatewayEvent.objects.order_by("-received_at", "-pk")[:count]


def refundable(attempt: PaymentAttempt) -> Money:
    """Return what is left of an attempt's money; under the attempt's lock this is what may be asked back."""
    requests = attempt.refunds.values_list("state", "amount_minor", "currency")
    amounts = [(RefundRequestState(state), Money(minor, currency)) for state, minor, currency in requests]
    return rules.refundable(attempt.captured, amounts, [dispute.charged_back for dispute in attempt.disputes.all()])


def find_blocking_dispute(attempt: PaymentAttempt) -> Dispute | None:
    """Return the dispute because of which nothing of this attempt may be refunded now, if there is one."""
    undecided = attempt.disputes.filter(closed_at__isnull=True).order_by("pk")
    return next((dispute for dispute in undecided if dispute.blocks_refunds), None)


def refundable_of_order(order_ref: str, *, currency: str) -> Money:
    """Return what staff may give back of an order in its currency, the dispute of a payment left aside."""
    paid = PaymentAttempt.objects.filter(order_ref=order_ref, state=AttemptState.PAID, currency=currency)
    return total([refundable(attempt) for attempt in paid], currency)


def find_blocking_dispute_of_order(order_ref: str) -> Dispute | None:
    """Return the dispute because of which nothing of this order may be refunded by hand now, if there is one."""
    undecided = disputes_of_order(order_ref).filter(closed_at__isnull=True)
    return next((dispute for dispute in undecided if dispute.blocks_refunds), None)


def attempts_of_order(order_ref: str) -> QuerySet[PaymentAttempt]:
    """Return every attempt to be paid for an order, oldest first."""
    return PaymentAttempt.objects.filter(order_ref=order_ref).order_by("seq")


def ledger_of_order(order_ref: str) -> QuerySet[LedgerEntry]:
    """Return every ledger entry of an order, oldest first."""
    return LedgerEntry.objects.filter(order_ref=order_ref).order_by("pk")


def events_about(refs: Collection[str]) -> QuerySet[GatewayEvent]:
    """Return the callbacks that name one of these checkouts, payments, refunds or disputes, as they came."""
    named = Q(object_ref__in=refs) | Q(payment_ref__in=refs)
    return GatewayEvent.objects.filter(named).defer("raw").order_by("received_at", "pk")


def states_of_orders(order_refs: Collection[str]) -> dict[str, str]:
    """Return how far each order's payment has come: paid if one attempt is, else the latest; one query."""
    found: dict[str, str] = {}
    attempts = PaymentAttempt.objects.filter(order_ref__in=order_refs).order_by("seq")
    for order_ref, state in attempts.values_list("order_ref", "state"):
        if found.get(order_ref) != AttemptState.PAID:
            found[order_ref] = state
    return found


def open_disputes() -> QuerySet[Dispute]:
    """Return the disputes and inquiries that are not over, the one to be answered first in front."""
    undecided = Dispute.objects.filter(closed_at__isnull=True).select_related("attempt")
    return undecided.order_by(F("evidence_due_at").asc(nulls_last=True), "pk")


def disputes_of_order(order_ref: str) -> QuerySet[Dispute]:
    """Return every dispute of an order's payments, oldest first."""
    return Dispute.objects.filter(attempt__order_ref=order_ref).order_by("pk")


def disputes_of_orders(order_refs: Collection[str] | QuerySet[Any, Any]) -> QuerySet[Dispute]:
    """Return every dispute of the payments of some orders, oldest first, with its payment; one query."""
    return Dispute.objects.filter(attempt__order_ref__in=order_refs).select_related("attempt").order_by("pk")


def order_money(order_ref: str, *, currency: str) -> OrderMoney:
    """Return what an order's payments come to in the order's currency.

    The state is that of the payment that counts: paid if one is, else the latest attempt's, None without any.
    """
    attempts = list(PaymentAttempt.objects.filter(order_ref=order_ref).order_by("seq"))
    counted = _that_count(attempts)
    requests = RefundRequest.objects.filter(attempt__in=counted).exclude(state__in=rules.LOST_REFUNDS)
    arrived = requests.filter(state=RefundRequestState.SUCCEEDED)
    disputes = Dispute.objects.filter(attempt__in=counted, closed_at__isnull=False)
    state = AttemptState.PAID if counted else AttemptState(attempts[-1].state) if attempts else None
    return OrderMoney(
        state=state,
        captured=total([attempt.captured for attempt in counted], currency),
        refund_asked=_sum(requests, currency),
        refunded=_sum(arrived, currency),
        charged_back=total([dispute.charged_back for dispute in disputes], currency),
    )


def received(order_ref: str, *, currency: str) -> Money:
    """Return what an order's payments brought so far: what arrived, less what went back, less what banks have taken.

    Payments that did not fit and second payments are left out with all that went back of them.
    """
    counted = _that_count(PaymentAttempt.objects.filter(order_ref=order_ref))
    arrived = total([attempt.captured for attempt in counted], currency)
    went_back = RefundRequest.objects.filter(attempt__in=counted, state=RefundRequestState.SUCCEEDED)
    disputes = Dispute.objects.filter(attempt__in=counted)
    taken = sum(one.withdrawn_minor - one.reinstated_minor for one in disputes)
    return arrived - _sum(went_back, currency) - Money(taken, currency)


def _that_count(attempts: Iterable[PaymentAttempt]) -> list[PaymentAttempt]:
    paid = [one for one in attempts if one.state == AttemptState.PAID]
    second = RefundRequest.objects.filter(attempt__in=paid, cause__in=_SENT_BACK).values_list("attempt_id", flat=True)
    sent_back = set(second)
    return [one for one in paid if one.pk not in sent_back]


def shares_booked(order_ref: str, *, currency: str) -> dict[str, Money]:
    """Return what each account has earned of an order's money by the ledger, by account; one query."""
    entries = LedgerEntry.objects.filter(order_ref=order_ref, currency=currency, kind=SHARES).exclude(account=CUSTOMERS)
    sums = entries.values_list("account").annotate(minor=Sum("amount_minor")).order_by("account")
    return {account: Money(-minor, currency) for account, minor in sums}


def orders_with_unshared_money() -> QuerySet[Any, str]:
    """Return the references of orders with money that is nobody's yet; money that is to go back stays among them."""
    sums = (
        LedgerEntry.objects.filter(account=CUSTOMERS).values("order_ref", "currency").annotate(sum=Sum("amount_minor"))
    )
    return sums.exclude(sum=0).order_by("order_ref").values_list("order_ref", flat=True)


def platform_entries(order_refs: QuerySet[Any, Any]) -> QuerySet[LedgerEntry]:
    """Return the entries of what the platform earned of many orders; below zero is what it earned."""
    return LedgerEntry.objects.filter(order_ref__in=order_refs, account=PLATFORM)


def refunds_of_order(order_ref: str) -> QuerySet[RefundRequest]:
    """Return every refund of an order's payments, oldest first."""
    return RefundRequest.objects.filter(attempt__order_ref=order_ref).order_by("pk")


def was_asked_with(order_ref: str, token: str) -> bool:
    """Tell whether staff asked for a refund of this order with this form."""
    return refunds_of_order(order_ref).filter(request_token=token).exists()


def refunds_of_what_did_not_count(order_ref: str) -> QuerySet[RefundRequest]:
    """Return the refunds that send back whole payments of an order: second ones, and those that did not fit."""
    return refunds_of_order(order_ref).filter(cause__in=_SENT_BACK)


def has_taken_money(order_ref: str) -> bool:
    """Tell whether any money was ever taken for an order, whatever became of it and whether or not it counted."""
    return PaymentAttempt.objects.filter(order_ref=order_ref, captured_minor__gt=0).exists()


def has_held_refund(order_ref: str) -> bool:
    """Tell whether money of this order is to go back, and waits until a bank has decided a dispute."""
    return refunds_of_order(order_ref).filter(state=RefundRequestState.HELD).exists()


def given_back(order_refs: QuerySet[Any, Any]) -> dict[str, int]:
    """Return what was asked back of some orders or taken back by banks, in minor units by currency; two queries.

    What was paid by mistake is left out.
    """
    asked = RefundRequest.objects.filter(attempt__order_ref__in=order_refs)
    asked = asked.exclude(state__in=rules.LOST_REFUNDS).exclude(cause__in=_SENT_BACK)
    back = dict(asked.values_list("currency").annotate(back=Sum("amount_minor")).order_by("currency"))
    for dispute in Dispute.objects.filter(attempt__order_ref__in=order_refs, closed_at__isnull=False):
        back[dispute.currency] = back.get(dispute.currency, 0) + dispute.charged_back.minor
    return back


def taken_of_lines(order_ref: str) -> list[tuple[int, tuple[tuple[int, int], ...]]]:
    """Return every refund of an order that was not in vain, oldest first: minor units, and what is for which line.

    What banks took for good comes last, without lines. What was paid by mistake is left out.
    """
    refunds = refunds_of_order(order_ref).exclude(state__in=rules.LOST_REFUNDS).exclude(cause__in=_SENT_BACK)
    taken = [
        (minor, tuple((number, part) for number, part in lines))
        for minor, lines in refunds.values_list("amount_minor", "lines")
    ]
    lost = disputes_of_order(order_ref).filter(closed_at__isnull=False)
    return [*taken, *((dispute.charged_back.minor, ()) for dispute in lost)]


def fees_of_orders(order_refs: Collection[str]) -> dict[str, list[Money]]:
    """Return what gateways kept of some orders' payments, as far as it is known, by order; one query."""
    known = PaymentAttempt.objects.filter(order_ref__in=order_refs, fee_minor__gt=0).order_by("order_ref")
    sums = known.values_list("order_ref", "fee_currency").annotate(minor=Sum("fee_minor"))
    fees: dict[str, list[Money]] = {}
    for order_ref, currency, minor in sums.order_by("order_ref", "fee_currency"):
        fees.setdefault(order_ref, []).append(Money(minor, currency))
    return fees


def fee_sums(order_refs: QuerySet[Any, Any]) -> list[FeeSum]:
    """Add up what gateways kept of the payments of many orders, by what was paid in; one query.

    A payment of a gateway that takes no fee, because no money moves there, is not counted as unknown.
    """
    charging = [gateway.code for gateway in gateways.wired() if gateway.is_hosted]
    paid = PaymentAttempt.objects.filter(order_ref__in=order_refs, captured_minor__gt=0)
    groups = paid.values_list("is_test", "captured_currency", "fee_currency")
    counted = groups.annotate(
        minor=Sum("fee_minor"), unknown=Count("pk", filter=Q(fee_minor__isnull=True, gateway__in=charging))
    )
    return [
        FeeSum(is_test, paid_in, Money(minor or 0, currency or paid_in), unknown)
        for is_test, paid_in, currency, minor, unknown in counted.order_by(
            "is_test", "captured_currency", "fee_currency"
        )
    ]


def account_balance(account: str, *, currency: str) -> Money:
    """Return the sum of an account's ledger entries in one currency."""
    sums = LedgerEntry.objects.filter(account=account, currency=currency).aggregate(minor=Sum("amount_minor"))
    return Money(sums["minor"] or 0, currency)


def customer_movements() -> QuerySet[LedgerEntry]:
    """Return the customers' side of every capture, refund and reversal, in the order in which they were booked."""
    return LedgerEntry.objects.filter(account=CUSTOMERS, kind__in=[*MovementKind]).order_by("pk")


def get_movement(entry_id: int) -> Movement:
    """Return what an entry of `customer_movements` says, with the order it belongs to and whether it counts there."""
    entry = customer_movements().get(pk=entry_id)
    kind = MovementKind(entry.kind)
    lines: tuple[tuple[int, int], ...] = ()
    if kind is MovementKind.CAPTURE:
        attempt = PaymentAttempt.objects.get(pk=int(entry.source_id))
    else:
        refund_id = int(entry.source_id.partition(":")[0])
        refund = RefundRequest.objects.select_related("attempt").get(pk=refund_id)
        attempt, lines = refund.attempt, tuple((number, minor) for number, minor in refund.lines)
    return Movement(
        kind=kind,
        order_ref=attempt.order_ref,
        attempt_id=attempt.pk,
        source_id=entry.source_id,
        amount=Money(abs(entry.amount_minor), entry.currency),
        at=entry.at,
        counts=not attempt.refunds.filter(cause__in=_SENT_BACK).exists(),
        lines=lines,
    )


def find_latest_check(subject: CheckSubject = CheckSubject.BOOKS) -> MoneyCheck | None:
    """Return the latest run of a nightly comparison, with what it found; two queries."""
    return MoneyCheck.objects.prefetch_related("findings").filter(subject=subject).order_by("-pk").first()


def repairs_since(since: datetime) -> QuerySet[AuditEntry]:
    """Return the entries since `since` (aware) about what no callback had told, the latest first."""
    return AuditEntry.objects.filter(at__gte=since, action__in=REPAIR_ACTIONS).exclude(road="").order_by("-pk")


def repair_counts(since: datetime) -> dict[Road, int]:
    """Return how many such changes each road brought since `since`; one query."""
    found = repairs_since(since).order_by().values("road").annotate(count=Count("pk"))
    counts = {row["road"]: row["count"] for row in found}
    return {road: counts.get(road, 0) for road in Road}


def latest_repairs(since: datetime, *, limit: int) -> list[Repair]:
    """Return the latest of such changes with their orders; four queries."""
    entries = list(repairs_since(since)[:limit])

    def orders(model: type[PaymentAttempt | RefundRequest | Dispute], path: str) -> dict[tuple[str, int], str]:
        kind = model._meta.label_lower
        ids = [entry.object_id for entry in entries if entry.object_kind == kind]
        found = model._default_manager.filter(pk__in=ids).values_list("pk", path)
        return {(kind, pk): order_ref for pk, order_ref in found}

    order_of = {
        **orders(PaymentAttempt, "order_ref"),
        **orders(RefundRequest, "attempt__order_ref"),
        **orders(Dispute, "attempt__order_ref"),
    }
    return [
        Repair(one.at, Road(one.road), one.action, order_of.get((one.object_kind, one.object_id), ""))
        for one in entries
    ]


def events_that_failed() -> QuerySet[GatewayEvent]:
    """Return the callbacks that need a person, newest first."""
    return GatewayEvent.objects.filter(state=EventState.FAILED).order_by("-received_at")


def find_trouble_with_attempt(attempt_id: int) -> str:
    """Return what a person must know about money that did not fit; empty once all of it has gone back."""
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    gone_back = _sum(attempt.refunds.filter(state=RefundRequestState.SUCCEEDED), attempt.captured.currency)
    gone_back = total([gone_back, *(one.charged_back for one in attempt.disputes.all())], attempt.captured.currency)
    if not attempt.mismatch or gone_back >= attempt.captured:
        return ""
    return f"Payment {attempt.payment_ref} of order {attempt.order_ref}: {attempt.mismatch}. It is being sent back."


def find_trouble_with_refund(refund_id: int) -> str:
    """Return what a person must know about a refund that failed; empty once it was tried again."""
    refund = RefundRequest.objects.select_related("attempt").get(pk=refund_id)
    if refund.state == RefundRequestState.DROPPED and not _is_charged_back(refund.attempt):
        words = "was dropped because the bank gave the money back, and now took it again: try again"
        return f"Refund of {money_words(refund.amount)} for order {refund.attempt.order_ref} {words}."
    if refund.state not in rules.TROUBLED_REFUNDS:
        return ""
    reason = refund.last_error or refund.state
    what = f"Refund of {money_words(refund.amount)} for order {refund.attempt.order_ref}"
    return f"{what} failed: {reason.removesuffix('.')}. Try again, or send it another way."


def _is_charged_back(attempt: PaymentAttempt) -> bool:
    return any(dispute.charged_back.minor for dispute in attempt.disputes.all())


def find_trouble_with_dispute(dispute_id: int) -> str:
    """Return what a person must do about a dispute, and until when; empty once it is over."""
    dispute = Dispute.objects.select_related("attempt").get(pk=dispute_id)
    if rules.is_closed(dispute.status):
        return ""
    what = "The bank asks about" if dispute.is_inquiry else "The cardholder disputes"
    amount = money_words(dispute.amount)
    payment = f"payment {dispute.attempt.payment_ref} of order {dispute.attempt.order_ref}"
    due = dispute.evidence_due_at
    until = f" by {moment(due, Viewer('UTC'))}" if due else ""
    return f"{what} {amount} of {payment} ({dispute.reason or 'no reason given'}): answer at the gateway{until}."


def _sum(requests: QuerySet[RefundRequest], currency: str) -> Money:
    sums = requests.aggregate(minor=Sum("amount_minor"))
    return Money(sums["minor"] or 0, currency)
