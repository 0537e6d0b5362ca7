"""Keeping what the nightly comparisons found."""

from collections.abc import Iterable
from datetime import datetime

from greenroom.core.transactions import unit_of_work
from greenroom.payments.models import MoneyCheck, MoneyFinding
from greenroom.payments.types import CheckSubject, Finding


def record_check(
    *, findings: Iterable[Finding], now: datetime, subject: CheckSubject = CheckSubject.BOOKS
) -> MoneyCheck:
    """Keep what a check found in the place of what the one before of its subject found, in one transaction."""
    with unit_of_work():
        MoneyCheck.objects.filter(subject=subject).delete()
        check = MoneyCheck.objects.create(ran_at=now, subject=subject)
        MoneyFinding.objects.bulk_create(
            MoneyFinding(check_run=check, rule=one.rule, order_ref=one.order_ref, detail=one.detail[:300])
            for one in findings
        )
    return check
