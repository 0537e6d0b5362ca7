"""The demo's data: made once, valid by every rule of the site, and never over somebody's own."""

import pytest
from tests.factories.accounts import make_user

from greenroom.accounts.models import DiscordIdentity, User
from greenroom.availability.models import WeeklyWindow
from greenroom.bookings.queries import open_slots
from greenroom.catalog.models import Download, IntakeQuestion, Offer, OfferDuration, OfferFile
from greenroom.catalog.types import DiscordRequirement, Venue
from greenroom.coaches.models import Coach
from greenroom.config import demo
from greenroom.core import clock

pytestmark = pytest.mark.django_db


def test_demo_is_made_once() -> None:
    first = demo.ensure_demo()
    before = (User.objects.count(), Coach.objects.count(), Offer.objects.count())

    assert (first, demo.ensure_demo()) == (True, False)
    assert (User.objects.count(), Coach.objects.count(), Offer.objects.count()) == before == (5, 3, 9)


def test_installation_with_people_is_left_alone() -> None:
    make_user()

    assert demo.ensure_demo() is False
    assert (User.objects.count(), Coach.objects.count()) == (1, 0)


def test_everything_made_obeys_the_rules_of_its_columns() -> None:
    demo.ensure_demo()

    for model in (
        User,
        Coach,
        Offer,
        OfferDuration,
        Download,
        OfferFile,
        IntakeQuestion,
        WeeklyWindow,
        DiscordIdentity,
    ):
        for row in model._default_manager.all():
            row.full_clean(exclude=["password"] if model is User else [])


def test_first_offer_can_be_booked_day_and_night(frozen_clock: object) -> None:
    demo.ensure_demo()
    offer = Offer.objects.order_by("coach_id", "position")[0]
    now, length = clock.now(), offer.durations.all()[0].length

    starts = open_slots(offer, length=length, range_from=now, range_to=now + 48 * length, now=now)

    assert frozen_clock
    assert len(starts) == 96
    assert starts[0] == now
    assert (offer.venue, offer.discord_requirement) == (Venue.DISCORD, DiscordRequirement.BEFORE_JOIN)
    assert (offer.notice_minutes, offer.questions.filter(is_required=True).count()) == (0, 0)
    assert DiscordIdentity.objects.filter(user=offer.coach.user).exists()


@pytest.mark.parametrize("email", [demo.ADMIN_EMAIL, demo.STUDENT_EMAIL, "maya@greenroom.example"])
def test_people_of_the_demo_have_the_printed_password(email: str) -> None:
    demo.ensure_demo()

    assert User.objects.get(email=email).check_password(demo.PASSWORD)
