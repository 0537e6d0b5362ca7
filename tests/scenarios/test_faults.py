"""Every fault that the sandbox's panel offers, met while she pays and while her money goes back.

The tables name each fault, so that a new one has to say how it ends.
"""

from datetime import timedelta

import pytest
from tests.scenarios.story import PRICE, Story

from greenroom.integrations.stripe.sandbox.faults import FAULTS
from greenroom.payments.errors import PaymentUnavailableError

TRIES = 4
_SENT_BACK = {"wrong_amount", "wrong_currency"}
# What she reads on the way: nothing of most faults, and of these that she should try again.
_SAID = {"create_times_out_after_executing", "server_error", "unavailable"}
_ONE_REFUND_FAILED = {"refund_fails"}


def go_to_pay(story: Story) -> int:
    """Go to pay as somebody who tries again when told to; returns how often that was said."""
    for refused in range(TRIES):
        try:
            story.when_she_goes_to_pay()
        except PaymentUnavailableError as error:
            assert "Nothing was taken. Please try again" in error.message  # noqa: PT017 -- and it goes on
            story.when_time_passes(timedelta(seconds=31))
        else:
            return refused
    pytest.fail("She never came to the page.")


@pytest.mark.parametrize("fault", FAULTS)
def test_payment_under_a_fault_ends_with_the_time_or_the_money(story: Story, fault: str) -> None:
    story.given_a_time_with_details()
    story.given_the_gateway_will(fault)

    refused = go_to_pay(story)
    story.when_she_pays()
    story.when_time_passes(timedelta(minutes=6))
    story.when_the_shop_asks_the_gateway()

    assert refused == (fault in _SAID)
    story.then_her_bank_shows(0 if fault in _SENT_BACK else PRICE)
    assert story.status == ("pending_payment" if fault in _SENT_BACK else "confirmed")


@pytest.mark.parametrize("fault", FAULTS)
def test_refund_under_a_fault_gives_the_money_back_once(story: Story, fault: str) -> None:
    story.given_a_paid_booking()
    story.given_the_gateway_will(fault)

    story.when_the_coach_cancels()
    story.when_time_passes(timedelta(minutes=12))
    story.when_the_shop_asks_the_gateway()

    story.then_the_time_is_free()
    story.then_the_refunds_are((PRICE, "coach_cancelled"))
    if fault in _ONE_REFUND_FAILED:
        story.then_the_operator_sees("payments.report_failed_refund")
        story.when_the_operator_tries_the_refund_again()
    story.then_her_bank_shows(0)
    story.then_the_operator_sees()
