from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.factories.bookings import make_coach, make_offer

from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.queries import (
    answer_snapshot,
    find_duration,
    get_public_offer,
    public_offers,
    refund_tiers,
)
from greenroom.catalog.types import DEFAULT_REFUND_TIERS, OfferStatus, QuestionKind, RefundTier
from greenroom.coaches.types import CoachStatus
from greenroom.core.errors import InvalidInputError, NotFoundError

pytestmark = pytest.mark.django_db


def ask(offer: Offer, key: str, kind: QuestionKind = QuestionKind.SHORT_TEXT, **values: object) -> None:
    offer.questions.create(key=key, label=f"Your {key}?", kind=kind, position=offer.questions.count(), **values)


@pytest.mark.parametrize("status", OfferStatus)
@pytest.mark.parametrize("coach_status", CoachStatus)
def test_only_published_offers_of_public_coaches_are_public(status: OfferStatus, coach_status: CoachStatus) -> None:
    offer = make_offer(make_coach(status=coach_status))
    offer.status = status
    offer.save()

    is_public = status is OfferStatus.PUBLISHED and coach_status is CoachStatus.APPROVED
    assert list(public_offers()) == ([offer] if is_public else [])
    if is_public:
        assert get_public_offer("maya", "call") == offer
        return
    with pytest.raises(NotFoundError, match="no such offer"):
        get_public_offer("maya", "call")


def test_offer_without_a_length_is_not_public() -> None:
    offer = make_offer()
    OfferDuration.objects.all().delete()

    assert list(public_offers()) == []
    with pytest.raises(NotFoundError):
        get_public_offer("maya", offer.slug)


def test_public_offers_come_once_each_in_the_coachs_order() -> None:
    coach = make_coach()
    last, first = make_offer(coach, slug="last"), make_offer(coach, slug="first")
    last.position = 5
    last.save()
    OfferDuration.objects.create(offer=last, minutes=30, price_minor=1)

    assert list(public_offers()) == [first, last]


@pytest.mark.parametrize("count", [1, 3])
def test_public_offers_cost_three_queries(count: int) -> None:
    for n in range(count):
        make_offer(make_coach(f"coach-{n}"))

    with CaptureQueriesContext(connection) as context:
        read = [(offer.coach.slug, offer.schedule, list(offer.durations.all())) for offer in public_offers()]

    assert (len(read), len(context)) == (count, 3)


def test_offer_of_another_coach_is_not_found() -> None:
    make_offer(make_coach("ilse"), slug="only-hers")
    make_offer()

    with pytest.raises(NotFoundError):
        get_public_offer("maya", "only-hers")


def test_find_duration_takes_the_first_unless_asked() -> None:
    offer = make_offer(minutes=60)
    OfferDuration.objects.create(offer=offer, minutes=30, price_minor=3000, position=1)

    assert find_duration(offer, None).minutes == 60
    assert find_duration(offer, 30).price_minor == 3000


@pytest.mark.parametrize("minutes", [0, -60, 45, 10**30])
def test_find_duration_that_is_not_offered_names_those_that_are(minutes: int) -> None:
    offer = make_offer(minutes=60)
    OfferDuration.objects.create(offer=offer, minutes=30, price_minor=3000, position=1)

    with pytest.raises(InvalidInputError) as refused:
        find_duration(offer, minutes)

    assert (refused.value.message, refused.value.field) == ("This can be booked for 60, 30 minutes.", "duration")


def test_refund_tiers_are_the_offers_or_the_default() -> None:
    offer = make_offer()
    assert refund_tiers(offer) == DEFAULT_REFUND_TIERS == (RefundTier(timedelta(hours=24), 100),)

    offer.refund_tiers.create(notice_hours=6, percent=50)
    offer.refund_tiers.create(notice_hours=48, percent=100)

    assert refund_tiers(offer) == (RefundTier(timedelta(hours=48), 100), RefundTier(timedelta(hours=6), 50))


def test_answer_snapshot_keeps_texts_in_the_coachs_order() -> None:
    offer = make_offer()
    ask(offer, "level", QuestionKind.CHOICE, options=["Beginner", "Pro"])
    ask(offer, "piece")
    ask(offer, "link")

    assert answer_snapshot(offer, {"piece": "  Sonata ", "level": "Pro", "link": "  "}) == [
        {"question": "Your level?", "answer": "Pro"},
        {"question": "Your piece?", "answer": "Sonata"},
    ]
    assert answer_snapshot(offer, {}) == []


@pytest.mark.parametrize(
    ("answers", "field", "message"),
    [
        ({"piece": "x", "zzz": "1", "hack": "1"}, "answers.hack", "There is no such question."),
        ({}, "answers.piece", "Please answer: Your piece?"),
        ({"piece": " \n"}, "answers.piece", "Please answer: Your piece?"),
        ({"piece": "x", "level": "pro"}, "answers.level", "Choose one of: Beginner, Pro"),
    ],
)
def test_answer_snapshot_refuses_what_does_not_fit(answers: dict[str, str], field: str, message: str) -> None:
    offer = make_offer()
    ask(offer, "piece", is_required=True)
    ask(offer, "level", QuestionKind.CHOICE, options=["Beginner", "Pro"])

    with pytest.raises(InvalidInputError) as refused:
        answer_snapshot(offer, answers)

    assert (refused.value.field, refused.value.message) == (field, message)
