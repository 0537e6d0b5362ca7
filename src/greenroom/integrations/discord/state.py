"""What every sender of one bot token must know of the others: a dead token, a stop, refused requests, whose turn it is.

`BotState` speaks in durations, so that an implementation may keep its own clock. `InMemoryBotState` serves one
process; a shared implementation can stand behind the same protocol.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Protocol

# Discord bans a host after 10,000 answers of 401, 403 or 429 in ten minutes.
INVALID_WINDOW = timedelta(minutes=10)
SLOW_DOWN_AT = 1_000
# Discord allows 50 requests in any second. Evenly spaced, 46 leave in one, and a few may have been late: 50 arrive.
SPACING = timedelta(seconds=1) / 45
# After a thousand invalid answers: at this pace even a bot that is always refused stays below the ban.
SLOW_SPACING = timedelta(seconds=1) / 5
CLOSING_ONLY_AT = 5_000
STOP_AT = 8_000


@dataclass(frozen=True, slots=True)
class BotStatus:
    """The state at one moment. `stopped_for` is zero when nothing is stopped."""

    is_token_dead: bool = False
    stopped_for: timedelta = timedelta()
    invalid_count: int = 0


class BotState(Protocol):
    """Shared facts about one bot token; every method is safe to call from any thread."""

    def status(self) -> BotStatus:
        """Read everything at once; called before every send, so it must be cheap."""
        ...

    def take_place(self, most_wait: timedelta, *, is_slow: bool = False) -> timedelta:
        """Take the next moment at which a request with this token may leave, and return how long it is until then.

        Moments lie `SPACING` apart, after a slow one `SLOW_SPACING`, whoever takes them. None is taken when the next
        is further away than `most_wait`.
        """
        ...

    def mark_token_dead(self) -> None:
        """Remember that Discord refused the token, until an operator replaces it; a second call changes nothing."""
        ...

    def stop_all(self, duration: timedelta) -> None:
        """Send nothing from this host for `duration`; never shortens a stop that already holds."""
        ...

    def record_invalid(self) -> None:
        """Count one answer towards Discord's limit of invalid requests."""
        ...


class InMemoryBotState:
    """A BotState for one process. The dead mark lives as long as the process."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._is_token_dead = False
        self._stopped_until = 0.0
        self._next_place_at = 0.0
        # Bounded: beyond STOP_AT nothing is sent, so that more is never needed.
        self._invalid_at: deque[float] = deque(maxlen=STOP_AT)

    def status(self) -> BotStatus:
        """Read everything at once."""
        with self._lock:
            now = self._monotonic()
            oldest = now - INVALID_WINDOW.total_seconds()
            while self._invalid_at and self._invalid_at[0] <= oldest:
                self._invalid_at.popleft()
            return BotStatus(
                is_token_dead=self._is_token_dead,
                stopped_for=timedelta(seconds=max(0.0, self._stopped_until - now)),
                invalid_count=len(self._invalid_at),
            )

    def take_place(self, most_wait: timedelta, *, is_slow: bool = False) -> timedelta:
        """Take the next moment at which a request may leave."""
        with self._lock:
            now = self._monotonic()
            place_at = max(self._next_place_at, now)
            wait = timedelta(seconds=place_at - now)
            if wait <= most_wait:
                self._next_place_at = place_at + (SLOW_SPACING if is_slow else SPACING).total_seconds()
            return wait

    def mark_token_dead(self) -> None:
        """Remember that Discord refused the token."""
        with self._lock:
            self._is_token_dead = True

    def stop_all(self, duration: timedelta) -> None:
        """Send nothing for `duration`; never shortens a stop that already holds."""
        with self._lock:
            self._stopped_until = max(self._stopped_until, self._monotonic() + duration.total_seconds())

    def record_invalid(self) -> None:
        """Count one answer towards Discord's limit of invalid requests."""
        with self._lock:
            self._invalid_at.append(self._monotonic())
