"""The client against a server that misbehaves: what is repeated, what is waited for, what is reported."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.integrations.discord.faulty_server import FaultyServer, Reply, Seen

from greenroom.integrations.discord.client import DiscordClient
from greenroom.integrations.discord.errors import (
    BadRequest,
    Cap,
    CapacityReached,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Scope,
    Unauthorized,
    Unavailable,
)
from greenroom.integrations.discord.oauth import DiscordOAuth
from greenroom.integrations.discord.protocol import CallOptions
from greenroom.integrations.discord.sender import Sender
from greenroom.integrations.discord.state import CLOSING_ONLY_AT, SLOW_DOWN_AT, STOP_AT, InMemoryBotState
from greenroom.integrations.discord.types import ChannelId, DiscordUserId, GuildId, NewChannel, RoleId

GUILD = GuildId(2)
ROOM = ChannelId(7)
USER = DiscordUserId(9)
CHANNEL = {"id": "7", "type": 2, "name": "session"}
NEW = NewChannel("session")


def limited(seconds: float, *, scope: str = "user", is_global: bool = False) -> Reply:
    headers = {"X-RateLimit-Scope": scope, "Retry-After": str(int(seconds) + 1)}
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": is_global}
    return Reply(429, body, headers)


def test_post_limited_twice_is_waited_out_and_done(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(limited(0.2), limited(0.2), Reply(201, CHANNEL))
    started = time.monotonic()

    channel = bot.create_channel(GUILD, NEW)

    assert channel.id == ROOM
    assert len(server.seen) == 3
    assert time.monotonic() - started >= 0.4


def test_call_limited_again_and_again_gives_up_within_its_budget(server: FaultyServer, bot: DiscordClient) -> None:
    server.respond = lambda _seen: limited(0.01)

    with pytest.raises(RateLimited) as raised:
        bot.get_channel(ROOM)

    assert raised.value.scope is Scope.USER
    assert len(server.seen) == 5


def test_global_limit_is_waited_out_by_every_route(server: FaultyServer, bot: DiscordClient) -> None:
    arrived_at: list[float] = []

    def respond(_seen: Seen) -> Reply:
        arrived_at.append(time.monotonic())
        return Reply(200, CHANNEL)

    server.queue(limited(0.5, scope="global", is_global=True))
    server.respond = respond
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bot.get_channel, ROOM)
        while not server.seen:
            time.sleep(0.005)
        time.sleep(0.1)
        second = pool.submit(bot.delete_channel, ChannelId(8))
        first.result()
        second.result()

    assert len(arrived_at) == 2
    assert min(arrived_at) - started >= 0.5


def test_huge_retry_after_is_reported_at_once_and_exactly(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(limited(101_995.25))

    with pytest.raises(RateLimited) as raised:  # it does not wait for the day to pass
        bot.create_role(GUILD, "Session 1")

    assert raised.value.retry_after == timedelta(seconds=101_995.25)
    assert raised.value.scope is Scope.USER


def test_route_limited_for_long_is_not_asked_again_meanwhile(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(limited(101_995.25))
    with pytest.raises(RateLimited):
        bot.create_role(GUILD, "Session 1")

    with pytest.raises(RateLimited) as raised:
        bot.create_role(GUILD, "Session 1")

    assert raised.value.scope is Scope.PACING
    assert timedelta(seconds=101_990) < raised.value.retry_after <= timedelta(seconds=101_995.25)
    assert len(server.seen) == 1


def test_shared_limit_is_waited_out_and_not_counted(
    server: FaultyServer, bot: DiscordClient, state: InMemoryBotState
) -> None:
    server.queue(limited(0.1, scope="shared"), Reply(200, CHANNEL))

    bot.get_channel(ROOM)

    assert state.status().invalid_count == 0


def test_user_limit_is_counted_as_invalid(server: FaultyServer, bot: DiscordClient, state: InMemoryBotState) -> None:
    server.queue(limited(0.05), Reply(200, CHANNEL))

    bot.get_channel(ROOM)

    assert state.status().invalid_count == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_post_answered_by_a_server_error_is_unknown_and_never_repeated(
    server: FaultyServer, bot: DiscordClient, status: int
) -> None:
    server.queue(Reply(status, b"upstream"))

    with pytest.raises(OutcomeUnknown):
        bot.create_channel(GUILD, NEW)

    assert len(server.seen) == 1


def test_post_dropped_after_it_was_sent_is_unknown_and_never_repeated(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(drop=True))

    with pytest.raises(OutcomeUnknown):
        bot.create_channel(GUILD, NEW)

    assert len(server.seen) == 1


@pytest.mark.parametrize("read_seconds", [0.3])
def test_post_that_hangs_is_unknown_after_the_read_timeout(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(hang=True))
    started = time.monotonic()

    with pytest.raises(OutcomeUnknown):
        bot.create_channel(GUILD, NEW)

    assert len(server.seen) == 1
    assert time.monotonic() - started >= 0.3


def test_post_answered_by_nonsense_is_unknown(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(201, b"<html>"))

    with pytest.raises(OutcomeUnknown):
        bot.create_channel(GUILD, NEW)

    assert len(server.seen) == 1


def test_read_answered_by_nonsense_is_unavailable(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(200, {"name": "no id"}))

    with pytest.raises(Unavailable):
        bot.get_channel(ROOM)


def test_nothing_listens_is_certainly_not_done(server: FaultyServer, bot: DiscordClient) -> None:
    server.close()
    server.close = lambda: None  # type: ignore[method-assign] # the fixture closes again

    with pytest.raises(Unavailable):
        bot.create_channel(GUILD, NEW)

    assert server.seen == []


def test_get_is_repeated_at_most_twice(server: FaultyServer, bot: DiscordClient) -> None:
    server.respond = lambda _seen: Reply(503)

    with pytest.raises(Unavailable):
        bot.get_channel(ROOM)

    assert len(server.seen) == 3


def test_delete_dropped_once_is_repeated_and_done(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(drop=True), Reply(200, CHANNEL))

    bot.delete_channel(ROOM)

    assert server.paths() == ["DELETE /channels/7"] * 2


def test_delete_done_but_unanswered_is_seen_gone_by_its_repetition(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(502), Reply(404, {"message": "Unknown Channel", "code": 10003}))

    with pytest.raises(NotFound) as raised:
        bot.delete_channel(ROOM)

    assert raised.value.discord_code == 10003


def test_patch_lost_then_limited_stays_unknown(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(502), limited(3600))

    with pytest.raises(OutcomeUnknown):
        bot.edit_overwrites(ROOM, ())

    assert len(server.seen) == 2


def test_write_without_time_left_is_not_repeated(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(502))

    with pytest.raises(OutcomeUnknown):
        bot.delete_channel(ROOM, CallOptions(budget=timedelta(milliseconds=50)))

    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(403, {"message": "Missing Permissions", "code": 50013}), Forbidden, 50013),
        (Reply(400, {"message": "Invalid Form Body", "code": 50035}), BadRequest, 50035),
        (Reply(404, {"message": "Unknown Guild", "code": 10004}), NotFound, 10004),
        (Reply(400, {"message": "Maximum number of channels", "code": 30013}), CapacityReached, 30013),
    ],
)
def test_refusal_is_typed_carries_its_code_and_is_not_repeated(
    server: FaultyServer, bot: DiscordClient, reply: Reply, error: type[Forbidden], code: int
) -> None:
    server.queue(reply)

    with pytest.raises(error) as raised:
        bot.create_channel(GUILD, NEW)

    assert raised.value.discord_code == code
    assert len(server.seen) == 1


def test_full_category_is_a_cap(server: FaultyServer, bot: DiscordClient) -> None:
    errors = {"parent_id": {"_errors": [{"code": "CHANNEL_PARENT_MAX_CHANNELS", "message": "full"}]}}
    server.queue(Reply(400, {"message": "Invalid Form Body", "code": 50035, "errors": errors}))

    with pytest.raises(CapacityReached) as raised:
        bot.create_channel(GUILD, NEW)

    assert raised.value.cap is Cap.CATEGORY


def test_refused_token_is_dead_for_everybody_and_nothing_more_is_sent(
    server: FaultyServer, bot: DiscordClient, state: InMemoryBotState
) -> None:
    server.queue(Reply(401, {"message": "401: Unauthorized", "code": 0}))
    with pytest.raises(Unauthorized):
        bot.current_bot()

    with pytest.raises(Unauthorized):
        bot.delete_channel(ROOM)

    assert state.status().is_token_dead
    assert state.status().invalid_count == 1
    assert len(server.seen) == 1


def test_dead_bot_token_leaves_linking_alone(
    server: FaultyServer, sign_in: DiscordOAuth, state: InMemoryBotState
) -> None:
    state.mark_token_dead()
    server.queue(Reply(200, {"id": "9", "username": "sam"}))

    assert sign_in.user_of("token").id == USER


def test_cloudflare_page_stops_everything_for_a_minute(
    server: FaultyServer, bot: DiscordClient, sign_in: DiscordOAuth, state: InMemoryBotState
) -> None:
    server.queue(Reply(429, b"<html>error 1015</html>", {"Retry-After": "30"}))
    with pytest.raises(RateLimited) as raised:
        bot.get_channel(ROOM)

    with pytest.raises(RateLimited) as stopped:
        sign_in.refresh("token")

    assert raised.value.scope is Scope.CLOUDFLARE
    assert raised.value.retry_after == timedelta(seconds=60)
    assert stopped.value.scope is Scope.GLOBAL
    assert timedelta(seconds=59) < state.status().stopped_for <= timedelta(seconds=60)
    assert state.status().invalid_count == 1
    assert len(server.seen) == 1


def test_short_stop_is_waited_out(server: FaultyServer, bot: DiscordClient, state: InMemoryBotState) -> None:
    server.queue(Reply(200, CHANNEL))
    state.stop_all(timedelta(seconds=0.2))
    started = time.monotonic()

    bot.get_channel(ROOM)

    assert time.monotonic() - started >= 0.2


def test_many_refusals_leave_only_closing(server: FaultyServer, bot: DiscordClient, state: InMemoryBotState) -> None:
    for _ in range(CLOSING_ONLY_AT):
        state.record_invalid()

    with pytest.raises(RateLimited) as raised:
        bot.create_channel(GUILD, NEW)
    bot.delete_channel(ROOM)

    assert raised.value.scope is Scope.INVALID_REQUESTS
    assert server.paths() == ["DELETE /channels/7"]


def test_too_many_refusals_stop_closing_too(server: FaultyServer, bot: DiscordClient, state: InMemoryBotState) -> None:
    for _ in range(STOP_AT):
        state.record_invalid()

    with pytest.raises(RateLimited):
        bot.delete_channel(ROOM)

    assert server.seen == []


def test_refusals_slow_everything_down(server: FaultyServer, bot: DiscordClient, state: InMemoryBotState) -> None:
    for _ in range(SLOW_DOWN_AT):
        state.record_invalid()
    started = time.monotonic()

    for number in range(4):
        bot.delete_channel(ChannelId(number))

    assert len(server.seen) == 4
    assert time.monotonic() - started >= 0.55


def test_unused_place_is_given_back(server: FaultyServer, bot: DiscordClient, state: InMemoryBotState) -> None:
    state.stop_all(timedelta(seconds=0.1))
    with pytest.raises(RateLimited):
        bot.get_channel(ROOM, CallOptions(budget=timedelta()))
    server.queue(Reply(200, CHANNEL))
    time.sleep(0.12)

    # Held for ever, the place of the route's first request would let nobody else through.
    assert bot.get_channel(ROOM, CallOptions(budget=timedelta())).id == ROOM


def test_open_transaction_refuses_before_anything_is_sent(
    server: FaultyServer, guarded_bot: Callable[[Callable[[], None]], DiscordClient]
) -> None:
    def guard() -> None:
        raise RuntimeError("commit first")

    with pytest.raises(RuntimeError, match="commit first"):
        guarded_bot(guard).get_channel(ROOM)

    assert server.seen == []


def test_redirect_is_not_followed(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(302, b"", {"Location": f"{server.base_url}/elsewhere"}))

    with pytest.raises(Unavailable):
        bot.create_channel(GUILD, NEW)

    assert len(server.seen) == 1


def test_every_request_names_the_bot_and_carries_the_reason_encoded(server: FaultyServer, bot: DiscordClient) -> None:
    server.queue(Reply(201, CHANNEL))

    bot.create_channel(GUILD, NEW, CallOptions(reason="room=ä gen=1\r\nX: y"))

    headers = server.seen[0].headers
    assert headers["User-Agent"] == "DiscordBot (https://coach.example, 1)"
    assert headers["Authorization"] == "Bot very.secret.token"
    assert headers["X-Audit-Log-Reason"] == "room%3D%C3%A4%20gen%3D1%0D%0AX%3A%20y"
    assert "Cookie" not in headers


def test_secrets_stay_out_of_logs_and_reprs(
    server: FaultyServer,
    bot: DiscordClient,
    sign_in: DiscordOAuth,
    sender: Sender,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 60, "scope": "identify"}
    server.queue(Reply(200, CHANNEL), Reply(200, tokens))

    with caplog.at_level(logging.DEBUG):
        bot.get_channel(ROOM)
        granted = sign_in.exchange_code("code-1", code_verifier="v" * 43)

    shown = caplog.text + repr((bot, sign_in, sender, granted))
    for secret in ("very.secret.token", "client-secret", "access-1", "refresh-1", "code-1", "v" * 43):
        assert secret not in shown


class WindowedRoutes:
    """Counts like Discord: `limit` requests per `window` seconds for a route, 50 a second for everything."""

    def __init__(self, *, limit: int, window: float, tells: bool = True) -> None:
        self.limit, self.window, self.tells = limit, window, tells
        self.started_at: float | None = None
        self.used = 0
        self.refused = 0
        self.recent: deque[float] = deque()
        self.lock = threading.Lock()

    def __call__(self, _seen: Seen) -> Reply:
        with self.lock:
            now = time.monotonic()
            while self.recent and self.recent[0] <= now - 1:
                self.recent.popleft()
            if len(self.recent) >= 50:
                self.refused += 1
                return limited(0.1, scope="global", is_global=True)
            self.recent.append(now)
            return self._count(now)

    def _count(self, now: float) -> Reply:
        if self.started_at is None or now >= self.started_at + self.window:
            self.started_at, self.used = now, 0
        after = self.started_at + self.window - now
        if self.used >= self.limit:
            self.refused += 1
            return limited(after)
        self.used += 1
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.used),
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": "abc",
        }
        return Reply(201, CHANNEL, headers if self.tells else {})


def test_concurrent_creates_in_a_small_bucket_are_never_refused(server: FaultyServer, bot: DiscordClient) -> None:
    routes = WindowedRoutes(limit=5, window=0.5)
    server.respond = routes
    options = CallOptions(budget=timedelta(seconds=20))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bot.create_channel(GUILD, NEW, options), range(20)))

    assert routes.refused == 0
    assert len(server.seen) == 20


@pytest.mark.parametrize("tells", [True, False])
def test_concurrent_puts_stay_below_the_global_limit(server: FaultyServer, bot: DiscordClient, *, tells: bool) -> None:
    routes = WindowedRoutes(limit=1000, window=10, tells=tells)
    server.respond = routes
    options = CallOptions(budget=timedelta(seconds=20))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bot.add_member_role(GUILD, USER, RoleId(3), options), range(100)))

    assert routes.refused == 0
    assert len(server.seen) == 100


def test_unknown_bucket_has_one_request_under_way(server: FaultyServer, bot: DiscordClient) -> None:
    under_way = threading.Semaphore(1)
    overlaps = []

    def respond(_seen: Seen) -> Reply:
        overlaps.append(not under_way.acquire(blocking=False))
        time.sleep(0.1)
        under_way.release()
        return Reply(503)

    server.respond = respond
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(bot.create_channel, GUILD, NEW) for _ in range(3)]
        for call in calls:
            with pytest.raises(OutcomeUnknown):
                call.result()

    assert overlaps == [False] * 3
