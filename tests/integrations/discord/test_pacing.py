import pytest

from greenroom.integrations.discord.pacing import Buckets, RouteKey

ROUTE = RouteKey("POST /guilds/{}/channels", 1)


def answer(*, limit: int = 5, remaining: int = 4, after: float = 1.0, name: str = "abc") -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset-after": str(after),
        "x-ratelimit-bucket": name,
    }


def test_bucket_unknown_admits_one_at_a_time() -> None:
    buckets = Buckets()

    assert buckets.admit(ROUTE, 0.0) == 0
    assert buckets.admit(ROUTE, 0.0) > 0
    buckets.settle(ROUTE, {}, 0.1, is_done=False)
    assert buckets.admit(ROUTE, 0.1) == 0


def test_bucket_known_admits_what_remains_then_waits_for_the_reset() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(remaining=2), 0.0, is_done=True)

    assert [buckets.admit(ROUTE, 0.0) for _ in range(3)] == [0, 0, pytest.approx(1.05)]


def test_bucket_after_its_reset_admits_the_limit_less_what_is_under_way() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(limit=2, remaining=1), 0.0, is_done=True)
    assert buckets.admit(ROUTE, 0.0) == 0

    assert buckets.admit(ROUTE, 2.0) == 0
    assert buckets.admit(ROUTE, 2.0) > 0


def test_bucket_answers_that_overtake_each_other_never_raise_the_count() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(remaining=4), 0.0, is_done=True)
    for _ in range(3):
        assert buckets.admit(ROUTE, 0.0) == 0
    for remaining in (1, 2, 3):
        buckets.settle(ROUTE, answer(remaining=remaining), 0.1, is_done=True)

    assert buckets.admit(ROUTE, 0.1) == 0
    assert buckets.admit(ROUTE, 0.1) > 0


def test_bucket_takes_over_the_next_window_when_an_answer_tells_of_it() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(limit=3, remaining=2, after=1.0), 0.0, is_done=True)
    for _ in range(2):
        assert buckets.admit(ROUTE, 1.02) == 0
    # Discord's window ended at 1.0 and the next began; ours would have ended at 1.05.
    buckets.settle(ROUTE, answer(limit=3, remaining=2, after=1.0), 1.03, is_done=True)

    assert buckets.admit(ROUTE, 1.04) == 0
    assert buckets.admit(ROUTE, 1.04) == pytest.approx(1.04)


def test_bucket_answer_of_a_window_that_is_over_is_ignored() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(limit=2, remaining=1, after=1.0), 0.0, is_done=True)
    assert buckets.admit(ROUTE, 0.9) == 0
    assert buckets.admit(ROUTE, 1.1) == 0
    buckets.settle(ROUTE, answer(limit=2, remaining=0, after=0.0), 1.2, is_done=True)

    # Were it believed, the window would seem to end now, and to be followed by a full one.
    assert 0 < buckets.admit(ROUTE, 1.3) < 0.1


def test_bucket_whose_new_window_lost_every_answer_probes_again() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(limit=1, remaining=0), 0.0, is_done=True)
    assert buckets.admit(ROUTE, 2.0) == 0
    assert buckets.admit(ROUTE, 2.0) > 0
    buckets.settle(ROUTE, {}, 2.1, is_done=False)

    assert buckets.admit(ROUTE, 2.1) == 0


def test_bucket_answer_without_limits_shows_that_there_are_none() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, {"date": "today"}, 0.0, is_done=True)

    assert [buckets.admit(ROUTE, 0.0) for _ in range(50)] == [0] * 50


def test_bucket_that_shows_limits_later_is_held_to_them() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, {}, 0.0, is_done=True)
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(limit=2, remaining=1), 0.0, is_done=True)

    assert buckets.admit(ROUTE, 0.0) == 0
    assert buckets.admit(ROUTE, 0.0) > 0


def test_bucket_malformed_limits_are_ignored() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer() | {"x-ratelimit-limit": "many"}, 0.0, is_done=True)

    assert [buckets.admit(ROUTE, 0.0) for _ in range(9)] == [0] * 9


def test_bucket_shared_by_two_routes_is_counted_once() -> None:
    buckets = Buckets()
    other = RouteKey("PATCH /channels/{}", 1)
    for route in (ROUTE, other):
        buckets.admit(route, 0.0)
        buckets.settle(route, answer(limit=3, remaining=1), 0.0, is_done=True)

    assert buckets.admit(ROUTE, 0.0) == 0
    assert buckets.admit(other, 0.0) > 0


def test_bucket_of_another_guild_is_its_own() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(remaining=0), 0.0, is_done=True)

    assert buckets.admit(RouteKey(ROUTE.route, 2), 0.0) == 0


def test_bucket_renamed_while_another_request_is_under_way_stays_usable() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(remaining=4), 0.0, is_done=True)
    buckets.admit(ROUTE, 0.0)
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(remaining=3, name="new"), 0.1, is_done=True)
    buckets.settle(ROUTE, answer(remaining=2, name="new"), 0.1, is_done=True)

    assert buckets.admit(ROUTE, 0.1) == 0


def test_bucket_blocked_admits_nobody_until_the_end() -> None:
    buckets = Buckets()
    buckets.block(ROUTE, 0.0, 5.0)

    assert buckets.admit(ROUTE, 1.0) == 4.0
    assert buckets.admit(ROUTE, 5.0) == 0


def test_bucket_place_given_back_can_be_taken_again() -> None:
    buckets = Buckets()
    buckets.admit(ROUTE, 0.0)
    buckets.settle(ROUTE, answer(remaining=1), 0.0, is_done=True)
    buckets.admit(ROUTE, 0.0)
    buckets.give_back(ROUTE, 0.0)

    assert buckets.admit(ROUTE, 0.0) == 0


def test_buckets_of_deleted_rooms_are_forgotten_but_blocked_ones_kept() -> None:
    buckets = Buckets()
    for major in range(2_000):
        key = RouteKey("DELETE /channels/{}", major)
        buckets.admit(key, 0.0)
        buckets.settle(key, answer(remaining=0, after=1.0), 0.0, is_done=True)
    buckets.block(RouteKey("DELETE /channels/{}", 5), 0.0, 100.0)

    buckets.admit(RouteKey("DELETE /channels/{}", 2_000), 50.0)

    assert len(buckets._buckets) == 2  # noqa: SLF001 -- what is forgotten shows nowhere else
    assert buckets.admit(RouteKey("DELETE /channels/{}", 5), 50.0) == 50.0
