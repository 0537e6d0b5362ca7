from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.factories.bookings import add_booking, make_coach, make_offer, make_session
from tests.factories.clock import SettableClock

from greenroom.availability.models import Schedule, WeeklyWindow
from greenroom.catalog.models import IntakeQuestion, Offer, RefundTierRow
from greenroom.catalog.types import QuestionKind
from greenroom.coaches.models import Coach
from greenroom.coaches.types import CoachStatus
from greenroom.core.models import AuditEntry

NEW = "/studio/offers/new/"
WHOLE = {
    "title": "Game review",
    "summary": "One hour",
    "description": "You bring the losses.",
    "currency": "EUR",
    "durations-rows": "3",
    "durations-0-minutes": "60",
    "durations-0-price": "80",
    "durations-1-minutes": "30",
    "durations-1-price": "45,50",
    "venue": "discord",
    "discord_requirement": "before_payment",
    "increment_minutes": "15",
    "notice_minutes": "120",
    "horizon_days": "30",
    "buffer_before_minutes": "5",
    "buffer_after_minutes": "10",
    "daily_limit": "4",
    "weekly_limit": "8",
    "monthly_limit": "20",
    "first_day": "2026-03-10",
    "last_day": "2026-06-30",
    "approval_hours": "48",
    "moves_limit": "2",
    "move_notice_hours": "24",
    "questions-rows": "2",
    "questions-0-label": "Your rating?",
    "questions-0-kind": "short_text",
    "questions-0-is_required": "on",
    "questions-1-label": "Which colour?",
    "questions-1-kind": "choice",
    "questions-1-options": "White\r\n\r\n Black ",
    "policy": "own",
    "refund_tiers-rows": "2",
    "refund_tiers-0-hours": "48",
    "refund_tiers-0-percent": "100",
    "refund_tiers-1-hours": "24",
    "refund_tiers-1-percent": "50",
}


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def anchors(answer: Any) -> list[str]:
    return [problem.anchor for problem in answer.context["problems"]]


def as_sent(form: Any) -> dict[str, Any]:
    """Return what a browser would send back for a form as it was drawn."""
    values = {bound.html_name: bound.value() for bound in form}
    counts = {f"{group.name}-rows": len(form.rows(group.name)) for group in form.groups}
    filled = {name: value for name, value in values.items() if value is not None and value is not False}
    return {name: "on" if value is True else value for name, value in filled.items()} | counts


def test_new_offer_is_a_draft_with_all_that_was_written(desk: Client, coach: Coach) -> None:
    answer = desk.post(NEW, WHOLE)

    offer = Offer.objects.get()
    assert (answer["Location"], offer.coach, offer.status) == (f"/studio/offers/{offer.pk}/", coach, "draft")
    assert list(offer.durations.values_list("minutes", "price_minor")) == [(60, 8000), (30, 4550)]
    assert list(offer.questions.values_list("label", "kind", "is_required", "options")) == [
        ("Your rating?", "short_text", True, []),
        ("Which colour?", "choice", False, ["White", "Black"]),
    ]
    assert list(offer.refund_tiers.values_list("notice_hours", "percent")) == [(48, 100), (24, 50)]
    values = ("increment_minutes", "notice_minutes", "horizon_days", "buffer_before_minutes", "buffer_after_minutes")
    assert [getattr(offer, name) for name in values] == [15, 120, 30, 5, 10]
    assert (offer.daily_limit, offer.weekly_limit, offer.monthly_limit) == (4, 8, 20)
    assert (offer.first_day, offer.last_day) == (date(2026, 3, 10), date(2026, 6, 30))
    assert offer.approval_hours == 48
    assert (offer.moves_limit, offer.move_notice_hours, offer.discord_requirement) == (2, 24, "before_payment")


@pytest.mark.parametrize(
    ("policy", "tiers"),
    [
        ("flexible", [(1, 100)]),
        ("day", [(24, 100)]),
        ("moderate", [(48, 100), (24, 50)]),
        ("strict", [(168, 100), (48, 50)]),
        ("none", [(0, 0)]),
    ],
)
def test_policy_chosen_by_name_counts_whatever_the_rows_say(
    desk: Client, policy: str, tiers: list[tuple[int, int]]
) -> None:
    desk.post(NEW, WHOLE | {"policy": policy, "refund_tiers-0-hours": "x", "refund_tiers-1-percent": ""})

    offer = Offer.objects.get()
    assert list(offer.refund_tiers.values_list("notice_hours", "percent")) == tiers
    form = desk.get(f"/studio/offers/{offer.pk}/").context["form"]
    assert form["policy"].value() == policy


