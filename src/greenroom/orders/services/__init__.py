"""The verbs of orders."""

from greenroom.orders.services.documents import issue_document, plan_missing_documents
from greenroom.orders.services.ordering import accept_order, create_order, update_contact

__all__ = ["accept_order", "create_order", "issue_document", "plan_missing_documents", "update_contact"]
