"""The verbs that change bookings and sessions: each is one transaction that begins with the coach's lock."""

from greenroom.bookings.services.changes import cancel_booking, cancel_session, preview_cancel, reschedule_booking
from greenroom.bookings.services.checking import check_money
from greenroom.bookings.services.confirming import accept_booking, decline_booking, time_out_request
from greenroom.bookings.services.deciding import decide_session
from greenroom.bookings.services.follow_ups import look_at_rooms_of
from greenroom.bookings.services.holds import (
    Wanted,
    attach_discord,
    expire_hold,
    extend_hold,
    hold_slot,
    keep_draft,
    refuse_early,
    release_hold,
    submit_details,
)
from greenroom.bookings.services.letters import mail_manage_links
from greenroom.bookings.services.manual import ManualBooking, book_manually
from greenroom.bookings.services.outcomes import (
    complete_if_unknown,
    complete_session,
    mark_no_show,
    preview_no_show,
    start_session,
)
from greenroom.bookings.services.overriding import cancel_with_refund
from greenroom.bookings.services.payment import has_discord, pay_by_hand_until, settle_order, start_payment
from greenroom.bookings.services.proposing import (
    LONGEST_NOTE,
    MOST_TIMES,
    propose_times,
    request_move,
    withdraw_proposal,
)

__all__ = [
    "LONGEST_NOTE",
    "MOST_TIMES",
    "ManualBooking",
    "Wanted",
    "accept_booking",
    "attach_discord",
    "book_manually",
    "cancel_booking",
    "cancel_session",
    "cancel_with_refund",
    "check_money",
    "complete_if_unknown",
    "complete_session",
    "decide_session",
    "decline_booking",
    "expire_hold",
    "extend_hold",
    "has_discord",
    "hold_slot",
    "keep_draft",
    "look_at_rooms_of",
    "mail_manage_links",
    "mark_no_show",
    "pay_by_hand_until",
    "preview_cancel",
    "preview_no_show",
    "propose_times",
    "refuse_early",
    "release_hold",
    "request_move",
    "reschedule_booking",
    "settle_order",
    "start_payment",
    "start_session",
    "submit_details",
    "time_out_request",
    "withdraw_proposal",
]
