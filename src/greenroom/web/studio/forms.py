"""Form fields of the studio: times of day, dates, and prices in the units people write."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from greenroom.availability.rules import clock_words
from greenroom.core.instants import parse_date
from greenroom.core.money import Money
from greenroom.notifications.display import EN_DASH
from greenroom.web.zones import clean_zone, zones

_CLOCK = re.compile(r"(\d{1,2})(?:[:.h]?([0-5]\d))?", re.ASCII)
_MINUTES_AN_HOUR = 60
_MIDNIGHT = 24 * _MINUTES_AN_HOUR
_PRICE = re.compile(r"\d{1,9}(?:[.,](\d{1,4}))?", re.ASCII)


class ClockField(forms.CharField):
    """A time of day as minutes after midnight: "09:00", "9", "930" and "24:00" are understood; empty is None."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {
            "class": "input",
            "inputmode": "numeric",
            "autocomplete": "off",
            "placeholder": EN_DASH,
            "size": "5",
        }
        widget = forms.TextInput(attrs=attributes)
        super().__init__(required=False, max_length=5, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return self._minutes(text) if text else None

    def prepare_value(self, value: Any) -> Any:
        return clock_words(value) if isinstance(value, int) else value

    def _minutes(self, text: str) -> int:
        found = _CLOCK.fullmatch(text)
        hours, minutes = (int(found[1]), int(found[2] or 0)) if found else (_MIDNIGHT, 0)
        total = hours * _MINUTES_AN_HOUR + minutes
        if total > _MIDNIGHT:
            raise forms.ValidationError("Write a time such as 09:00 or 17:30.")
        return total


class StartField(ClockField):
    """A time of day at which something starts, which 24:00 is not."""

    def _minutes(self, text: str) -> int:
        minutes = super()._minutes(text)
        if minutes == _MIDNIGHT:
            raise forms.ValidationError("The end of a day is 00:00 of the next one.")
        return minutes


def wall_instant(day: date, minutes: int, tz: str) -> datetime:
    """Return a time of day (minutes after midnight) as an instant, UTC; one that happens twice is the first.

    One that the clocks skip is read with the offset before (RFC 5545, 3.3.5), as in the hours.
    """
    wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz))
    # Wall-clock arithmetic: adding to an aware local time moves the hands, not the instant.
    return (wall + timedelta(minutes=minutes)).astimezone(UTC)


class ZoneField(forms.ChoiceField):
    """A time zone out of all places; old names count as the present ones. `is_blank` begins with none chosen."""

    def __init__(self, *, is_blank: bool = False, **kwargs: Any) -> None:
        errors = {"invalid_choice": "Choose a time zone from the list.", "required": "Choose a time zone."}
        choices = _blank_or_zone_choices if is_blank else _zone_choices
        super().__init__(choices=choices, error_messages=errors, **kwargs)

    def to_python(self, value: Any) -> str:
        return clean_zone(value) or str(value or "")


def _zone_choices() -> list[tuple[str, str]]:
    return [(zone.tz, f"{zone.city}, {zone.country}" if zone.country else zone.city) for zone in zones()]


def _blank_or_zone_choices() -> list[tuple[str, str]]:
    return [("", "Choose a place"), *_zone_choices()]


def price_words(price: Money) -> str:
    """Write a price as people type it: "80", "79.50"."""
    value = Decimal(price.minor).scaleb(-price.exponent)
    return str(value.to_integral_value() if value == value.to_integral_value() else value)


def parse_price(text: str, currency: str) -> int:
    """Read what somebody typed as minor units of a currency. Raises: ValidationError saying what to write."""
    unit = Money(0, currency)
    plain = text.strip().replace(" ", "")
    found = _PRICE.fullmatch(plain)
    if not found:
        raise forms.ValidationError("Write an amount such as 80 or 79.50.")
    # Counted as typed: "1,000" is a thousand to some and one to others, so it is refused where cents have two digits.
    if len(found[1] or "") > unit.exponent:
        decimals = "no decimals" if unit.exponent == 0 else f"{unit.exponent} decimals at most"
        raise forms.ValidationError(f"{currency} has {decimals}.")
    return int(Decimal(plain.replace(",", ".")).scaleb(unit.exponent))


def whole_number(label: str, least: int, most: int, **kwargs: Any) -> forms.IntegerField:
    """Ask for a whole number between two that count, in words that say so."""
    words = f"Write a whole number from {least} to {most}."
    errors = {"invalid": words, "min_value": words, "max_value": words, "required": words}
    widget = forms.TextInput(attrs={"class": "input", "inputmode": "numeric", "autocomplete": "off"})
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, error_messages=errors, widget=widget, **kwargs
    )


class DateField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("error_messages", {})["invalid"] = "Write a date such as 2026-12-24."
        widget = forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, **kwargs)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            return parse_date(value)
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"]) from error
