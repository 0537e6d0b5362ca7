"""What templates may say: icons, form fields, and times, zones and money as `notifications.display` writes them.

Tags that print a time read `viewer` (a `display.Viewer`) from the context; `tz=` prints for another zone.
"""

import re
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import forms, template
from django.conf import settings
from django.forms import BoundField
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe

from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.web.problems import Problem, problems_of

register = template.Library()

_CLASSES = re.compile(r"[\w\[\]:./ -]*")
# How a widget is drawn, by its input type; anything else is an ordinary one-line input.
_WIDGET_CLASSES = {
    "textarea": "textarea",
    "select": "select",
    "selectmultiple": "select",
    "checkbox": "checkbox",
    "file": "input py-2.5",
}


@register.simple_tag
def icon(name: str, classes: str = "size-4") -> SafeString:
    """Draw a Lucide icon; it inherits colour and says nothing to a screen reader."""
    if not _CLASSES.fullmatch(classes):
        raise ValueError(f"{classes!r} are no CSS classes.")
    # Our own files and checked class names: nothing a visitor wrote can be in here.
    return mark_safe(  # noqa: S308 -- see the line above
        f'<svg class="{classes}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{_drawing(name)}</svg>'
    )


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, *, label: str = "", says_optional: bool = True) -> dict[str, Any]:
    """Draw one form field: label, control, help and error, tied together for assistive software.

    Fields that may stay empty say so, unless a whole form does not need saying it (`says_optional=False`); a box to
    tick never does.
    """
    kind = bound.field.widget.__class__.__name__.lower().removesuffix("input")
    return {
        "field": bound,
        "label": label or bound.label,
        "optional": says_optional and not bound.field.required and kind != "checkbox",
        "control": bound.as_widget(attrs={"class": _WIDGET_CLASSES.get(kind, "input")}),
        "kind": kind,
    }


@register.simple_tag
def plus_tax() -> str:
    """Print "+ VAT 21 %" where tax comes on top of prices; nothing where they include it or there is none."""
    return f"+ {settings.TAX.words}" if settings.TAX and settings.TAX.is_on_top else ""


@register.simple_tag(takes_context=True)
def local_day(context: dict[str, Any], instant: datetime, tz: str = "") -> str:
    """Print "Thursday 3 December 2026"."""
    return display.day_long(display.local(instant, _viewer(context, tz).tz).date())


@register.simple_tag(takes_context=True)
def local_clock(context: dict[str, Any], instant: datetime, tz: str = "") -> str:
    """Print "19:00"; the zone must stand nearby."""
    return display.clock(instant, _viewer(context, tz))


@register.simple_tag(takes_context=True)
def local_hours(context: dict[str, Any], starts_at: datetime, ends_at: datetime, tz: str = "") -> str:
    """Print "19:00 - 20:00"; the zone must stand nearby."""
    return display.hours(starts_at, ends_at, _viewer(context, tz))


@register.simple_tag(takes_context=True)
def local_day_hours(context: dict[str, Any], starts_at: datetime, ends_at: datetime, tz: str = "") -> str:
    """Print "Thu 3 Dec, 19:00 - 20:00"; the zone must stand nearby."""
    viewer = _viewer(context, tz)
    day = display.day_short(display.local(starts_at, viewer.tz).date())
    return f"{day}, {display.hours(starts_at, ends_at, viewer)}"


@register.simple_tag(takes_context=True)
def local_offset(context: dict[str, Any], instant: datetime, tz: str = "") -> str:
    """Print "GMT+1"."""
    return display.offset(instant, _viewer(context, tz).tz)


@register.simple_tag(takes_context=True)
def local_zone(context: dict[str, Any], instant: datetime, tz: str = "") -> str:
    """Print "Berlin (GMT+1)"."""
    viewer = _viewer(context, tz)
    return f"{display.city(viewer.tz)} ({display.offset(instant, viewer.tz)})"


@register.simple_tag(takes_context=True)
def local_interval(context: dict[str, Any], starts_at: datetime, ends_at: datetime, tz: str = "") -> str:
    """Print "Thursday 3 December 2026, 19:00 - 20:00 (Europe/Berlin, GMT+1)"."""
    return display.interval(starts_at, ends_at, _viewer(context, tz))


@register.simple_tag(takes_context=True)
def local_moment(context: dict[str, Any], instant: datetime, tz: str = "") -> str:
    """Print "Thu 3 Dec, 19:00 Berlin time"."""
    return display.moment_short(instant, _viewer(context, tz))


@register.simple_tag(takes_context=True)
def zone_address(context: dict[str, Any], tz: str) -> str:
    """Return the address the visitor is on (or `next_path`, from the zone search) with another time zone."""
    request = context.get("request")
    path = context.get("next_path") or (request.get_full_path() if request else "/")
    return address_with_zone(path, tz)


@register.simple_tag(name="problems_of")
def problems_tag(form: forms.Form) -> list[Problem]:
    """Return what keeps a form from going on, for `components/problems.html`."""
    return problems_of(form)


@register.filter
def money(amount: Money) -> str:
    """Print "€80"."""
    return display.money(amount)


@register.filter
def duration(length: timedelta) -> str:
    """Print "1 hour 30 minutes"."""
    return display.duration(length)


@register.filter
def duration_short(length: timedelta) -> str:
    """Print "1 h 30 min"."""
    return display.duration_short(length)


@register.filter
def day_short(day: date) -> str:
    """Print "Thu 3 Dec"; takes a local date, not an instant."""
    return display.day_short(day)


@register.filter
def day_words(day: date) -> str:
    """Print "Thursday 3 December"; takes a local date, not an instant."""
    return display.day_words(day)


@register.filter
def city(tz: str) -> str:
    """Print "New York" for America/New_York."""
    return display.city(tz)


@register.filter
def countdown(seconds: int) -> str:
    """Print "14:59"."""
    return display.countdown(timedelta(seconds=seconds))


@register.filter
def initials(name: str) -> str:
    """Print "IM" for Ilse Marchetti: the first and last word's first letter."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def address_with_zone(path: str, tz: str) -> str:
    """Return a path of this site with `tz` set in its query; a path that leads elsewhere becomes the home page."""
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        path = "/"
    parts = urlsplit(path)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "tz"]
    return f"{parts.path}?{urlencode([*query, ('tz', tz)], safe='/')}"


def _viewer(context: dict[str, Any], tz: str) -> Viewer:
    viewer: Viewer = context["viewer"]
    return Viewer(tz, viewer.h24) if tz else viewer


@cache
def _drawing(name: str) -> str:
    svg = files("greenroom.web").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")
    return svg.partition(">")[2].rpartition("</svg>")[0]
