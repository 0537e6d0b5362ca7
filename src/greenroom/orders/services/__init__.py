"""The verbs of orders."""

from greenroom.orders.services.by_hand import (
    approve_payment,
    hand_in_payment,
    plan_refund_mails,
    refuse_payment,
    tell_how_to_pay,
    tell_pay_time_over,
)
from greenroom.orders.services.documents import issue_document, plan_missing_documents
from greenroom.orders.services.ordering import accept_order, create_order, update_contact
from greenroom.orders.services.paying import open_payment
from greenroom.orders.services.purchasing import (
    end_unpaid,
    find_given_to,
    order_offer,
    pay_by_hand_until,
    start_purchase,
)
from greenroom.orders.services.settling import plan_access_reviews, settle_purchase
from greenroom.orders.services.shares import book_shares, plan_missing_shares

__all__ = [
    "accept_order",
    "approve_payment",
    "book_shares",
    "create_order",
    "end_unpaid",
    "find_given_to",
    "hand_in_payment",
    "issue_document",
    "open_payment",
    "order_offer",
    "pay_by_hand_until",
    "plan_access_reviews",
    "plan_missing_documents",
    "plan_missing_shares",
    "plan_refund_mails",
    "refuse_payment",
    "settle_purchase",
    "start_purchase",
    "tell_how_to_pay",
    "tell_pay_time_over",
    "update_contact",
]
