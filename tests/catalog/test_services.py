from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import MONDAY

from greenroom.availability.models import DateOverride, OverrideWindow, Schedule, WeeklyWindow
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.services import Wanted, hold_slot, submit_details
from greenroom.bookings.types import Contact, Intake
from greenroom.catalog import services
from greenroom.catalog.errors import Missing, OfferIncompleteError, OfferStateError
from greenroom.catalog.models import IntakeQuestion, Offer, OfferDuration, RefundTierRow
from greenroom.catalog.queries import price_of
from greenroom.catalog.services import DurationTerms, OfferTerms, QuestionTerms, TierTerms
from greenroom.catalog.types import DiscordRequirement, OfferStatus, QuestionKind, Venue
from greenroom.coaches.models import Coach
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import GreenroomError, InvalidInputError, NotAllowedError, NotFoundError
from greenroom.core.models import AuditEntry
from greenroom.orders.models import Order, OrderLine

pytestmark = pytest.mark.django_db
COACH = Actor(ActorKind.COACH)
WHOLE = OfferTerms(
    title="Game review",
    summary="One hour",
    durations=(DurationTerms(60, 8000), DurationTerms(30, 4500)),
    questions=(
        QuestionTerms("Your rating?", is_required=True),
        QuestionTerms("Which colour?", QuestionKind.CHOICE, options=("White", "Black", "White")),
    ),
    refund_tiers=(TierTerms(48, 100), TierTerms(24, 50)),
)
VERBS = ("publish", "unpublish", "archive", "restore")


def save(coach: Coach, terms: OfferTerms = WHOLE, offer: Offer | None = None, **values: Any) -> Offer:
    return services.save_offer(
        coach=coach, terms=terms, offer_id=offer.pk if offer else None, **({"actor": COACH, "now": MONDAY} | values)
    )


def move(verb: str, offer: Offer, **values: Any) -> Offer:
    verbs: dict[str, Callable[..., Offer]] = {
        "publish": services.publish_offer,
        "unpublish": services.unpublish_offer,
        "archive": services.archive_offer,
        "restore": services.restore_offer,
    }
    return verbs[verb](offer_id=offer.pk, **({"coach": offer.coach, "actor": COACH, "now": MONDAY} | values))


def rows_of(offer: Offer) -> dict[str, list[Any]]:
    return {
        "durations": list(OfferDuration.objects.filter(offer=offer).values_list("minutes", "price_minor")),
        "questions": list(IntakeQuestion.objects.filter(offer=offer).values_list("key", "label", "options")),
        "tiers": list(RefundTierRow.objects.filter(offer=offer).values_list("notice_hours", "percent")),
    }


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_save_offer_makes_a_draft_with_everything_in_order() -> None:
    offer = save(make_coach())

    assert (offer.status, offer.slug, offer.position) == (OfferStatus.DRAFT, "game-review", 0)
    assert rows_of(offer) == {
        "durations": [(60, 8000), (30, 4500)],
        "questions": [("your-rating", "Your rating?", []), ("which-colour", "Which colour?", ["White", "Black"])],
        "tiers": [(48, 100), (24, 50)],
    }
    assert AuditEntry.objects.get().after["durations"] == "60 min 8000; 30 min 4500"


def test_save_offer_with_a_title_alone_is_a_draft_too() -> None:
    offer = save(make_coach(), OfferTerms("Later"))

    assert rows_of(offer) == {"durations": [], "questions": [], "tiers": []}


@pytest.mark.parametrize(
    ("title", "slug"), [("Game review", "game-review-2"), ("日本語", "offer"), ("x" * 80, "x" * 60)]
)
def test_save_offer_gives_each_offer_an_address_of_its_own(title: str, slug: str) -> None:
    coach = make_coach()
    save(coach)

    offer = save(coach, OfferTerms(title))

    assert (offer.slug, offer.position) == (slug, 1)


