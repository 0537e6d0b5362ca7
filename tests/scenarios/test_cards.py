"""Cards that are declined, and banks that ask first (3-D Secure)."""

from datetime import timedelta

import pytest
from tests.scenarios.story import PRICE, QUARTER, Story

from greenroom.integrations.stripe.sandbox.cards import CARDS, Behaviour
from greenroom.payments.models import PaymentAttempt

DECLINED = {number: card for number, card in CARDS.items() if card.behaviour is Behaviour.DECLINES}
ASKED = [number for number, card in CARDS.items() if card.behaviour is Behaviour.ASKS_BANK]
A_REAL_ONE = "4929 1234 5678 9012"


@pytest.mark.parametrize("number", DECLINED)
def test_declined_card_says_why_and_another_one_pays_on_the_same_page(story: Story, number: str) -> None:
    story.given_a_time_under_payment()

    story.when_she_pays(number)

    assert DECLINED[number].words in story.words_on_the_pay_page.replace("&#x27;", "'")
    story.then_the_time_is_kept()
    story.then_her_bank_shows(0)
    story.when_she_pays()
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    assert PaymentAttempt.objects.count() == 1


def test_declined_card_and_nothing_else_frees_the_time_with_the_hold(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays(next(iter(DECLINED)))

    story.when_time_passes(QUARTER)

    story.then_the_time_is_free()
    story.then_her_bank_shows(0)


def test_number_that_is_no_test_card_is_refused_and_kept_nowhere(story: Story) -> None:
    story.given_a_time_under_payment()

    story.when_she_pays(A_REAL_ONE)

    assert "never a real one" in story.words_on_the_pay_page
    story.then_her_bank_shows(0)
    story.then_the_time_is_kept()


@pytest.mark.parametrize("number", ASKED)
def test_bank_that_asks_and_hears_yes_pays(story: Story, number: str) -> None:
    story.given_a_time_under_payment()

    story.when_she_pays(number)

    story.then_the_time_is_kept()
    story.then_her_bank_shows(0)
    story.when_she_tells_her_bank("approve")
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)


def test_bank_that_asks_and_hears_no_leaves_the_page_for_another_card(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays(ASKED[0])

    story.when_she_tells_her_bank("refuse")

    assert "Your bank did not confirm the payment" in story.words_on_the_pay_page
    story.then_the_time_is_kept()
    story.when_she_pays()
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)


def test_bank_that_asks_and_hears_nothing_frees_the_time_with_the_hold(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays(ASKED[0])

    story.when_time_passes(QUARTER)

    story.then_the_time_is_free()
    story.when_she_tells_her_bank("approve")
    assert "cannot be paid any more" in story.words_on_the_pay_page
    story.then_her_bank_shows(0)


def test_yes_to_the_bank_in_the_last_minute_counts(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays(ASKED[0])
    story.when_time_passes(QUARTER - timedelta(seconds=1))

    story.when_she_tells_her_bank("approve")
    story.when_time_passes(QUARTER)

    story.then_the_time_is_hers()
