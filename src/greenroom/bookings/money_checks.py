"""Does every order that was paid have what was paid for, and every booking its money? Reads only what is wrong."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, Subquery

from greenroom.bookings.models import Booking
from greenroom.bookings.types import GONE, UNPAID, UPCOMING, BookingStatus
from greenroom.core.actors import ActorKind
from greenroom.integrations.stripe.protocol import DisputeStatus
from greenroom.jobs.models import Job, JobState
from greenroom.orders.models import Order
from greenroom.orders.money_checks import access_without_money
from greenroom.payments.ledger_checks import MOST_FINDINGS, money_there, orders_off_the_ledger, unbalanced_journals
from greenroom.payments.models import Dispute, PaymentAttempt, RefundRequest
from greenroom.payments.types import AttemptState, Finding, MoneyRule, RefundCause

# Settling an order is due at once; after this it is not late but lost.
_SETTLES_WITHIN = timedelta(hours=1)
_MONEY_STAYED = (DisputeStatus.WON, DisputeStatus.WARNING_CLOSED)
_STUDENTS = (ActorKind.GUEST, ActorKind.STUDENT)


def find_all(*, now: datetime) -> list[Finding]:
    """Return everything that should not be, in ten queries, however many orders there are."""
    return [
        *payments_of_nothing(),
        *paid_without_fulfilment(now=now),
        *confirmed_without_money(),
        *access_without_money(now=now),
        *unbalanced_journals(),
        *orders_off_the_ledger(),
    ]


def payments_of_nothing() -> list[Finding]:
    """Return the payments whose order there is not."""
    orders = Order.objects.filter(ref=OuterRef("order_ref"))
    stray = PaymentAttempt.objects.filter(~Exists(orders), state=AttemptState.PAID).order_by("pk")
    words = "Payment {} is for an order that does not exist."
    return [
        Finding(MoneyRule.PAID_HAS_ORDER, one.order_ref, words.format(one.payment_ref)) for one in stray[:MOST_FINDINGS]
    ]


def paid_without_fulfilment(*, now: datetime) -> list[Finding]:
    """Return the orders that were paid over an hour ago and have neither booking, nor refund, nor a person's attention.

    A purchase that was given needs no booking. A booking that its student gave up, with nothing to come back by the
    policy, was fulfilled. A refund that failed, an open dispute and a settling that failed are items of the operator
    already.
    """
    mine = Booking.objects.filter(order=OuterRef("pk"))
    given_up = Q(status=BookingStatus.CANCELLED, cancelled_by__in=_STUDENTS, refund_minor=0, confirmed_at__isnull=False)
    fulfilled = mine.filter(given_up | ~Q(status__in=[*GONE, *UNPAID]))
    paid = PaymentAttempt.objects.filter(
        order_ref=OuterRef("ref"), state=AttemptState.PAID, paid_at__lte=now - _SETTLES_WITHIN
    )
    refunds = RefundRequest.objects.filter(attempt__order_ref=OuterRef("ref"))
    disputes = Dispute.objects.filter(attempt__order_ref=OuterRef("ref")).exclude(status__in=_MONEY_STAYED)
    orders = Order.objects.filter(Exists(paid), fulfilled_at__isnull=True).filter(
        ~Exists(fulfilled), ~Exists(refunds), ~Exists(disputes)
    )
    status = Subquery(mine.values("status")[:1])
    orders = orders.exclude(ref__in=_orders_that_a_person_sees()).annotate(booking_status=status).order_by("pk")
    return [
        Finding(MoneyRule.PAID_IS_FULFILLED, order.ref, f"It is paid, {_what_became(order, order.booking_status)}.")
        for order in orders[:MOST_FINDINGS]
    ]


def confirmed_without_money() -> list[Finding]:
    """Return the coming bookings with a price for which no money is there.

    What staff gave back of their own will counts as there: they decided that the session takes place all the same.
    """
    money = money_there("order__ref", left_aside=[RefundCause.STAFF])
    coming = Booking.objects.filter(status__in=UPCOMING, order__total_minor__gt=0)
    short = coming.alias(money=money).filter(money__lte=0).order_by("pk")
    return [
        Finding(MoneyRule.CONFIRMED_IS_PAID, ref, f"Its session is {status.replace('_', ' ')}, and no money is there.")
        for ref, status in short.values_list("order__ref", "status")[:MOST_FINDINGS]
    ]


def _orders_that_a_person_sees() -> list[str]:
    stopped = Job.objects.filter(kind="orders.settle", state=JobState.FAILED)
    return [payload["order_ref"] for payload in stopped.values_list("payload", flat=True)[:MOST_FINDINGS]]


def _what_became(order: Order, status: str | None) -> str:
    if order.is_purchase:
        return "what was bought was not given, and nothing was refunded"
    return (
        f"its booking is {status.replace('_', ' ')}, and nothing was refunded" if status else "and nothing was booked"
    )