def test_save_offer_with_one_price_for_every_length_can_be_published() -> None:
    offer = save(
        make_coach(), OfferTerms("Call", price_minor=5000, durations=(DurationTerms(60), DurationTerms(30, 0)))
    )

    move("publish", offer)

    assert rows_of(offer)["durations"] == [(60, None), (30, 0)]
    assert [price_of(Offer.objects.get(), row).amount.minor for row in offer.durations.all()] == [5000, 0]
    assert AuditEntry.objects.order_by("pk")[0].after["price_minor"] == 5000


def test_publish_offer_with_a_length_without_a_price_says_which() -> None:
    offer = save(make_coach(), OfferTerms("Call", durations=(DurationTerms(60, 5000), DurationTerms(30))))

    with pytest.raises(OfferIncompleteError) as refused:
        move("publish", offer)

    assert refused.value.missing == (
        Missing("durations.1", "30 minutes: Write a price, 0 for free, or set your hourly rate."),
    )


def test_save_offer_does_not_take_the_price_of_a_published_one() -> None:
    offer = move("publish", save(make_coach()))

    with pytest.raises(OfferIncompleteError):
        save(offer.coach, replace(WHOLE, durations=(DurationTerms(60, 8000), DurationTerms(30))), offer)

    assert rows_of(offer)["durations"] == [(60, 8000), (30, 4500)]


def test_save_offer_again_changes_nothing() -> None:
    offer = save(make_coach())
    terms = replace(
        WHOLE,
        questions=(
            replace(WHOLE.questions[0], key="your-rating"),
            replace(WHOLE.questions[1], key="which-colour"),
        ),
    )
    before = list(OfferDuration.objects.values())

    save(offer.coach, terms, offer)

    assert list(OfferDuration.objects.values()) == before
    assert actions() == ["offer.create"]


def test_save_offer_brings_every_list_in_line() -> None:
    offer = save(make_coach())
    terms = replace(
        WHOLE,
        title="Deep review",
        durations=(DurationTerms(30, 0), DurationTerms(90, 9000)),
        questions=(
            QuestionTerms("Your rating?"),
            QuestionTerms("Your rating now?", QuestionKind.LONG_TEXT, key="your-rating"),
        ),
        refund_tiers=(TierTerms(24, 80),),
    )

    changed = save(offer.coach, terms, offer)

    assert (changed.pk, changed.slug, changed.title) == (offer.pk, "game-review", "Deep review")
    assert rows_of(offer) == {
        "durations": [(30, 0), (90, 9000)],
        "questions": [("your-rating-2", "Your rating?", []), ("your-rating", "Your rating now?", [])],
        "tiers": [(24, 80)],
    }
    assert actions() == ["offer.create", "offer.edit"]


def test_save_offer_off_discord_needs_no_link() -> None:
    terms = replace(WHOLE, venue=Venue.VIDEO, video_url="https://meet.example.org/a")

    assert save(make_coach(), terms).discord_requirement == DiscordRequirement.NOT_REQUIRED


