"""How long a time is kept for somebody who is paying: until the gateway said that it can no longer be paid."""

from datetime import timedelta

import pytest
from tests.bookings import steps
from tests.scenarios.story import PRICE, QUARTER, Story

from greenroom.bookings import services
from greenroom.core.errors import GreenroomError
from greenroom.integrations.stripe.sandbox.models import Checkout


def test_time_that_nobody_pays_is_free_after_a_quarter_of_an_hour(story: Story) -> None:
    story.given_a_time_with_details()

    story.when_time_passes(QUARTER)

    story.then_the_time_is_free()
    with pytest.raises(GreenroomError, match="there is nothing to pay"):
        story.when_she_goes_to_pay()
    story.then_her_page_says("We no longer hold this time for you, and nothing was charged.")
    assert not Checkout.objects.exists()


def test_page_is_ended_at_the_gateway_before_the_time_is_free(story: Story) -> None:
    story.given_a_time_under_payment()

    story.when_time_passes(QUARTER)

    story.then_the_time_is_free()
    story.when_she_pays()
    assert "This payment page has ended and cannot be paid any more" in story.words_on_the_pay_page
    story.then_her_page_says("no payment has arrived")
    story.then_her_bank_shows(0)


def test_time_is_kept_while_the_gateway_cannot_be_asked(story: Story) -> None:
    story.given_a_time_under_payment()
    story.given_the_gateway_will("unavailable", times=1)

    story.when_time_passes(QUARTER)

    story.then_the_time_is_kept()
    story.when_time_passes(timedelta(minutes=1))
    story.then_the_time_is_free()


def test_payment_made_while_the_gateway_cannot_be_asked_counts(story: Story) -> None:
    story.given_a_time_under_payment()
    story.given_the_gateway_will("unavailable", times=1)
    story.when_time_passes(QUARTER)

    story.when_she_pays()
    story.when_time_passes(timedelta(minutes=5))

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)


def test_payment_in_the_instant_before_the_hold_ends_counts(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_time_passes(QUARTER - timedelta(microseconds=1))

    story.when_she_pays()
    story.when_time_passes(QUARTER)

    story.then_the_time_is_hers()


def test_time_let_go_while_paying_is_free_once_the_page_is_ended(story: Story) -> None:
    story.given_a_time_under_payment()

    services.release_hold(booking=story.booking, actor=steps.GUEST, now=story.clock())
    story.then_the_time_is_kept()
    story.when_the_work_is_done()

    story.then_the_time_is_free()
    assert Checkout.objects.get().state == "dead"
