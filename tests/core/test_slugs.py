from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import override_settings
from django.urls import URLPattern, path, re_path

from greenroom.core.slugs import reserved_words, validate_public_slug

# A table of addresses for the last test.
urlpatterns: list[URLPattern] = [
    path("Prices/<slug:offer>/", HttpResponse),
    re_path(r"^terms/", HttpResponse),
    path("<slug:coach>/", HttpResponse),
    path("", HttpResponse),
]


@pytest.fixture(autouse=True)
def _words_are_read_anew() -> Iterator[None]:
    reserved_words.cache_clear()
    yield
    reserved_words.cache_clear()


@pytest.mark.parametrize("slug", ["ilse-marchetti", "a", "coach7", "7", "a-b-c", "adminton", "heal-thz"])
def test_slug_of_small_letters_is_free(slug: str) -> None:
    validate_public_slug(slug)


@pytest.mark.parametrize("slug", ["", "-", "a-", "-a", "a--b", "A", "a_b", "a.b", "ä", "a b", "a/b", "a\n", "\u0661"])
def test_malformed_slug_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError, match="Use small letters"):
        validate_public_slug(slug)


@pytest.mark.parametrize("slug", ["admin", "api", "healthz", "readyz", "static", "media"])
def test_slug_of_a_page_of_the_site_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError, match="is an address of this site"):
        validate_public_slug(slug)


def test_reserved_words_follow_the_table_of_addresses() -> None:
    with override_settings(ROOT_URLCONF=__name__):
        assert {"prices", "terms", "robots.txt"} <= reserved_words()
        assert not {"", "coach", "slug", "admin"} & reserved_words()
