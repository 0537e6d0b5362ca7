"""Slugs that people choose for their public address, and the words they may not choose."""

import re
from functools import cache

from django.core.exceptions import ValidationError
from django.urls import URLPattern, URLResolver, get_resolver

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_LITERAL = re.compile(r"\^?([a-z0-9][a-z0-9_.-]*)", re.IGNORECASE)
# Files that browsers and crawlers ask for at the root, whether or not an address serves them yet.
_WELL_KNOWN = frozenset({"robots.txt", "favicon.ico", "sitemap.xml", ".well-known", "static", "media"})


@cache
def reserved_words() -> frozenset[str]:
    """Return the first segment of every fixed address of the site: no coach can be reached at one of them."""
    return _WELL_KNOWN | {word for word in map(_first_segment, get_resolver().url_patterns) if word}


def validate_public_slug(slug: str) -> None:
    """Refuse a slug that is malformed or shadowed by a page of the site.

    Raises: ValidationError that says what to do.
    """
    if not _SLUG.match(slug):
        raise ValidationError("Use small letters, digits and single hyphens, such as ilse-marchetti.")
    if slug in reserved_words():
        raise ValidationError(f"“{slug}” is an address of this site. Choose another one.")


def _first_segment(pattern: URLPattern | URLResolver) -> str:
    found = _LITERAL.match(str(pattern.pattern))
    return found.group(1).lower() if found else ""