def test_save_offer_takes_a_schedule_of_ones_own() -> None:
    coach, other = make_coach(), make_coach("noah")

    offer = save(coach, replace(WHOLE, schedule_id=coach.schedules.get().pk))
    with pytest.raises(InvalidInputError, match="your own schedules"):
        save(coach, replace(WHOLE, schedule_id=other.schedules.get().pk), offer)

    offer.refresh_from_db()
    assert offer.schedule == coach.schedules.get()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": "x" * 81}, "title"),
    ({"summary": "x" * 201}, "summary"),
    ({"description": "x" * 4001}, "description"),
    ({"currency": "euro"}, "currency"),
    ({"currency": "eur"}, "currency"),
    ({"venue": "moon"}, "venue"),
    ({"video_url": "javascript:alert(1)"}, "video_url"),
    ({"place": "x" * 201}, "place"),
    ({"discord_requirement": DiscordRequirement.NOT_REQUIRED}, "discord_requirement"),
    ({"discord_requirement": "sometime"}, "discord_requirement"),
    ({"schedule_id": 999_999}, "schedule"),
    ({"increment_minutes": 4}, "increment_minutes"),
    ({"buffer_before_minutes": -1}, "buffer_before_minutes"),
    ({"buffer_before_minutes": 1441}, "buffer_before_minutes"),
    ({"buffer_after_minutes": 1441}, "buffer_after_minutes"),
    ({"notice_minutes": -1}, "notice_minutes"),
    ({"notice_minutes": 90 * 1440 + 1}, "notice_minutes"),
    ({"notice_minutes": 1440, "horizon_days": 1}, "horizon_days"),
    ({"horizon_days": 0}, "horizon_days"),
    ({"horizon_days": 366}, "horizon_days"),
    ({"daily_limit": 0}, "daily_limit"),
    ({"weekly_limit": 0}, "weekly_limit"),
    ({"daily_limit": 3, "weekly_limit": 2}, "weekly_limit"),
    ({"weekly_limit": 3, "monthly_limit": 2}, "monthly_limit"),
    ({"daily_limit": 3, "monthly_limit": 2}, "monthly_limit"),
    ({"first_day": date(2026, 3, 2), "last_day": date(2026, 3, 1)}, "last_day"),
    ({"moves_limit": -1}, "moves_limit"),
    ({"approval_hours": 0}, "approval_hours"),
    ({"approval_hours": 337}, "approval_hours"),
    ({"move_notice_hours": 721}, "move_notice_hours"),
    ({"durations": (DurationTerms(4, 0),)}, "durations.0"),
    ({"durations": (DurationTerms(60, 0), DurationTerms(1441, 0))}, "durations.1"),
    ({"durations": (DurationTerms(60, 5000), DurationTerms(60, 6000))}, "durations.1"),
    ({"durations": (DurationTerms(60, 49),)}, "durations.0"),
    ({"currency": "HUF", "durations": (DurationTerms(60, 174_99),)}, "durations.0"),
    ({"currency": "KWD", "durations": (DurationTerms(60, 5005),)}, "durations.0"),
    ({"currency": "UGX"}, "currency"),
    ({"currency": "XXX"}, "currency"),
    ({"durations": (DurationTerms(60, -1),)}, "durations.0"),
    ({"durations": (DurationTerms(60, 10_000_001),)}, "durations.0"),
    ({"durations": tuple(DurationTerms(minutes, 0) for minutes in range(10, 19))}, "durations"),
    ({"questions": (QuestionTerms(""),)}, "questions.0"),
    ({"questions": (QuestionTerms("x" * 201),)}, "questions.0"),
    ({"questions": (QuestionTerms("Which?", QuestionKind.CHOICE, options=("One", "One")),)}, "questions.0"),
    ({"questions": (QuestionTerms("Which?", QuestionKind.CHOICE, options=("One", "x" * 101)),)}, "questions.0"),
    ({"questions": (QuestionTerms("Old?", key="not-there"),)}, "questions.0"),
    ({"questions": (QuestionTerms("A?", key="your-rating"), QuestionTerms("B?", key="your-rating"))}, "questions.0"),
    ({"questions": tuple(QuestionTerms("Same?") for _ in range(21))}, "questions"),
    ({"refund_tiers": (TierTerms(24, 101),)}, "refund_tiers.0"),
    ({"refund_tiers": (TierTerms(-1, 50),)}, "refund_tiers.0"),
    ({"refund_tiers": (TierTerms(24, 100), TierTerms(8761, 100))}, "refund_tiers.1"),
    ({"refund_tiers": (TierTerms(24, 50), TierTerms(24, 60))}, "refund_tiers.0"),
    ({"refund_tiers": (TierTerms(48, 50), TierTerms(24, 60))}, "refund_tiers.1"),
    ({"refund_tiers": tuple(TierTerms(hours, 50) for hours in range(7))}, "refund_tiers"),
]


