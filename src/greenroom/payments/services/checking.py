"""Keeping what the nightly comparison found."""

from collections.abc import Iterable
from datetime import datetime

from greenroom.core.transactions import unit_of_work
from greenroom.payments.models import MoneyCheck, MoneyFinding
from greenroom.payments.types import Finding


def record_check(*, findings: Iterable[Finding], now: datetime) -> MoneyCheck:
    """Keep what a check found in the place of what the one before found, in one transaction."""
    with unit_of_work():
        MoneyCheck.objects.all().delete()
        check = MoneyCheck.objects.create(ran_at=now)
        MoneyFinding.objects.bulk_create(
            MoneyFinding(check_run=check, rule=one.rule, order_ref=one.order_ref, detail=one.detail[:300])
            for one in findings
        )
    return check
