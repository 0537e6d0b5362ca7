from datetime import datetime

import pytest
from django.test import Client
from tests.factories.bookings import make_coach
from tests.factories.by_hand import make_method, store_payment, store_refund
from tests.factories.clock import SettableClock

from greenroom.coaches.models import Coach
from greenroom.integrations.manual.models import ManualPayment


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


def said(desk: Client, path: str) -> str:
    return " ".join(desk.get(path).content.decode().split())


def test_coach_answers_what_the_method_lets_them(desk: Client, coach: Coach, now: datetime) -> None:
    payment = store_payment(coach, make_method(coach_approves=True), now=now)
    assert "A payment or refund waits for you." in said(desk, "/studio/")
    assert payment.code in said(desk, "/studio/payments/")

    desk.post(f"/studio/payments/{payment.ref}/", {"answer": "approve", "amount": "50", "currency": "EUR"})

    payment.refresh_from_db()
    assert payment.received_minor == 5000
    assert "waits for you" not in said(desk, "/studio/")


def test_coach_finds_nothing_of_methods_that_staff_answer_nor_of_other_coaches(
    desk: Client, coach: Coach, now: datetime
) -> None:
    theirs = store_payment(coach, make_method(), now=now)
    others = store_payment(make_coach("noah"), make_method("Cash", coach_approves=True), now=now)

    for payment in (theirs, others):
        path = f"/studio/payments/{payment.ref}/"
        assert desk.get(path).status_code == 404
        assert desk.post(path, {"answer": "approve", "amount": "50", "currency": "EUR"}).status_code == 404
        assert payment.code not in said(desk, "/studio/payments/")
    assert not ManualPayment.objects.filter(received_at__isnull=False).exists()


def test_coach_sends_a_refund(desk: Client, coach: Coach, now: datetime) -> None:
    refund = store_refund(store_payment(coach, make_method(coach_approves=True), now=now), now=now)

    answer = desk.post(f"/studio/payments/refunds/{refund.ref}/", {"problem": "Account closed"}, follow=True)

    refund.refresh_from_db()
    assert (refund.state, refund.problem) == ("failed", "Account closed")
    assert "Written down." in answer.content.decode()
