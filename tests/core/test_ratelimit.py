from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from tests.factories.clock import MONDAY

from greenroom.core.errors import RateLimitedError
from greenroom.core.models import RateBucket
from greenroom.core.ratelimit import RateLimit, forget, take

Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]
SIGN_IN = RateLimit("sign-in", limit=3, window=timedelta(minutes=1))
SECOND = timedelta(seconds=1)


def _use_up(who: str = "a@example.org") -> None:
    for _ in range(SIGN_IN.limit):
        take(SIGN_IN, who, now=MONDAY)


@pytest.mark.django_db
def test_take_beyond_the_limit_is_refused() -> None:
    _use_up()

    with pytest.raises(RateLimitedError) as caught:
        take(SIGN_IN, "a@example.org", now=MONDAY + 20 * SECOND)

    assert caught.value.retry_after_seconds == 40
    assert RateBucket.objects.get().used == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("passed", "seconds"),
    [
        (timedelta(), 60),
        (timedelta(milliseconds=1), 60),
        (timedelta(seconds=59), 1),
        (timedelta(seconds=59, microseconds=999_999), 1),
    ],
)
def test_take_refused_says_the_whole_seconds_to_wait(passed: timedelta, seconds: int) -> None:
    _use_up()

    with pytest.raises(RateLimitedError) as caught:
        take(SIGN_IN, "a@example.org", now=MONDAY + passed)

    assert caught.value.retry_after_seconds == seconds
    take(SIGN_IN, "a@example.org", now=MONDAY + passed + seconds * SECOND)


@pytest.mark.django_db
def test_window_begins_at_the_first_use_and_starts_anew() -> None:
    take(SIGN_IN, "a@example.org", now=MONDAY)
    take(SIGN_IN, "a@example.org", now=MONDAY + 59 * SECOND)
    assert RateBucket.objects.get().window_ends_at == MONDAY + 60 * SECOND

    take(SIGN_IN, "a@example.org", now=MONDAY + 60 * SECOND)

    bucket = RateBucket.objects.get()
    assert (bucket.used, bucket.window_ends_at) == (1, MONDAY + 120 * SECOND)


@pytest.mark.django_db
def test_limits_of_others_are_their_own() -> None:
    _use_up()

    take(SIGN_IN, "b@example.org", now=MONDAY)
    take(RateLimit("holds", limit=1, window=SECOND), "a@example.org", now=MONDAY)

    assert RateBucket.objects.count() == 3


@pytest.mark.django_db
def test_forget_gives_every_try_back() -> None:
    _use_up()
    _use_up("b@example.org")

    forget(SIGN_IN, "a@example.org")

    _use_up()
    with pytest.raises(RateLimitedError):
        take(SIGN_IN, "b@example.org", now=MONDAY)


@pytest.mark.django_db
def test_address_is_not_stored_in_clear() -> None:
    take(SIGN_IN, "a@example.org", now=MONDAY)
    with override_settings(SECRET_KEY="another key"):
        take(SIGN_IN, "a@example.org", now=MONDAY)

    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM core_ratebucket")
        keys = [key for (key,) in cursor.fetchall()]
    assert len(set(keys)) == 2  # a keyed digest: a list of addresses alone finds nothing
    assert all(len(key) == 64 and "example" not in key for key in keys)


@pytest.mark.parametrize("exists", [False, True])
def test_exactly_the_limit_of_fifty_racers_pass(race: Race, *, exists: bool) -> None:
    rate = RateLimit("race", limit=7, window=timedelta(minutes=1))
    if exists:
        take(rate, "a@example.org", now=MONDAY - timedelta(hours=1))

    results = race([lambda: take(rate, "a@example.org", now=MONDAY)] * 50)

    assert results.count(None) == 7
    assert {type(result) for result in results} == {type(None), RateLimitedError}
    assert RateBucket.objects.get().used == 7
