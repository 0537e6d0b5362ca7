"""Holds requests back so that Discord never has to: each route has its own bucket.

Nothing here sleeps or sends. `admit` either admits a request or says how long to wait before asking again, so that
the caller can compare that with its budget. Seconds are monotonic floats, as the clock of this process gives them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

# How soon to ask again while another thread's request is finding out a bucket.
PROBE_POLL_SECONDS = 0.01
# Discord counts from the moment it answered, we from the moment the answer arrived; this covers its rounding.
_RESET_SLACK_SECONDS = 0.05
# Two answers whose resets lie closer speak of one window: they differ by what the network took. Discord's shortest
# windows last a second.
_SAME_WINDOW_SECONDS = 0.25
_MOST_BUCKETS = 2_000


@dataclass(frozen=True, slots=True)
class RouteKey:
    """A route (method and path template) and the guild or channel it is about, which Discord counts apart."""

    route: str
    major: int


@dataclass(slots=True)
class _Bucket:
    """What is known of one bucket; `limit` is None until an answer named it or showed that there is none."""

    limit: int | None = None
    is_known: bool = False
    remaining: int = 0
    reset_at: float | None = None
    renewed_at: float = -math.inf
    blocked_until: float = 0.0
    in_flight: int = 0

    def wait(self, now: float) -> float:
        if now < self.blocked_until:
            return self.blocked_until - now
        if not self.is_known:
            return PROBE_POLL_SECONDS if self.in_flight else 0.0
        if self.limit is None:
            return 0.0
        if self.reset_at is not None and now >= self.reset_at:
            # Requests still under way may be counted in the new window.
            self.remaining = self.limit - self.in_flight
            self.reset_at, self.renewed_at = None, now
        if self.remaining > 0:
            return 0.0
        if self.reset_at is None:
            # The new window's end is told by its first answer; should all of those get lost, probe again.
            return PROBE_POLL_SECONDS if self.in_flight else 0.0
        return self.reset_at - now

    def learn(self, limit: int, remaining: int, reset_at: float) -> None:
        """Take over what an answer says of its window, unless that window is over by now."""
        if reset_at < self.renewed_at + _SAME_WINDOW_SECONDS:
            return
        is_next = self.reset_at is not None and reset_at > self.reset_at + 2 * _SAME_WINDOW_SECONDS
        if self.limit is None or is_next:
            self.remaining = max(0, remaining - (self.in_flight - 1))
            self.reset_at = reset_at
        else:
            # Answers may overtake each other, so within one window the count only ever shrinks.
            self.remaining = min(self.remaining, remaining)
            self.reset_at = max(self.reset_at or 0.0, reset_at)
        self.is_known, self.limit = True, limit


class Buckets:
    """Every route's bucket, found under the name Discord gives it; safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._names: dict[str, str] = {}
        self._buckets: dict[RouteKey, _Bucket] = {}

    def admit(self, key: RouteKey, now: float) -> float:
        """Take a place in the route's bucket and return 0, or return the seconds to wait.

        Of a bucket that is not known yet only one request is under way at a time. Whoever was admitted must call
        `settle`.
        """
        with self._lock:
            bucket = self._bucket(key, now)
            wait = bucket.wait(now)
            if wait > 0:
                return wait
            bucket.in_flight += 1
            bucket.remaining -= 1
            return 0.0

    def settle(self, key: RouteKey, headers: Mapping[str, str], now: float, *, is_done: bool) -> None:
        """Give the place back and learn from the answer's headers (empty when there was no answer).

        `is_done` says that Discord did what was asked: only such an answer without limits shows that there are none.
        """
        with self._lock:
            bucket = self._bucket(key, now)
            limits = _limits(headers)
            name = headers.get("x-ratelimit-bucket")
            if limits is not None and name and self._names.get(key.route) != name:
                bucket = self._rename(key, bucket, name)
            if limits is not None:
                limit, remaining, reset_after = limits
                bucket.learn(limit, remaining, now + reset_after + _RESET_SLACK_SECONDS)
            elif is_done:
                bucket.is_known = True
            bucket.in_flight = max(0, bucket.in_flight - 1)

    def give_back(self, key: RouteKey, now: float) -> None:
        """Undo an admission that was not used."""
        with self._lock:
            bucket = self._bucket(key, now)
            bucket.in_flight = max(0, bucket.in_flight - 1)
            bucket.remaining += 1

    def block(self, key: RouteKey, now: float, seconds: float) -> None:
        """Admit nobody to the route's bucket for `seconds`."""
        with self._lock:
            bucket = self._bucket(key, now)
            bucket.blocked_until = max(bucket.blocked_until, now + seconds)

    def _bucket(self, key: RouteKey, now: float) -> _Bucket:
        name = RouteKey(self._names.get(key.route, key.route), key.major)
        bucket = self._buckets.get(name)
        if bucket is None:
            self._forget_idle(now)
            bucket = self._buckets[name] = _Bucket()
        return bucket

    def _rename(self, key: RouteKey, found: _Bucket, name: str) -> _Bucket:
        """Move this request into the bucket that the answer named; other routes may share it already."""
        old_name = RouteKey(self._names.get(key.route, key.route), key.major)
        self._names[key.route] = name
        shared = self._buckets.setdefault(RouteKey(name, key.major), _Bucket())
        found.in_flight = max(0, found.in_flight - 1)
        shared.in_flight += 1
        if found.in_flight == 0:
            self._buckets.pop(old_name, None)
        return shared

    def _forget_idle(self, now: float) -> None:
        """Drop buckets that say nothing any more: every deleted room leaves one behind."""
        if len(self._buckets) < _MOST_BUCKETS:
            return
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if bucket.in_flight or bucket.blocked_until > now or (bucket.reset_at or 0.0) > now
        }


def _limits(headers: Mapping[str, str]) -> tuple[int, int, float] | None:
    try:
        return (
            int(headers["x-ratelimit-limit"]),
            int(headers["x-ratelimit-remaining"]),
            max(0.0, float(headers["x-ratelimit-reset-after"])),
        )
    except (KeyError, ValueError):
        return None
