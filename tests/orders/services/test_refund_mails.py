"""The mails to those who have to send a refund by hand."""

from collections.abc import Callable
from datetime import datetime

import pytest
from tests.bookings.conftest import run_jobs
from tests.factories.accounts import make_admin
from tests.factories.by_hand import answer_refund, make_method, store_payment, store_refund
from tests.factories.clock import SettableClock

from greenroom.accounts.models import User
from greenroom.coaches.models import Coach
from greenroom.config.wiring import JOB_HANDLERS
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.manual.models import ManualRefund
from greenroom.jobs.registry import HandlerSpec
from greenroom.notifications.models import Message
from greenroom.orders import jobs
from greenroom.orders.services import plan_refund_mails

__all__ = ["run_jobs"]
pytestmark = pytest.mark.django_db
STAFF, COACH = "admin@example.org", "maya@example.org"


@pytest.fixture(autouse=True)
def _staff() -> None:
    make_admin()


def refund_of(coach: Coach, now: datetime, **method: bool) -> ManualRefund:
    return store_refund(store_payment(coach, make_method(**method), now=now), now=now)


def mailed() -> list[str]:
    return list(DeliveredMail.objects.order_by("pk").values_list("to", flat=True))


def test_staff_are_told_once_what_is_to_be_sent(coach: Coach, now: datetime, run_jobs: Callable[..., None]) -> None:
    refund = refund_of(coach, now)

    assert [plan_refund_mails(now=now) for _ in range(2)] == [1, 0]
    run_jobs()

    assert mailed() == [STAFF]
    mail = DeliveredMail.objects.get()
    assert mail.subject == "To be sent back: €50 to Ann Guest"
    for words in ("Ann Guest, ann@example.org", "Bank transfer", refund.payment.code, "/ops/payments/by-hand/"):
        assert words in mail.text
    assert "reads this, too" not in mail.text


@pytest.mark.parametrize("has_method", [True, False])
def test_coach_to_whom_the_money_came_is_told_and_staff_know_it(
    coach: Coach, now: datetime, run_jobs: Callable[..., None], *, has_method: bool
) -> None:
    method = make_method(coach_approves=True) if has_method else None
    store_refund(store_payment(coach, method, now=now), now=now)

    plan_refund_mails(now=now)
    run_jobs()

    assert mailed() == [COACH, STAFF]
    to_coach, to_staff = DeliveredMail.objects.order_by("pk")
    assert "/studio/payments/" in to_coach.text
    assert "reads this, too" not in to_coach.text
    assert "The money came to Coach maya, who reads this, too." in to_staff.text


def test_coach_who_is_on_the_staff_gets_one_mail(coach: Coach, now: datetime, run_jobs: Callable[..., None]) -> None:
    User.objects.filter(pk=coach.user_id).update(is_staff=True)
    refund_of(coach, now, coach_approves=True)

    plan_refund_mails(now=now)
    run_jobs()

    assert mailed() == [COACH, STAFF]


@pytest.mark.parametrize("problem", ["", "Account closed"])
def test_refund_that_was_answered_is_not_told_any_more(
    coach: Coach, now: datetime, run_jobs: Callable[..., None], problem: str
) -> None:
    refund_of(coach, now)
    plan_refund_mails(now=now)
    answer_refund(problem)
    run_jobs()

    assert mailed() == []
    assert Message.objects.get(kind="orders.refund_to_send").state == "skipped"
    refund_of(coach, now)
    ManualRefund.objects.update(state="succeeded")
    assert plan_refund_mails(now=now) == 0


def test_each_refund_is_told(coach: Coach, now: datetime) -> None:
    first, second = refund_of(coach, now), refund_of(coach, now)

    assert plan_refund_mails(now=now) == 2
    assert set(Message.objects.values_list("subject_id", flat=True)) == {first.pk, second.pk}


def test_it_is_looked_for_once_a_minute(frozen_clock: SettableClock) -> None:
    spec: HandlerSpec = JOB_HANDLERS["orders.tell_refunds"]

    assert frozen_clock()
    assert spec.run is jobs.tell_refunds
    assert spec.every is not None
    assert spec.every.total_seconds() == 60


@pytest.mark.parametrize("count", [1, 3])
def test_looking_asks_one_question_while_everybody_was_told(
    coach: Coach, now: datetime, count: int, django_assert_num_queries: Callable[..., object]
) -> None:
    for _ in range(count):
        refund_of(coach, now)
    plan_refund_mails(now=now)

    with django_assert_num_queries(1):  # type: ignore[attr-defined]  # a context manager
        assert plan_refund_mails(now=now) == 0
