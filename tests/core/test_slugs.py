from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, get_resolver, path, re_path, resolve

from greenroom.core.slugs import reserved_words, validate_public_slug


def view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("fresh-page/", view), re_path(r"^Other\.page$", view), path("<slug:coach>/", view), path("", view)]


@pytest.fixture
def forgotten_words() -> Iterator[None]:
    """Read the address table anew, before and after."""
    reserved_words.cache_clear()
    yield
    reserved_words.cache_clear()


def test_every_reserved_word_keeps_a_coach_from_being_shadowed() -> None:
    for word in reserved_words():
        with pytest.raises(ValidationError):
            validate_public_slug(word)


@pytest.mark.parametrize(
    "word",
    ["admin", "api", "book", "booking", "checkout", "coaches", "healthz", "manage", "payments", "readyz", "sandbox"],
)
def test_pages_of_the_site_are_reserved(word: str) -> None:
    assert word in reserved_words()
    with pytest.raises(ValidationError, match=f"“{word}” is an address of this site"):
        validate_public_slug(word)


def test_no_slug_that_may_be_chosen_is_shadowed_by_a_page() -> None:
    """Ask the address table itself: where a free word leads to another page than a coach's, the list has a hole."""
    words = {str(pattern.pattern).strip("^/").split("/")[0] for pattern in get_resolver().url_patterns}
    free = {word for word in words if word.isalnum() and word not in reserved_words()}

    assert free == set()
    found = resolve("/ilse-marchetti/")
    assert found.url_name == "coach"


def test_words_come_from_the_table_of_addresses(settings: object, forgotten_words: None) -> None:  # noqa: ARG001 -- it empties a cache
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]  # pytest-django's settings

    assert {"fresh-page", "other"} <= reserved_words()
    assert "admin" not in reserved_words()
    with pytest.raises(ValidationError):
        validate_public_slug("fresh-page")


def test_well_known_files_are_reserved_before_anything_serves_them() -> None:
    assert {"robots.txt", "favicon.ico", "sitemap.xml", ".well-known", "static", "media"} <= reserved_words()
    with pytest.raises(Resolver404):
        resolve("/no/such/deep/page/")


@pytest.mark.parametrize("slug", ["ilse-marchetti", "a", "7", "a1-b2-c3", "x" * 60, "adminn", "my-admin"])
def test_plain_slugs_may_be_chosen(slug: str) -> None:
    validate_public_slug(slug)


@pytest.mark.parametrize(
    "slug", ["", "-a", "a-", "a--b", "A", "Admin", "a b", "a_b", "ünï", "a\n", "a/b", "a.b", "../a", "\x00"]
)
def test_malformed_slugs_are_refused(slug: str) -> None:
    with pytest.raises(ValidationError, match="small letters, digits and single hyphens"):
        validate_public_slug(slug)
