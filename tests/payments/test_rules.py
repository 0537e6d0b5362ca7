from itertools import product
from pathlib import Path

import pytest

from greenroom.core.money import CurrencyMismatchError, Money
from greenroom.integrations.stripe.protocol import DisputeStatus
from greenroom.payments import rules
from greenroom.payments.types import AttemptState, DisputeStand, RefundRequestState, Terms

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture" / "payments.md"
ALLOWED = {
    "created": {"open", "requires_action", "processing", "paid", "failed", "dead"},
    "open": {"requires_action", "processing", "paid", "failed", "dead"},
    "requires_action": {"open", "processing", "paid", "failed", "dead"},
    "processing": {"open", "paid", "failed", "dead"},
    "paid": set(),
    "failed": {"paid"},
    "dead": {"paid"},
}
_SEEN = {"pending", "requires_action", "succeeded", "failed", "canceled"}
ALLOWED_REFUNDS = {
    "held": _SEEN,
    "requested": _SEEN,
    "dropped": _SEEN,
    "split": _SEEN,
    "pending": {"requires_action", "succeeded", "failed", "canceled"},
    "requires_action": {"pending", "succeeded", "failed", "canceled"},
    "succeeded": {"failed"},
    "failed": set(),
    "canceled": set(),
}
AGREED = Terms(Money(8000, "EUR"), is_test=True, attempt_ref="a1")


@pytest.mark.parametrize(("current", "seen"), list(product(AttemptState, AttemptState)))
def test_next_state_of_every_pair_moves_forward_only(current: AttemptState, seen: AttemptState) -> None:
    expected = seen if seen in ALLOWED[current] else None

    assert rules.next_state(current, seen) is expected


@pytest.mark.parametrize(("current", "seen"), list(product(RefundRequestState, RefundRequestState)))
def test_next_refund_state_of_every_pair_is_as_listed(current: RefundRequestState, seen: RefundRequestState) -> None:
    expected = seen if seen in ALLOWED_REFUNDS[current] else None

    assert rules.next_refund_state(current, seen) is expected


def test_transitions_are_printed_in_the_documentation() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = [
        f"| {current} | {', '.join(seen for seen in AttemptState if (current, seen) in rules.TRANSITIONS)} |"
        for current in AttemptState
    ]

    assert "\n".join(["|---|---|", *rows]).replace("|  |", "| |") in text


def test_matters_to_order_only_when_money_is_decided_or_on_its_way() -> None:
    mattering = [state for state in AttemptState if rules.matters_to_order(state)]

    assert mattering == ["processing", "paid", "failed", "dead"]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (AGREED, ""),
        (
            Terms(Money(8001, "EUR"), is_test=True, attempt_ref="a1"),
            "80.01 EUR arrived instead of 80.00 EUR",
        ),
        (
            Terms(Money(8000, "USD"), is_test=True, attempt_ref="a1"),
            "80.00 USD arrived instead of 80.00 EUR",
        ),
        (Terms(Money(8000, "EUR"), is_test=False, attempt_ref="a1"), "real money arrived for a test order"),
        (Terms(Money(8000, "EUR"), is_test=True, attempt_ref="b2"), "it names another attempt (b2)"),
        (
            Terms(Money(1, "EUR"), is_test=False, attempt_ref=""),
            ("0.01 EUR arrived instead of 80.00 EUR; real money arrived for a test order; it names another attempt ()"),
        ),
    ],
)
def test_mismatch_of_money_that_arrived_says_every_difference(seen: Terms, words: str) -> None:
    assert rules.mismatch(AGREED, seen) == words


def test_mismatch_of_play_money_for_a_real_order_says_so() -> None:
    real = Terms(Money(8000, "EUR"), is_test=False, attempt_ref="a1")

    assert rules.mismatch(real, AGREED) == "play money arrived"


@pytest.mark.parametrize(
    ("requests", "left"),
    [
        ([], 100),
        ([("requested", 30)], 70),
        ([("pending", 30), ("requires_action", 10)], 60),
        ([("succeeded", 100)], 0),
        ([("failed", 100), ("canceled", 50)], 100),
        ([("failed", 100), ("succeeded", 40)], 60),
    ],
)
def test_refundable_is_captured_less_every_refund_that_has_not_failed(
    requests: list[tuple[str, int]], left: int
) -> None:
    amounts = [(RefundRequestState(state), Money(minor, "EUR")) for state, minor in requests]

    assert rules.refundable(Money(100, "EUR"), amounts) == Money(left, "EUR")


