from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory
from tests.payments.factories import pay_attempt

from greenroom.core.actors import SYSTEM
from greenroom.core.models import AuditEntry
from greenroom.payments import services
from greenroom.payments.admin import RefundRequestAdmin
from greenroom.payments.models import Dispute, GatewayEvent, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway")


@pytest.mark.parametrize("model", [PaymentAttempt, GatewayEvent, RefundRequest, Dispute, LedgerEntry])
def test_money_is_read_and_never_edited(model: type, rf: RequestFactory) -> None:
    page = admin.site._registry[model]  # noqa: SLF001 -- the registry has no public reader
    request = rf.get("/")

    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


def test_retry_of_refunds_sends_the_failed_ones_and_names_the_others(
    now: datetime, arm: Callable[[str], None], rf: RequestFactory
) -> None:
    attempt = pay_attempt(now=now)
    [refund] = services.refund_in_full(order_ref=attempt.order_ref, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    arm("refund_fails")
    services.send_refund(refund_id=refund.pk, now=now)
    request = rf.post("/")
    request.user = get_user_model()(pk=7)
    request._messages = CookieStorage(request)  # noqa: SLF001 -- what the middleware sets

    page = RefundRequestAdmin(RefundRequest, admin.site)
    for _ in range(2):
        page.retry_selected(request, RefundRequest.objects.all())

    refund.refresh_from_db()
    assert (refund.state, refund.try_no) == ("requested", 2)
    assert [str(message) for message in request._messages] == [  # noqa: SLF001 -- as above
        "1 refunds are on their way again.",
        "8000 EUR requested cannot be tried again.",
        "0 refunds are on their way again.",
    ]
    assert AuditEntry.objects.order_by("-pk")[0].actor_user_id == 7
