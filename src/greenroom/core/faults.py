"""Named points at which a test may kill the process, to prove that the next run continues.

`config.wiring` arms the point named by GREENROOM_FAULT_POINT, in the demo only; unarmed a point costs one
comparison. `FAULT_POINTS` is the whole list: reaching an unlisted one is an error.
"""

import os

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
        "rooms.sweep_after_lock",
    }
)
KILLED_STATUS = 86

_armed = ""


def arm(name: str) -> None:
    """Make the process end when it reaches `name`; an empty name disarms.

    Raises: LookupError when `name` is not in `FAULT_POINTS`.
    """
    global _armed  # noqa: PLW0603 -- the one armed point of this process
    if name and name not in FAULT_POINTS:
        raise LookupError(f"{name} is not a listed fault point.")
    _armed = name


def fault_point(name: str) -> None:
    """End the process at once, without clean-up, when `name` is armed.

    Raises: LookupError when `name` is not in `FAULT_POINTS`.
    """
    if name not in FAULT_POINTS:
        raise LookupError(f"{name} is not a listed fault point.")
    if name == _armed:
        os._exit(KILLED_STATUS)