def test_own_rules_count_when_they_are_chosen(desk: Client) -> None:
    desk.post(NEW, WHOLE | {"policy": "own", "refund_tiers-1-percent": "25"})

    offer = Offer.objects.get()
    assert list(offer.refund_tiers.values_list("notice_hours", "percent")) == [(48, 100), (24, 25)]
    assert desk.get(f"/studio/offers/{offer.pk}/").context["form"]["policy"].value() == "own"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"refund_tiers-rows": "0"}, "Write a rule, or choose one of the policies."),
        ({"refund_tiers-0-percent": "40"}, "Cancelling later can&#x27;t give more back than cancelling earlier."),
        ({"refund_tiers-1-hours": "48"}, "48 hours is there twice."),
        ({"refund_tiers-0-percent": "101"}, "Write a whole number from 0 to 100."),
        ({"policy": "cheap"}, "Choose one from the list."),
    ],
)
def test_own_rules_that_contradict_themselves_are_refused_with_words(
    desk: Client, sent: dict[str, str], words: str
) -> None:
    rows = {name: "" for name in WHOLE if name.startswith("refund_tiers-")} if "refund_tiers-rows" in sent else {}

    answer = desk.post(NEW, WHOLE | {"policy": "own"} | rows | sent)

    assert (answer.status_code, Offer.objects.exists()) == (422, False)
    assert words in answer.content.decode()


def test_an_offer_as_drawn_can_be_sent_back_and_changes_nothing(desk: Client, coach: Coach) -> None:
    desk.post(NEW, WHOLE)
    offer = Offer.objects.get()
    Offer.objects.update(notice_minutes=77, increment_minutes=25, buffer_after_minutes=7, currency="KWD")
    before = Offer.objects.values().get(), list(offer.questions.values())

    form = desk.get(f"/studio/offers/{offer.pk}/").context["form"]
    answer = desk.post(f"/studio/offers/{offer.pk}/", as_sent(form))

    assert answer.status_code == 302
    assert (Offer.objects.values().get(), list(offer.questions.values())) == before
    assert list(offer.durations.values_list("minutes", "price_minor")) == [(60, 8000), (30, 4550)]
    assert AuditEntry.objects.count() == 1
    assert coach.is_public


def test_an_offer_with_one_price_for_every_length(desk: Client) -> None:
    desk.post(NEW, WHOLE | {"price": "70", "durations-0-price": "", "publish": "1"})

    offer = Offer.objects.get()
    assert (offer.status, offer.price_minor) == ("published", 7000)
    assert list(offer.durations.values_list("minutes", "price_minor")) == [(60, None), (30, 4550)]
    [row] = desk.get("/studio/offers/").context["offers"]
    assert [price for _length, price in row["lengths"]] == ["€70", "€45.50"]


def test_an_offer_without_a_price_says_so_and_is_not_published(desk: Client) -> None:
    answer = desk.post(NEW, WHOLE | {"durations-1-price": "", "publish": "1"})

    [row] = desk.get("/studio/offers/").context["offers"]
    assert (row["status"], [price for _length, price in row["lengths"]]) == ("draft", ["€80", "no price yet"])
    assert said(answer) == ["30 minutes: Write a price, 0 for free, or set your hourly rate."]


def test_new_offer_with_little_is_saved_and_says_what_it_needs(desk: Client, coach: Coach) -> None:
    WeeklyWindow.objects.all().delete()
    little = {name: value for name, value in WHOLE.items() if not name.startswith(("durations", "questions", "refund"))}

    answer = desk.post(NEW, little | {"policy": "day", "venue": "video", "publish": "1"})

    offer = Offer.objects.get()
    assert (offer.status, answer["Location"]) == ("draft", f"/studio/offers/{offer.pk}/")
    [words] = said(answer)
    assert words.startswith("Add at least one length with its price. Add the address of the video room. Set up")
    missing = desk.get(f"/studio/offers/{offer.pk}/").context["missing"]
    assert [one.field for one in missing] == ["durations", "video_url", "schedule"]
    assert coach.is_public


