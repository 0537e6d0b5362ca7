from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.catalog.types import RefundTier
from greenroom.core.money import CurrencyMismatchError, Money
from greenroom.orders import rules
from greenroom.orders.rules import capped_tiers, left_of_lines, refund_due, refund_percent, shares_of
from greenroom.orders.types import DocumentKind, PurchaseState
from greenroom.payments.types import MovementKind

START = datetime(2026, 3, 29, 12, tzinfo=UTC)
HOUR, INSTANT = timedelta(hours=1), timedelta(microseconds=1)
SEVERAL = (RefundTier(48 * HOUR, 100), RefundTier(24 * HOUR, 50), RefundTier(timedelta(), 10))


@pytest.mark.parametrize(
    ("ahead", "percent"),
    [
        (1000 * HOUR, 100),
        (48 * HOUR, 100),
        (48 * HOUR - INSTANT, 50),
        (24 * HOUR, 50),
        (24 * HOUR - INSTANT, 10),
        (INSTANT, 10),
        (timedelta(), 10),
        (-INSTANT, 0),
    ],
)
@pytest.mark.parametrize("tiers", [SEVERAL, SEVERAL[::-1], (SEVERAL[1], SEVERAL[2], SEVERAL[0])])
def test_refund_percent_is_that_of_the_longest_notice_kept(
    tiers: tuple[RefundTier, ...], ahead: timedelta, percent: int
) -> None:
    assert refund_percent(tiers, starts_at=START, now=START - ahead) == percent


def test_refund_percent_of_a_longer_notice_wins_even_when_it_gives_less() -> None:
    tiers = (RefundTier(48 * HOUR, 20), RefundTier(24 * HOUR, 80))

    assert refund_percent(tiers, starts_at=START, now=START - 50 * HOUR) == 20


def test_refund_percent_without_tiers_is_nothing() -> None:
    assert refund_percent((), starts_at=START, now=START - 1000 * HOUR) == 0


