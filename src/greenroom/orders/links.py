"""The absolute addresses of an order's pages, as mails use them."""

from django.conf import settings

from greenroom.orders.models import Document
from greenroom.orders.queries import document_token


def document_url(document: Document) -> str:
    """Return the page of a document; the token in it opens it without signing in."""
    return f"{settings.BASE_URL}/receipts/{document_token(document)}/"
