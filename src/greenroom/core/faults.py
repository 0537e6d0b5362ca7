"""Named points at which a test may kill the process, to prove that the next run continues.

`config.wiring` arms the point named by GREENROOM_FAULT_POINT, in the demo only; unarmed a point costs one
comparison. `FAULT_POINTS` is the whole list: reaching an unlisted one is an error.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FAULT_POINTS: frozenset[str] = frozenset(
    {
        "jobs.after_claim",
        "jobs.before_close",
        "payments.attempt_stored",
        "payments.checkout_created",
        "payments.checkout_expired",
        "payments.checkout_fetched",
        "payments.event_verified",
        "payments.event_stored",
        "payments.refund_stored",
        "payments.refund_sent",
        "bookings.after_start_payment",
        "notifications.after_send",
        "rooms.after_intent",
        "rooms.after_create",
        "rooms.after_channel_saved",
        "rooms.after_adopt",
        "rooms.after_grant",
        "rooms.before_delete",
        "rooms.after_delete",
        "rooms.after_lock_down",
        "rooms.after_refresh",
        "rooms.after_join",
        "rooms.after_reminder",
        "rooms.sweep_after_lock",
    }
)
KILLED_STATUS = 86

_armed = ""
_watcher: Callable[[str], None] | None = None


def arm(name: str) -> None:
    """Make the process end when it reaches `name`; an empty name disarms.

    Raises: LookupError when `name` is not in `FAULT_POINTS`.
    """
    global _armed  # noqa: PLW0603 -- the one armed point of this process
    if name and name not in FAULT_POINTS:
        raise LookupError(f"{name} is not a listed fault point.")
    _armed = name


@contextmanager
def watched(watcher: Callable[[str], None]) -> Iterator[None]:
    """Call `watcher` with every point that is reached, for as long as the block lasts; what it raises is raised there.

    So a simulation in one process lets a run end, or another one come in between, where a process might have died.
    """
    global _watcher  # noqa: PLW0603 -- as above
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before


def fault_point(name: str) -> None:
    """End the process at once, without clean-up, when `name` is armed; a watcher is told of every point.

    Raises: LookupError when `name` is not in `FAULT_POINTS`.
    """
    if name not in FAULT_POINTS:
        raise LookupError(f"{name} is not a listed fault point.")
    if _watcher is not None:
        _watcher(name)
    if name == _armed:
        os._exit(KILLED_STATUS)
