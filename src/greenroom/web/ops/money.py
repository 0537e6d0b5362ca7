"""Does the money add up? What the nightly comparison found, and the disputes to be answered."""

from datetime import timedelta
from itertools import groupby

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from greenroom.bookings.services import check_money
from greenroom.core import clock
from greenroom.orders.models import Order
from greenroom.payments import queries as payments
from greenroom.payments.models import MoneyCheck
from greenroom.payments.types import MoneyRule
from greenroom.web.ops.access import staff_only

_MOST_DISPUTES = 50
_LATE_AFTER = timedelta(hours=26)  # a day, and time for the ticker to come by
RULES = {
    MoneyRule.PAID_HAS_ORDER: "Every payment belongs to an order",
    MoneyRule.PAID_IS_FULFILLED: "What was paid was booked or given back",
    MoneyRule.CONFIRMED_IS_PAID: "What is confirmed or given is paid",
    MoneyRule.JOURNAL_ADDS_UP: "Every journal adds up to nothing",
    MoneyRule.LEDGER_MATCHES: "The ledger says what was paid, refunded and taken by banks",
}
Row = tuple[str, list[tuple[str, str, bool]]]


@staff_only
@require_safe
def money(request: HttpRequest) -> HttpResponse:
    """Show each rule with what breaks it, and the open disputes."""
    check, now = payments.find_latest_check(), clock.now()
    context = {
        "check": check,
        "is_late": check is None or now - check.ran_at > _LATE_AFTER,
        "rules": _rules(check) if check else [],
        "disputes": payments.open_disputes()[:_MOST_DISPUTES],
    }
    return render(request, "ops/money.html", context)


@staff_only
@require_POST
def check_now(request: HttpRequest) -> HttpResponse:
    """Compare everything now and not in the night."""
    found = len(check_money(now=clock.now()))
    messages.success(request, f"Compared: {found or 'nothing'} found.")
    return redirect("ops_money")


def _rules(check: MoneyCheck) -> list[Row]:
    """Return every rule with its findings, each as the order, the words, and whether that order has a page."""
    findings = sorted(check.findings.all(), key=lambda finding: (finding.rule, finding.pk))
    known = set(Order.objects.filter(ref__in={one.order_ref for one in findings}).values_list("ref", flat=True))
    by_rule = {
        rule: [(one.order_ref, one.detail, one.order_ref in known) for one in group]
        for rule, group in groupby(findings, key=lambda finding: finding.rule)
    }
    return [(words, by_rule.get(rule, [])) for rule, words in RULES.items()]
