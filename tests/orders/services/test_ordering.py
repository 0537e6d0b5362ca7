from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.factories.bookings import make_coach

from greenroom.catalog.types import RefundTier
from greenroom.coaches.models import Coach
from greenroom.core.money import CurrencyMismatchError, Money
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.protocol import PaymentGateway
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders.models import Order, OrderLine
from greenroom.orders.services import accept_order, create_order, update_contact
from greenroom.orders.types import LineKind, NewLine, NewOrder, TaxRule
from greenroom.payments import gateways

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TIERS = (RefundTier(timedelta(days=2), 100), RefundTier(timedelta(hours=6), 50))


@pytest.fixture
def coach(db: None) -> Coach:  # noqa: ARG001 -- it writes
    """An approved coach."""
    return make_coach()


def make_order(coach: Coach, *lines: NewLine, tiers: tuple[RefundTier, ...] = TIERS) -> Order:
    new = NewOrder(coach.pk, "Ann", "ann@example.org", "EUR", lines, tiers)
    return create_order(new, now=NOW)


def line(minor: int, currency: str = "EUR", title: str = "A call, 60 minutes") -> NewLine:
    return NewLine(LineKind.CALL, title, Money(minor, currency))


def test_create_order_freezes_lines_total_and_policy(coach: Coach) -> None:
    order = make_order(coach, line(8000), line(-500, title="Discount"))

    order = Order.objects.get(pk=order.pk)
    assert (order.total, order.created_at, order.accepted_at) == (Money(7500, "EUR"), NOW, None)
    assert (str(order), order.coach, order.name, order.email) == (order.ref, coach, "Ann", "ann@example.org")
    assert order.policy == [{"notice_hours": 48, "percent": 100}, {"notice_hours": 6, "percent": 50}]
    assert order.refund_tiers == TIERS
    assert [(one.position, one.title, one.price) for one in order.lines.all()] == [
        (0, "A call, 60 minutes", Money(8000, "EUR")),
        (1, "Discount", Money(-500, "EUR")),
    ]


def test_create_order_freezes_the_sites_tax(coach: Coach, settings: Any) -> None:
    settings.TAX = TaxRule("VAT", 2100, is_on_top=True)

    order = Order.objects.get(pk=make_order(coach, line(10_000)).pk)
    settings.TAX = TaxRule("VAT", 1900)
    inside = Order.objects.get(pk=make_order(coach, line(11_900)).pk)

    assert (order.total, order.tax, order.tax_words, order.is_tax_on_top) == (
        Money(12_100, "EUR"),
        Money(2100, "EUR"),
        "VAT 21 %",
        True,
    )
    assert [(one.kind, one.title, one.price_minor, one.tax_minor) for one in order.lines.all()] == [
        ("call", "A call, 60 minutes", 10_000, 2100),
        ("tax", "VAT 21 %", 2100, 0),
    ]
    assert (inside.total.minor, inside.tax.minor, inside.is_tax_on_top, inside.lines.count()) == (
        11_900,
        1900,
        False,
        1,
    )


def test_create_order_without_tiers_gives_nothing_back(coach: Coach) -> None:
    assert make_order(coach, line(1), tiers=()).refund_tiers == ()


@pytest.mark.parametrize(
    ("gateway", "is_test"),
    [
        (SandboxGateway(), True),
        (StripeGateway("sk_test_1", tuple), True),
        (StripeGateway("sk_live_1", tuple), False),
        (None, False),
    ],
    ids=["sandbox", "test key", "live key", "none"],
)
def test_create_order_says_whether_its_money_is_play_money(
    coach: Coach, monkeypatch: pytest.MonkeyPatch, gateway: PaymentGateway | None, *, is_test: bool
) -> None:
    monkeypatch.setattr(gateways, "_wired", {gateway.code: gateway} if gateway else {})

    assert make_order(coach, line(1)).is_test is is_test


def test_create_order_in_two_currencies_is_refused(coach: Coach) -> None:
    with pytest.raises(CurrencyMismatchError):
        make_order(coach, line(8000), line(500, "USD"))

    assert not Order.objects.exists()


def test_create_order_below_zero_is_refused(coach: Coach) -> None:
    with pytest.raises(ValueError, match="more than the prices"):
        make_order(coach, line(100), line(-101))

    assert not Order.objects.exists()


def test_lines_stand_in_order_and_are_of_a_known_kind(coach: Coach) -> None:
    order = make_order(coach, line(1), line(2))

    with pytest.raises(IntegrityError), transaction.atomic():
        OrderLine.objects.filter(order=order).update(position=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderLine.objects.filter(order=order).update(kind="gift")


def test_update_contact_keeps_the_amounts(coach: Coach) -> None:
    order = make_order(coach, line(8000))
    order.total_minor = 1

    update_contact(order, name="Ann B", email="b@example.org")

    stored = Order.objects.get()
    assert (stored.name, stored.email, stored.total_minor) == ("Ann B", "b@example.org", 8000)


def test_accept_order_counts_the_first_time(coach: Coach) -> None:
    order = make_order(coach, line(8000))

    accept_order(order, now=NOW)
    accept_order(Order.objects.get(), now=NOW + timedelta(hours=1))

    assert Order.objects.get().accepted_at == NOW
