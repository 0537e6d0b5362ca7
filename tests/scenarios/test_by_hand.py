"""A download that is paid by bank transfer: hers when the money is there, and money that is not kept goes back."""

from datetime import timedelta

from tests.scenarios.story import PRICE, Story

from greenroom.catalog.models import Download

DAY = timedelta(days=1)
HOW, OVER, READY = "How to pay \u20ac50", "The time to pay \u20ac50 is over", "Here it is: A workbook"


def test_transfer_that_arrived_gives_it_and_a_refund_takes_it_back(story: Story) -> None:
    story.given_a_download_to_be_paid_by_hand()
    story.when_she_says_that_she_paid_by_hand()
    story.when_staff_find_nothing()
    story.then_it_is_not_hers()

    story.when_she_says_that_she_paid_by_hand()
    story.when_staff_say_what_arrived()
    story.then_it_is_hers()
    story.then_her_bank_shows(PRICE)

    story.when_staff_refund(PRICE)
    story.when_access_is_compared_with_money()
    story.then_it_is_not_hers()
    story.then_her_bank_shows(PRICE)  # nobody has sent it yet
    story.when_staff_send_the_money_back()
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "staff"))
    story.then_she_reads(HOW, "Your payment", READY, "No longer yours: A workbook")


def test_transfer_that_comes_late_still_gives_it(story: Story) -> None:
    story.given_a_download_to_be_paid_by_hand()
    story.when_time_passes(DAY)
    story.then_it_is_not_hers()

    story.when_staff_say_what_arrived()

    story.then_it_is_hers()
    story.then_her_bank_shows(PRICE)
    story.then_she_reads(HOW, OVER, READY)


def test_late_transfer_for_what_is_not_there_any_more_is_sent_back(story: Story) -> None:
    story.given_a_download_to_be_paid_by_hand()
    story.when_time_passes(DAY)
    Download.objects.update(text="")

    story.when_staff_say_what_arrived()
    story.when_staff_send_the_money_back()

    story.then_it_is_not_hers()
    story.then_her_bank_shows(0)
    story.then_the_refunds_are((PRICE, "not_fulfilled"))
    story.then_she_reads(HOW, OVER, "Your money goes back: A workbook")


def test_transfer_of_another_amount_is_sent_back_and_buys_nothing(story: Story) -> None:
    story.given_a_download_to_be_paid_by_hand()
    story.when_she_says_that_she_paid_by_hand()

    story.when_staff_say_what_arrived(PRICE - 1)
    story.then_the_operator_sees("payments.report_mismatch")
    story.when_staff_send_the_money_back()

    story.then_it_is_not_hers()
    story.then_her_bank_shows(0)
    story.then_the_operator_sees()
