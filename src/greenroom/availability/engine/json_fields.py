"""Typed reading of one JSON object: every refusal names the field by its path and says what belongs there."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from reprlib import repr as shortened
from typing import Self, TypeVar, cast

from greenroom.availability.engine.instants import find_zone
from greenroom.availability.engine.types import ONE_MINUTE

T = TypeVar("T")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_INSTANT = re.compile(_LOCAL.pattern + r"(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


class ScenarioError(ValueError):
    """A scenario can't be read; the message begins with the path of the field at fault."""


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object and the path at which it stands."""

    values: dict[str, object]
    path: str

    @classmethod
    def of(cls, value: object, path: str, known: frozenset[str] | None = None) -> Self:
        """Wrap a JSON object, refusing names that are not known: a misspelt rule must not be dropped silently.

        Raises: ScenarioError.
        """
        if not isinstance(value, dict):
            raise ScenarioError(f"{path or 'scenario'}: expected an object, found {shortened(value)}")
        fields = cls(cast("dict[str, object]", value), path)
        for name in fields.values:
            if known is not None and name not in known:
                raise ScenarioError(f"{fields.at(name)}: unknown field; known are {', '.join(sorted(known))}")
        return fields

    def at(self, name: str) -> str:
        """Return the full path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not null."""
        return self.values.get(name) is not None

    def refusal(self, name: str, wanted: str) -> ScenarioError:
        """Return the error for a field that is missing or is not what it should be."""
        if name not in self.values:
            return ScenarioError(f"{self.at(name)}: missing; give {wanted}")
        return ScenarioError(f"{self.at(name)}: expected {wanted}, found {shortened(self.values[name])}")

    def require(self, name: str, wanted: str) -> None:
        """Refuse an object in which a field is absent."""
        if name not in self.values:
            raise self.refusal(name, wanted)

    def child(self, name: str, wanted: str, known: frozenset[str] | None = None) -> Self:
        """Return an object that must be there."""
        self.require(name, wanted)
        return self.of(self.values[name], self.at(name), known)

    def text(self, name: str, wanted: str = "a text") -> str:
        """Return a text that must be there."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self.refusal(name, wanted)
        return value

    def zone(self, name: str) -> str:
        """Return the name of a time zone."""
        wanted = "an IANA time zone such as Europe/Paris"
        key = self.text(name, wanted)
        if find_zone(key) is None:
            raise self.refusal(name, wanted)
        return key

    def count(self, name: str, least: int, most: int) -> int:
        """Return a whole number within bounds; `true` and `1.0` are none."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refusal(name, f"a whole number from {least} to {most}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false, or the default when the field is absent or null."""
        value = self.values[name] if self.has(name) else default
        if not isinstance(value, bool):
            raise self.refusal(name, "true or false")
        return value

    def optional_count(self, name: str, most: int) -> int | None:
        """Return a whole number, or None when the field is absent or null."""
        return self.count(name, 0, most) if self.has(name) else None

    def minutes(self, name: str, least: int, most: timedelta) -> timedelta:
        """Return a whole number of minutes as a span."""
        return self.count(name, least, most // ONE_MINUTE) * ONE_MINUTE

    def date(self, name: str) -> date:
        """Return a calendar date, `YYYY-MM-DD`."""
        return self._parsed(name, _DATE, date.fromisoformat, "a date such as 2026-01-31")

    def local(self, name: str) -> datetime:
        """Return a wall-clock time without a zone, `YYYY-MM-DDTHH:MM`."""
        return self._parsed(name, _LOCAL, datetime.fromisoformat, "a local time such as 2026-01-31T09:30")

    def instant(self, name: str) -> datetime:
        """Return an aware instant, `YYYY-MM-DDTHH:MM:SSZ` or with an offset."""
        wanted = "an instant with Z or an offset such as 2026-01-31T09:30:00Z"
        return self._parsed(name, _INSTANT, datetime.fromisoformat, wanted)

    def opening(self, name: str) -> int:
        """Return `HH:MM` as minutes after midnight."""
        return self._parsed(name, _TIME, _minute_of_day, "a time from 00:00 to 23:59")

    def closing(self, name: str) -> int:
        """Return `HH:MM` as minutes after midnight; 24:00 is the end of the day."""
        if self.values.get(name) == "24:00":
            return 24 * 60
        return self._parsed(name, _TIME, _minute_of_day, "a time from 00:00 to 24:00")

    def each(self, name: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
        """Return the items of a list, each read with its own path; an absent list is empty."""
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise self.refusal(name, "a list")
        return tuple(read(item, f"{self.at(name)}[{index}]") for index, item in enumerate(value))

    def _parsed(self, name: str, form: re.Pattern[str], parse: Callable[[str], T], wanted: str) -> T:
        text = self.text(name, wanted)
        # The right form can still be no date: 2027-02-29.
        with suppress(ValueError):
            if form.fullmatch(text):
                return parse(text)
        raise self.refusal(name, wanted)


def _minute_of_day(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
