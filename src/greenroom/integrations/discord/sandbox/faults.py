"""What can be made to go wrong with Discord; armed in `integrations.sandbox.faults` like every other seam's faults."""

from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam

FAULTS = {
    "rate_limited": "Refused with 429 for this route; one second to wait.",
    "rate_limited_global": "Refused with 429 for every route; one second to wait.",
    "rate_limited_shared": "Refused with 429 because others use the same channel; one second to wait.",
    "rate_limited_long": "Refused with 429; an hour to wait.",
    "cloudflare_429": "Refused by Discord's front with a web page; nothing may be sent for a minute.",
    "unauthorized": "The bot token is refused, as after a reset by its owner.",
    "forbidden": "Refused: the bot lacks a permission.",
    "server_error_before": "Server error 503; nothing was done.",
    "server_error_after": "Done, but answered with server error 503.",
    "drop_reply": "Done, but the answer is lost on the way (502).",
    "garbled_reply": "Done, but the answer is cut and unreadable.",
    "slow": "Done, but the answer takes six seconds, longer than our client waits.",
    "lost_channel": "The channel in question is deleted by somebody just before the request arrives.",
}
# These strike after the request was carried out; the others instead of it.
AFTER = frozenset({"server_error_after", "drop_reply", "garbled_reply", "slow"})


def take_fault(*, has_channel: bool) -> str | None:
    """Use up one strike of an armed fault and return its name, or None. `has_channel`: the request names a channel."""
    armed = [name for seam, name in faults.remaining() if seam == Seam.DISCORD]
    fitting = (name for name in FAULTS if name in armed and (has_channel or name != "lost_channel"))
    return next((name for name in fitting if faults.strikes(Seam.DISCORD, name)), None)
