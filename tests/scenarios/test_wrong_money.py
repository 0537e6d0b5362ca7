"""Money that is not what was agreed never counts: it goes back, and a person sees it."""

import pytest
from tests.scenarios.story import PRICE, QUARTER, Story

from greenroom.orders.models import Order
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.queries import find_trouble_with_attempt

GOES_BACK = "A payment goes back: A call"
MISMATCH = "payments.report_mismatch"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("wrong_amount", "50.01 EUR arrived instead of 50.00 EUR"),
        ("wrong_currency", "50.00 USD arrived instead of 50.00 EUR"),
    ],
)
def test_wrong_money_goes_back_and_she_can_pay_again(story: Story, fault: str, words: str) -> None:
    story.given_a_time_under_payment()
    story.given_the_gateway_will(fault)
    story.given_the_gateway_will("refund_fails")

    story.when_she_pays()

    story.then_the_time_is_kept()
    story.then_the_operator_sees(MISMATCH, "payments.report_failed_refund")
    assert words in find_trouble_with_attempt(PaymentAttempt.objects.get().pk)
    story.when_the_operator_tries_the_refund_again()
    story.then_her_bank_shows(0)
    story.then_the_operator_sees()
    story.then_she_reads(GOES_BACK)
    story.when_she_goes_to_pay()
    story.when_she_pays()
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    story.when_the_shop_asks_the_gateway()
    story.then_the_documents_are(("TEST-G-2026-000001", PRICE))


def test_play_money_for_an_order_of_real_money_goes_back(story: Story) -> None:
    story.given_a_time_under_payment()
    PaymentAttempt.objects.update(is_test=False)
    Order.objects.update(is_test=False)

    story.when_she_pays()

    assert "play money arrived" in PaymentAttempt.objects.get().mismatch
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "wrong_payment"))
    story.when_time_passes(QUARTER)
    story.then_the_time_is_free()


def test_wrong_money_that_comes_late_goes_back_as_well(story: Story) -> None:
    story.given_a_payment_that_ended_unpaid()
    story.given_the_gateway_will("wrong_amount")

    story.when_her_money_comes_after_all()

    story.then_the_time_is_free()
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE + 1, "wrong_payment"))
    story.then_she_reads(GOES_BACK)
    story.then_her_page_says("You get all of your money back")
