"""What a coach sold: the list by month, its sums, and the file for bookkeeping."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import at
from tests.factories.bookings import make_booking, make_coach
from tests.factories.clock import SettableClock
from tests.factories.money import answer_refund, give_back, issue_all, make_order, pay
from tests.web.public.browsing import said

from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import RefundState
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders.models import Document, Order
from greenroom.orders.services import book_shares
from greenroom.payments.models import Dispute, PaymentAttempt
from greenroom.web.studio.orders.export import plain_decimal, safe_cell

PAGE, FILE = "/studio/orders/", "/studio/orders/export/"
APRIL = datetime(2026, 4, 1, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _real_money(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SandboxGateway, "is_test", False)


def sell(coach: Coach, when: datetime, back: int = 0, **values: Any) -> Order:
    """Sell something, give some of it back, and issue what is due."""
    order = make_order(coach, now=when, **values)
    attempt = pay(order, now=when)
    if back:
        give_back(attempt, back, now=when)
    issue_all(now=when)
    return order


def sums(answer: Any) -> list[tuple[bool, str, int, int, int]]:
    return [
        (
            one.is_test,
            one.sums.gross.currency,
            one.sums.gross.minor,
            one.sums.given_back.minor,
            one.sums.net.minor,
        )
        for one in answer.context["takings"]
    ]


def rows(answer: Any) -> list[tuple[str, int, int, int]]:
    return [
        (row["buyer"], row["sums"].gross.minor, row["sums"].given_back.minor, row["sums"].net.minor)
        for row in answer.context["rows"]
    ]


def table(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_orders_stand_with_what_came_went_back_and_is_left(
    desk: Client, coach: Coach, frozen_clock: SettableClock
) -> None:
    sell(coach, frozen_clock(), name="Ann")
    sell(coach, frozen_clock(), back=3000, name="Bob")
    sell(coach, frozen_clock(), minor=500, currency="USD", name="Cy")

    answer = desk.get(PAGE)

    assert rows(answer) == [("Cy", 500, 0, 500), ("Bob", 8000, 3000, 5000), ("Ann", 8000, 0, 8000)]
    assert sums(answer) == [(False, "EUR", 16000, 3000, 13000), (False, "USD", 500, 0, 500)]
    assert "€80 paid, €30 given back" in said(answer)
    assert "G-2026-000002" in said(answer)
    assert "GR-2026-000001" in said(answer)


def test_commission_is_shown_and_taken_off_as_it_stands_now(
    desk: Client, coach: Coach, frozen_clock: SettableClock, settings: Any
) -> None:
    assert "Commission" not in desk.get(PAGE).content.decode()
    settings.COMMISSION_BASIS_POINTS = 1500
    order = sell(coach, frozen_clock(), back=2000)
    sell(coach, frozen_clock(), currency="USD")
    book_shares(order_ref=order.ref, now=frozen_clock())

    answer = desk.get(PAGE)

    assert "Commission" in answer.content.decode()
    euros, dollars = answer.context["takings"]
    assert (euros.commission, euros.net) == (Money(900, "EUR"), Money(5100, "EUR"))
    assert (dollars.commission, dollars.net) == (Money(0, "USD"), Money(8000, "USD"))


def test_fees_are_shown_and_taken_off_in_the_month_of_the_receipt(
    desk: Client, coach: Coach, frozen_clock: SettableClock
) -> None:
    attempt = pay(make_order(coach, now=frozen_clock(), name="Ann"), now=frozen_clock(), fee=Money(145, "EUR"))
    pay(make_order(coach, now=frozen_clock(), name="Bob"), now=frozen_clock())
    issue_all(now=frozen_clock())
    give_back(attempt, 8000, now=APRIL)
    issue_all(now=APRIL)

    march, april = (desk.get(PAGE, {"month": month}) for month in ("2026-03", "2026-04"))

    [taken] = march.context["takings"]
    assert (taken.fees, taken.unknown, taken.net) == ((Money(145, "EUR"),), 1, Money(15855, "EUR"))
    assert "The fee of one payment is not known yet." in said(march)
    assert {row["buyer"]: row["fees"] for row in march.context["rows"]} == {"Ann": [Money(145, "EUR")], "Bob": []}
    [taken] = april.context["takings"]
    assert (taken.fees, taken.unknown, taken.net, april.context["rows"][0]["fees"]) == ((), 0, Money(-8000, "EUR"), [])
    assert [(row["fee"], row["fee_currency"]) for row in table(desk.get(FILE))] == [("1.45", "EUR"), ("", ""), ("", "")]


def dispute(attempt: PaymentAttempt, now: datetime, status: str, **values: Any) -> None:
    known = {"is_inquiry": False, "amount_minor": 8000, "currency": "EUR", "closed_at": None, **values}
    moments = {"opened_at": now, "changed_at": now, "checked_at": now}
    Dispute.objects.create(attempt=attempt, dispute_ref=f"du_{attempt.pk}", status=status, **moments, **known)


@pytest.mark.parametrize(
    ("status", "values", "words"),
    [
        ("needs_response", {}, "their bank holds €80 until it decides."),
        ("warning_needs_response", {"is_inquiry": True}, "asks about this payment. Staff answer it."),
    ],
)
def test_open_dispute_is_told_and_takes_nothing_off(
    desk: Client, coach: Coach, frozen_clock: SettableClock, status: str, values: dict[str, Any], words: str
) -> None:
    attempt = pay(make_order(coach, now=frozen_clock()), now=frozen_clock())
    issue_all(now=frozen_clock())
    dispute(attempt, frozen_clock(), status, **values)

    page = desk.get(PAGE)

    assert words in said(page)
    assert page.context["takings"][0].net == page.context["rows"][0]["left"] == Money(8000, "EUR")


def test_what_a_bank_took_for_good_is_taken_off_with_its_receipt(
    desk: Client, coach: Coach, frozen_clock: SettableClock
) -> None:
    lost = pay(make_order(coach, now=frozen_clock(), name="Ann"), now=frozen_clock())
    won = pay(make_order(coach, now=frozen_clock(), name="Bob"), now=frozen_clock())
    issue_all(now=frozen_clock())
    dispute(lost, frozen_clock(), "lost", closed_at=frozen_clock())
    dispute(won, frozen_clock(), "won", closed_at=frozen_clock())

    page = desk.get(PAGE)

    [takings] = page.context["takings"]
    assert (takings.taken, takings.net) == (Money(8000, "EUR"), Money(8000, "EUR"))
    assert "Taken by banks" in said(page)
    assert {row["buyer"]: (row["left"].minor, row["disputes"]) for row in page.context["rows"]} == {
        "Ann": (0, ["The bank took €80 back for good."]),
        "Bob": (8000, []),
    }


def test_fee_in_another_currency_is_shown_and_not_mixed(
    desk: Client, coach: Coach, frozen_clock: SettableClock
) -> None:
    pay(make_order(coach, now=frozen_clock()), now=frozen_clock(), fee=Money(270, "USD"))
    issue_all(now=frozen_clock())

    answer = desk.get(PAGE)

    [taken] = answer.context["takings"]
    assert (taken.fees, taken.net) == ((Money(270, "USD"),), Money(8000, "EUR"))
    assert table(desk.get(FILE))[0]["fee_currency"] == "USD"


def test_play_money_is_not_added_to_real_money(
    desk: Client, coach: Coach, frozen_clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(coach, frozen_clock())
    monkeypatch.setattr(SandboxGateway, "is_test", True)
    sell(coach, frozen_clock(), minor=100)

    answer = desk.get(PAGE)

    assert sums(answer) == [(False, "EUR", 8000, 0, 8000), (True, "EUR", 100, 0, 100)]
    assert "Play money" in said(answer)
    assert [row["test"] for row in table(desk.get(FILE))] == ["", "test"]


def test_each_movement_counts_in_its_own_month(desk: Client, coach: Coach, frozen_clock: SettableClock) -> None:
    attempt = pay(make_order(coach, now=frozen_clock(), name="Ann"), now=frozen_clock())
    issue_all(now=frozen_clock())
    refund = give_back(attempt, 3000, now=APRIL)
    issue_all(now=APRIL)
    sell(coach, APRIL, minor=1000, name="Bob")

    march, april, every = (desk.get(PAGE, query) for query in ({"month": "2026-03"}, {"month": "2026-04"}, {}))

    assert (rows(march), sums(march)) == ([("Ann", 8000, 0, 8000)], [(False, "EUR", 8000, 0, 8000)])
    assert rows(april) == [("Bob", 1000, 0, 1000), ("Ann", 0, 3000, -3000)]
    assert sums(april) == [(False, "EUR", 1000, 3000, -2000)]
    assert sums(every) == [(False, "EUR", 9000, 3000, 6000)]
    assert [label for _value, label in every.context["form"].fields["month"].choices] == [
        "All months",
        "April 2026",
        "March 2026",
    ]
    answer_refund(refund, RefundState.FAILED, now=APRIL)
    issue_all(now=APRIL)
    assert sums(desk.get(PAGE)) == [(False, "EUR", 9000, 0, 9000)]


def test_sums_of_a_month_are_those_of_its_file(desk: Client, coach: Coach, frozen_clock: SettableClock) -> None:
    sell(coach, frozen_clock(), back=8000)
    sell(coach, frozen_clock(), back=1)
    sell(coach, APRIL)

    [(_test, _currency, *_parts, net)] = sums(desk.get(PAGE, {"month": "2026-03"}))

    assert sum(Decimal(row["amount"]) for row in table(desk.get(FILE, {"month": "2026-03"}))) * 100 == net == 7999


def test_other_coaches_orders_are_nowhere(desk: Client, coach: Coach, frozen_clock: SettableClock) -> None:
    sell(make_coach("noah"), frozen_clock())

    answer = desk.get(PAGE)

    assert (rows(answer), sums(answer), table(desk.get(FILE))) == ([], [], [])
    assert "Nothing sold yet" in said(answer)
    assert len(answer.context["form"].fields["month"].choices) == 1
    assert coach.orders.count() == 0


def test_empty_month_leads_back_to_all(desk: Client, coach: Coach, frozen_clock: SettableClock) -> None:
    sell(coach, frozen_clock())

    assert "Nothing in this month" in said(desk.get(PAGE, {"month": "2025-12"}))


@pytest.mark.parametrize("nonsense", ["", "2026-13", "2026", "x", "\x00", "0000-01", "2026-03-01", "99999-01"])
def test_nonsense_for_a_month_shows_all(desk: Client, coach: Coach, frozen_clock: SettableClock, nonsense: str) -> None:
    sell(coach, frozen_clock())

    assert len(rows(desk.get(PAGE, {"month": nonsense}))) == 1
    assert desk.get(FILE, {"month": nonsense}).status_code == HTTPStatus.OK


def test_order_leads_to_its_session_and_documents(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    order = sell(offer.coach, frozen_clock())
    booking = make_booking(offer=offer, starts_at=at(12), now=frozen_clock())
    Booking.objects.filter(pk=booking.pk).update(order=order)

    [row] = desk.get(PAGE).context["rows"]

    receipt = Document.objects.get()
    assert row["session_url"] == f"/studio/sessions/{booking.ref}/"
    assert [one["url"] for one in row["documents"]] == [f"/receipts/{receipt.ref}/"]
    assert 'href="/studio/orders/"' in desk.get(f"/receipts/{receipt.ref}/").content.decode()
    assert row["day"] == date(2026, 3, 2)


def test_file_has_one_row_a_document(desk: Client, coach: Coach, frozen_clock: SettableClock) -> None:
    order = sell(coach, frozen_clock(), back=3050, name="Ann; Smith, \u201eA\u201c")

    answer = desk.get(FILE, {"month": "2026-03"})

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="greenroom-2026-03.csv"'
    assert "no-store" in answer["Cache-Control"]
    receipt = {
        "number": "G-2026-000001",
        "kind": "receipt",
        "issued_on": "2026-03-02",
        "moved_at_utc": "2026-03-02T10:00:00Z",
        "refers_to": "",
        "order": safe_cell(order.ref),
        "buyer": "Ann; Smith, \u201eA\u201c",
        "email": "ann@example.org",
        "description": "A call, 60 minutes",
        "currency": "EUR",
        "amount": "80.00",
        "fee": "",
        "fee_currency": "",
        "test": "",
    }
    note = {"number": "GR-2026-000001", "kind": "refund_note", "refers_to": "G-2026-000001", "amount": "-30.50"}
    assert table(answer) == [receipt, receipt | note]


def test_file_is_streamed_in_the_fewest_questions(
    desk: Client, coach: Coach, frozen_clock: SettableClock, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        sell(coach, frozen_clock(), back=10)
    desk.get(FILE)  # writes down that this session is in use

    with django_assert_num_queries(4):
        assert len(table(desk.get(FILE))) == 6


def test_names_and_titles_never_become_formulas(desk: Client, coach: Coach, frozen_clock: SettableClock) -> None:
    sell(coach, frozen_clock(), name='=HYPERLINK("http://evil.example";"x")', title="@SUM(1)", email="+1@example.org")

    answer = desk.get(FILE)
    text = b"".join(answer.streaming_content).decode()

    assert '"\'=HYPERLINK(""http://evil.example"";""x"")"' in text
    assert '"\'@SUM(1)"' in text
    assert '"\'+1@example.org"' in text
    assert text.count("80.00") == 1
    assert "'80" not in text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_cells_that_begin_like_formulas_get_an_apostrophe(start: str) -> None:
    assert safe_cell(f"{start}1") == f"'{start}1"
    assert safe_cell(f"1{start}") == f"1{start}"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (8050, "EUR", "80.50"),
        (-1, "EUR", "-0.01"),
        (0, "EUR", "0.00"),
        (8000, "JPY", "8000"),
        (-1500, "KWD", "-1.500"),
        (10**12, "JPY", "1000000000000"),
        (1, "CLF", "0.0001"),
    ],
)
def test_amounts_are_plain_decimals(minor: int, currency: str, text: str) -> None:
    assert str(plain_decimal(Money(minor, currency))) == text


@pytest.mark.parametrize("count", [1, 3])
def test_list_asks_the_same_number_of_questions_for_any_length(
    desk: Client, coach: Coach, frozen_clock: SettableClock, django_assert_num_queries: Any, count: int
) -> None:
    for _ in range(count):
        sell(coach, frozen_clock(), back=10)
    desk.get(PAGE)  # writes down that this session is in use

    with django_assert_num_queries(13):
        desk.get(PAGE)


def test_long_lists_have_pages_that_keep_the_month(desk: Client, coach: Coach, frozen_clock: SettableClock) -> None:
    for _ in range(21):
        sell(coach, frozen_clock())

    first, second = (desk.get(PAGE, {"month": "2026-03", "page": page}) for page in ("1", "2"))

    assert (len(rows(first)), len(rows(second))) == (20, 1)
    assert "month=2026-03&amp;page=2" in first.content.decode()
    assert sums(first) == sums(second) == [(False, "EUR", 21 * 8000, 0, 21 * 8000)]
