"""Does everything that was given without a time still have its money? Reads only what is wrong."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from greenroom.orders.models import Order
from greenroom.payments.ledger_checks import MOST_FINDINGS, money_there
from greenroom.payments.models import Dispute, RefundRequest
from greenroom.payments.types import Finding, MoneyRule

# Access follows the money within a minute; after this it is not late but lost.
_FOLLOWS_WITHIN = timedelta(hours=1)


def access_without_money(*, now: datetime) -> list[Finding]:
    """Return the purchases that can be used although all of their money went back over an hour ago; one query."""
    refs = {"attempt__order_ref": OuterRef("ref")}
    since = now - _FOLLOWS_WITHIN
    short = Order.objects.alias(money=money_there("ref")).filter(
        ~Exists(RefundRequest.objects.filter(**refs, changed_at__gt=since)),
        ~Exists(Dispute.objects.filter(**refs, changed_at__gt=since)),
        fulfilled_at__lte=since,
        revoked_at__isnull=True,
        pay_until__isnull=False,
        total_minor__gt=0,
        money__lte=0,
    )
    words = "What it gave can still be used, and no money is there."
    refs_found = short.order_by("pk").values_list("ref", flat=True)[:MOST_FINDINGS]
    return [Finding(MoneyRule.CONFIRMED_IS_PAID, ref, words) for ref in refs_found]
