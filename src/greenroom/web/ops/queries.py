"""What the pages about orders read, across apps."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from greenroom.accounts.models import User
from greenroom.bookings.models import Booking
from greenroom.core.errors import NotFoundError
from greenroom.core.models import AuditEntry
from greenroom.orders.models import Order, OrderLine
from greenroom.payments import queries as payments
from greenroom.payments.models import Dispute, GatewayEvent, LedgerEntry, PaymentAttempt, RefundRequest


@dataclass(frozen=True, slots=True)
class OrderFile:
    """Everything that is known about one order; `names` are those of the people in the audit log, by account."""

    order: Order
    lines: list[OrderLine]
    attempts: list[PaymentAttempt]
    refunds: list[RefundRequest]
    disputes: list[Dispute]
    bookings: list[Booking]
    ledger: list[LedgerEntry]
    events: list[GatewayEvent]
    audit: list[AuditEntry]
    names: dict[int, str]


def search_orders(words: str) -> QuerySet[Order]:
    """Return orders whose reference begins with, or whose e-mail address or name holds, `words`; the latest first."""
    orders = Order.objects.select_related("coach").order_by("-pk")
    said = Q(ref__startswith=words) | Q(email__icontains=words) | Q(name__icontains=words)
    return orders.filter(said) if words else orders


def get_order(ref: str) -> Order:
    """Return an order. Raises: NotFoundError."""
    order = Order.objects.select_related("coach__user").filter(ref=ref).first()
    if order is None:
        raise NotFoundError("There is no such order.")
    return order


def read_file(order: Order) -> OrderFile:
    """Gather everything about an order, in a number of queries that does not grow with it."""
    attempts = list(payments.attempts_of_order(order.ref))
    refunds = list(payments.refunds_of_order(order.ref))
    disputes = list(payments.disputes_of_order(order.ref))
    bookings = list(Booking.objects.filter(order=order).select_related("session__offer"))
    refs = [ref for attempt in attempts for ref in (attempt.gateway_ref, attempt.payment_ref) if ref]
    refs += [refund.refund_ref for refund in refunds if refund.refund_ref]
    refs += [dispute.dispute_ref for dispute in disputes]
    audit = _audit_of([order], attempts, refunds, disputes, bookings)
    people = User.objects.filter(pk__in={entry.actor_user_id for entry in audit if entry.actor_user_id})
    return OrderFile(
        order=order,
        lines=list(order.lines.all()),
        attempts=attempts,
        refunds=refunds,
        disputes=disputes,
        bookings=bookings,
        ledger=list(payments.ledger_of_order(order.ref)),
        events=list(payments.events_about(refs)),
        audit=audit,
        names={person.pk: person.name or person.email for person in people},
    )


def _audit_of(
    *rows: list[Order] | list[PaymentAttempt] | list[RefundRequest] | list[Dispute] | list[Booking],
) -> list[AuditEntry]:
    about = Q(pk=None)
    for kind in rows:
        if kind:
            label = kind[0]._meta.label_lower
            about |= Q(object_kind=label, object_id__in=[row.pk for row in kind])
    return list(AuditEntry.objects.filter(about).order_by("pk"))
