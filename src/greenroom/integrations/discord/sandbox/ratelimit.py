"""Counts requests as Discord does: per route and guild or channel, and 50 a second for the bot altogether.

Windows are short and live in memory, on the monotonic clock: after a restart they are all fresh. The limits are
observations, Discord publishes none: about 10 edits of a channel in 15 seconds; the rest is generous.
"""

import hashlib
import time
from collections import deque
from dataclasses import dataclass
from threading import Lock

from greenroom.core import clock
from greenroom.integrations.discord.sandbox.errors import LimitedError

GLOBAL_PER_SECOND = 50
_MOST_WINDOWS = 2_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    count: int
    seconds: float


ORDINARY = Limit(100, 1.0)
LIMITS = {"PATCH channels/{channel_id}": Limit(10, 15.0)}


@dataclass(slots=True)
class _Window:
    ends_at: float
    used: int = 0


class Windows:
    """The open windows of one process; safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[tuple[str, int], _Window] = {}
        self._recent: deque[float] = deque()

    def count(self, route: str, major: int) -> dict[str, str]:
        """Count one request and return its headers. Raises: LimitedError, when it is one too many."""
        now = time.monotonic()
        limit = LIMITS.get(route, ORDINARY)
        with self._lock:
            self._count_globally(now)
            window = self._window(route, major, limit, now)
            if window.used >= limit.count:
                raise LimitedError(window.ends_at - now)
            window.used += 1
            return headers(route, limit, limit.count - window.used, window.ends_at - now)

    def forget(self) -> None:
        """Start every window anew."""
        with self._lock:
            self._windows.clear()
            self._recent.clear()

    def _count_globally(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= GLOBAL_PER_SECOND:
            raise LimitedError(self._recent[0] + 1 - now, is_global=True)
        self._recent.append(now)

    def _window(self, route: str, major: int, limit: Limit, now: float) -> _Window:
        if len(self._windows) >= _MOST_WINDOWS:
            self._windows = {key: window for key, window in self._windows.items() if window.ends_at > now}
        window = self._windows.get((route, major))
        if window is None or window.ends_at <= now:
            window = self._windows[route, major] = _Window(now + limit.seconds)
        return window


WINDOWS = Windows()


def headers(route: str, limit: Limit, remaining: int, reset_after: float) -> dict[str, str]:
    """Write the rate limit headers of an answer."""
    return {
        "X-RateLimit-Limit": str(limit.count),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{clock.now().timestamp() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:16],
    }
