"""What happened to an order, in order of time and in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from greenroom.core.actors import ActorKind
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.integrations.manual.gateway import MANUAL
from greenroom.notifications.display import money
from greenroom.payments.models import GatewayEvent, LedgerEntry
from greenroom.payments.types import AttemptState, RefundCause
from greenroom.web.ops.movements import CAUSES
from greenroom.web.ops.queries import OrderFile

_EVENTS = {
    "booking.hold": "The time was held",
    "booking.extend_hold": "The time was held for longer",
    "booking.details": "Name and address were given",
    "booking.attach_discord": "Discord was connected",
    "booking.start_payment": "Paying began",
    "booking.ask": "The coach was asked to accept",
    "booking.confirm": "The booking was confirmed",
    "booking.move": "The session was moved",
    "booking.propose": "The coach proposed other times",
    "booking.withdraw_proposal": "The coach took the proposal back",
    "booking.request_move": "The student asked for another time",
    "booking.allow_overlap": "It was allowed beside another session",
    "booking.start": "The session began",
    "booking.complete": "The session was completed",
    "booking.mark_no_show": "Somebody did not come",
    "booking.cancel": "The booking was cancelled",
    "booking.expire": "The hold ran out",
    "order.fulfil": "What was bought was given",
    "order.revoke": "What was bought was taken back",
    "order.restore": "What was bought was given again",
    "order.refuse": "It could not be given: everything goes back",
    "order.end": "Ended unpaid",
    "payment.open": "A payment page was made",
    "payment.requires_action": "The payer\N{RIGHT SINGLE QUOTATION MARK}s bank asks a question",
    "payment.processing": "The payment is on its way",
    "payment.paid": "Paid",
    "payment.failed": "The payment failed",
    "payment.dead": "The payment page ended unpaid",
    "by_hand.hand_in": "The buyer says that they paid",
    "by_hand.withdraw": "The buyer changed their mind",
    "by_hand.approve": "Somebody said that money arrived",
    "by_hand.refuse": "Somebody said that nothing arrived",
    "by_hand.refund_sent": "Somebody said that a refund was sent",
    "by_hand.refund_failed": "Somebody said that a refund cannot be sent",
    "refund.held": "A refund waits for the end of a dispute",
    "refund.requested": "A refund was asked for",
    "refund.pending": "A refund is on its way",
    "refund.requires_action": "A refund needs the payer to do something",
    "refund.succeeded": "A refund was sent to the payer",
    "refund.failed": "A refund failed",
    "refund.canceled": "A refund was cancelled at the gateway",
    "refund.dropped": "A refund was dropped",
    "refund.split": "A refund was split in two",
    "dispute.change": "A dispute changed",
}
_PARTS = {
    "payment": "Payment",
    "refund": "Refund",
    "dispute": "Dispute",
    "booking": "Booking",
    "order": "Order",
    "by_hand": "Payment",
}
_LEDGER = {
    "capture": "Money arrived",
    "refund": "Money went back",
    "refund_reversal": "A refund came back",
    "dispute": "A bank took money back",
    "dispute_reversal": "A bank returned the money",
    "shares": "Shares were booked",
    "fee": "The gateway kept its fee",
    "dispute_fee": "The gateway charged for a dispute",
}
_WHO = {
    ActorKind.SYSTEM: "by itself",
    ActorKind.GUEST: "by a guest",
    ActorKind.STUDENT: "by the student",
    ActorKind.COACH: "by the coach",
    ActorKind.ADMIN: "by staff",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened: when (aware UTC), to what, in which words, with what else is known, and through whom."""

    at: datetime
    part: str
    title: str
    detail: str = ""
    who: str = ""


def timeline_of(file: OrderFile) -> list[Moment]:
    """Return everything that happened to an order, the oldest first; at the same time in the order of cause."""
    found = [*_order_moments(file), *_audit_moments(file), *_event_moments(file.events), *_ledger_moments(file.ledger)]
    return sorted(found, key=lambda moment: moment.at)  # stable: causes were put in front


def _order_moments(file: OrderFile) -> Iterator[Moment]:
    order = file.order
    reasons = [f"{line.title}: {line.price_reason}" for line in file.lines if line.price_reason]
    words = f"Made for {order.name or order.email}: {money(order.total)}"
    yield Moment(order.created_at, "Order", words, "; ".join(reasons))
    if order.accepted_at:
        yield Moment(order.accepted_at, "Order", "Total and cancellation policy were accepted")
    for attempt in file.attempts:
        way = "by hand" if attempt.gateway == MANUAL else f"at {attempt.gateway}"
        words = f"Attempt {attempt.seq} to be paid {money(attempt.amount)} began {way}"
        yield Moment(attempt.created_at, "Payment", words)


def _audit_moments(file: OrderFile) -> Iterator[Moment]:
    for entry in file.audit:
        part, _, verb = entry.action.partition(".")
        title = _EVENTS.get(entry.action) or f"{_PARTS.get(part, part)}: {verb.replace('_', ' ')}"
        if entry.action == "payment.open" and entry.before.get("state") != AttemptState.CREATED:
            title = "It can be paid again"
        yield Moment(entry.at, _PARTS.get(part, part), title, _audit_detail(entry), _who(entry, file.names))


def _audit_detail(entry: AuditEntry) -> str:
    after, parts = entry.after, []
    before, status = (values.get("status", values.get("state", "")) for values in (entry.before, after))
    if before and status and before != status:
        parts.append(f"{_plain(before)} to {_plain(status)}")
    elif status:
        parts.append(_plain(status))
    if after.get("amount_minor") and after.get("currency"):
        parts.append(money(Money(after["amount_minor"], after["currency"])))
    if entry.reason:
        is_cause = entry.reason in set(RefundCause)
        parts.append(CAUSES[RefundCause(entry.reason)].lower() if is_cause else entry.reason)
    return ", ".join(parts)


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _who(entry: AuditEntry, names: dict[int, str]) -> str:
    kind = _WHO.get(ActorKind(entry.actor_kind), "") if entry.actor_kind in set(ActorKind) else entry.actor_kind
    name = names.get(entry.actor_user_id or 0, "")
    return f"{kind} ({name})" if name else kind


def _event_moments(events: list[GatewayEvent]) -> Iterator[Moment]:
    for event in events:
        detail = f"{event.state}: {event.last_error}" if event.last_error else event.state
        yield Moment(event.received_at, "Gateway", f"The gateway said {event.type}", detail)


def _ledger_moments(entries: list[LedgerEntry]) -> Iterator[Moment]:
    for _journal, sides in groupby(entries, key=lambda entry: entry.journal):
        rows = list(sides)
        first = rows[0]
        amounts = [f"{row.account} {money(Money(row.amount_minor, row.currency))}" for row in rows]
        yield Moment(first.at, "Ledger", _LEDGER.get(first.kind, _plain(first.kind)), ", ".join(amounts))
