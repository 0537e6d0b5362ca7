import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect
from tests.journeys.conftest import Demo, NewPage
from tests.journeys.steps import choose_day, fill_in_details, hold_a_time, pay, wait_for


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_student_books_pays_connects_discord_and_enters_the_room(
    demo: Demo, new_page: NewPage, *, has_script: bool
) -> None:
    page = new_page(has_script=has_script)
    email = f"walker-{has_script}@example.org".lower()

    hold_a_time(page, demo, day=3 if has_script else 5, slot=4)
    fill_in_details(page, email)
    page.get_by_role("button", name="Connect Discord").click()
    page.get_by_label(re.compile("Sam" if has_script else "Ida")).check()
    page.get_by_role("button", name="Allow").click()
    wait_for(page, "Connected as", has_script=has_script)
    expect(page.get_by_label(re.compile("What should"))).to_have_value("My endgames")
    page.get_by_role("button", name=re.compile("^Continue")).click()
    pay(page)
    wait_for(page, "You are booked with Maya Lindqvist", has_script=has_script)

    page.get_by_role("link", name="Open the session page").click()
    session_url = page.url
    expect(page.get_by_role("button", name="Join")).to_be_disabled()
    starts_at = datetime.fromisoformat(str(page.locator("time").first.get_attribute("datetime")))
    demo.set_clock(f"{starts_at - timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
    page.goto(session_url)
    wait_for(page, "Join the room on Discord", has_script=has_script)
    page.get_by_role("link", name="Join the room on Discord").click()
    page.get_by_role("link", name=re.compile("^Sam" if has_script else "^Ida")).click()
    expect(page.get_by_text("may enter")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Lee")).click()
    expect(page.get_by_text("No channels")).to_be_visible()

    demo.set_clock(f"{starts_at + timedelta(hours=2, minutes=1):%Y-%m-%dT%H:%M:%SZ}")
    page.goto(session_url)
    wait_for(page, "This session is over", has_script=has_script)
    subjects = [mail["subject"] for mail in demo.state()["mailbox"] if mail["to"] == email]
    assert subjects[0].startswith("Booked: Game review")


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_student_moves_and_cancels_by_the_mailed_link(demo: Demo, new_page: NewPage, *, has_script: bool) -> None:
    page = new_page(has_script=has_script)
    email = f"mover-{has_script}@example.org".lower()
    hold_a_time(page, demo, day=12 if has_script else 13, slot=6)
    fill_in_details(page, email)
    page.get_by_role("button", name=re.compile("^Continue")).click()
    pay(page)
    wait_for(page, "You are booked with Maya Lindqvist", has_script=has_script)
    (mail,) = [mail for mail in demo.state()["mailbox"] if mail["to"] == email]
    link = re.search(r"http://\S+/manage/\S+", mail["text"])
    assert link is not None

    visitor = new_page(has_script=has_script)
    visitor.goto(link.group())
    visitor.get_by_role("link", name="Move").click()
    choose_day(visitor, demo, 30 if has_script else 31)
    visitor.locator("button.slot").nth(2).click()
    visitor.get_by_role("button", name="Move the session").click()
    expect(visitor.get_by_text("The session has a new time.")).to_be_visible()
    visitor.get_by_role("link", name="Cancel").click()
    expect(visitor.get_by_text("Back to the card you paid with")).to_be_visible()
    visitor.get_by_role("button", name="Cancel and return €80").click()
    expect(visitor.get_by_text("€80 goes back the way you paid.")).to_be_visible()


def test_declined_card_keeps_the_time_and_another_one_pays(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    hold_a_time(page, demo, day=20, slot=3)
    fill_in_details(page, "declined@example.org")
    page.get_by_role("button", name=re.compile("^Continue")).click()

    pay(page, card="4000 0000 0000 0002")
    expect(page.get_by_text("Your card was declined.")).to_be_visible()
    page.get_by_label("Card number").fill("4242424242424242")
    page.get_by_role("button", name=re.compile("^Pay €")).click()

    wait_for(page, "You are booked with Maya Lindqvist", has_script=True)


def test_time_that_was_taken_meanwhile_shows_the_nearest_ones(demo: Demo, new_page: NewPage) -> None:
    first, second = new_page(), new_page()
    for page in (first, second):
        page.goto(f"{demo.address}/book/maya-lindqvist/?offer=game-review")
        choose_day(page, demo, 8)
    first.locator("button.slot").nth(5).click()
    expect(first.get_by_role("heading", name="Your details")).to_be_visible()

    second.locator("button.slot").nth(5).click()

    expect(second.get_by_text("was just taken")).to_be_visible()
    expect(second.locator("[role=alert] + ul button.slot")).to_have_count(3)
    expect(second.locator("a.day[aria-label*=selected]")).to_be_visible()


def test_time_that_others_take_disappears_while_one_looks(demo: Demo, new_page: NewPage) -> None:
    watching, other = new_page(), new_page()
    watching.clock.install()
    for page in (watching, other):
        page.goto(f"{demo.address}/book/maya-lindqvist/?offer=game-review")
        choose_day(page, demo, 22)
    address = watching.url
    taken = str(watching.locator("button.slot").nth(7).get_attribute("id"))
    watching.locator(f"[id='{taken}']").focus()
    other.locator(f"[id='{taken}']").click()
    expect(other.get_by_role("heading", name="Your details")).to_be_visible()
    expect(watching.locator(f"[id='{taken}']")).to_be_visible()

    watching.clock.fast_forward(31_000)

    expect(watching.locator(f"[id='{taken}']")).to_have_count(0)
    expect(watching.locator("a.day[aria-label*=selected]")).to_be_visible()
    expect(watching.locator("button.slot:focus")).to_have_count(1)
    assert watching.url == address


def test_arrow_keys_move_between_days_with_room(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{demo.address}/book/maya-lindqvist/?offer=game-review")
    month = page.get_by_role("heading", level=2).first.inner_text()
    page.locator("#next-month").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2).first).not_to_have_text(month)
    first = page.locator("a.day").first
    start = int(str(first.get_attribute("id")).removeprefix("day-"))

    first.focus()
    visited = []
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
        visited.append(int(page.evaluate("document.activeElement.id").removeprefix("day-")) - start)
    page.keyboard.press("Enter")
    expect(page.locator("a.day:focus")).to_have_attribute("aria-label", re.compile("selected"))
    page.keyboard.press("PageUp")

    assert visited == [1, 8, 1, 0, 0]
    expect(page.get_by_role("heading", level=2).first).to_have_text(month)
