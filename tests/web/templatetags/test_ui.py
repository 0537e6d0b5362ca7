from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.template.backends.django import DjangoTemplates
from tests.web.page_samples import DetailsForm, EmailForm

from greenroom.core.money import Money
from greenroom.web.templatetags import ui

STARTS = datetime(2026, 12, 3, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW_YORK = "America/New_York"


@pytest.fixture
def write(engine: DjangoTemplates) -> Callable[..., str]:
    """Draw one line of template for a viewer in Berlin."""

    def render(source: str, **context: Any) -> str:
        viewer = ui.Viewer("Europe/Berlin")
        context = {"viewer": viewer, "at": STARTS, "to": STARTS + HOUR} | context
        return str(engine.from_string("{% load ui %}" + source).render(context))

    return render


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% local_day at %}", "Thursday 3 December 2026"),
        ("{% local_clock at %}", "19:00"),
        ("{% local_clock at 'America/New_York' %}", "13:00"),
        ("{% local_hours at to %}", "19:00 \N{EN DASH} 20:00"),
        ("{% local_day_hours at to tz='America/New_York' %}", "Thu 3 Dec, 13:00 \N{EN DASH} 14:00"),
        ("{% local_offset at %}", "GMT+1"),
        ("{% local_zone at %}", "Berlin (GMT+1)"),
        ("{% local_zone at 'America/New_York' %}", "New York (GMT\N{MINUS SIGN}5)"),
        ("{% local_moment at %}", "Thu 3 Dec, 19:00 Berlin time"),
        ("{% local_interval at to %}", "Thursday 3 December 2026, 19:00 \N{EN DASH} 20:00 (Europe/Berlin, GMT+1)"),
    ],
)
def test_time_tags_write_for_the_viewer_or_the_named_zone(write: Callable[..., str], source: str, text: str) -> None:
    assert write(source) == text


@pytest.mark.parametrize(
    ("source", "value", "text"),
    [
        ("{{ x|money }}", Money(8050, "EUR"), "€80.50"),
        ("{{ x|duration }}", timedelta(minutes=90), "1 hour 30 minutes"),
        ("{{ x|duration_short }}", timedelta(minutes=90), "1 h 30 min"),
        ("{{ x|day_short }}", date(2026, 12, 3), "Thu 3 Dec"),
        ("{{ x|day_words }}", date(2026, 12, 3), "Thursday 3 December"),
        ("{{ x|city }}", "America/New_York", "New York"),
        ("{{ x|countdown }}", 872, "14:32"),
        ("{{ x|initials }}", "ilse marchetti", "IM"),
        ("{{ x|initials }}", "Adaeze N. Okonkwo", "AO"),
        ("{{ x|initials }}", "Prince", "P"),
        ("{{ x|initials }}", " ", ""),
    ],
)
def test_filters(write: Callable[..., str], source: str, value: object, text: str) -> None:
    assert write(source, x=value) == text


def test_icon_is_hidden_from_screen_readers_and_takes_classes() -> None:
    drawn = ui.icon("clock", "size-[18px] text-muted")

    assert drawn.startswith('<svg class="size-[18px] text-muted" viewBox="0 0 24 24"')
    assert 'aria-hidden="true"' in drawn
    assert "<circle" in drawn


@pytest.mark.parametrize("classes", ['"><script>', "a'b", "x;y"])
def test_icon_refuses_what_is_no_class(classes: str) -> None:
    with pytest.raises(ValueError, match="no CSS classes"):
        ui.icon("clock", classes)


def test_icon_that_does_not_exist_fails_loudly() -> None:
    with pytest.raises(FileNotFoundError):
        ui.icon("no-such-icon")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/book/ilse/", f"/book/ilse/?tz={NEW_YORK}"),
        ("/book/ilse/?date=2026-12-03&tz=UTC&h=12", f"/book/ilse/?date=2026-12-03&h=12&tz={NEW_YORK}"),
        ("https://evil.example/", f"/?tz={NEW_YORK}"),
        ("//evil.example/", f"/?tz={NEW_YORK}"),
        ("/\\evil.example", f"/?tz={NEW_YORK}"),
        ("javascript:alert(1)", f"/?tz={NEW_YORK}"),
        ("", f"/?tz={NEW_YORK}"),
    ],
)
def test_address_with_zone_keeps_the_page_and_never_leaves_the_site(path: str, address: str) -> None:
    assert ui.address_with_zone(path, NEW_YORK) == address


def test_zone_address_without_a_request_is_the_home_page(write: Callable[..., str]) -> None:
    assert write("{% zone_address 'Asia/Tokyo' %}") == "/?tz=Asia/Tokyo"
    assert write("{% zone_address 'Asia/Tokyo' %}", next_path="/book/x/") == "/book/x/?tz=Asia/Tokyo"


def test_field_ties_label_help_and_error_to_the_control(write: Callable[..., str]) -> None:
    form = EmailForm({"email": "sam@"}, auto_id="id_%s")
    form.fields["email"].help_text = "We write there."

    drawn = write("{% field form.email %}", form=form)

    assert '<label class="field-label" for="id_email">Email</label>' in " ".join(drawn.split())
    assert 'aria-describedby="id_email_helptext id_email_error"' in drawn
    assert 'aria-invalid="true"' in drawn
    assert 'id="id_email_helptext"' in drawn
    assert 'id="id_email_error"' in drawn
    assert 'class="input"' in drawn


def test_field_says_optional_unless_told_otherwise(write: Callable[..., str]) -> None:
    form = DetailsForm()

    assert "Optional" in write("{% field form.goals %}", form=form)
    assert "Optional" not in write("{% field form.goals says_optional=False %}", form=form)
    assert "Optional" not in write("{% field form.wants_reminders %}", form=form)
    assert "Optional" not in write("{% field form.name label='Your name' %}", form=form)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("goals", 'class="textarea"'),
        ("terms", 'class="checkbox"'),
        ("way", 'class="radio" type="radio" id="id_way_1" name="way" value="board"'),
        ("days", 'class="checkbox" type="checkbox" id="id_days_0" name="days" value="mo"'),
    ],
)
def test_field_draws_each_kind_of_control(write: Callable[..., str], name: str, expected: str) -> None:
    drawn = write("{% field bound %}", bound=DetailsForm(auto_id="id_%s")[name])

    assert expected in " ".join(drawn.split())


def test_field_group_keeps_the_choice_and_has_the_id_that_error_links_name(write: Callable[..., str]) -> None:
    form = DetailsForm({"way": "board"}, auto_id="id_%s")

    drawn = " ".join(write("{% field form.way %}", form=form).split())

    assert '<fieldset id="id_way"' in drawn
    assert 'value="board" checked' in drawn
    assert 'value="talk" checked' not in drawn
