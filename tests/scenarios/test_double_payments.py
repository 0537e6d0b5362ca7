"""Two payments of one order: one of them counts, the other goes back whole."""

from functools import partial

import pytest
from tests.bookings import steps
from tests.bookings.steps import MINUTE
from tests.scenarios.story import NOON, PRICE, QUARTER, Story

from greenroom.bookings.types import Party
from greenroom.integrations.stripe.protocol import PayState
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import sync_attempt


def given_two_pages(story: Story) -> None:
    """The gateway ended the first page by itself, and she was given a second one."""
    story.given_a_time_under_payment()
    checkouts.expire(Checkout.objects.get().ref, now=story.clock())
    story.when_the_work_is_done()
    story.then_the_time_is_kept()
    story.when_she_goes_to_pay()
    assert PaymentAttempt.objects.count() == 2


def test_second_payment_of_a_paid_order_goes_back(story: Story) -> None:
    given_two_pages(story)
    story.when_she_pays()

    story.when_her_money_comes_after_all(page=0)

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    story.then_the_refunds_are((PRICE, "paid_twice"))
    story.then_she_reads("Booked: A call", "A payment goes back: A call")
    story.when_the_shop_asks_the_gateway()
    story.then_the_documents_are(("TEST-G-2026-000001", PRICE))


def test_money_of_the_first_page_ends_the_second(story: Story) -> None:
    given_two_pages(story)

    story.when_her_money_comes_after_all(page=0)

    story.then_the_time_is_hers()
    story.when_she_pays(page=1)
    assert "cannot be paid any more" in story.words_on_the_pay_page
    story.then_her_bank_shows(PRICE)


def test_two_payments_that_are_learned_of_at_once_count_once(story: Story) -> None:
    given_two_pages(story)
    for attempt in PaymentAttempt.objects.all():
        Checkout.objects.filter(ref=attempt.gateway_ref).update(state=PayState.OPEN)
        checkouts.pay_by_card(str(attempt.gateway_ref), "4242424242424242", now=story.clock())

    attempts = PaymentAttempt.objects.values_list("pk", flat=True)
    results = story.when_everybody_at_once(
        [partial(sync_attempt, attempt_id=pk, now=story.clock()) for pk in attempts for _ in range(4)]
    )

    assert {type(result) for result in results} == {PaymentAttempt}
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    story.then_the_refunds_are((PRICE, "paid_twice"))


@pytest.mark.parametrize("percent", [100, 50])
def test_second_payment_after_she_cancelled_goes_back_whole(story: Story, percent: int) -> None:
    story.given_the_policy((1, percent))
    given_two_pages(story)
    story.when_she_pays()
    story.when_she_cancels()
    kept = PRICE - PRICE * percent // 100
    story.then_her_bank_shows(kept)
    story.when_time_passes(MINUTE)

    story.when_her_money_comes_after_all(page=0)

    story.then_the_time_is_free()
    story.then_her_bank_shows(kept)


def test_second_payment_after_the_coach_did_not_come_goes_back_whole(story: Story) -> None:
    given_two_pages(story)
    story.when_she_pays()
    story.when_it_is(NOON)
    story.when_nobody_came(Party.COACH)
    story.then_her_bank_shows(0)
    story.when_time_passes(MINUTE)

    story.when_her_money_comes_after_all(page=0)

    story.then_her_bank_shows(0)
    assert story.status == "no_show"


def test_second_payment_after_a_partial_refund_goes_back_whole(story: Story) -> None:
    given_two_pages(story)
    story.when_she_pays()
    story.when_staff_refund(1000)

    story.when_her_money_comes_after_all(page=0)

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE - 1000)


def test_first_payment_that_comes_when_both_holds_are_over_is_the_only_one(story: Story) -> None:
    given_two_pages(story)
    story.when_time_passes(QUARTER)
    story.then_the_time_is_free()

    story.when_her_money_comes_after_all(page=0)
    story.when_her_money_comes_after_all(page=1)

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    assert steps.occupied() == [NOON]
