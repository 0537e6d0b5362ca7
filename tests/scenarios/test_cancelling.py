"""What goes back when one side cancels or does not come."""

from datetime import timedelta

import pytest
from tests.bookings.steps import COACH, GUEST
from tests.scenarios.story import NOON, PRICE, Story

from greenroom.bookings.services import preview_cancel
from greenroom.bookings.types import Party

DAY, HOURS = timedelta(hours=24), timedelta(hours=2)
INSTANT = timedelta(microseconds=1)
BORDERS = [
    (DAY + INSTANT, PRICE),
    (DAY, PRICE),
    (DAY - INSTANT, 2500),
    (HOURS, 2500),
    (HOURS - INSTANT, 0),
    (INSTANT, 0),
]
ids = [f"{before} before" for before, _back in BORDERS]


@pytest.mark.parametrize(("before", "back"), BORDERS, ids=ids)
def test_she_gets_back_what_the_policy_says_to_the_very_instant(story: Story, before: timedelta, back: int) -> None:
    story.given_the_policy((24, 100), (2, 50))
    story.given_a_paid_booking()
    story.when_it_is(NOON - before)
    shown = preview_cancel(booking=story.booking, actor=GUEST, now=story.clock())

    told = story.when_she_cancels()

    assert (shown.refund.minor, told.minor) == (back, back)
    story.then_the_time_is_free()
    story.then_her_bank_shows(PRICE - back)


@pytest.mark.parametrize("before", [DAY - INSTANT, INSTANT])
def test_she_gets_everything_back_when_the_coach_cancels_however_late(story: Story, before: timedelta) -> None:
    story.given_the_policy((24, 100))
    story.given_a_paid_booking()
    story.when_it_is(NOON - before)
    shown = preview_cancel(booking=story.booking, actor=COACH, now=story.clock())

    story.when_the_coach_cancels()

    assert shown.refund.minor == PRICE
    story.then_the_time_is_free()
    story.then_her_bank_shows(0)


def test_policy_is_the_one_that_she_accepted(story: Story) -> None:
    story.given_the_policy((24, 100))
    story.given_a_paid_booking()
    story.offer.refund_tiers.all().delete()

    story.when_she_cancels()

    story.then_her_bank_shows(0)


@pytest.mark.parametrize(("party", "kept"), [(Party.STUDENT, PRICE), (Party.COACH, 0)])
def test_side_that_did_not_come_pays(story: Story, party: Party, kept: int) -> None:
    story.given_a_paid_booking()
    story.when_it_is(NOON)

    story.when_nobody_came(party)

    assert story.status == "no_show"
    story.then_her_bank_shows(kept)
