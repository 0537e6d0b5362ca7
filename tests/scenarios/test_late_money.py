"""Money that comes when the time to pay is over: the time is taken again, or all of it goes back, once."""

from datetime import timedelta

from tests.bookings import steps
from tests.bookings.steps import COACH
from tests.scenarios.story import NOON, PRICE, Story

from greenroom.availability.engine import Interval
from greenroom.availability.services import add_blackout
from greenroom.bookings import services
from greenroom.catalog.types import OfferStatus

GOES_BACK = "Your payment goes back: A call"


def then_everything_went_back(story: Story) -> None:
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "not_fulfilled"))
    story.then_she_reads(GOES_BACK)
    story.then_her_page_says("You get all of your money back")


def test_late_money_takes_the_time_again_while_it_is_free(story: Story) -> None:
    story.given_a_payment_that_ended_unpaid()

    story.when_her_money_comes_after_all()

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    story.then_she_reads("Booked: A call")
    story.then_the_refunds_are()


def test_late_money_for_a_time_that_somebody_else_has_goes_back(story: Story) -> None:
    story.given_a_payment_that_ended_unpaid()
    story.when_somebody_else_takes_the_time()

    story.when_her_money_comes_after_all()

    assert story.status == "expired"
    then_everything_went_back(story)


def test_late_money_for_a_time_that_has_passed_goes_back(story: Story) -> None:
    story.given_a_payment_that_ended_unpaid()
    story.when_it_is(NOON)

    story.when_her_money_comes_after_all()

    story.then_the_time_is_free()
    then_everything_went_back(story)


def test_late_money_for_a_time_that_the_coach_closed_goes_back(story: Story) -> None:
    story.given_a_payment_that_ended_unpaid()
    closed = Interval(NOON, NOON + timedelta(hours=3))
    add_blackout(coach=story.offer.coach, closed=closed, reason="Ill", actor=COACH, now=story.clock())

    story.when_her_money_comes_after_all()

    story.then_the_time_is_free()
    then_everything_went_back(story)


def test_late_money_for_what_the_coach_called_off_goes_back(story: Story) -> None:
    story.given_a_time_under_payment()
    services.cancel_booking(booking=story.booking, actor=COACH, now=story.clock(), reason="Ill")
    story.when_the_work_is_done()
    story.then_the_time_is_free()

    story.when_her_money_comes_after_all()

    assert story.status == "cancelled"
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "not_fulfilled"))


def test_late_money_for_an_offer_that_is_gone_still_has_its_time(story: Story) -> None:
    """It was offered and chosen while it stood, and its time is free: the coach can still cancel it."""
    story.given_a_payment_that_ended_unpaid()
    steps.change(story.offer, status=OfferStatus.ARCHIVED)

    story.when_her_money_comes_after_all()

    story.then_the_time_is_hers()
    story.when_the_coach_cancels()
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "coach_cancelled"))


def test_late_money_in_the_middle_of_another_hold_of_hers_pays_one_of_them(story: Story) -> None:
    story.given_a_payment_that_ended_unpaid()
    first = story.booking
    story.given_a_time_under_payment(NOON + timedelta(hours=3))

    story.when_she_pays()
    story.then_the_time_is_hers()
    story.go_back_to(first)
    story.most_she_may_pay = 2 * PRICE
    story.when_her_money_comes_after_all()

    assert story.status == "confirmed"
    story.then_her_bank_shows(2 * PRICE)
    assert steps.occupied() == [NOON, NOON + timedelta(hours=3)]


def test_late_money_told_twice_goes_back_once(story: Story) -> None:
    story.given_a_payment_that_ended_unpaid()
    story.when_somebody_else_takes_the_time()
    story.given_the_gateway_will("callback_duplicated", times=4)

    story.when_her_money_comes_after_all()

    then_everything_went_back(story)
