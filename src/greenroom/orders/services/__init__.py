"""The verbs of orders."""

from greenroom.orders.services.documents import issue_document, plan_missing_documents
from greenroom.orders.services.ordering import accept_order, create_order, update_contact
from greenroom.orders.services.purchasing import end_unpaid, find_given_to, order_offer, start_purchase
from greenroom.orders.services.settling import plan_access_reviews, settle_purchase
from greenroom.orders.services.shares import book_shares, plan_missing_shares

__all__ = [
    "accept_order",
    "book_shares",
    "create_order",
    "end_unpaid",
    "find_given_to",
    "issue_document",
    "order_offer",
    "plan_access_reviews",
    "plan_missing_documents",
    "plan_missing_shares",
    "settle_purchase",
    "start_purchase",
    "update_contact",
]