def test_save_and_publish_in_one_go(desk: Client, coach: Coach) -> None:
    answer = desk.post(NEW, WHOLE | {"publish": "1"})

    assert (Offer.objects.get().status, said(answer)) == ("published", ["Saved and published."])
    assert desk.get(answer["Location"]).context["preview_url"] == f"/book/{coach.slug}/?offer=game-review"


BAD: list[tuple[dict[str, str], str]] = [
    ({"title": ""}, "id_title"),
    ({"title": "x" * 81}, "id_title"),
    ({"title": "\x07"}, "id_title"),
    ({"summary": "x" * 201}, "id_summary"),
    ({"description": "x" * 4001}, "id_description"),
    ({"currency": "XXX"}, "id_currency"),
    ({"currency": ""}, "id_currency"),
    ({"venue": "moon"}, "id_venue"),
    ({"venue": ""}, "id_venue"),
    ({"video_url": "javascript:alert(1)"}, "id_video_url"),
    ({"place": "x" * 201}, "id_place"),
    ({"discord_requirement": "not_required"}, "id_discord_requirement"),
    ({"schedule": "999999"}, "id_schedule"),
    ({"increment_minutes": "7"}, "id_increment_minutes"),
    ({"increment_minutes": ""}, "id_increment_minutes"),
    ({"notice_minutes": "-60"}, "id_notice_minutes"),
    ({"notice_minutes": "43200"}, "id_horizon_days"),
    ({"buffer_before_minutes": "1e9"}, "id_buffer_before_minutes"),
    ({"buffer_after_minutes": "x"}, "id_buffer_after_minutes"),
    ({"horizon_days": "0"}, "id_horizon_days"),
    ({"horizon_days": "366"}, "id_horizon_days"),
    ({"horizon_days": "1.5"}, "id_horizon_days"),
    ({"horizon_days": ""}, "id_horizon_days"),
    ({"daily_limit": "0"}, "id_daily_limit"),
    ({"daily_limit": "many"}, "id_daily_limit"),
    ({"weekly_limit": "3"}, "id_weekly_limit"),
    ({"monthly_limit": "7"}, "id_monthly_limit"),
    ({"first_day": "soon"}, "id_first_day"),
    ({"last_day": "2026-03-09"}, "id_last_day"),
    ({"moves_limit": "-1"}, "id_moves_limit"),
    ({"capacity": "0"}, "id_capacity"),
    ({"capacity": "101"}, "id_capacity"),
    ({"capacity": "3", "min_seats": "4"}, "id_min_seats"),
    ({"capacity": "3", "min_seats": "2", "notice_minutes": "0"}, "id_notice_minutes"),
    ({"approval_hours": "0"}, "id_approval_hours"),
    ({"approval_hours": "337"}, "id_approval_hours"),
    ({"move_notice_hours": "5"}, "id_move_notice_hours"),
    ({"move_notice_hours": ""}, "id_move_notice_hours"),
    ({"durations-0-minutes": "4"}, "id_durations-0-minutes"),
    ({"durations-0-minutes": "1441"}, "id_durations-0-minutes"),
    ({"durations-0-minutes": "an hour"}, "id_durations-0-minutes"),
    ({"durations-0-minutes": ""}, "id_durations-0-minutes"),
    ({"price": "1.234"}, "id_price"),
    ({"price": "0.10"}, "id_price"),
    ({"price": "9999999"}, "id_price"),
    ({"durations-0-price": "-5"}, "id_durations-0-price"),
    ({"durations-0-price": "1,000"}, "id_durations-0-price"),
    ({"durations-0-price": "80 euro"}, "id_durations-0-price"),
    ({"durations-0-price": "999999999"}, "id_durations-0-price"),
    ({"durations-0-price": "0.49"}, "id_durations-0-minutes"),
    ({"currency": "JPY"}, "id_durations-1-price"),
    ({"durations-1-minutes": "60"}, "id_durations-1-minutes"),
    ({"durations-2-minutes": "60", "durations-2-price": "1"}, "id_durations-2-minutes"),
    ({"questions-0-label": "x" * 201}, "id_questions-0-label"),
    ({"questions-0-kind": "essay"}, "id_questions-0-kind"),
    ({"questions-0-key": "somebody-elses"}, "id_questions-0-label"),
    ({"questions-0-key": "no key"}, "id_questions-0-key"),
    ({"questions-1-label": ""}, "id_questions-1-label"),
    ({"questions-1-options": "White"}, "id_questions-1-label"),
    ({"questions-1-options": "x" * 101 + "\ny"}, "id_questions-1-label"),
    ({"questions-1-options": "x" * 2201}, "id_questions-1-options"),
    ({"refund_tiers-0-hours": "-1"}, "id_refund_tiers-0-hours"),
    ({"refund_tiers-0-hours": ""}, "id_refund_tiers-0-hours"),
    ({"refund_tiers-0-percent": "101"}, "id_refund_tiers-0-percent"),
    ({"refund_tiers-1-percent": ""}, "id_refund_tiers-1-percent"),
    ({"refund_tiers-1-hours": "48"}, "id_refund_tiers-0-hours"),
    ({"refund_tiers-0-percent": "40"}, "id_refund_tiers-1-hours"),
]


