"""The absolute addresses of an order's pages, as mails use them."""

from django.conf import settings

from greenroom.integrations.manual.models import ManualPayment
from greenroom.orders.models import Document, Order
from greenroom.orders.queries import document_token, purchase_token
from greenroom.orders.types import ReturnAddresses


def document_url(document: Document) -> str:
    """Return the page of a document; the token in it opens it without signing in."""
    return f"{settings.BASE_URL}/receipts/{document_token(document)}/"


def checkout_url(order: Order) -> str:
    """Return the checkout page of a purchase, with the token that opens it."""
    return f"{settings.BASE_URL}/checkout/{order.ref}/?token={purchase_token(order)}"


def pay_url(order: Order) -> str:
    """Return the page for who pays a purchase by hand, with the token that opens it."""
    return f"{settings.BASE_URL}/checkout/{order.ref}/by-hand/?token={purchase_token(order)}"


def return_addresses(order: Order) -> ReturnAddresses:
    """Return where a payment of this purchase leads."""
    return ReturnAddresses(purchase_url(order), checkout_url(order), pay_url(order))


def purchase_url(order: Order) -> str:
    """Return the buyer's page of a purchase; the token in it opens it without signing in."""
    return f"{settings.BASE_URL}/purchase/{purchase_token(order)}/"


def ops_payment_url(payment: ManualPayment) -> str:
    """Return the page on which staff say whether a payment by hand arrived."""
    return f"{settings.BASE_URL}/ops/payments/by-hand/{payment.ref}/"


def ops_by_hand_url() -> str:
    """Return the page on which staff see which payments by hand are to be answered, and what is to be sent back."""
    return f"{settings.BASE_URL}/ops/payments/by-hand/"


def studio_by_hand_url() -> str:
    """Return the page on which a coach sees that."""
    return f"{settings.BASE_URL}/studio/payments/"


def studio_payment_url(payment: ManualPayment) -> str:
    """Return the page on which the coach says so."""
    return f"{settings.BASE_URL}/studio/payments/{payment.ref}/"
