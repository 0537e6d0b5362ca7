import re
from collections.abc import Iterable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.factories.serving import running_server
from tests.journeys.conftest import DESKTOP, PHONE, Demo, NewPage
from tests.journeys.steps import sign_in, violations

COACH = "tomas-rivera"
MONDAY, TUESDAY, WEDNESDAY, FRIDAY, SATURDAY = 1, 2, 3, 5, 6
SAVED = "Your weekly hours are saved."
Row = tuple[int, str, str]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Serve a demo for these journeys alone: they change the hours in which others book."""
    with running_server() as address:
        yield Demo(address)


def write_week(page: Page, rows: Iterable[Row]) -> None:
    """Replace the week by at most one row a day, through the form alone."""
    for box in page.locator("[data-rows] input[type=text]").all():
        box.fill("")
    for day, start, end in rows:
        page.locator(f"#id_day{day}-0-start").fill(start)
        page.locator(f"#id_day{day}-0-end").fill(end)


def open_week(page: Page, demo: Demo, *rows: Row) -> None:
    """Open the page of a coach who has saved just these hours."""
    sign_in(page, demo, COACH.partition("-")[0])
    page.goto(f"{demo.address}/studio/schedule/")
    write_week(page, rows)
    save(page)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save weekly hours").click()
    expect(page.get_by_text(SAVED)).to_be_visible()


def stored(page: Page, demo: Demo) -> list[Row]:
    """Return what the database holds, as the API reads it: ISO weekday, start and end."""
    answer = page.request.get(f"{demo.address}/api/v1/availability/windows?userId={COACH}").json()
    return sorted((row["dayOfWeek"] or 7, row["startTime"], row["endTime"]) for row in answer["items"])


def block(page: Page, words: str) -> Locator:
    return page.locator(f"article[aria-label='{words}']")


def point(page: Page, day: int, clock: str, nudge: float = 4) -> tuple[float, float]:
    """Return where a time of a day is drawn: `nudge` pixels into its quarter of an hour, which is ten high."""
    hours, minutes = (int(part) for part in clock.split(":"))
    cell = page.locator(".ec-body .ec-day").nth(day - 1).bounding_box()
    assert cell is not None
    return cell["x"] + cell["width"] / 2, cell["y"] + (hours + minutes / 60) * cell["height"] / 24 + nudge


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    page.mouse.up()


def test_coach_draws_moves_and_resizes_hours_with_the_mouse(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    open_week(page, demo, (MONDAY, "09:00", "12:00"), (TUESDAY, "10:00", "16:00"), (SATURDAY, "10:00", "11:00"))
    expect(page.locator("article.ec-event")).to_have_count(3)
    page.locator(".ec-main").scroll_into_view_if_needed()

    drag(page, point(page, WEDNESDAY, "13:00"), point(page, WEDNESDAY, "14:45"))
    expect(page.locator("[data-week-grid] [role=status]")).to_have_text("Added: Wednesday 13:00 to 15:00")
    drag(page, point(page, MONDAY, "10:00"), point(page, FRIDAY, "11:30"))
    expect(block(page, "Friday 10:30 to 13:30")).to_be_focused()
    drag(page, point(page, TUESDAY, "15:45", 7), point(page, TUESDAY, "17:00"))
    drag(page, point(page, TUESDAY, "10:00"), point(page, TUESDAY, "09:30"))
    drag(page, point(page, WEDNESDAY, "09:00"), point(page, WEDNESDAY, "13:30"))
    block(page, "Saturday 10:00 to 11:00").hover()
    page.get_by_role("button", name="Remove Saturday 10:00 to 11:00").click()
    before = stored(page, demo)
    save(page)

    # What is drawn can't cover what is there: the stroke on Wednesday stopped where the afternoon begins.
    drawn = [(2, "09:30", "17:15"), (3, "09:00", "13:00"), (3, "13:00", "15:00"), (5, "10:30", "13:30")]
    assert before == [(1, "09:00", "12:00"), (2, "10:00", "16:00"), (6, "10:00", "11:00")]
    assert stored(page, demo) == drawn
    expect(page.locator("article.ec-event")).to_have_count(len(drawn))


def test_coach_moves_stretches_and_removes_hours_by_keyboard(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    open_week(page, demo, (MONDAY, "09:05", "12:00"), (TUESDAY, "10:00", "16:00"), (SATURDAY, "22:00", "24:00"))
    said = page.locator("[data-week-grid] [role=status]")

    block(page, "Monday 09:05 to 12:00").focus()
    for key, words in (
        ("ArrowDown", "Monday 09:15 to 12:15"),
        ("ArrowRight", "Wednesday 09:15 to 12:15"),
        ("ArrowUp", "Wednesday 09:00 to 12:00"),
        ("Shift+ArrowDown", "Wednesday 09:00 to 12:15"),
        ("ArrowLeft", "Monday 09:00 to 12:15"),
    ):
        page.keyboard.press(key)
        expect(said).to_have_text(words)
        expect(block(page, words)).to_be_focused()
    page.keyboard.press("Tab")
    expect(block(page, "Tuesday 10:00 to 16:00")).to_be_focused()
    page.keyboard.press("Delete")
    expect(said).to_have_text("Removed: Tuesday 10:00 to 16:00")
    expect(block(page, "Saturday 22:00 to 24:00")).to_be_focused()
    page.keyboard.press("ArrowRight")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowDown")
    expect(block(page, "Sunday 22:00 to 01:30 on Monday")).to_be_focused()
    expect(page.locator("article.ec-event[aria-hidden]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Sunday: from")).to_be_focused()
    save(page)

    assert stored(page, demo) == [(1, "09:00", "12:15"), (7, "22:00", "01:30")]


def test_coach_switches_hours_off_and_sees_it_in_the_grid(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    open_week(page, demo, (MONDAY, "09:00", "12:00"), (TUESDAY, "09:00", "12:00"))

    page.get_by_label("Monday: switched off").focus()
    page.keyboard.press("Space")
    off = block(page, "Monday 09:00 to 12:00, switched off")
    off.focus()
    page.keyboard.press("ArrowLeft")
    expect(block(page, "Sunday 09:00 to 12:00, switched off")).to_be_focused()
    expect(page.get_by_label("Sunday: switched off")).to_be_checked()
    expect(page.get_by_label("Monday: switched off")).not_to_be_checked()
    save(page)

    expect(page.get_by_label("Sunday: switched off")).to_be_checked()
    items = page.request.get(f"{demo.address}/api/v1/availability/windows?userId={COACH}").json()["items"]
    assert {row["dayOfWeek"]: row["isActive"] for row in items} == {2: True, 0: False}
    page.get_by_label("Sunday: switched off").uncheck(force=True)
    save(page)


def test_grid_follows_what_is_written_and_copied_in_the_form(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    open_week(page, demo, (MONDAY, "09:00", "12:00"))
    page.get_by_label("Tuesday: from").fill("20h00")
    page.get_by_label("Tuesday: until").fill("0130")
    expect(block(page, "Tuesday 20:00 to 01:30 on Wednesday")).to_be_visible()
    page.get_by_label("Tuesday: until").fill("late")
    expect(page.locator("article.ec-event")).to_have_count(1)

    page.locator(".ec-main").scroll_into_view_if_needed()
    drag(page, point(page, MONDAY, "14:00"), point(page, MONDAY, "14:45"))
    page.get_by_role("button", name="Remove Monday, row 1").click()

    expect(page.get_by_label("Monday: from")).to_have_value("14:00")
    expect(block(page, "Monday 14:00 to 15:00")).to_be_visible()
    expect(page.get_by_label("Tuesday: until")).to_have_value("late")


def test_coach_writes_hours_without_script(demo: Demo, new_page: NewPage) -> None:
    page = new_page(has_script=False)
    open_week(page, demo, (MONDAY, "09:00", "12:00"))
    expect(page.locator("[data-week-grid]")).to_be_hidden()

    page.get_by_role("button", name="Add hours on Monday").click()
    page.get_by_label("Monday, row 2: from").fill("14")
    page.get_by_label("Monday, row 2: until").fill("18")
    save(page)

    assert stored(page, demo) == [(1, "09:00", "12:00"), (1, "14:00", "18:00")]


@pytest.mark.parametrize(("scheme", "viewport"), [("dark", DESKTOP), ("light", PHONE)])
def test_schedule_page_keeps_still_and_has_no_accessibility_violations(
    demo: Demo, new_page: NewPage, axe: str, scheme: str, viewport: dict[str, int]
) -> None:
    page = new_page(scheme=scheme, viewport=viewport)
    open_week(page, demo, (MONDAY, "09:00", "12:00"))
    page.reload(wait_until="networkidle")

    grid = page.locator("[data-week-grid]")
    (expect(grid).to_be_visible if viewport == DESKTOP else expect(grid).to_be_hidden)()
    shift = page.evaluate(
        """new Promise((done) => {
          new PerformanceObserver((list) => done(list.getEntries().reduce((sum, one) => sum + one.value, 0)))
            .observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(0), 500);
        })"""
    )
    assert shift < 0.01
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page, axe) == []


def test_only_the_schedule_page_loads_the_grid(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    sign_in(page, demo, COACH.partition("-")[0])
    for path in ("/studio/", "/studio/offers/", f"/book/{COACH}/"):
        page.goto(f"{demo.address}{path}", wait_until="networkidle")

    assert [url for url in loaded if re.search(r"/schedule-[^/]*\.js", url)] == []
    page.goto(f"{demo.address}/studio/schedule/", wait_until="networkidle")
    assert len([url for url in loaded if re.search(r"/schedule-[^/]*\.js", url)]) == 1


def test_preview_follows_the_hours_before_they_are_saved(demo: Demo, new_page: NewPage, axe: str) -> None:
    page = new_page(viewport=PHONE)
    open_week(page, demo, *((day, "09:00", "17:00") for day in range(1, 8)))
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Guitar lesson, 45 minutes:")
    expect(preview).not_to_contain_text("20:30")
    before = stored(page, demo)

    write_week(page, [(day, "20:30", "22:00") for day in range(1, 8)])
    expect(preview).to_contain_text("20:30")
    expect(preview).to_contain_text("New York time")
    page.get_by_label("Offer", exact=True).select_option(label="First meeting")
    expect(preview).to_contain_text("First meeting, 15 minutes:")
    page.get_by_label("Tuesday: until").fill("late")
    expect(preview).to_contain_text("Tuesday: until: Write a time such as 09:00 or 17:30.")
    expect(page.get_by_label("Tuesday: until")).to_be_focused()
    assert violations(page, axe) == []

    assert stored(page, demo) == before


def test_preview_follows_what_is_drawn(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    open_week(page, demo, *((day, "20:30", "22:00") for day in range(1, 8)))
    preview = page.locator("#preview")
    expect(preview).not_to_contain_text("09:00")

    page.locator(".ec-main").scroll_into_view_if_needed()
    for day in (MONDAY, WEDNESDAY):
        drag(page, point(page, day, "09:00"), point(page, day, "10:45"))

    expect(preview).to_contain_text("09:00")


def test_preview_is_asked_for_with_a_button_without_script(demo: Demo, new_page: NewPage) -> None:
    page = new_page(has_script=False)
    open_week(page, demo, (MONDAY, "09:00", "12:00"))
    before = stored(page, demo)

    write_week(page, [(day, "20:30", "22:00") for day in range(1, 8)])
    page.get_by_role("button", name="Preview").click()

    expect(page.locator("#preview")).to_contain_text("20:30")
    expect(page.locator("#id_day3-0-start")).to_have_value("20:30")
    assert stored(page, demo) == before
