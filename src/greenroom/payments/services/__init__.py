"""The verbs of payments. Those that call a gateway refuse to run inside a transaction."""

from greenroom.payments.services.by_hand import approve, decide_refund, hand_in, look_by_hand, refuse, withdraw
from greenroom.payments.services.by_staff import refund_as_seen, refund_by_staff
from greenroom.payments.services.checking import record_check
from greenroom.payments.services.closing import close_attempt, request_close
from greenroom.payments.services.comparing import compare_with_gateway
from greenroom.payments.services.disputes import apply_dispute_snapshot, learn_disputes
from greenroom.payments.services.endpoints import check_gateway, connect_endpoint
from greenroom.payments.services.events import process_event, receive_event
from greenroom.payments.services.ledger import SHARE, post_shares
from greenroom.payments.services.methods import MethodWords, save_method
from greenroom.payments.services.opening import open_attempt
from greenroom.payments.services.reconciling import collect_events, poll
from greenroom.payments.services.refunds import (
    Form,
    apply_refund_snapshot,
    refund_in_full,
    refund_order,
    request_refund,
    retry_refund,
)
from greenroom.payments.services.sending import send_refund
from greenroom.payments.services.snapshots import apply_snapshot, sync_attempt

__all__ = [
    "SHARE",
    "Form",
    "MethodWords",
    "apply_dispute_snapshot",
    "apply_refund_snapshot",
    "apply_snapshot",
    "approve",
    "check_gateway",
    "close_attempt",
    "collect_events",
    "compare_with_gateway",
    "connect_endpoint",
    "decide_refund",
    "hand_in",
    "learn_disputes",
    "look_by_hand",
    "open_attempt",
    "poll",
    "post_shares",
    "process_event",
    "receive_event",
    "record_check",
    "refund_as_seen",
    "refund_by_staff",
    "refund_in_full",
    "refund_order",
    "refuse",
    "request_close",
    "request_refund",
    "retry_refund",
    "save_method",
    "send_refund",
    "sync_attempt",
    "withdraw",
]
