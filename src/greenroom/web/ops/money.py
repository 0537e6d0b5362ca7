"""Does the money add up? What the nightly comparisons found and took over, and the disputes to be answered."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import groupby

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from greenroom.bookings.services import check_money
from greenroom.core import clock
from greenroom.orders.models import Order
from greenroom.payments import gateways
from greenroom.payments import queries as payments
from greenroom.payments.models import MoneyCheck
from greenroom.payments.types import CheckSubject, MoneyRule, Road
from greenroom.web.ops.access import staff_only

_MOST_DISPUTES = 50
_MOST_REPAIRS = 50
_REPAIRS_OF = timedelta(days=30)
_LATE_AFTER = timedelta(hours=26)  # a day, and time for the ticker to come by
RULES = {
    MoneyRule.PAID_HAS_ORDER: "Every payment belongs to an order",
    MoneyRule.PAID_IS_FULFILLED: "What was paid was booked or given back",
    MoneyRule.CONFIRMED_IS_PAID: "What is confirmed or given is paid",
    MoneyRule.JOURNAL_ADDS_UP: "Every journal adds up to nothing",
    MoneyRule.LEDGER_MATCHES: "The ledger says what was paid, refunded and taken by banks",
}
GATEWAY_RULES = {
    MoneyRule.GATEWAY_KNOWN: "What the gateway lists is known here, as it is there",
    MoneyRule.GATEWAY_SUMS: "What moved comes to the same, there and here",
}
ROADS = {
    Road.POLL: "asking after what was not decided",
    Road.EVENTS: "collecting events that did not arrive",
    Road.COMPARISON: "the comparison in the night",
}
REPAIRS = {
    "payment.processing": "The bank works on a payment",
    "payment.paid": "A payment had arrived",
    "payment.failed": "A payment had failed",
    "payment.dead": "A payment page had ended",
    "refund.pending": "A refund was on its way",
    "refund.succeeded": "A refund had arrived",
    "refund.failed": "A refund had failed",
    "refund.canceled": "A refund had been called off",
    "dispute.change": "A dispute had changed",
}
Row = tuple[str, list[tuple[str, str, bool]]]


@staff_only
@require_safe
def money(request: HttpRequest) -> HttpResponse:
    """Show each rule with what breaks it, what was taken over without a callback, and the open disputes."""
    check, now = payments.find_latest_check(), clock.now()
    at_gateway = payments.find_latest_check(CheckSubject.GATEWAYS)
    has_gateway = gateways.find_hosted() is not None
    since = now - _REPAIRS_OF
    context = {
        "check": check,
        "is_late": check is None or now - check.ran_at > _LATE_AFTER,
        "rules": _rules(check, RULES) if check else [],
        "has_gateway": has_gateway,
        "at_gateway": at_gateway,
        "gateway_rules": _rules(at_gateway, GATEWAY_RULES) if at_gateway else [],
        "is_gateway_late": has_gateway and (at_gateway is None or now - at_gateway.ran_at > _LATE_AFTER),
        "roads": [(ROADS[road], count) for road, count in payments.repair_counts(since).items()],
        "repairs": [
            (one, REPAIRS[one.action], ROADS[one.road]) for one in payments.latest_repairs(since, limit=_MOST_REPAIRS)
        ],
        "disputes": payments.open_disputes()[:_MOST_DISPUTES],
    }
    return render(request, "ops/money.html", context)


@staff_only
@require_POST
def check_now(request: HttpRequest) -> HttpResponse:
    """Compare everything now and not in the night."""
    found = len(check_money(now=clock.now()))
    tell = messages.warning if found else messages.success
    tell(request, f"Compared: {found or 'nothing'} found.")
    return redirect("ops_money")


def _rules(check: MoneyCheck, rules: Mapping[MoneyRule, str]) -> list[Row]:
    """Return every rule with its findings, each as the order, the words, and whether that order has a page."""
    findings = sorted(check.findings.all(), key=lambda finding: (finding.rule, finding.pk))
    known = set(Order.objects.filter(ref__in={one.order_ref for one in findings}).values_list("ref", flat=True))
    by_rule = {
        rule: [(one.order_ref, one.detail, one.order_ref in known) for one in group]
        for rule, group in groupby(findings, key=lambda finding: finding.rule)
    }
    return [(words, by_rule.get(rule, [])) for rule, words in rules.items()]