@pytest.mark.parametrize(("taken", "left"), [([], 70), ([50], 20), ([50, 20], 0), ([100], 0)])
def test_refundable_leaves_out_what_banks_took_and_is_never_below_zero(taken: list[int], left: int) -> None:
    asked = [(RefundRequestState.SUCCEEDED, Money(30, "EUR"))]

    assert rules.refundable(Money(100, "EUR"), asked, [Money(one, "EUR") for one in taken]) == Money(left, "EUR")


@pytest.mark.parametrize(
    ("stand", "taken"),
    [
        (("needs_response", 80, 80, 0), 0),
        (("under_review", 80, 80, 0), 0),
        (("something_new", 80, 80, 0), 0),
        (("won", 80, 80, 80), 0),
        (("won", 80, 80, 0), 0),
        (("lost", 80, 80, 0), 80),
        (("lost", 80, 0, 0), 80),
        (("lost", 80, 90, 20), 70),
        (("lost", 80, 80, 90), 0),
        (("prevented", 80, 80, 0), 80),
        (("prevented", 80, 0, 0), 0),
        (("warning_closed", 80, 0, 0), 0),
    ],
)
def test_charged_back_is_what_a_bank_took_for_good(stand: tuple[str, int, int, int], taken: int) -> None:
    assert rules.charged_back(DisputeStand(*stand)) == taken


STATUSES = [*DisputeStatus, "something_new"]
LATER = {
    "warning_needs_response": {"warning_under_review", "needs_response", "under_review"},
    "warning_under_review": {"needs_response", "under_review"},
    "needs_response": {"under_review"},
    "under_review": set[str](),
    "something_new": {"warning_needs_response", "warning_under_review", "needs_response", "under_review"},
}
OVER = {"warning_closed", "won", "lost", "prevented"}


@pytest.mark.parametrize(("known", "seen"), list(product(STATUSES, STATUSES)))
def test_is_newer_of_the_same_money_goes_by_the_status_and_never_back_from_the_end(known: str, seen: str) -> None:
    later = LATER[known] | OVER | {"something_new"} if known in LATER else set()

    assert rules.is_newer(DisputeStand(known, 80, 80, 0), DisputeStand(seen, 80, 80, 0)) is (
        seen in later and seen != known
    )


@pytest.mark.parametrize(
    ("known", "seen", "expected"),
    [
        ((80, 0), (80, 80), True),
        ((0, 0), (80, 0), True),
        ((80, 0), (0, 0), False),
        ((80, 80), (80, 0), False),
        ((80, 0), (0, 80), False),
    ],
)
def test_is_newer_goes_by_the_money_first(known: tuple[int, int], seen: tuple[int, int], expected: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    assert rules.is_newer(DisputeStand("lost", 80, *known), DisputeStand("needs_response", 80, *seen)) is expected


@pytest.mark.parametrize("status", ["won", "lost"])
def test_is_newer_takes_an_appeal_after_the_end_and_the_end_after_an_appeal(status: str) -> None:
    over, appeal = DisputeStand(status, 80, 80, 0), DisputeStand("appeal_needs_response", 80, 80, 0, "2026-03-09")

    assert rules.is_newer(over, appeal)
    assert rules.is_newer(appeal, over)
    assert not rules.is_newer(over, DisputeStand("under_review", 80, 80, 0))


def test_is_newer_of_another_date_for_evidence_is_taken_over() -> None:
    known = DisputeStand("needs_response", 80, 80, 0, "2026-03-01")

    assert rules.is_newer(known, DisputeStand("needs_response", 80, 80, 0, "2026-03-05"))


@pytest.mark.parametrize("status", STATUSES)
def test_blocks_refunds_while_money_is_with_the_bank(status: str) -> None:
    assert rules.blocks_refunds(status=status, is_inquiry=False) is (status not in OVER)
    assert not rules.blocks_refunds(status=status, is_inquiry=True)


def test_refundable_refuses_to_mix_currencies() -> None:
    with pytest.raises(CurrencyMismatchError):
        rules.refundable(Money(100, "EUR"), [(RefundRequestState.PENDING, Money(1, "USD"))])


def test_take_lines_parts_them_in_order() -> None:
    lines = [[1, 300], [2, 500]]

    assert rules.take_lines(lines, 0) == ([], lines)
    assert rules.take_lines(lines, 300) == ([[1, 300]], [[2, 500]])
    assert rules.take_lines(lines, 450) == ([[1, 300], [2, 150]], [[2, 350]])
    assert rules.take_lines(lines, 900) == (lines, [])
    assert rules.take_lines([], 10) == ([], [])
