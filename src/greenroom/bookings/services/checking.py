"""Comparing what was paid with what was booked."""

from datetime import datetime

from greenroom.bookings.money_checks import find_all
from greenroom.payments.services import record_check
from greenroom.payments.types import Finding


def check_money(*, now: datetime) -> list[Finding]:
    """Look for money without its booking, bookings without their money, and a ledger that does not add up.

    Reads everything as it stands, keeps what was found in the place of the last run's, and returns it. Changes nothing
    else: what is found is for a person to decide.
    """
    findings = find_all(now=now)
    record_check(findings=findings, now=now)
    return findings
