"""Receipts and refund notes: which are issued, how they are numbered, and that they stay as they are."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from tests.factories.bookings import make_coach
from tests.factories.clock import SettableClock
from tests.factories.money import (
    answer_refund,
    arrive,
    ask_back,
    give_back,
    issue_all,
    make_order,
    open_attempt_of,
    pay,
)

from greenroom.coaches.models import Coach
from greenroom.config.wiring import JOB_HANDLERS
from greenroom.core.actors import SYSTEM
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import RefundState
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.jobs import registry
from greenroom.jobs.models import Job, Run
from greenroom.notifications.models import Message
from greenroom.orders import queries, services
from greenroom.orders.errors import DocumentTooEarlyError
from greenroom.orders.models import Document, DocumentSeries
from greenroom.orders.services import create_order, update_contact
from greenroom.orders.types import LineKind, NewLine, NewOrder, TaxRule
from greenroom.payments.models import LedgerEntry
from greenroom.payments.services import retry_refund

MINUTE = timedelta(minutes=1)


def labels() -> list[str]:
    return list(Document.objects.order_by("pk").values_list("label", flat=True))


def entries() -> list[int]:
    return list(queries.movements_to_document().values_list("pk", flat=True))


@pytest.fixture(autouse=True)
def _real_money(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SandboxGateway, "is_test", False)


def test_receipt_holds_all_that_is_printed(coach: Coach, now: datetime) -> None:
    order = make_order(coach, now=now)
    attempt = pay(order, now=now)

    [receipt] = issue_all(now=now + MINUTE)

    receipt = Document.objects.get(pk=receipt.pk)
    assert (receipt.kind, receipt.number, receipt.label, str(receipt)) == ("receipt", 1, *["G-2026-000001"] * 2)
    assert (receipt.order, receipt.refers_to, receipt.is_test) == (order, None, False)
    assert (receipt.amount, receipt.printed_lines) == (
        Money(8000, "EUR"),
        [("A call, 60 minutes", Money(8000, "EUR"))],
    )
    assert (receipt.seller_name, receipt.buyer_name, receipt.buyer_email) == (
        "Coach maya",
        "Ann Buyer",
        "ann@example.org",
    )
    assert (receipt.issued_at, receipt.issued_on, receipt.moved_at) == (now + MINUTE, date(2026, 3, 2), now)
    assert (receipt.entry.source_kind, receipt.entry.source_id) == ("attempt", str(attempt.pk))
    assert len(receipt.ref) == 22


def test_receipt_stays_as_it_is_whatever_changes_later(coach: Coach, now: datetime, settings: Any) -> None:
    order = make_order(coach, now=now)
    pay(order, now=now)
    [receipt] = issue_all(now=now)
    before = Document.objects.values().get()

    coach.display_name = "Another name"
    coach.save()
    update_contact(order, name="Bob", email="bob@example.org")
    order.lines.update(title="Else")
    settings.TIME_ZONE = "Pacific/Kiritimati"

    assert services.issue_document(entry_id=receipt.entry_id, now=now + timedelta(days=1)) == receipt
    assert Document.objects.values().get() == before


def test_date_and_year_are_those_of_the_sites_zone(coach: Coach, now: datetime, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    pay(make_order(coach, now=now), now=now)

    [receipt] = issue_all(now=datetime(2026, 12, 31, 15, 0, tzinfo=UTC))

    assert (receipt.issued_on, receipt.label) == (date(2027, 1, 1), "G-2027-000001")


def test_numbers_go_on_for_the_whole_site_and_for_each_kind(coach: Coach, now: datetime) -> None:
    first = pay(make_order(coach, now=now), now=now)
    pay(make_order(make_coach("noah"), now=now), now=now)
    give_back(first, 3000, now=now)
    pay(make_order(coach, now=now), now=now)

    issue_all(now=now)

    assert labels() == ["G-2026-000001", "G-2026-000002", "GR-2026-000001", "G-2026-000003"]
    assert dict(DocumentSeries.objects.values_list("kind", "last_number")) == {"receipt": 3, "refund_note": 1}


def test_play_money_counts_for_itself(coach: Coach, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    pay(make_order(coach, now=now), now=now)
    monkeypatch.setattr(SandboxGateway, "is_test", True)
    pay(make_order(coach, now=now), now=now)

    issue_all(now=now)

    assert labels() == ["G-2026-000001", "TEST-G-2026-000001"]
    assert list(Document.objects.order_by("pk").values_list("is_test", flat=True)) == [False, True]


def test_second_call_issues_nothing_new(coach: Coach, now: datetime) -> None:
    pay(make_order(coach, now=now), now=now)
    [entry] = entries()

    first, second = (services.issue_document(entry_id=entry, now=now + step) for step in (MINUTE, 2 * MINUTE))

    assert first == second
    assert (labels(), entries()) == (["G-2026-000001"], [])
    assert AuditEntry.objects.filter(action="document.issue").count() == 1
    assert Message.objects.count() == 1


def test_issuing_is_in_the_audit_log(coach: Coach, now: datetime) -> None:
    order = make_order(coach, now=now)
    pay(order, now=now)

    [receipt] = issue_all(now=now)

    entry = AuditEntry.objects.get(action="document.issue")
    assert (entry.actor_kind, entry.object_kind, entry.object_id) == ("system", "orders.document", receipt.pk)
    assert entry.after == {
        "label": "G-2026-000001",
        "amount_minor": 8000,
        "currency": "EUR",
        "order": order.ref,
    }


def test_discounts_stand_on_the_receipt(coach: Coach, now: datetime) -> None:
    lines = (
        NewLine(LineKind.CALL, "A call", Money(8000, "EUR")),
        NewLine(LineKind.CALL, "Discount", Money(-500, "EUR")),
    )
    attempt = pay(create_order(NewOrder(coach.pk, "Ann", "a@example.org", "EUR", lines, ()), now=now), now=now)
    give_back(attempt, 7500, now=now)

    receipt, note = issue_all(now=now)

    assert (receipt.printed_lines, receipt.amount) == (
        [("A call", Money(8000, "EUR")), ("Discount", Money(-500, "EUR"))],
        Money(7500, "EUR"),
    )
    assert note.printed_lines == [("A call; Discount", Money(-7500, "EUR"))]


def test_refund_note_refers_to_its_receipt(coach: Coach, now: datetime) -> None:
    attempt = pay(make_order(coach, now=now), now=now)
    give_back(attempt, 3000, now=now + MINUTE)
    give_back(attempt, 5000, now=now + MINUTE)

    receipt, first, second = issue_all(now=now + 2 * MINUTE)

    assert [(one.kind, one.amount.minor, one.refers_to) for one in (first, second)] == [
        ("refund_note", -3000, receipt),
        ("refund_note", -5000, receipt),
    ]
    assert (first.printed_lines, first.moved_at) == ([("A call, 60 minutes", Money(-3000, "EUR"))], now + MINUTE)


def test_refund_that_was_only_asked_for_gets_no_note(coach: Coach, now: datetime) -> None:
    attempt = pay(make_order(coach, now=now), now=now)
    refund = ask_back(attempt, 3000, now=now)
    answer_refund(refund, RefundState.PENDING, now=now)

    assert [one.kind for one in issue_all(now=now)] == ["receipt"]

    answer_refund(refund, RefundState.FAILED, now=now)
    assert issue_all(now=now) == []


def test_refund_that_fails_later_is_reversed_by_a_note_of_its_own(coach: Coach, now: datetime) -> None:
    attempt = pay(make_order(coach, now=now), now=now)
    refund = give_back(attempt, 8000, now=now)
    issue_all(now=now)
    before = list(Document.objects.order_by("pk").values())

    answer_refund(refund, RefundState.FAILED, now=now)
    [reversal] = issue_all(now=now)

    note = Document.objects.get(kind="refund_note")
    assert (reversal.label, reversal.amount.minor, reversal.refers_to) == ("GX-2026-000001", 8000, note)
    assert list(Document.objects.order_by("pk").values())[:2] == before


def test_refund_that_is_tried_again_gets_a_note_of_its_own(coach: Coach, now: datetime) -> None:
    attempt = pay(make_order(coach, now=now), now=now)
    refund = give_back(attempt, 8000, now=now)
    answer_refund(refund, RefundState.FAILED, now=now)
    retry_refund(refund_id=refund.pk, actor=SYSTEM, now=now)
    answer_refund(refund, RefundState.SUCCEEDED, now=now)
    answer_refund(refund, RefundState.FAILED, now=now)

    issued = issue_all(now=now)

    refers = [(one.label, one.refers_to and one.refers_to.label) for one in issued]
    assert refers == [
        ("G-2026-000001", None),
        ("GR-2026-000001", "G-2026-000001"),
        ("GX-2026-000001", "GR-2026-000001"),
        ("GR-2026-000002", "G-2026-000001"),
        ("GX-2026-000002", "GR-2026-000002"),
    ]
    assert sum(one.amount_minor for one in issued) == 8000


def test_money_that_does_not_fit_its_order_gets_no_documents(coach: Coach, now: datetime) -> None:
    attempt = pay(make_order(coach, now=now), now=now, amount=Money(7000, "EUR"))
    answer_refund(attempt.refunds.get(), RefundState.SUCCEEDED, now=now)

    assert (issue_all(now=now), LedgerEntry.objects.count()) == ([], 4)
    assert not DocumentSeries.objects.exists()


def test_second_payment_of_an_order_gets_no_documents(coach: Coach, now: datetime) -> None:
    order = make_order(coach, now=now)
    pay(order, now=now)
    second = pay(order, now=now)
    refund = answer_refund(second.refunds.get(), RefundState.SUCCEEDED, now=now)
    answer_refund(refund, RefundState.FAILED, now=now)

    assert [one.label for one in issue_all(now=now)] == ["G-2026-000001"]


def test_payment_after_the_first_went_back_gets_a_receipt(coach: Coach, now: datetime) -> None:
    order = make_order(coach, now=now)
    give_back(pay(order, now=now), 8000, now=now)
    pay(order, now=now)

    assert [one.kind for one in issue_all(now=now)] == ["receipt", "refund_note", "receipt"]


def test_unpaid_and_free_orders_get_none(coach: Coach, now: datetime) -> None:
    make_order(coach, now=now, minor=0)
    open_attempt_of(make_order(coach, now=now), now=now)

    assert issue_all(now=now) == []


def test_note_before_its_receipt_waits(coach: Coach, now: datetime) -> None:
    give_back(pay(make_order(coach, now=now), now=now), 3000, now=now)
    _capture, refund = entries()

    with pytest.raises(DocumentTooEarlyError):
        services.issue_document(entry_id=refund, now=now)

    assert (labels(), list(DocumentSeries.objects.values_list("last_number", flat=True))) == ([], [])


def test_number_of_an_issue_that_failed_is_given_out_again(coach: Coach, now: datetime) -> None:
    for _ in range(2):
        pay(make_order(coach, now=now), now=now)
    first, second = entries()
    in_the_way = services.issue_document(entry_id=first, now=now)
    Document.objects.filter(pk=in_the_way.pk).update(label="G-2026-000002")  # type: ignore[union-attr]  # it is there

    with pytest.raises(IntegrityError):
        services.issue_document(entry_id=second, now=now)

    assert DocumentSeries.objects.get().last_number == 1
    Document.objects.filter(number=1).update(label="G-2026-000001")
    services.issue_document(entry_id=second, now=now)
    assert labels() == ["G-2026-000001", "G-2026-000002"]


def test_mail_is_planned_for_the_buyer(coach: Coach, now: datetime) -> None:
    pay(make_order(coach, now=now), now=now)

    [receipt] = issue_all(now=now)

    message = Message.objects.get()
    assert (message.kind, message.to, message.subject_id) == ("orders.document", "ann@example.org", receipt.pk)


def test_what_was_paid_long_ago_is_documented_without_a_mail(coach: Coach, now: datetime) -> None:
    pay(make_order(coach, now=now), now=now)

    assert len(issue_all(now=now + timedelta(days=14))) == 1
    assert not Message.objects.exists()


def test_missing_documents_are_planned_once(coach: Coach, now: datetime) -> None:
    give_back(pay(make_order(coach, now=now), now=now), 3000, now=now)

    assert [services.plan_missing_documents(now=now) for _ in range(2)] == [2, 0]

    jobs = Job.objects.filter(kind="orders.issue_document").order_by("pk")
    assert [(job.key, job.payload) for job in jobs] == [
        (f"orders.issue_document:{entry.pk}", {"entry_id": entry.pk})
        for entry in LedgerEntry.objects.filter(account="customers").order_by("pk")
    ]


def test_a_minute_later_everything_is_issued_and_mailed(
    coach: Coach,
    frozen_clock: SettableClock,
    handlers: None,  # noqa: ARG001 -- restores the table
    run_due_jobs: Callable[[], Run],
) -> None:
    mine = ("orders.issue_missing", "orders.issue_document", "notifications.send_message")
    registry.use({kind: JOB_HANDLERS[kind] for kind in mine})
    order = make_order(coach, now=frozen_clock())
    give_back(pay(order, now=frozen_clock()), 3000, now=frozen_clock())
    arrive(open_attempt_of(order, now=frozen_clock()), now=frozen_clock(), amount=Money(1, "EUR"))

    frozen_clock.advance(MINUTE)
    run_due_jobs()

    assert labels() == ["G-2026-000001", "GR-2026-000001"]
    assert list(Message.objects.order_by("pk").values_list("state", "subject")) == [
        ("sent", "Your receipt G-2026-000001"),
        ("sent", "Your refund note GR-2026-000001"),
    ]
    assert services.plan_missing_documents(now=frozen_clock()) == 0
    assert not Job.objects.filter(state__in=["due", "failed"], kind="orders.issue_document").exists()


def test_documents_say_how_much_of_their_amount_is_tax(coach: Coach, now: datetime, settings: Any) -> None:
    settings.TAX = TaxRule("VAT", 2100)
    order = make_order(coach, now=now)
    attempt = pay(order, now=now)
    settings.TAX = None
    give_back(attempt, 2000, now=now)

    receipt, note = issue_all(now=now + MINUTE)

    # 80.00 with 21 % in it is 66.12 and 13.88; a quarter of it goes back.
    assert (receipt.tax_words, receipt.tax, note.tax) == ("VAT 21 %", Money(1388, "EUR"), Money(-347, "EUR"))


def test_tax_on_the_notes_of_a_refund_in_parts_is_the_tax_of_the_receipt(
    coach: Coach, now: datetime, settings: Any
) -> None:
    settings.TAX = TaxRule("VAT", 2000)
    order = make_order(coach, now=now)
    attempt = pay(order, now=now)
    parts = [give_back(attempt, 2000, now=now) for _ in range(3)]
    give_back(attempt, 2000, now=now)

    taxes = [document.tax_minor for document in issue_all(now=now + MINUTE)]

    assert (taxes[0], sum(taxes), len(parts)) == (1333, 0, 3)
    assert taxes[1:] == [-333, -333, -334, -333]
