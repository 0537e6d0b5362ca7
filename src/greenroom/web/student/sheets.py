"""What a receipt or refund note says, for the page and the PDF alike: only what is frozen in the document."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.urls import reverse

from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.orders.models import Document
from greenroom.orders.queries import document_token
from greenroom.orders.types import DocumentKind

_TITLES = {
    DocumentKind.RECEIPT: "Receipt",
    DocumentKind.REFUND_NOTE: "Refund note",
    DocumentKind.REFUND_REVERSAL: "Refund returned",
}
_MOVED = {
    DocumentKind.RECEIPT: "Paid",
    DocumentKind.REFUND_NOTE: "Refunded",
    DocumentKind.REFUND_REVERSAL: "Came back",
}
_NOTES = {
    DocumentKind.RECEIPT: "",
    DocumentKind.REFUND_NOTE: "This amount went back to the buyer.",
    DocumentKind.REFUND_REVERSAL: "The buyer's bank sent this refund back. The note it refers to no longer counts.",
}
TEST_WORDS = "This is a test. No real money moved, and this is no receipt."


@dataclass(frozen=True, slots=True)
class Sheet:
    """One document as it is printed: `facts` are label and text, `lines` title and signed amount."""

    title: str
    label: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, Money], ...]
    total: Money
    note: str
    test_words: str


def sheet_of(document: Document) -> Sheet:
    """Return what a document prints. Its dates do not depend on who looks: the day of issue is frozen, the rest UTC."""
    kind = DocumentKind(document.kind)
    moved_at = document.moved_at.astimezone(UTC)
    return Sheet(
        title=title_of(document),
        label=document.label,
        facts=(
            ("Date", display.day_long(document.issued_on)),
            *((("Refers to", document.refers_to.label),) if document.refers_to else ()),
            (_MOVED[kind], f"{display.day_long(moved_at.date())}, {moved_at:%H:%M} UTC"),
            ("Sold by", document.seller_name),
            ("Bought by", document.buyer_name),
            ("E-mail", document.buyer_email),
            ("Order", document.order.ref),
        ),
        lines=tuple(document.printed_lines),
        total=document.amount,
        note=" ".join(filter(None, [_tax_words(document), _NOTES[kind]])),
        test_words=TEST_WORDS if document.is_test else "",
    )


def _tax_words(document: Document) -> str:
    return f"Of this, {document.tax_words}: {display.money(document.tax)}." if document.tax_minor else ""


def title_of(document: Document) -> str:
    """Return what a document is called."""
    return _TITLES[DocumentKind(document.kind)]


def document_links(documents: Iterable[Document], *, by_token: bool = False) -> list[dict[str, Any]]:
    """Return what components/documents.html takes; `by_token` for people who are not signed in."""
    return [
        {
            "title": title_of(one),
            "label": one.label,
            "amount": one.amount,
            "url": reverse("receipt", args=[document_token(one) if by_token else one.ref]),
        }
        for one in documents
    ]