@pytest.mark.parametrize(("changes", "anchor"), BAD, ids=[f"{index}-{anchor}" for index, (_, anchor) in enumerate(BAD)])
def test_bad_input_names_the_field_and_changes_nothing(
    desk: Client, coach: Coach, changes: dict[str, str], anchor: str
) -> None:
    answer = desk.post(NEW, WHOLE | changes)

    assert (answer.status_code, anchors(answer)) == (422, [anchor])
    assert f'id="{anchor}"' in answer.content.decode() or anchor == "id_schedule"
    assert (Offer.objects.count(), AuditEntry.objects.count()) == (0, 0)
    assert coach.is_public


def test_nothing_sent_names_every_field_that_is_needed(desk: Client, coach: Coach) -> None:
    answer = desk.post(NEW, {})

    assert answer.status_code == 422
    assert set(anchors(answer)) >= {"id_title", "id_currency", "id_venue", "id_horizon_days"}
    assert coach.offers.count() == 0


def test_empty_rows_between_do_not_shift_the_blame(desk: Client, coach: Coach) -> None:
    gap = {"durations-0-minutes": "", "durations-0-price": "", "durations-2-minutes": "30", "durations-2-price": "9"}

    assert anchors(desk.post(NEW, WHOLE | gap)) == ["id_durations-2-minutes"]
    assert coach.offers.count() == 0


def test_published_offer_keeps_what_it_needs(desk: Client, coach: Coach) -> None:
    desk.post(NEW, WHOLE | {"publish": "1"})
    offer = Offer.objects.get()

    cleared = {name: "" for name in WHOLE if name.startswith("durations")}
    answer = desk.post(f"/studio/offers/{offer.pk}/", WHOLE | cleared | {"venue": "video"})

    assert (answer.status_code, sorted(anchors(answer))) == (422, ["id_durations-0-minutes", "id_video_url"])
    assert offer.durations.count() == 2
    assert coach.is_public


