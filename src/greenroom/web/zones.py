"""The world's time zones as a person looks for them: by city, country, an old name, or an offset.

The list is tzdata's `zone.tab`: one row for each place people name. Names that `tzdata` only keeps as links
("Asia/Calcutta", "US/Pacific") are understood and answered with the present name. Nothing here reads the clock.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files

from greenroom.notifications import display
from greenroom.notifications.display import Viewer

MOST_ROWS = 40
UTC = "UTC"
# One well-known place for most offsets, shown before anything is typed.
WELL_KNOWN = (
    "Pacific/Honolulu", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York",
    "America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Africa/Cairo", "Asia/Dubai", "Asia/Kolkata",
    "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
_SAME_AS_UTC = ("Etc/UTC", "Etc/GMT")
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII)
_NOT_A_WORD = re.compile(r"[\s/_,.-]+")


@dataclass(frozen=True, slots=True)
class Zone:
    """One place with a clock of its own. `names` are all words it can be found by, normalised."""

    tz: str
    country: str
    names: str

    @property
    def city(self) -> str:
        """The place's name as people write it."""
        return display.city(self.tz)


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """One line of the zone list: "Berlin, Germany - GMT+1 - 10:00"."""

    tz: str
    city: str
    country: str
    offset: str
    time: str


def clean_zone(raw: object) -> str | None:
    """Return the present IANA name for what a browser, cookie or address sent, or None when it names no zone."""
    if not isinstance(raw, str) or raw not in _known_names():
        return None
    return _links().get(raw, raw)


def choose_zone(*candidates: object, default: str) -> str:
    """Return the first candidate that names a zone: address, cookie, browser, coach, in that order."""
    cleaned = (clean_zone(candidate) for candidate in candidates)
    return next((tz for tz in cleaned if tz), default)


def zone_rows(query: str, viewer: Viewer, now: datetime) -> list[ZoneRow]:
    """Return what the zone list shows for a search: at most forty rows, best first; well-known places for none.

    `now` decides the offsets and the times of day; `viewer` decides the clock's form and is always the first row of
    the list that nothing was typed for.
    """
    words = _normal(query)
    names = _search(words, query, now) if words else _suggestions(viewer.tz, now)
    return [_row(tz, viewer, now) for tz in names[:MOST_ROWS]]


@lru_cache(maxsize=1)
def zones() -> tuple[Zone, ...]:
    """Return every place, ordered by city, with UTC last."""
    links: dict[str, list[str]] = {}
    for old, present in _links().items():
        links.setdefault(present, []).append(old)
    places = [
        Zone(tz, country, _normal(" ".join((display.city(tz), country, tz, *links.get(tz, ())))))
        for tz, country in _places()
    ]
    return (*sorted(places, key=lambda place: place.city), Zone(UTC, "", "utc gmt universal zulu"))


def _suggestions(tz: str, now: datetime) -> list[str]:
    others = [name for name in WELL_KNOWN if name != tz]
    ordered = sorted((tz, *others), key=lambda name: (display.local(now, name).utcoffset(), name != tz))
    return [tz, *(name for name in ordered if name != tz)]


def _search(words: str, query: str, now: datetime) -> list[str]:
    wanted = _asked_offset(query)
    if wanted:
        return [place.tz for place in zones() if display.offset(now, place.tz) == wanted]
    ranked = [(rank, place.tz) for place in zones() if (rank := _rank(place, words)) is not None]
    return [tz for _, tz in sorted(ranked, key=lambda pair: pair[0])]


def _rank(place: Zone, words: str) -> int | None:
    """A place or country of that name comes first, then what begins with it, then any match; None is no match."""
    if words in {_normal(place.city), _normal(place.country)}:
        return 0
    if place.names.startswith(words):
        return 1
    if f" {words}" in place.names:
        return 2
    return 3 if all(word in place.names for word in words.split()) else None


def _asked_offset(query: str) -> str | None:
    """Read "utc+2", "GMT-5:30" or "+2" and write it as the list does; None when it is no offset."""
    plain = query.strip().casefold().replace(display.MINUS, "-")
    match = _OFFSET.fullmatch(plain)
    if not match:
        return None
    sign, whole, minutes = match.groups()
    rest = f":{minutes}" if minutes and int(minutes) else ""
    if int(whole) == 0 and not rest:
        return "GMT"
    return f"GMT{'+' if sign == '+' else display.MINUS}{int(whole)}{rest}"


def _row(tz: str, viewer: Viewer, now: datetime) -> ZoneRow:
    time = display.clock(now, Viewer(tz, viewer.h24))
    return ZoneRow(tz, display.city(tz), _countries().get(tz, ""), display.offset(now, tz), time)


def _normal(text: str) -> str:
    """Fold case, accents and separators, so that "sao paulo" finds America/Sao_Paulo."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NOT_A_WORD.sub(" ", plain).strip()


@lru_cache(maxsize=1)
def _known_names() -> frozenset[str]:
    """Take the names from tzdata itself: the machine's folder also has "localtime", which says nothing."""
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(names) - {"Factory"}


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    return dict(_places())


def _places() -> Iterator[tuple[str, str]]:
    countries = dict(line.split("\t", 1) for line in _table("iso3166.tab"))
    for line in _table("zone.tab"):
        code, _, tz = line.split("\t")[:3]
        yield tz, countries[code]


@lru_cache(maxsize=1)
def _links() -> dict[str, str]:
    """Old name -> the place it means. A link whose own name is a place ("Europe/Stockholm") is no old name."""
    places = {tz for tz, _ in _places()}
    pairs = [line.split()[1:3] for line in _table("tzdata.zi") if line.startswith("L ")]
    links = {old: present for present, old in pairs if old not in places} | dict.fromkeys(_SAME_AS_UTC, UTC)
    del links[UTC]
    return {old: UTC if present in _SAME_AS_UTC else present for old, present in links.items()}


def _table(name: str) -> list[str]:
    text = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
