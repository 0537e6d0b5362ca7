from datetime import datetime

import pytest
from tests.payments.factories import ledger

from greenroom.core.money import CurrencyMismatchError, Money
from greenroom.payments.services.ledger import Source, post

pytestmark = pytest.mark.usefixtures("db")


def book(sides: dict[str, Money], now: datetime, kind: str = "capture") -> None:
    post(kind, Source("attempt", "1", "order-1"), sides=sides, now=now)


def test_post_writes_both_sides(now: datetime) -> None:
    book({"gateway:sandbox": Money(5, "EUR"), "customers": Money(-5, "EUR")}, now)

    assert ledger() == [("gateway:sandbox", 5, "EUR", "capture"), ("customers", -5, "EUR", "capture")]


def test_post_of_the_same_source_again_books_nothing(now: datetime) -> None:
    for minor in (5, 7):
        book({"gateway:sandbox": Money(minor, "EUR"), "customers": Money(-minor, "EUR")}, now)

    assert [row[1] for row in ledger()] == [5, -5]


def test_post_of_sides_that_do_not_add_up_is_refused(now: datetime) -> None:
    with pytest.raises(ValueError, match="add up to zero"):
        book({"gateway:sandbox": Money(5, "EUR"), "customers": Money(-4, "EUR")}, now)

    assert ledger() == []


def test_post_in_two_currencies_is_refused(now: datetime) -> None:
    with pytest.raises(CurrencyMismatchError):
        book({"gateway:sandbox": Money(5, "EUR"), "customers": Money(-5, "USD")}, now)

    assert ledger() == []
