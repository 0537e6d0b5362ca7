"""Does everything that was given without a time still have its money? Reads only what is wrong."""

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef

from greenroom.integrations.stripe.protocol import DisputeStatus
from greenroom.orders.models import Order
from greenroom.payments.ledger_checks import MOST_FINDINGS, total_of
from greenroom.payments.models import Dispute, PaymentAttempt, RefundRequest
from greenroom.payments.rules import LOST_REFUNDS
from greenroom.payments.types import AttemptState, Finding, MoneyRule

# Access follows the money within a minute; after this it is not late but lost.
_FOLLOWS_WITHIN = timedelta(hours=1)


def access_without_money(*, now: datetime) -> list[Finding]:
    """Return the purchases that can be used although all of their money went back over an hour ago; one query."""
    refs = {"attempt__order_ref": OuterRef("ref")}
    counts = {"attempt__state": AttemptState.PAID}  # a payment that did not fit, and its refund, are left out
    back = RefundRequest.objects.filter(**refs, **counts).exclude(state__in=LOST_REFUNDS)
    taken = Dispute.objects.filter(**refs, **counts, closed_at__isnull=False).exclude(status=DisputeStatus.WON)
    since = now - _FOLLOWS_WITHIN
    usable = Order.objects.filter(
        ~Exists(RefundRequest.objects.filter(**refs, changed_at__gt=since)),
        ~Exists(Dispute.objects.filter(**refs, changed_at__gt=since)),
        fulfilled_at__lte=since,
        revoked_at__isnull=True,
        pay_until__isnull=False,
        total_minor__gt=0,
    )
    paid = PaymentAttempt.objects.filter(order_ref=OuterRef("ref"), state=AttemptState.PAID)
    compared = usable.annotate(
        paid=total_of(paid, F("captured_minor")),
        back=total_of(back, F("amount_minor")),
        taken=total_of(taken, F("withdrawn_minor") - F("reinstated_minor")),
    )
    short = compared.filter(paid__lte=F("back") + F("taken")).order_by("pk")
    words = "What it gave can still be used, and no money is there."
    refs_found = short.values_list("ref", flat=True)[:MOST_FINDINGS]
    return [Finding(MoneyRule.CONFIRMED_IS_PAID, ref, words) for ref in refs_found]
