"""Money that goes back by hand: in part, late, in vain, and never twice."""

from datetime import timedelta
from functools import partial

import pytest
from tests.scenarios.story import PRICE, Story

from greenroom.payments.errors import NotRefundableError, RefundChangedError
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import sync_attempt

FAILS_LATER, PENDS = "4000 0000 0000 5126", "4000 0000 0000 7726"
FAILED = "payments.report_failed_refund"
RECEIPT = ("TEST-G-2026-000001", PRICE)


def test_part_of_the_money_goes_back_and_the_session_stays(story: Story) -> None:
    story.given_a_paid_booking()
    story.when_the_shop_asks_the_gateway()

    story.when_staff_refund(1500)

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE - 1500)
    story.when_the_shop_asks_the_gateway()
    story.then_the_documents_are(RECEIPT, ("TEST-GR-2026-000001", -1500))
    story.then_she_reads("Booked: A call", "Your receipt", "Your refund note TEST-GR-2026-000001")


def test_parts_never_come_to_more_than_was_paid(story: Story) -> None:
    story.given_a_paid_booking()
    story.when_staff_refund(3000, token="first")
    story.when_staff_refund(2000, token="second")

    with pytest.raises(NotRefundableError):
        story.when_staff_refund(1, token="third")

    story.then_her_bank_shows(0)


def test_two_admins_who_refund_at_once_refund_once(story: Story) -> None:
    story.given_a_paid_booking()

    results = story.when_everybody_at_once(
        [partial(story.ask_staff_to_refund, PRICE, seen_left=PRICE, token=f"admin {n}") for n in range(2)]
    )

    assert sorted(type(result).__name__ for result in results) == ["NoneType", RefundChangedError.__name__]
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "staff"))


def test_refund_that_fails_after_it_succeeded_is_booked_back_and_reported(story: Story) -> None:
    story.given_a_paid_booking(card=FAILS_LATER)
    story.when_the_shop_asks_the_gateway()

    story.when_the_coach_cancels()
    story.then_her_bank_shows(0)
    story.when_the_shop_asks_the_gateway()

    story.then_her_bank_shows(PRICE)
    story.then_the_operator_sees(FAILED)
    story.when_the_shop_asks_the_gateway()
    story.then_the_documents_are(RECEIPT, ("TEST-GR-2026-000001", -PRICE), ("TEST-GX-2026-000001", PRICE))


def test_refund_that_pends_is_not_told_before_it_arrived(story: Story) -> None:
    story.given_a_paid_booking(card=PENDS)

    story.when_the_coach_cancels()

    story.then_her_bank_shows(PRICE)
    story.then_the_operator_sees()
    story.when_time_passes(timedelta(minutes=1))
    story.then_her_bank_shows(0)


def test_refund_that_is_refused_is_reported_and_can_be_tried_again(story: Story) -> None:
    story.given_a_paid_booking()
    story.given_the_gateway_will("refund_fails")

    story.when_the_coach_cancels()

    story.then_the_time_is_free()
    story.then_her_bank_shows(PRICE)
    story.then_the_operator_sees(FAILED)
    story.when_the_operator_tries_the_refund_again()
    story.then_her_bank_shows(0)
    story.then_the_operator_sees()


def test_part_given_back_before_her_booking_was_settled_does_not_cost_her_the_time(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays_and_the_gateway_is_silent()
    sync_attempt(attempt_id=PaymentAttempt.objects.get().pk, now=story.clock())

    story.ask_staff_to_refund(1000, seen_left=PRICE, token="quick")
    story.when_the_work_is_done()

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE - 1000)
