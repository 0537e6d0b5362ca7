"""She pays, and the time is hers, once."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.bookings import steps
from tests.factories.bookings import make_offer
from tests.scenarios.story import GOOD_CARD, PRICE, QUARTER, Story

from greenroom.bookings import links
from greenroom.bookings.types import PaymentStart
from greenroom.core.errors import GreenroomError
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.orders.types import TaxRule
from greenroom.payments.models import PaymentAttempt

TABS = 10


def test_she_pays_and_the_time_is_hers(story: Story) -> None:
    story.given_a_time_under_payment()

    story.when_she_pays()

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    story.then_her_page_says("You are booked with Coach maya")
    story.when_the_shop_asks_the_gateway()
    story.then_she_reads("Booked: A call", "Your receipt TEST-G-2026-000001")
    story.then_the_documents_are(("TEST-G-2026-000001", PRICE))
    story.then_the_operator_sees()


def test_ten_tabs_that_pay_one_order_pay_it_once(story: Story) -> None:
    story.given_a_time_with_details()

    starts = story.when_everybody_at_once([story.when_she_goes_to_pay] * TABS)
    page = Checkout.objects.get().ref
    story.when_everybody_at_once([partial(story.send_form, page, {"card": GOOD_CARD})] * TABS)

    assert {type(start) for start in starts} == {PaymentStart}
    assert len({start.pay_url for start in starts}) == 1
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    story.then_the_refunds_are()


def test_debit_that_settles_keeps_the_time_meanwhile(story: Story) -> None:
    story.given_a_time_under_payment()

    story.when_she_pays_by_debit("settle")

    story.then_the_time_is_kept()
    story.then_her_page_says("We are waiting for your payment")
    story.when_time_passes(timedelta(minutes=2))
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)


def test_debit_that_bounces_costs_nothing_and_she_can_pay_otherwise(story: Story) -> None:
    story.given_a_time_under_payment()

    story.when_she_pays_by_debit("bounce")
    story.when_time_passes(timedelta(minutes=2))

    story.then_the_time_is_kept()
    story.then_her_bank_shows(0)
    story.when_she_goes_to_pay()
    story.when_she_pays()
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)


def test_debit_that_outlasts_the_hold_is_never_called_uncharged(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_time_passes(QUARTER - timedelta(seconds=30))
    story.when_she_pays_by_debit("settle")

    story.when_time_passes(timedelta(minutes=1))

    story.then_the_time_is_kept()
    story.then_her_page_says("We are waiting for your payment", page=links.checkout_url)
    story.when_time_passes(timedelta(minutes=1))
    story.then_the_time_is_hers()


def test_debit_that_bounces_after_the_hold_frees_the_time(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_time_passes(QUARTER - timedelta(minutes=1))

    story.when_she_pays_by_debit("bounce")
    story.when_time_passes(timedelta(minutes=2))

    story.then_the_time_is_free()
    story.then_her_bank_shows(0)


def test_order_over_nothing_needs_no_gateway(story: Story) -> None:
    story.offer = make_offer(story.offer.coach, slug="free", price_minor=0)
    story.given_a_time_with_details()

    start = story.when_she_goes_to_pay()
    story.when_the_work_is_done()

    assert start.pay_url is None
    story.then_the_time_is_hers()
    story.then_she_reads("Booked: A call")
    assert not PaymentAttempt.objects.exists()


def test_less_than_can_be_charged_is_refused_before_anything_is_kept(story: Story) -> None:
    story.offer = make_offer(story.offer.coach, slug="tiny", price_minor=49)

    with pytest.raises(GreenroomError, match="cannot be booked"):
        story.given_a_time_with_details()

    assert (steps.occupied(), Checkout.objects.count()) == ([], 0)


@pytest.mark.parametrize(("is_on_top", "charged"), [(True, 6050), (False, PRICE)])
def test_tax_is_charged_as_it_was_shown(story: Story, settings: Any, *, is_on_top: bool, charged: int) -> None:
    settings.TAX = TaxRule("VAT", 2100, is_on_top=is_on_top)
    story.most_she_may_pay = charged

    story.given_a_paid_booking()

    story.then_her_bank_shows(charged)
    order = story.booking.order
    assert order is not None
    assert (order.total_minor, order.tax_minor) == (charged, 1050 if is_on_top else 868)
    story.when_the_shop_asks_the_gateway()
    story.then_the_documents_are(("TEST-G-2026-000001", charged))


def test_price_that_was_shown_is_the_price_that_is_paid(story: Story) -> None:
    story.given_a_time_with_details()
    story.offer.durations.update(price_minor=9900)

    story.when_she_goes_to_pay()
    story.when_she_pays()

    story.then_her_bank_shows(PRICE)
