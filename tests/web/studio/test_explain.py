"""Why is this time not offered? The coach's page and support's."""

from http import HTTPStatus

import pytest
from django.test import Client
from tests.bookings.steps import confirmed
from tests.factories.accounts import make_admin
from tests.factories.bookings import make_coach, make_offer
from tests.web.public.browsing import said

from greenroom.availability.models import Schedule
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach

PAGE = "/studio/explain/"


@pytest.fixture
def offer(coach: Coach) -> Offer:
    return make_offer(coach)


@pytest.fixture
def support(db: None) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


def asked(offer: Offer, at: str = "12:00", on: str = "2026-03-04") -> dict[str, str]:
    return {"what": str(offer.durations.get().pk), "on": on, "at": at}


def test_page_asks_first(desk: Client, offer: Offer) -> None:
    answer = desk.get(PAGE)

    assert answer.status_code == HTTPStatus.OK
    assert f"{offer.title}, 1 h" in said(answer)
    assert answer.context["answer"] is None


def test_free_time_is_explained_in_the_coachs_own_zone(desk: Client, offer: Offer) -> None:
    Schedule.objects.update(tz="Asia/Tokyo")

    answer = desk.get(PAGE, asked(offer))

    assert "Students are offered this time" in said(answer)
    assert "Weekly hours: Wednesday 00:00-24:00 (Asia/Tokyo)." in said(answer)
    assert answer.context["json_url"].endswith("/explain?at=2026-03-04T03%3A00%3A00Z&duration=60")
    nearest = desk.get(PAGE + "?" + answer.context["nearest"][0]["query"])
    assert "11:00 \N{EN DASH} 12:00 · Tokyo (GMT+9)" in said(nearest)


def test_taken_time_leads_to_the_booking_in_the_way(desk: Client, offer: Offer) -> None:
    booking = confirmed(offer)

    answer = desk.get(PAGE, asked(offer))

    assert "Students are not offered this time" in said(answer)
    assert "The session would overlap the session with Ann Guest" in said(answer)
    assert answer.context["reasons"][0]["links"] == [("Ann Guest", f"/studio/sessions/{booking.ref}/")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"what": "999"}, "what"),
        ({"what": "x"}, "what"),
        ({"on": ""}, "on"),
        ({"on": "2026-02-30"}, "on"),
        ({"on": "9999-12-31"}, "on"),
        ({"at": ""}, "at"),
        ({"at": "25"}, "at"),
        ({"at": "24:00"}, "at"),
        ({"at": "\x00"}, "at"),
    ],
)
def test_bad_input_names_the_field(desk: Client, offer: Offer, changes: dict[str, str], field: str) -> None:
    answer = desk.get(PAGE, asked(offer) | changes)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert list(answer.context["form"].errors) == [field]


def test_other_coaches_offers_cannot_be_asked_about(desk: Client, offer: Offer) -> None:
    theirs = make_offer(make_coach("ilse"), slug="theirs")

    answer = desk.get(PAGE, asked(offer) | {"what": str(theirs.durations.get().pk)})

    assert list(answer.context["form"].errors) == ["what"]


def test_coach_without_offers_is_told(desk: Client) -> None:
    assert "There is no offer with a length and a price yet." in said(desk.get(PAGE))


def test_support_chooses_the_coach_first(support: Client, offer: Offer) -> None:
    booking = confirmed(offer)

    choice = support.get("/ops/explain/")
    answer = support.get("/ops/explain/", asked(offer) | {"coach": offer.coach.slug})

    assert offer.coach.display_name in said(choice)
    assert f'name="coach" value="{offer.coach.slug}"' in answer.content.decode()
    assert answer.context["reasons"][0]["links"] == [("Ann Guest", f"/admin/bookings/booking/{booking.pk}/change/")]


@pytest.mark.parametrize("coach", ["", "nobody", "\x00"])
def test_support_with_an_unknown_coach_chooses_again(support: Client, coach: str) -> None:
    answer = support.get("/ops/explain/", {"coach": coach})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert list(answer.context["form"].errors) == ["coach"]


def test_ops_page_is_for_staff(desk: Client, client: Client) -> None:
    assert desk.get("/ops/explain/").status_code == HTTPStatus.NOT_FOUND
    assert client.get("/ops/explain/")["Location"] == "/account/login/?next=/ops/explain/"
