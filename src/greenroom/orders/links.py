"""The absolute addresses of an order's pages, as mails use them."""

from django.conf import settings

from greenroom.orders.models import Document, Order
from greenroom.orders.queries import document_token, purchase_token


def document_url(document: Document) -> str:
    """Return the page of a document; the token in it opens it without signing in."""
    return f"{settings.BASE_URL}/receipts/{document_token(document)}/"


def checkout_url(order: Order) -> str:
    """Return the checkout page of a purchase, with the token that opens it."""
    return f"{settings.BASE_URL}/checkout/{order.ref}/?token={purchase_token(order)}"


def purchase_url(order: Order) -> str:
    """Return the buyer's page of a purchase; the token in it opens it without signing in."""
    return f"{settings.BASE_URL}/purchase/{purchase_token(order)}/"