@pytest.mark.parametrize(("changes", "field"), BAD, ids=[f"{index}-{field}" for index, (_, field) in enumerate(BAD)])
def test_save_offer_bad_input_names_the_field_and_changes_nothing(changes: dict[str, Any], field: str) -> None:
    offer = save(make_coach())
    before, values = rows_of(offer), Offer.objects.values().get()

    with pytest.raises(InvalidInputError) as caught:
        save(offer.coach, replace(WHOLE, **changes), offer)

    assert caught.value.field == field
    assert (rows_of(offer), Offer.objects.values().get(), actions()) == (before, values, ["offer.create"])


def test_save_offer_somebody_elses_is_not_found() -> None:
    offer = save(make_coach())

    with pytest.raises(NotFoundError):
        save(make_coach("noah"), OfferTerms("Mine now"), offer)

    assert Offer.objects.get().title == "Game review"


def test_save_offer_published_may_not_become_incomplete() -> None:
    offer = move("publish", save(make_coach()))

    with pytest.raises(OfferIncompleteError) as caught:
        save(offer.coach, replace(WHOLE, title="Changed", durations=()), offer)

    assert [missing.field for missing in caught.value.missing] == ["durations"]
    assert (Offer.objects.get().title, rows_of(offer)["durations"]) == ("Game review", [(60, 8000), (30, 4500)])


def test_save_offer_leaves_booked_sessions_and_frozen_orders() -> None:
    offer = make_offer()
    booking = hold_slot(
        wanted=Wanted(offer, offer.durations.get(), MONDAY + timedelta(days=1)),
        holder="a" * 64,
        student=None,
        actor=Actor(ActorKind.GUEST),
        now=MONDAY,
    )
    submit_details(
        booking=booking,
        contact=Contact("Sam", "sam@example.org", "UTC"),
        intake=Intake(),
        student=None,
        actor=Actor(ActorKind.GUEST),
        now=MONDAY,
    )
    tables = (CoachingSession, Booking, Order, OrderLine)
    before = [list(table.objects.values()) for table in tables]

    save(offer.coach, replace(WHOLE, durations=(DurationTerms(15, 100),), buffer_after_minutes=60), offer)
    move("archive", offer)

    assert [list(table.objects.values()) for table in tables] == before


@pytest.mark.parametrize("kind", [ActorKind.GUEST, ActorKind.STUDENT, ActorKind.SYSTEM])
def test_others_may_not_change_offers(kind: ActorKind) -> None:
    offer = save(make_coach())

    with pytest.raises(NotAllowedError):
        save(offer.coach, OfferTerms("Other"), offer, actor=Actor(kind))
    for verb in VERBS:
        with pytest.raises(NotAllowedError):
            move(verb, offer, actor=Actor(kind))

    assert (Offer.objects.get().title, Offer.objects.get().status) == ("Game review", "draft")


def test_publish_offer_shows_it() -> None:
    offer = move("publish", save(make_coach()))

    assert Offer.objects.get().status == OfferStatus.PUBLISHED
    assert AuditEntry.objects.latest("pk").before == {"status": "draft"}
    assert move("publish", offer).status == OfferStatus.PUBLISHED
    assert actions() == ["offer.create", "offer.publish"]


def test_publish_offer_says_exactly_what_is_missing() -> None:
    coach = make_coach()
    Schedule.objects.all().delete()
    offer = save(coach, OfferTerms("Video", venue=Venue.VIDEO))
    Offer.objects.update(title=" ")

    with pytest.raises(OfferIncompleteError) as caught:
        move("publish", offer)

    assert caught.value.missing == (
        Missing("title", "Give it a title."),
        Missing("durations", "Add at least one length with its price."),
        Missing("video_url", "Add the address of the video room."),
        Missing("schedule", "Set up your weekly hours: nothing can be booked without them."),
    )
    assert caught.value.field == "title"
    assert Offer.objects.get().status == OfferStatus.DRAFT


