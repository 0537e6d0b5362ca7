"""What stands in the mail that comes with a document."""

from datetime import datetime

import pytest
from tests.factories.money import answer_refund, give_back, issue_all, make_order, pay

from greenroom.coaches.models import Coach
from greenroom.integrations.stripe.protocol import RefundState
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
from greenroom.orders import messages
from greenroom.orders.models import Document
from greenroom.orders.queries import document_token
from greenroom.payments.models import PaymentAttempt


@pytest.fixture(autouse=True)
def _real_money(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SandboxGateway, "is_test", False)


def content(document: Document, now: datetime) -> Content:
    built = messages.document(Message.objects.get(subject_id=document.pk), now)
    assert built is not None
    return built


def test_receipt_says_number_amounts_and_where_it_is(coach: Coach, now: datetime) -> None:
    pay(make_order(coach, now=now, minor=8050), now=now)
    [receipt] = issue_all(now=now)

    mail = content(receipt, now)

    assert mail.subject == "Your receipt G-2026-000001"
    assert "Your payment of €80.50 has arrived." in mail.text
    assert "Date: Monday 2 March 2026" in mail.text
    assert "Sold by: Coach maya" in mail.text
    assert "A call, 60 minutes: €80.50" in mail.text
    assert "Total: €80.50" in mail.text
    assert f"http://localhost:8000/receipts/{document_token(receipt)}/" in mail.text
    assert "test" not in mail.text


def test_refund_note_and_its_reversal_say_what_happened(coach: Coach, now: datetime) -> None:
    refund = give_back(pay(make_order(coach, now=now), now=now), 3000, now=now)
    answer_refund(refund, RefundState.FAILED, now=now)
    _receipt, note, reversal = issue_all(now=now)

    mail, next_mail = content(note, now), content(reversal, now)

    assert mail.subject == "Your refund note GR-2026-000001"
    assert "€30 went back the way you paid." in mail.text
    assert "Refers to: G-2026-000001" in mail.text
    assert "Total: \N{MINUS SIGN}€30" in mail.text
    assert next_mail.subject == "Your refund came back: GX-2026-000001"
    assert "Your bank sent the refund of €30 back to us." in next_mail.text
    assert "Refers to: GR-2026-000001" in next_mail.text


def test_refund_note_speaks_of_banks_only_where_one_is_asked(coach: Coach, now: datetime) -> None:
    give_back(pay(make_order(coach, now=now), now=now), 3000, now=now)
    _receipt, note = issue_all(now=now)
    assert "Banks usually show it within five to ten days." in content(note, now).text

    PaymentAttempt.objects.update(gateway="manual")

    assert "Banks" not in content(note, now).text


def test_play_money_says_so(coach: Coach, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SandboxGateway, "is_test", True)
    pay(make_order(coach, now=now), now=now)
    [receipt] = issue_all(now=now)

    mail = content(receipt, now)

    assert mail.subject == "Your receipt TEST-G-2026-000001"
    assert "This is a test: no real money moved." in mail.text


def test_document_that_is_not_there_sends_nothing(coach: Coach, now: datetime) -> None:
    pay(make_order(coach, now=now), now=now)
    [receipt] = issue_all(now=now)
    message = Message.objects.get()
    receipt.delete()

    assert messages.document(message, now) is None
