"""What is held keeps its price and the reason for it, whatever becomes of the offer and the rates."""

import pytest
from tests.bookings.steps import COACH, describe, fresh, hold, start_payment
from tests.factories.bookings import make_offer
from tests.factories.clock import MONDAY

from greenroom.bookings.errors import OfferNotBookableError, SlotTakenError
from greenroom.bookings.models import Booking
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer, Rate
from greenroom.catalog.queries import get_public_offer
from greenroom.catalog.services import RateTerms, save_rates
from greenroom.coaches.models import Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def chess() -> Topic:
    return Topic.objects.create(slug="chess", name="Chess")


@pytest.fixture
def offer(chess: Topic) -> Offer:
    """Return an hour with Maya at 50 euro, and at 60 when it is about chess."""
    offer = make_offer()
    offer.durations.update(price_minor=None)
    offer.coach.topics.add(chess)
    Rate.objects.create(coach=offer.coach, per_hour_minor=5000)
    Rate.objects.create(coach=offer.coach, topic=chess, per_hour_minor=6000)
    return get_public_offer("maya", "call")


def kept(booking: Booking) -> tuple[int, str, Topic | None]:
    booking = fresh(booking)
    return booking.price_minor, booking.price_reason, booking.topic


def test_hold_keeps_the_price_and_where_it_came_from(offer: Offer, chess: Topic) -> None:
    plain = hold(offer)
    about_chess = hold(offer, holder="ben", topic=chess, starts_at=plain.session.ends_at)

    assert kept(plain) == (5000, "at €50 an hour", None)
    assert kept(about_chess) == (6000, "at €60 an hour for Chess", chess)


def test_changed_rates_change_no_hold_and_no_order(offer: Offer, chess: Topic) -> None:
    booking = hold(offer, topic=chess)
    save_rates(
        coach=offer.coach, currency="EUR", rates=[RateTerms(9000), RateTerms(9900, chess.pk)], actor=COACH, now=MONDAY
    )
    order = describe(booking).order

    assert order is not None
    [line] = order.lines.all()
    assert kept(booking) == (6000, "at €60 an hour for Chess", chess)
    assert (line.price_minor, line.price_reason, order.total_minor) == (6000, "at €60 an hour for Chess", 6000)


def test_hold_again_is_the_same_and_with_another_topic_a_new_one(offer: Offer, chess: Topic) -> None:
    first = hold(offer, topic=chess)
    again = hold(offer, topic=chess)
    other = hold(offer)

    assert again == first
    assert (fresh(first).status, kept(other)) == (BookingStatus.CANCELLED, (5000, "at €50 an hour", None))


def test_hold_by_an_address_alone_takes_no_time_by_another_topic(offer: Offer, chess: Topic) -> None:
    first = hold(offer, topic=chess)

    with pytest.raises(SlotTakenError):
        hold(offer, is_proven=False)

    assert (fresh(first).status, kept(first)[0]) == (BookingStatus.HELD, 6000)


def test_hold_again_while_it_is_being_paid_stays_what_it_is(offer: Offer, chess: Topic) -> None:
    first = describe(hold(offer, topic=chess))
    start_payment(first)

    assert hold(offer) == first


@pytest.mark.usefixtures("offer")
def test_what_an_offer_is_about_needs_no_choice(chess: Topic) -> None:
    Offer.objects.update(topic=chess)

    assert kept(hold(get_public_offer("maya", "call"))) == (6000, "at €60 an hour for Chess", chess)


def test_written_prices_say_so(offer: Offer) -> None:
    Offer.objects.update(price_minor=7000)
    of_the_offer = hold(get_public_offer("maya", "call"))
    offer.durations.update(price_minor=8000)
    of_the_length = hold(get_public_offer("maya", "call"), holder="ben", starts_at=of_the_offer.session.ends_at)

    assert kept(of_the_offer) == (7000, "the price of the offer", None)
    assert kept(of_the_length) == (8000, "the price of this length", None)


@pytest.mark.usefixtures("offer")
def test_an_offer_that_lost_its_price_cannot_be_held() -> None:
    Rate.objects.all().delete()
    unpriced = Offer.objects.get()

    with pytest.raises(OfferNotBookableError):
        hold(unpriced)

    assert Booking.objects.count() == 0