def test_publish_offer_hours_of_a_single_day_are_enough() -> None:
    offer = save(make_coach())
    WeeklyWindow.objects.all().delete()
    closed = DateOverride.objects.create(schedule=Schedule.objects.get(), on=MONDAY.date())

    assert [missing.field for missing in services.missing_for_publishing(offer)] == ["schedule"]

    OverrideWindow.objects.create(override=closed, start_minute=0, end_minute=60)
    assert services.missing_for_publishing(offer) == ()


def test_publish_offer_asks_its_own_schedule() -> None:
    coach = make_coach()
    empty = Schedule.objects.create(coach=coach, tz="UTC", is_default=False)
    offer = save(coach, replace(WHOLE, schedule_id=empty.pk))

    assert [missing.field for missing in services.missing_for_publishing(offer)] == ["schedule"]


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [
        ("draft", "publish", "published"),
        ("published", "unpublish", "draft"),
        ("draft", "archive", "archived"),
        ("published", "archive", "archived"),
        ("archived", "restore", "draft"),
        ("draft", "unpublish", "draft"),
        ("draft", "restore", "draft"),
        ("archived", "archive", "archived"),
        ("published", "publish", "published"),
        ("archived", "publish", OfferStateError),
        ("archived", "unpublish", OfferStateError),
        ("published", "restore", OfferStateError),
    ],
)
def test_moves_between_states(before: str, verb: str, after: str | type[GreenroomError]) -> None:
    offer = save(make_coach())
    Offer.objects.update(status=before)

    if isinstance(after, str):
        assert move(verb, offer).status == after
        assert Offer.objects.get().status == after
    else:
        with pytest.raises(OfferStateError, match=f"This offer is {before}"):
            move(verb, offer)
        assert Offer.objects.get().status == before


@pytest.mark.parametrize("verb", VERBS)
def test_moves_of_somebody_elses_offer_are_not_found(verb: str) -> None:
    offer = save(make_coach())

    with pytest.raises(NotFoundError):
        move(verb, offer, coach=make_coach("noah"))

    assert (Offer.objects.get().status, actions()) == ("draft", ["offer.create"])


def test_unpublish_leaves_what_is_booked() -> None:
    booking = make_booking(starts_at=MONDAY + timedelta(days=1), now=MONDAY)

    move("unpublish", booking.session.offer)

    booking.refresh_from_db()
    assert booking.status == "confirmed"


@pytest.mark.postgres
def test_the_coach_is_locked_first() -> None:
    offer = save(make_coach())

    with CaptureQueriesContext(connection) as captured:
        move("publish", offer)

    statements = [query["sql"] for query in captured if "coaches_coach" in query["sql"]]
    # Either takes the row's lock until the transaction ends.
    assert statements[0].startswith('UPDATE "coaches_coach"') or "FOR NO KEY UPDATE" in statements[0]


@pytest.mark.django_db(transaction=True)
def test_two_new_offers_at_once_get_addresses_of_their_own(
    race: Callable[[list[Callable[[], Any]]], list[Any]],
) -> None:
    coach = make_coach()

    results = race([lambda: save(coach), lambda: save(coach)])

    assert sorted(offer.slug for offer in results) == ["game-review", "game-review-2"]
    assert sorted(offer.position for offer in results) == [0, 1]


def test_dates_the_wrong_way_round_are_refused_by_form_and_database() -> None:
    offer = make_offer()
    offer.first_day, offer.last_day = date(2026, 3, 2), date(2026, 3, 1)

    with pytest.raises(ValidationError) as refused:
        offer.full_clean()
    with pytest.raises(IntegrityError):
        offer.save()

    assert list(refused.value.message_dict) == ["last_day"]
