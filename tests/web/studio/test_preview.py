from typing import Any

import pytest
from django.test import Client
from tests.factories.bookings import make_coach, make_offer
from tests.web.studio.test_schedule import anchors, week_data, week_of

from greenroom.availability.models import Schedule
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.models import Coach
from greenroom.core.models import AuditEntry

PREVIEW = "/studio/schedule/preview/"
# It is Monday 2 March 2026, 10:00 in UTC. The fixtures' session is on Tuesday at 10:00, with its buffers.
TUESDAY = {"day2_0_start": "9", "day2_0_end": "14"}


def times(answer: Any) -> dict[str, tuple[list[str], int]]:
    days = answer.context["preview"].days
    return {f"{day.on:%a}": (day.times, day.more) for day in days if day.times}


def test_preview_shows_the_times_of_the_form_and_saves_nothing(desk: Client, coach: Coach, booking: Booking) -> None:
    stored, entries = week_of(coach), AuditEntry.objects.count()

    answer = desk.post(PREVIEW, week_data(**TUESDAY))

    assert answer.status_code == 200
    assert [day.on.day for day in answer.context["preview"].days] == [2, 3, 4, 5, 6, 7, 8]
    assert list(times(answer)) == ["Tue"]
    assert booking.session.starts_at.strftime("%H:%M") not in times(answer)["Tue"][0]
    assert answer.context["week"]["day2-0-start"].value() == "9"
    assert (week_of(coach), AuditEntry.objects.count()) == (stored, entries)


def test_preview_is_what_saving_then_shows(desk: Client, offer: Offer) -> None:
    sent = week_data(**TUESDAY, tz="Asia/Tokyo")

    previewed = desk.post(PREVIEW, sent)
    desk.post("/studio/schedule/week/", sent)

    assert previewed.context["preview"] == desk.get("/studio/schedule/").context["preview"]
    assert previewed.context["preview"].tz == "Asia/Tokyo"
    assert (previewed.context["preview"].offer, previewed.context["preview"].count > 0) == (offer, True)


def test_preview_asked_for_by_script_is_the_part_alone(desk: Client, offer: Offer) -> None:
    answer = desk.post(PREVIEW, week_data(**TUESDAY), headers={"HX-Request-Type": "partial"})

    page = answer.content.decode()
    assert page.lstrip().startswith('<div id="preview"')
    assert f"{offer.title}, 60 minutes: {answer.context['preview'].count} free times. UTC time." in page


@pytest.mark.parametrize(("headers", "status"), [({}, 422), ({"HX-Request-Type": "partial"}, 200)])
def test_preview_of_hours_that_cannot_be_saved_names_the_problems(
    desk: Client, offer: Offer, headers: dict[str, str], status: int
) -> None:
    answer = desk.post(PREVIEW, week_data(day2_0_start="9", day2_0_end="9"), headers=headers)

    page = answer.content.decode()
    assert answer.status_code == status
    assert "No preview" in page
    assert "begins and ends at the same time" in page
    assert answer.context["preview"].days == ()
    assert answer.context["preview"].offers == [offer]
    assert headers or anchors(answer) == ["id_day2-0-end"]


def test_preview_says_nothing_is_free_with_every_day_closed(desk: Client, offer: Offer) -> None:
    answer = desk.post(PREVIEW, week_data())

    assert answer.context["preview"].offer == offer
    assert (times(answer), answer.context["preview"].count) == ({}, 0)
    assert "Nothing free" in answer.content.decode()


def test_preview_follows_a_row_that_was_added_or_a_preset(desk: Client, offer: Offer) -> None:
    answer = desk.post("/studio/schedule/week/", week_data(preset="mornings"))

    assert list(times(answer)) == ["Mon", "Tue", "Wed", "Thu", "Fri"]
    assert offer.status == OfferStatus.PUBLISHED


def test_preview_offers_those_of_the_schedule_alone_the_published_first(desk: Client, coach: Coach) -> None:
    draft = make_offer(coach, slug="draft")
    Offer.objects.filter(pk=draft.pk).update(status=OfferStatus.DRAFT)
    published, archived, evening = (make_offer(coach, slug=slug) for slug in ("one", "old", "evening"))
    Offer.objects.filter(pk=archived.pk).update(status=OfferStatus.ARCHIVED)
    evenings = Schedule.objects.create(coach=coach, name="Evenings", tz="UTC", is_default=False)
    Offer.objects.filter(pk=evening.pk).update(schedule=evenings)

    usual = desk.get("/studio/schedule/").context["preview"]
    other = desk.get(f"/studio/schedule/{evenings.pk}/").context["preview"]
    chosen = desk.post(PREVIEW, week_data(**TUESDAY) | {"preview_offer": str(draft.pk)}).context["preview"]

    assert (usual.offers, usual.offer) == ([published, draft], published)
    assert other.offers == [evening]
    assert (chosen.offer, chosen.is_bookable) == (draft, False)


@pytest.mark.parametrize("number", ["theirs", "", "0", "x", "9" * 40, "\x00"])
def test_preview_of_somebody_elses_or_no_offer_is_the_first_of_ones_own(
    desk: Client, offer: Offer, number: str
) -> None:
    theirs = make_offer(make_coach("ilse"), slug="theirs")
    sent = str(theirs.pk) if number == "theirs" else number

    answer = desk.post(PREVIEW, week_data(**TUESDAY) | {"preview_offer": sent})

    assert answer.context["preview"].offer == offer


def test_preview_before_there_are_hours_or_offers(desk: Client, coach: Coach) -> None:
    Schedule.objects.all().delete()

    assert "No offer uses these hours yet." in desk.get("/studio/schedule/").content.decode()
    offer = make_offer(coach)
    assert desk.get("/studio/schedule/").context["preview"].count == 0
    assert list(times(desk.post(PREVIEW, week_data(**TUESDAY)))) == ["Tue"]
    assert offer.schedule is None
