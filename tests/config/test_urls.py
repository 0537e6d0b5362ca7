"""The table of addresses, and the words that no coach may take because of it."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import get_resolver
from tests.factories.bookings import make_coach

from greenroom.core.slugs import reserved_words


def fixed_words() -> list[str]:
    """Return the first segment of every address whose first segment is fixed."""
    words = (str(pattern.pattern).lstrip("^").split("/", 1)[0] for pattern in get_resolver().url_patterns)
    return sorted({word for word in words if word and "<" not in word})


def test_only_the_last_two_addresses_begin_with_a_coach() -> None:
    patterns = [str(pattern.pattern) for pattern in get_resolver().url_patterns]

    assert (
        [one for one in patterns if one.startswith("<")]
        == patterns[-2:]
        == [
            "<slug:coach>/",
            "<slug:coach>/<slug:offer>/",
        ]
    )


def test_every_fixed_word_is_reserved() -> None:
    assert set(fixed_words()) <= reserved_words()
    assert {"book", "booking", "checkout", "manage", "session", "sandbox", "studio", "admin", "api"} <= set(
        fixed_words()
    )


@pytest.mark.django_db
@pytest.mark.parametrize("word", fixed_words())
def test_no_coach_can_stand_at_a_word_of_the_site(word: str) -> None:
    coach = make_coach("maya")
    coach.slug = word

    with pytest.raises(ValidationError) as refused:
        coach.full_clean()

    assert set(refused.value.message_dict) == {"slug"}
