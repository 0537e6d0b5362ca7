"""Every page is drawn with exactly the context that its own comment asks for, and holds nothing the policy forbids."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.template.backends.django import DjangoTemplates
from tests.web import page_samples
from tests.web.page_samples import PAGES

import greenroom.web

WEB = Path(greenroom.web.__file__).parent
SOURCES = sorted((WEB / "templates").rglob("*.html"))
ERRORS = ("400", "403", "403_csrf", "404", "429", "500")
VOID = {"meta", "link", "input", "br", "hr", "img"}
INLINE = re.compile(r"<style|<script(?![^>]*src=)|\sstyle=|\son[a-z]+=|javascript:|data:|hx-on", re.IGNORECASE)
Draw = Callable[..., str]


class Reader(HTMLParser):
    """Collects what a page links together, and checks that every tag is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.headings: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"for", "form", "popovertarget", "aria-labelledby", "aria-describedby"}:
                self.references += (value or "").split()
            if name == "href" and (value or "").startswith("#"):
                self.references.append((value or "")[1:])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass over the shapes of icons."""

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_well_formed_and_misses_nothing_of_its_context(draw: Draw, name: str) -> None:
    page = draw(name, PAGES[name]())

    reader = Reader(page)
    assert re.findall("!missing:[^!]*!", page) == []
    assert (reader.wrong, reader.open) == ([], [])
    assert [one for one in reader.ids if reader.ids.count(one) > 1] == []
    assert set(reader.references) - set(reader.ids) == set()
    assert reader.headings.count("h1") == (0 if name == "public/booker.html" else 1)


@pytest.mark.parametrize("code", ERRORS)
def test_error_page_needs_no_context_and_no_database(engine: DjangoTemplates, settings: Any, code: str) -> None:
    settings.ROOT_URLCONF = "tests.web.page_urls"

    page = str(engine.get_template(f"{code}.html").render())

    reader = Reader(page)
    assert re.findall("!missing:[^!]*!", page) == []
    assert (reader.wrong, reader.open, reader.headings) == ([], [], ["h1"])


def test_error_page_says_what_the_error_says(draw: Draw) -> None:
    assert "This time can no longer be moved." in draw("400.html", {"message": "This time can no longer be moved."})


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_template_holds_nothing_inline(source: Path) -> None:
    assert INLINE.findall(source.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_template_says_what_it_is_for(source: Path) -> None:
    head = source.read_text(encoding="utf-8").split("\n", 2)[:2]

    assert any(line.startswith("{% comment %}") for line in head)


def test_every_icon_that_templates_name_exists() -> None:
    named = {name for source in SOURCES for name in re.findall(r'\{% icon "([^"]+)"', source.read_text("utf-8"))}

    assert {name for name in named if not (WEB / "icons" / f"{name}.svg").is_file()} == set()


def test_times_are_buttons_of_a_form_that_posts_with_a_token(draw: Draw) -> None:
    page = draw("public/book.html", page_samples.booker())

    form = page[page.index('<form class="times-scroll') : page.index("</form>", page.index("times-scroll"))]
    assert 'method="post"' in form
    assert 'action="/hold/"' in form
    assert "csrfmiddlewaretoken" in form
    assert 'name="duration" value="60"' in form
    assert 'value="2026-12-03T09:00:00Z"' in form


def test_day_links_keep_the_rest_of_the_address(draw: Draw) -> None:
    page = draw("public/book.html", page_samples.booker(), "/book/ilse/?month=2026-11&tz=Asia/Kolkata&h=12")

    assert 'href="?tz=Asia%2FKolkata&amp;h=12&amp;date=2026-12-03"' in page
    assert 'aria-label="Thursday 3 December, 1 time, selected"' in page


def test_rescheduling_asks_with_get_and_moves_with_post(draw: Draw) -> None:
    chosen = {"chosen_starts_at": page_samples.STARTS, "chosen_ends_at": page_samples.ENDS, "choose_url": "/back/"}

    asked = draw("student/reschedule.html", page_samples.reschedule())
    answered = draw("student/reschedule.html", page_samples.reschedule() | chosen | {"chosen_value": "2026-12-03T09"})

    assert 'method="get"' in asked[asked.index("times-scroll") :]
    assert 'name="starts_at" value="2026-12-03T09"' in " ".join(answered.split())
    assert "times-scroll" not in answered


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taken_at": page_samples.STARTS, "alternatives": ()}, "14:30 was just taken"),
        ({"slot_fields": None}, "14:30"),
    ],
)
def test_booker_variants(draw: Draw, changes: dict[str, Any], words: str) -> None:
    assert words in draw("public/booker.html", page_samples.booker() | changes)


def test_booker_without_a_day_points_to_the_soonest(draw: Draw) -> None:
    page = draw("public/booker.html", page_samples.booker(day=None))

    assert "Pick a day to see times" in page
    assert "Soonest: Thu 3 Dec" in page


def test_booker_says_how_many_seats_are_left(draw: Draw) -> None:
    assert "3 seats left" in draw("public/booker.html", page_samples.booker(seats_left=3))


@pytest.mark.parametrize(
    ("state", "words", "refreshes"),
    [
        ("processing", "We are waiting for your payment", True),
        ("pending_approval", "has to say yes", False),
        ("confirmed", "You are booked with Ilse Marchetti", False),
        ("lost", "This time was gone", False),
    ],
)
def test_confirmed_page_states(draw: Draw, state: str, words: str, refreshes: bool) -> None:  # noqa: FBT001 -- a table
    page = draw("public/confirmed.html", page_samples.confirmed() | {"state": state})

    assert words in page
    assert ("data-refresh" in page, 'http-equiv="refresh"' in page) == (refreshes, refreshes)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("early", "Opens"),
        ("preparing", "Your room is being made"),
        ("ready", "Join the room on Discord"),
        ("failed", "We try again every minute."),
        ("over", "the room is closed"),
        ("cancelled", "This session was cancelled"),
    ],
)
def test_session_page_states_only_a_ready_room_has_a_link(draw: Draw, state: str, words: str) -> None:
    page = draw("student/session.html", page_samples.session(state))

    assert words in " ".join(page.split())
    assert ('href="https://discord.example/"' in page) == (state == "ready")


@pytest.mark.parametrize(
    ("state", "words"),
    [("missing", "Connect Discord"), ("checking", "Checking your connection"), ("connected", "Connected as")],
)
def test_discord_card_states(draw: Draw, state: str, words: str) -> None:
    page = draw("public/details.html", page_samples.details() | {"discord": page_samples.discord(state)})

    assert words in page


def test_discord_buttons_send_the_details_form_along(draw: Draw) -> None:
    page = draw("public/details.html", page_samples.details())

    button = page[page.index("Connect Discord") - 900 : page.index("Connect Discord")]
    assert 'form="details-form"' in button
    assert 'formaction="/discord/connect/"' in button


def test_error_summary_links_to_the_fields(draw: Draw) -> None:
    page = draw("public/details.html", page_samples.details())

    assert "4 things need a change" in page
    assert 'href="#id_email"' in page
    assert 'href="#id_way"' in page


def test_hold_can_be_extended_only_once(draw: Draw) -> None:
    used = page_samples.HOLD | {"extend_url": ""}

    assert "Extend once" in draw("public/details.html", page_samples.details())
    assert "Extend once" not in draw("public/details.html", page_samples.details() | {"hold": used})


def test_coach_zone_is_printed_only_when_it_differs(draw: Draw) -> None:
    same = {"coach_tz": page_samples.VIEWER.tz}

    assert "Berlin (GMT+1), where Ilse Marchetti is" in draw("student/manage.html", page_samples.manage())
    assert "where Ilse Marchetti is" not in draw("student/manage.html", page_samples.manage() | same)


def test_what_a_visitor_wrote_is_escaped(draw: Draw) -> None:
    page = draw("student/session.html", page_samples.session() | {"goals": "<script>alert(1)</script>"})

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_banner_stands_only_in_the_sandbox(draw: Draw) -> None:
    words = "Everything outside is simulated"

    assert words in draw("public/home.html", page_samples.directory())
    assert words not in draw("public/home.html", page_samples.directory() | {"sandbox": False})


def test_browser_is_asked_for_its_zone_only_while_the_zone_is_a_guess(draw: Draw) -> None:
    assert "data-zone-guess" not in draw("public/home.html", page_samples.directory())
    assert 'data-zone-guess="Asia/Kolkata"' in draw("public/home.html", page_samples.directory() | {"zone_guess": True})
