"""Another time, a group, a booking by the coach, and why a time is not offered: seen from both sides."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from tests.journeys.conftest import PHONE, Demo, NewPage
from tests.journeys.steps import fill_in_details, link_in_mails, pay, sign_in, violations, wait_for

TOMAS = "tomas-rivera"
WEDNESDAY = 2


def wednesday(demo: Demo, weeks: int) -> str:
    """Return the date of a Wednesday some weeks from now."""
    now = datetime.fromisoformat(demo.state()["now"])
    return f"{now + timedelta(days=7 * weeks + (WEDNESDAY - now.weekday()) % 7):%Y-%m-%d}"


def book(demo: Demo, day: str, clock: str, *, name: str, email: str) -> dict[str, Any]:
    """Book a free first meeting with Tomás, whose clock shows New York time, over the API."""
    offered = f"/api/v1/coaches/{TOMAS}/offers/first-meeting/slots?from={day}&to={day}&tz=America/New_York"
    slots = demo.get(offered)["days"][0]["slots"]
    [starts_at] = [one["starts_at"] for one in slots if f"{_in_new_york(one['starts_at']):%H:%M}" == clock]
    wish = {"coach": TOMAS, "offer": "first-meeting", "starts_at": starts_at, "name": name, "email": email}
    booked = demo.post("/api/v1/bookings", wish | {"tz": "Europe/Paris"})
    token = booked["manage_url"].rstrip("/").rpartition("/")[2]
    assert demo.post(f"/api/v1/bookings/{booked['ref']}/pay?token={token}", {})["status"] == "confirmed"
    return booked


def _in_new_york(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(ZoneInfo("America/New_York"))


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_coach_proposes_other_times_and_the_student_chooses(
    demo: Demo, new_page: NewPage, axe: str, *, has_script: bool
) -> None:
    email = f"asked-{has_script}@example.org".lower()
    booked = book(demo, wednesday(demo, 1 if has_script else 2), "10:00", name="Ada Moreno", email=email)
    coach = new_page(has_script=has_script, viewport=PHONE, scheme="dark")
    sign_in(coach, demo, "tomas")
    coach.goto(f"{demo.address}/studio/sessions/{booked['ref']}/")
    coach.get_by_role("link", name="New time").click()
    expect(coach.get_by_label("Start of time 1")).to_have_value("09:30")
    assert violations(coach, axe) == [] if has_script else True
    coach.get_by_label("Start of time 2").fill("20:15")  # outside the hours: the coach may
    coach.get_by_label("A word to the student").fill("A rehearsal moved.")
    coach.get_by_role("button", name="Ask Ada Moreno").click()
    expect(coach.get_by_role("heading", name="You asked for another time")).to_be_visible()

    page = new_page(has_script=has_script)
    page.goto(link_in_mails(demo, email, f"/manage/{booked['ref']}\\S+reschedule"))
    page.goto(booked["manage_url"])
    expect(page.get_by_text("A rehearsal moved.")).to_be_visible()
    assert violations(page, axe) == [] if has_script else True
    page.get_by_role("link", name=re.compile("02:15 Paris time|01:15 Paris time")).click()
    page.get_by_role("button", name="Move the session").click()

    expect(page.get_by_text(re.compile("0[12]:15 . 0[12]:30"))).to_be_visible()
    coach.reload()
    expect(coach.get_by_text(re.compile("20:15 . 20:30"))).to_be_visible()
    expect(coach.get_by_role("heading", name="You asked for another time")).to_be_hidden()


def test_students_fill_a_group_and_the_coach_calls_it_off(demo: Demo, new_page: NewPage, axe: str) -> None:
    day = wednesday(demo, 3)
    picker = f"{demo.address}/book/{TOMAS}/?offer=song-circle&date={day}&tz=America/New_York"
    first = new_page()
    take_a_seat(first, picker, "seat-one@example.org", left=6)

    second = new_page(viewport=PHONE, scheme="dark")
    take_a_seat(second, picker, "seat-two@example.org", left=5)

    coach = new_page()
    sign_in(coach, demo, "tomas")
    coach.goto(f"{demo.address}/studio/sessions/")
    coach.get_by_role("link", name="Group, 2 of 6 seats").click()
    expect(coach.get_by_text("seat-two@example.org").first).to_be_visible()
    assert violations(coach, axe) == []
    coach.get_by_role("link", name="Cancel the whole session").click()
    coach.get_by_label("A word to the student").fill("The hall is closed.")
    coach.get_by_role("button", name="Cancel for everybody").click()
    expect(coach.get_by_text("The whole session is cancelled.")).to_be_visible()
    for page, email in ((first, "seat-one@example.org"), (second, "seat-two@example.org")):
        page.goto(link_in_mails(demo, email, "/manage/"))
        expect(page.get_by_text("$25 goes back the way you paid.")).to_be_visible()
    first.goto(picker)
    expect(first.get_by_role("button", name=re.compile("10:00.*6 seats left"))).to_be_visible()


def take_a_seat(page: Page, picker: str, email: str, *, left: int) -> None:
    """Book and pay a seat at 10:00, while so many are left."""
    page.goto(picker)
    page.get_by_role("button", name=re.compile(f"10:00.*{left} seats left")).click()
    fill_in_details(page, email)
    page.get_by_role("button", name=re.compile("^Continue")).click()
    expect(page.get_by_text("It takes place with at least 3 people.")).to_be_visible()
    pay(page)
    wait_for(page, "You are booked with Tomás Rivera", has_script=True)


def test_coach_books_a_client_who_pays_by_the_link(demo: Demo, new_page: NewPage, axe: str) -> None:
    day, email = wednesday(demo, 4), "invited@example.org"
    taken = book(demo, day, "10:00", name="Ada Moreno", email="ada@example.org")
    coach = new_page()
    sign_in(coach, demo, "tomas")
    coach.goto(f"{demo.address}/studio/sessions/")
    coach.get_by_role("link", name="Book for a client").click()
    coach.get_by_label("Offer").select_option(label="Guitar lesson, 45 min, $60")
    coach.get_by_label("Day").fill(day)
    coach.get_by_label("Start").fill("10:00")
    coach.get_by_label("Name").fill("Cleo Client")
    coach.get_by_label("E-mail").fill(email)
    coach.get_by_label("Price").fill("50")
    assert violations(coach, axe) == []
    coach.get_by_role("button", name="Book", exact=True).click()
    expect(coach.get_by_text("First meeting, Ada Moreno")).to_be_visible()
    coach.get_by_label("Book it all the same, because").fill("Ada only says hello.")
    coach.get_by_role("button", name="Book", exact=True).click()
    expect(coach.get_by_text("gets a mail with the link")).to_be_visible()

    page = new_page(has_script=False, viewport=PHONE)
    page.goto(link_in_mails(demo, email, "/checkout/"))
    expect(page.get_by_text("We hold this time until")).to_be_visible()
    pay(page)
    wait_for(page, "You are booked with Tomás Rivera", has_script=False)
    assert taken["ref"]


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_coach_asks_why_a_time_is_not_offered(demo: Demo, new_page: NewPage, axe: str, *, has_script: bool) -> None:
    day = wednesday(demo, 5 if has_script else 6)
    book(demo, day, "14:00", name="Ada Moreno", email="ada@example.org")
    coach = new_page(has_script=has_script)
    sign_in(coach, demo, "tomas")
    coach.goto(f"{demo.address}/studio/schedule/")
    coach.get_by_role("link", name="Why is a time not offered?").click()
    coach.get_by_label("Offer").select_option(label="Guitar lesson, 1 h")
    coach.get_by_label("Day").fill(day)
    coach.get_by_label("Start").fill("13:30")
    coach.get_by_role("button", name="Explain").click()

    expect(coach.get_by_text("The coach has no open window then.")).to_be_visible()
    coach.get_by_label("Start").fill("14:00")
    coach.get_by_role("button", name="Explain").click()
    expect(coach.get_by_text(re.compile("would overlap the session with Ada Moreno"))).to_be_visible()
    assert violations(coach, axe) == [] if has_script else True
    coach.get_by_role("link", name="Ada Moreno").click()
    expect(coach.get_by_role("heading", name=re.compile("First meeting"))).to_be_visible()
