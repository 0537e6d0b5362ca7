from datetime import datetime

import pytest
from tests.factories.money import give_back, make_order, pay

from greenroom.coaches.models import Coach
from greenroom.config.wiring import JOB_HANDLERS, MESSAGE_BUILDERS
from greenroom.jobs.errors import RetryLaterError
from greenroom.jobs.models import Job
from greenroom.orders import jobs, messages
from greenroom.orders.models import Document
from greenroom.orders.services import plan_missing_documents


def test_note_waits_for_its_receipt(coach: Coach, now: datetime) -> None:
    give_back(pay(make_order(coach, now=now), now=now), 3000, now=now)
    plan_missing_documents(now=now)
    receipt, note = Job.objects.filter(kind="orders.issue_document").order_by("pk")

    with pytest.raises(RetryLaterError):
        jobs.issue_document(note)
    jobs.issue_document(receipt)
    jobs.issue_document(note)

    assert list(Document.objects.order_by("pk").values_list("kind", flat=True)) == ["receipt", "refund_note"]


def test_jobs_and_mails_are_wired() -> None:
    assert JOB_HANDLERS["orders.issue_missing"].run is jobs.issue_missing
    assert JOB_HANDLERS["orders.issue_document"].run is jobs.issue_document
    assert MESSAGE_BUILDERS["orders.document"] is messages.document