def test_refund_percent_counts_hours_that_pass_and_not_those_of_the_wall() -> None:
    # Berlin's clocks go forward on this night: 24 hours before 14:00 local is 13:00 local on the day before.
    tiers = (RefundTier(24 * HOUR, 100),)

    assert refund_percent(tiers, starts_at=START, now=datetime(2026, 3, 28, 12, tzinfo=UTC)) == 100
    assert refund_percent(tiers, starts_at=START, now=datetime(2026, 3, 28, 12, 0, 1, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    ("paid", "percent", "back"),
    [
        (5000, 100, 5000),
        (5000, 50, 2500),
        (5000, 0, 0),
        (0, 100, 0),
        (1, 50, 1),
        (1, 49, 0),
        (3, 50, 2),
        (999, 33, 330),
        (150, 33, 50),
        (10_000_000, 99, 9_900_000),
    ],
)
def test_refund_due_is_rounded_half_up_to_the_minor_unit(paid: int, percent: int, back: int) -> None:
    assert refund_due(Money(paid, "EUR"), percent) == Money(back, "EUR")


def test_refund_due_keeps_the_currency() -> None:
    assert refund_due(Money(1001, "JPY"), 50) == Money(501, "JPY")


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (100, [(48, 100), (24, 50), (6, 20)]),
        (50, [(24, 50), (6, 20)]),
        (30, [(24, 30), (6, 20)]),
        (20, [(6, 20)]),
        (0, []),
    ],
)
def test_capped_tiers_say_what_is_left_of_a_policy(percent: int, expected: list[tuple[int, int]]) -> None:
    tiers = [RefundTier(timedelta(hours=hours), back) for hours, back in ((48, 100), (24, 50), (6, 20), (0, 0))]

    capped = capped_tiers(tiers, percent)

    assert [(tier.notice // timedelta(hours=1), tier.percent) for tier in capped] == expected
    for ahead in (timedelta(hours=hours) for hours in (1, 6, 12, 24, 36, 48, 72)):
        whole = refund_percent(tiers, starts_at=START, now=START - ahead)
        assert refund_percent(capped, starts_at=START, now=START - ahead) == min(whole, percent)


@pytest.mark.parametrize(
    ("kind", "number", "is_test", "label"),
    [
        (DocumentKind.RECEIPT, 12, False, "G-2026-000012"),
        (DocumentKind.REFUND_NOTE, 1, True, "TEST-GR-2026-000001"),
        (DocumentKind.REFUND_REVERSAL, 1_234_567, False, "GX-2026-1234567"),
    ],
)
def test_document_label(kind: DocumentKind, number: int, is_test: bool, label: str) -> None:  # noqa: FBT001 -- a table
    assert rules.document_label(kind, number, year=2026, is_test=is_test) == label


@pytest.mark.parametrize(
    ("kind", "document", "signed"),
    [
        (MovementKind.CAPTURE, DocumentKind.RECEIPT, 5),
        (MovementKind.REFUND, DocumentKind.REFUND_NOTE, -5),
        (MovementKind.REFUND_REVERSAL, DocumentKind.REFUND_REVERSAL, 5),
    ],
)
def test_documents_of_movements(kind: MovementKind, document: DocumentKind, signed: int) -> None:
    assert rules.document_kind(kind) is document
    assert rules.signed_amount(document, Money(5, "EUR")) == Money(signed, "EUR")


@pytest.mark.parametrize(
    ("minors", "gross", "given_back", "state"),
    [
        ([], 0, 0, PurchaseState.PAID),
        ([("receipt", 80)], 80, 0, PurchaseState.PAID),
        ([("receipt", 80), ("refund_note", -30)], 80, 30, PurchaseState.PART_REFUNDED),
        ([("receipt", 80), ("refund_note", -80)], 80, 80, PurchaseState.REFUNDED),
        ([("receipt", 80), ("refund_note", -80), ("refund_reversal", 80)], 80, 0, PurchaseState.PAID),
        ([("refund_note", -30)], 0, 30, PurchaseState.REFUNDED),
        ([("refund_reversal", 30)], 0, -30, PurchaseState.PAID),
    ],
)
def test_sums_and_state_of_an_order(
    minors: list[tuple[str, int]], gross: int, given_back: int, state: PurchaseState
) -> None:
    sums = rules.sums_of([(DocumentKind(kind), Money(minor, "EUR")) for kind, minor in minors], "EUR")

    assert (sums.gross, sums.given_back) == (Money(gross, "EUR"), Money(given_back, "EUR"))
    assert sums.net == Money(gross - given_back, "EUR")
    assert rules.purchase_state(sums) is state


def test_sums_of_two_currencies_are_refused() -> None:
    with pytest.raises(CurrencyMismatchError):
        rules.sums_of([(DocumentKind.RECEIPT, Money(1, "USD"))], "EUR")


@pytest.mark.parametrize(
    ("paid", "percent", "due"),
    [
        (Money(12_350, "KWD"), 50, 6180),
        (Money(12_350, "KWD"), 100, 12_350),
        (Money(8001, "EUR"), 50, 4001),
        (Money(5, "JPY"), 50, 3),
    ],
)
def test_refund_due_can_be_given_back_to_a_card(paid: Money, percent: int, due: int) -> None:
    assert refund_due(paid, percent) == Money(due, paid.currency)


@settings(deadline=None)
@given(
    received=st.integers(-(10**9), 10**9),
    tax_percent=st.integers(0, 50),
    basis_points=st.integers(0, 10_000),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_shares_add_up_and_the_platform_has_at_most_what_is_before_tax(
    received: int, tax_percent: int, basis_points: int, currency: str
) -> None:
    whole, tax = Money(received, currency), Money(received * tax_percent // 100, currency)

    shares = shares_of(whole, tax, basis_points)

    assert shares.coach + shares.platform == whole
    assert abs(shares.platform.minor) <= abs((whole - tax).minor)
    assert shares_of(whole, tax, 0).platform.minor == 0
    assert shares_of(whole, tax, 10_000).coach == tax


EUROS = {1: Money(9999, "EUR"), 2: Money(1900, "EUR")}


def left_of(*taken: tuple[int, tuple[tuple[int, int], ...]]) -> list[int]:
    return [left.minor for left in left_of_lines(EUROS, taken).values()]


def test_left_of_lines_takes_refunds_of_a_line_from_it_and_others_in_proportion() -> None:
    assert left_of() == [9999, 1900]
    assert left_of((1900, ((2, 1900),))) == [9999, 0]
    assert left_of((5000, ((1, 4000), (2, 1000))), (900, ((2, 900),))) == [5999, 0]
    assert left_of((1190, ())) == [8999, 1710]
    assert left_of((1900, ((2, 1900),)), (1000, ())) == [8999, 0]
    assert left_of((20000, ())) == [0, 0]
    assert left_of((11899, ()), (1, ())) == [0, 0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5000), st.sampled_from([0, 1, 2])), max_size=8))
def test_left_of_lines_adds_up_to_what_is_left_of_the_order(wanted: list[tuple[int, int]]) -> None:
    taken: list[tuple[int, tuple[tuple[int, int], ...]]] = []
    for minor, number in wanted:
        left = left_of_lines(EUROS, taken)
        most = left[number].minor if number else sum(one.minor for one in left.values())
        if minor <= most:
            taken.append((minor, ((number, minor),) if number else ()))

    left = left_of_lines(EUROS, taken)

    assert sum(one.minor for one in left.values()) == 11899 - sum(minor for minor, _ in taken)
    assert min(one.minor for one in left.values()) >= 0
