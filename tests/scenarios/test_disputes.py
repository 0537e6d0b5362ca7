"""She asks her bank for the money back: what the bank decides counts, and nothing is paid back twice."""

from datetime import timedelta

import pytest
from tests.scenarios.story import PRICE, Story

from greenroom.payments.errors import PaymentDisputedError

DISPUTED = "4000 0000 0000 0259"
ITEM = "payments.report_dispute"


def given_a_disputed_booking(story: Story) -> None:
    story.given_the_policy((1, 100))
    story.given_a_paid_booking(card=DISPUTED)
    story.when_time_passes(timedelta(minutes=1))


def test_inquiry_moves_no_money_and_is_over_when_the_bank_closes_it(story: Story) -> None:
    story.given_a_paid_booking()

    story.when_she_disputes(is_inquiry=True)

    story.then_her_bank_shows(PRICE)
    story.then_the_operator_sees(ITEM)
    story.when_the_bank("answer")
    story.when_the_bank("close")
    story.then_the_operator_sees()
    story.then_the_time_is_hers()


def test_inquiry_is_ended_by_a_refund(story: Story) -> None:
    story.given_a_paid_booking()
    story.when_she_disputes(is_inquiry=True)

    story.when_staff_refund(PRICE)

    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "staff"))


def test_inquiry_that_becomes_a_dispute_takes_the_money_then(story: Story) -> None:
    story.given_a_paid_booking()
    story.when_she_disputes(is_inquiry=True)

    story.when_the_bank("escalate")

    story.then_her_bank_shows(0)
    with pytest.raises(PaymentDisputedError, match="Nothing can be refunded before that"):
        story.when_staff_refund(PRICE)


def test_dispute_takes_the_money_and_leaves_the_session_to_a_person(story: Story) -> None:
    given_a_disputed_booking(story)

    story.then_her_bank_shows(0)
    story.then_the_time_is_hers()
    story.then_the_operator_sees(ITEM)


def test_dispute_that_is_won_brings_the_money_back(story: Story) -> None:
    given_a_disputed_booking(story)
    story.when_the_bank("answer")

    story.when_the_bank("win")

    story.then_her_bank_shows(PRICE)
    story.then_the_operator_sees()
    story.then_the_time_is_hers()


def test_dispute_that_is_lost_leaves_nothing_to_refund(story: Story) -> None:
    given_a_disputed_booking(story)

    story.when_the_bank("lose")
    told = story.when_the_coach_cancels()

    assert told.minor == 0
    story.then_her_bank_shows(0)
    story.then_the_refunds_are()
    story.then_the_operator_sees()


@pytest.mark.parametrize("decision", ["win", "lose"])
def test_cancelling_while_the_bank_decides_frees_the_time_and_pays_once(story: Story, decision: str) -> None:
    given_a_disputed_booking(story)

    story.when_she_cancels()
    story.then_the_time_is_free()
    story.then_the_refunds_are((PRICE, "student_cancelled"))
    story.then_her_bank_shows(0)
    story.when_the_bank(decision)

    story.then_her_bank_shows(0)
    story.then_the_operator_sees()


def test_dispute_whose_callbacks_never_come_holds_the_refund_all_the_same(story: Story) -> None:
    story.given_the_policy((1, 100))
    story.given_a_paid_booking()
    story.given_the_gateway_will("callback_dropped", times=2)
    story.when_she_disputes()
    story.then_the_operator_sees()

    story.when_she_cancels()

    story.then_her_bank_shows(0)
    story.then_the_operator_sees(ITEM)
    story.when_the_bank("win")
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "student_cancelled"))
