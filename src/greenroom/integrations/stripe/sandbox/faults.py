"""The faults this gateway can be told to have."""

from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam

FAULTS: dict[str, str] = {
    "callback_delayed": "The next callback comes five minutes late.",
    "callback_dropped": "The next callback never comes; the list of undelivered events has it.",
    "callback_duplicated": "The next callback comes twice.",
    "callback_reordered": "The next callback comes twenty seconds late, so that later ones overtake it.",
    "callback_stale_timestamp": "The next callback is signed with a time an hour ago.",
    "callback_future_timestamp": "The next callback is signed with a time an hour ahead.",
    "callback_bad_signature": "The next callback is signed with another secret.",
    "create_times_out_after_executing": "The next checkout is made, but the answer is lost.",
    "refund_times_out_after_executing": "The next refund is made, but the answer is lost.",
    "conflict": "The next checkout or refund is answered with 409: this key is in use.",
    "server_error": "The next checkout or refund is answered with 500, and its key brings that again.",
    "unavailable": "The next call of any kind gets no answer, and nothing is done.",
    "wrong_amount": "The next payment takes one minor unit more than was asked for.",
    "wrong_currency": "The next payment is taken in another currency.",
    "paid_after_the_end": "The next card typed on a page that has ended is charged all the same, as slow banks do.",
    "refund_fails": "The next refund is made and fails at once.",
}


def strikes(name: str) -> bool:
    """Tell whether this call meets the fault, and use one up."""
    return faults.strikes(Seam.PAYMENTS, name)
