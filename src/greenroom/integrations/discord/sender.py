"""Sends one request by all the rules: pacing, waiting within a budget, repeating what may be repeated, naming outcomes.

Thread-safe. Waiting is measured on the monotonic clock.
"""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from greenroom.integrations.discord.answers import Limit, error_of, read_limit
from greenroom.integrations.discord.errors import (
    OutcomeUnknown,
    RateLimited,
    RetryableError,
    Scope,
    Unauthorized,
    Unavailable,
)
from greenroom.integrations.discord.pacing import Buckets, RouteKey
from greenroom.integrations.discord.protocol import ORDINARY, CallOptions
from greenroom.integrations.discord.state import CLOSING_ONLY_AT, SLOW_DOWN_AT, STOP_AT, BotState
from greenroom.integrations.discord.transport import Answer, NotSent, Transport, Unanswered

logger = logging.getLogger(__name__)

MAX_REPEATS: Final = 2
# A 429 is certainly not done, so even a POST is sent again after it; more than this in one call is no accident.
MAX_LIMITED: Final = 4
_FIRST_BACKOFF_SECONDS: Final = 0.25
# When invalid answers have stopped us: long enough for a part of the ten-minute window to pass.
_INVALID_STOP: Final = timedelta(seconds=60)
_REFUSALS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Request:
    """One call: the path template with its values, the body, and who asks. Printing it shows no secrets."""

    method: str
    template: str
    values: tuple[int, ...] = ()
    query: str = ""
    content: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    authorization: str = field(kw_only=True, repr=False)
    is_bot: bool = True
    options: CallOptions = ORDINARY

    @property
    def is_read(self) -> bool:
        """Whether the request changes nothing, so that its loss is no riddle."""
        return self.method == "GET"

    @property
    def key(self) -> RouteKey:
        """The first value of a path is the guild or channel that Discord counts by (0 when there is none)."""
        return RouteKey(f"{self.method} {self.template}", self.values[0] if self.values else 0)

    @property
    def path(self) -> str:
        """What follows the base address."""
        return self.template.format(*self.values) + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Timing:
    """The monotonic clock, the sleep and the jitter (0 to 1), replaceable in tests."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = secrets.SystemRandom().random


REAL_TIME = Timing()


class Sender:
    """Sends requests to one Discord API address, for one bot token and the people who linked with its application."""

    def __init__(
        self,
        *,
        base_url: str,
        user_agent: str,
        transport: Transport,
        state: BotState,
        refuse_if_in_transaction: Callable[[], None],
        timing: Timing = REAL_TIME,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._user_agent = user_agent
        self._transport = transport
        self._state = state
        self._refuse_if_in_transaction = refuse_if_in_transaction
        self._timing = timing
        self._buckets = Buckets()

    def __repr__(self) -> str:
        return f"Sender({self._base_url})"

    def send(self, request: Request) -> Answer:
        """Send a request and return its 2xx answer. Raises: every concrete error of `errors`.

        A PermanentError after a repetition speaks of the last attempt.
        """
        self._refuse_if_in_transaction()
        deadline = self._timing.monotonic() + request.options.budget.total_seconds()
        lost: OutcomeUnknown | None = None
        repeats = limited = 0
        while True:
            try:
                outcome = self._attempt(request, deadline)
                if isinstance(outcome, Answer):
                    return outcome
                limited += 1
                self._wait_or_raise(outcome, deadline, is_last=limited > MAX_LIMITED)
            except RetryableError as error:
                if isinstance(error, OutcomeUnknown):
                    lost = error
                if isinstance(error, RateLimited) or not self._may_repeat(request, repeats, deadline):
                    # An earlier attempt may have been done, whatever became of the last one.
                    raise lost or error from error
                repeats += 1

    def _attempt(self, request: Request, deadline: float) -> Answer | Limit:
        self._wait_for_turn(request, deadline)
        headers: Mapping[str, str] = {}
        is_done = False
        try:
            answer = self._transport.send(
                request.method, self._base_url + request.path, self._headers(request), request.content
            )
            headers, is_done = answer.headers, answer.is_success
        except NotSent as error:
            raise Unavailable(f"not sent: {error}") from error
        except Unanswered as error:
            detail = f"no answer: {error}"
            raise (Unavailable(detail) if request.is_read else OutcomeUnknown(detail)) from error
        finally:
            self._buckets.settle(request.key, headers, self._timing.monotonic(), is_done=is_done)
        logger.debug("%s: %s", request.key.route, answer.status)
        return answer if is_done else self._judge(request, answer)

    def _wait_for_turn(self, request: Request, deadline: float) -> None:
        """Return when the request may leave. Raises: RateLimited, Unauthorized."""
        while (wait := self._buckets.admit(request.key, self._timing.monotonic())) > 0:
            self._pause(wait, deadline, Scope.PACING)
        try:
            self._wait_for_place(request, deadline)
        except BaseException:
            # A place that is never given back would close the route for this process.
            self._buckets.give_back(request.key, self._timing.monotonic())
            raise

    def _wait_for_place(self, request: Request, deadline: float) -> None:
        """Return at the moment that is this request's among all of the bot's. Raises: RateLimited, Unauthorized."""
        while True:
            is_slow = self._check_state(request, deadline)
            most_wait = timedelta(seconds=max(0.0, deadline - self._timing.monotonic()))
            wait = self._state.take_place(most_wait, is_slow=is_slow)
            if wait > timedelta():
                self._pause(wait.total_seconds(), deadline, Scope.PACING)
            # Whoever has waited may find that everything was stopped meanwhile; then the place is void.
            if wait == timedelta() or self._state.status().stopped_for <= timedelta():
                return

    def _check_state(self, request: Request, deadline: float) -> bool:
        """Tell whether to go slowly, after waiting for a stop to end. Raises: RateLimited, Unauthorized."""
        while True:
            status = self._state.status()
            if status.is_token_dead and request.is_bot:
                raise Unauthorized("Discord refused the bot token; set a new one")
            limit = STOP_AT if request.options.is_closing else CLOSING_ONLY_AT
            if status.invalid_count >= limit:
                raise RateLimited(_INVALID_STOP, Scope.INVALID_REQUESTS)
            if status.stopped_for <= timedelta():
                return status.invalid_count >= SLOW_DOWN_AT
            self._pause(status.stopped_for.total_seconds(), deadline, Scope.GLOBAL)

    def _pause(self, seconds: float, deadline: float, scope: Scope) -> None:
        if self._timing.monotonic() + seconds > deadline:
            raise RateLimited(timedelta(seconds=seconds), scope)
        self._timing.sleep(seconds)

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {
            "User-Agent": self._user_agent,
            "Accept": "application/json",
            "Authorization": request.authorization,
        }
        if request.content is not None:
            headers["Content-Type"] = request.content_type
        if request.options.reason is not None:
            headers["X-Audit-Log-Reason"] = quote(request.options.reason, safe="")
        return headers

    def _judge(self, request: Request, answer: Answer) -> Limit:
        """Learn from an answer that is no success, for everybody; return a limit, raise anything else."""
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return self._judge_limit(request, answer)
        if answer.status in _REFUSALS:
            self._state.record_invalid()
        error = error_of(answer, is_read=request.is_read, is_bot=request.is_bot)
        if isinstance(error, Unauthorized):
            self._state.mark_token_dead()
            logger.error("Discord refused the bot token; nothing more is sent with it")
        raise error

    def _judge_limit(self, request: Request, answer: Answer) -> Limit:
        limit = read_limit(answer)
        if limit.scope is not Scope.SHARED:
            self._state.record_invalid()
        now, seconds = self._timing.monotonic(), limit.retry_after.total_seconds()
        if limit.scope is Scope.CLOUDFLARE:
            self._state.stop_all(limit.retry_after)
            logger.error("this host is refused by Discord's front for %s", limit.retry_after)
        elif limit.scope is Scope.GLOBAL:
            self._state.stop_all(limit.retry_after)
        else:
            self._buckets.block(request.key, now, seconds)
        return limit

    def _wait_or_raise(self, limit: Limit, deadline: float, *, is_last: bool) -> None:
        seconds = limit.retry_after.total_seconds()
        if is_last or self._timing.monotonic() + seconds > deadline:
            raise RateLimited(limit.retry_after, limit.scope, discord_code=limit.discord_code)
        self._timing.sleep(seconds)

    def _may_repeat(self, request: Request, repeats: int, deadline: float) -> bool:
        """Sleep and say yes when a failed attempt may be made once more. POSTs never: they would create twice."""
        if request.method == "POST" or repeats >= MAX_REPEATS:
            return False
        backoff = _FIRST_BACKOFF_SECONDS * 2**repeats * (0.5 + self._timing.jitter())
        if self._timing.monotonic() + backoff > deadline:
            return False
        self._timing.sleep(backoff)
        return True
