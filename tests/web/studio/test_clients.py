"""Who books with a coach, and what came of it."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import COACH, at, confirmed, hold
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock
from tests.web.public.browsing import said

from greenroom.bookings import services
from greenroom.bookings.models import Booking
from greenroom.bookings.types import Party
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core import clock

PAGE = "/studio/clients/"


@pytest.fixture
def offer(coach: Coach) -> Offer:
    return make_offer(coach)


def people(answer: Any) -> list[tuple[str, str, int]]:
    rows = [row["client"] for row in answer.context["rows"]]
    return [(row["name"], row["contact_email"], row["sessions_count"]) for row in rows]


def rename(booking: Booking, name: str, email: str) -> Booking:
    Booking.objects.filter(pk=booking.pk).update(contact_name=name, contact_email=email)
    return Booking.objects.get(pk=booking.pk)


def test_people_are_told_apart_by_address_and_the_latest_comes_first(desk: Client, offer: Offer) -> None:
    rename(confirmed(offer), "Ann", "ann@example.org")
    rename(confirmed(offer, at(14), holder="bob"), "Bob", "bob@example.org")
    rename(confirmed(offer, at(16)), "Ann Guest", "ann@example.org")

    answer = desk.get(PAGE)

    assert people(answer) == [("Ann Guest", "ann@example.org", 2), ("Bob", "bob@example.org", 1)]
    assert "2 sessions" in said(answer)


def test_holds_and_other_coaches_clients_are_not_listed(desk: Client, offer: Offer) -> None:
    hold(offer)
    theirs = confirmed(make_offer(make_coach("ilse")))

    assert people(desk.get(PAGE)) == []
    assert desk.get(f"{PAGE}{theirs.ref}/").status_code == HTTPStatus.NOT_FOUND
    assert "No clients yet" in said(desk.get(PAGE))


def test_search_finds_parts_of_any_name_and_the_address(desk: Client, offer: Offer) -> None:
    rename(confirmed(offer), "Ann", "ann@example.org")
    rename(confirmed(offer, at(16)), "Mrs Guest", "ann@example.org")
    rename(confirmed(offer, at(14), holder="bob"), "Bob", "bob@else.org")

    for words, found in (("ANN", 1), ("guest", 1), ("else", 1), ("o", 2), ("nobody", 0), ("%", 0), ("_", 0)):
        assert len(people(desk.get(PAGE, {"q": words}))) == found, words
    assert people(desk.get(PAGE, {"q": "ann"})) == [("Mrs Guest", "ann@example.org", 2)]
    assert "Nobody of that name" in said(desk.get(PAGE, {"q": "nobody"}))
    assert desk.get(PAGE, {"q": "\x00" * 200}).status_code == HTTPStatus.OK


def test_page_of_a_person_has_their_history_and_what_they_paid(
    desk: Client, offer: Offer, frozen_clock: SettableClock
) -> None:
    first, second = confirmed(offer), confirmed(offer, at(16))
    cancelled = confirmed(offer, at(18))
    services.cancel_booking(booking=cancelled, actor=COACH, now=clock.now())
    frozen_clock.set(at(13, 30))

    answer = desk.get(f"{PAGE}{first.ref}/")

    assert [line["booking"].ref for line in answer.context["lines"]] == [cancelled.ref, second.ref, first.ref]
    client = answer.context["client"]
    assert (client["sessions_count"], client["last_at"], client["next_at"]) == (2, at(12), at(16))
    assert [(amount.minor, amount.currency) for amount in answer.context["paid"]] == [(10000, "EUR")]
    assert "Next" in said(answer)
    assert desk.get(f"{PAGE}{cancelled.ref}/").context["client"] == client


def test_what_a_no_show_gave_back_is_not_paid(desk: Client, offer: Offer, frozen_clock: SettableClock) -> None:
    booking = confirmed(offer)
    frozen_clock.set(at(12, 30))
    services.mark_no_show(booking=booking, party=Party.COACH, actor=COACH, now=clock.now())

    [paid] = desk.get(f"{PAGE}{booking.ref}/").context["paid"]

    assert (paid.minor, paid.currency) == (0, "EUR")


def test_somebody_who_never_came_so_far_is_no_client(desk: Client, offer: Offer) -> None:
    booking = hold(offer)

    assert desk.get(f"{PAGE}{booking.ref}/").status_code == HTTPStatus.NOT_FOUND


def test_addresses_stand_in_no_link(desk: Client, offer: Offer) -> None:
    booking = confirmed(offer)

    page = desk.get(PAGE).content.decode()

    assert f'href="{PAGE}{booking.ref}/"' in page
    assert "ann%40" not in page
    assert "q=ann" not in page


@pytest.mark.parametrize("count", [1, 5])
def test_list_asks_the_same_number_of_questions_for_any_length(
    desk: Client, offer: Offer, django_assert_num_queries: Any, count: int
) -> None:
    now = clock.now()
    for number in range(count):
        booking = make_booking(offer=offer, starts_at=now + timedelta(days=number + 1), now=now)
        rename(booking, f"Person {number}", f"person{number}@example.org")

    desk.get(PAGE)  # writes down that this session is in use

    with django_assert_num_queries(5):
        desk.get(PAGE)


def test_long_lists_have_pages(desk: Client, offer: Offer) -> None:
    now = clock.now()
    for number in range(21):
        booking = make_booking(offer=offer, starts_at=now + timedelta(days=number + 1), now=now)
        rename(booking, f"Person {number}", f"person{number}@example.org")

    assert len(people(desk.get(PAGE))) == 20
    assert people(desk.get(PAGE, {"page": "2"})) == [("Person 0", "person0@example.org", 1)]
