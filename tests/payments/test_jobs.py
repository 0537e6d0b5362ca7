from collections.abc import Callable
from datetime import datetime

import pytest
from tests.payments.factories import job_keys, pay_attempt

from greenroom.core.actors import SYSTEM
from greenroom.jobs.models import Job, Run
from greenroom.jobs.services import retry
from greenroom.payments import services
from greenroom.payments.jobs import JOB_HANDLERS
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway", "money_jobs")


def test_job_kinds_are_frozen() -> None:
    assert sorted(JOB_HANDLERS) == [
        "payments.close_attempt",
        "payments.collect_events",
        "payments.compare_with_gateway",
        "payments.look_by_hand",
        "payments.poll",
        "payments.process_event",
        "payments.report_dispute",
        "payments.report_failed_refund",
        "payments.report_mismatch",
        "payments.send_refund",
    ]


def test_report_of_a_failed_refund_stays_until_it_was_tried_again(
    now: datetime, arm: Callable[[str], None], run_due_jobs: Callable[[], Run]
) -> None:
    attempt = pay_attempt(now=now)
    [refund] = services.refund_in_full(order_ref=attempt.order_ref, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    Job.objects.filter(kind="stripe_sandbox.deliver_event").delete()
    arm("refund_fails")

    run_due_jobs()
    report = Job.objects.get(kind="payments.report_failed_refund")
    assert report.state == "failed"
    assert "lost_or_stolen_card" in report.last_error
    services.retry_refund(refund_id=refund.pk, actor=SYSTEM, now=now)
    run_due_jobs()
    retry(report, now=now)
    run_due_jobs()

    report.refresh_from_db()
    refund.refresh_from_db()
    assert (report.state, refund.state) == ("done", "succeeded")
    assert job_keys(["payments.send_refund"]) == []


def test_report_of_wrong_money_is_done_once_it_went_back(
    now: datetime, arm: Callable[[str], None], run_due_jobs: Callable[[], Run]
) -> None:
    arm("wrong_amount")
    pay_attempt(now=now)
    Job.objects.filter(kind="stripe_sandbox.deliver_event").delete()
    report = Job.objects.get(kind="payments.report_mismatch")

    for _ in range(2):
        run_due_jobs()
        retry(report, now=now)
    run_due_jobs()

    report.refresh_from_db()
    assert report.state == "done"