def test_fewer_seats_than_are_taken_say_what_stays(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    Offer.objects.update(capacity=3)
    now = frozen_clock()
    session = make_session(offer=offer, starts_at=now + timedelta(days=1), now=now, capacity=3)
    for _ in range(3):
        add_booking(session, now=now)
    form = desk.get(f"/studio/offers/{offer.pk}/").context["form"]

    answer = desk.post(f"/studio/offers/{offer.pk}/", as_sent(form) | {"capacity": "2"})

    assert said(answer) == [
        "The offer is saved.",
        "A session to come has more students than that. They keep their seats; nobody else is taken.",
    ]


def test_an_edited_question_keeps_its_key_and_a_removed_one_goes(desk: Client, offer: Offer) -> None:
    kept = IntakeQuestion.objects.create(offer=offer, key="rating", label="Rating?", kind=QuestionKind.SHORT_TEXT)
    IntakeQuestion.objects.create(offer=offer, key="colour", label="Colour?", kind=QuestionKind.SHORT_TEXT)
    path = f"/studio/offers/{offer.pk}/"
    sent = as_sent(desk.get(path).context["form"])

    shorter = desk.post(path, sent | {"remove": "questions-1"}).context["form"]
    assert IntakeQuestion.objects.count() == 2
    answer = desk.post(path, as_sent(shorter) | {"questions-0-label": "Your rating, and where?"})

    assert answer.status_code == 302, [str(p) for p in answer.context["problems"]]
    row = IntakeQuestion.objects.get()
    assert (row.pk, row.key, row.label) == (kept.pk, "rating", "Your rating, and where?")


@pytest.mark.parametrize(("group", "before"), [("durations", 3), ("questions", 2), ("refund_tiers", 2)])
def test_a_row_is_added_without_saving_or_complaining(desk: Client, coach: Coach, group: str, before: int) -> None:
    answer = desk.post(NEW, WHOLE | {"title": "", "add": group})

    form = answer.context["form"]
    assert (answer.status_code, answer.context["problems"], len(form.rows(group))) == (200, [], before + 1)
    assert form["summary"].value() == "One hour"
    assert coach.offers.count() == 0


def test_schedules_of_ones_own_can_be_chosen(desk: Client, coach: Coach) -> None:
    evenings = Schedule.objects.create(coach=coach, name="Evenings", tz="UTC", is_default=False)

    page = desk.get(NEW).content.decode()
    desk.post(NEW, WHOLE | {"schedule": str(evenings.pk)})

    assert "Evenings (UTC)" in page
    assert Offer.objects.get().schedule == evenings


def test_other_coaches_schedules_cannot_be_chosen(desk: Client, coach: Coach) -> None:
    stranger = Schedule.objects.create(coach=make_coach("noah"), name="Mine", tz="UTC", is_default=False)

    answer = desk.post(NEW, WHOLE | {"schedule": str(stranger.pk)})

    assert (anchors(answer), coach.offers.count()) == (["id_schedule"], 0)


@pytest.mark.parametrize(
    ("verb", "before", "after", "words"),
    [
        ("publish", "draft", "published", "The offer is published."),
        ("unpublish", "published", "draft", "The offer is a draft again. What is booked stays."),
        ("archive", "published", "archived", "The offer is archived. What is booked stays."),
        ("restore", "archived", "draft", "The offer is back, as a draft."),
        ("publish", "archived", "archived", "This offer is archived, so that is not possible."),
    ],
)
def test_buttons_change_the_state_and_say_so(
    desk: Client, offer: Offer, verb: str, before: str, after: str, words: str
) -> None:
    Offer.objects.update(status=before)

    answer = desk.post(f"/studio/offers/{offer.pk}/{verb}/")

    assert (said(answer), Offer.objects.get().status) == ([words], after)
    assert answer["Location"] == f"/studio/offers/{offer.pk}/"


def test_list_parts_what_is_archived(desk: Client, coach: Coach) -> None:
    for slug, status in (("a", "published"), ("b", "draft"), ("c", "archived")):
        Offer.objects.filter(pk=make_offer(coach, slug=slug).pk).update(status=status)

    context = desk.get("/studio/offers/").context

    assert [row["status"] for row in context["offers"]] == ["published", "draft"]
    assert [row["status"] for row in context["archived"]] == ["archived"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": CoachStatus.APPLIED}, "Your profile is not approved yet."),
        ({"is_accepting_students": False}, "You take no new bookings at present."),
    ],
)
def test_list_says_why_nothing_is_booked(desk: Client, coach: Coach, values: dict[str, Any], words: str) -> None:
    Coach.objects.update(**values)

    assert words in desk.get("/studio/offers/").content.decode()
    assert coach.offers.count() == 0


@pytest.mark.parametrize("rows", [1, 3])
def test_list_asks_the_same_number_of_questions_for_any_length(
    desk: Client, coach: Coach, django_assert_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        make_offer(coach, slug=f"offer-{number}")
    desk.get("/studio/offers/")

    with django_assert_num_queries(6):
        desk.get("/studio/offers/")


@pytest.mark.parametrize("rows", [1, 3])
def test_form_asks_the_same_number_of_questions_for_any_length(
    desk: Client, offer: Offer, django_assert_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        IntakeQuestion.objects.create(offer=offer, key=f"key-{number}", label="?")
        RefundTierRow.objects.create(offer=offer, notice_hours=number, percent=0)
    path = f"/studio/offers/{offer.pk}/"
    desk.get(path)

    with django_assert_num_queries(12):
        desk.get(path)
