"""The verbs of orders."""

from greenroom.orders.services.ordering import accept_order, create_order, update_contact

__all__ = ["accept_order", "create_order", "update_contact"]
