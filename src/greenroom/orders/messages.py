"""The mail that comes with a receipt or a refund note: its number, its amounts, and the page that prints it."""

from datetime import datetime

from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
from greenroom.orders.links import document_url
from greenroom.orders.models import Document
from greenroom.orders.types import DocumentKind


def document(message: Message, _now: datetime) -> Content | None:
    """Send a buyer the link to one document, with its amounts."""
    issued = Document.objects.select_related("refers_to").filter(pk=message.subject_id).first()
    if issued is None:
        return None
    subject, opening, after = _words(issued)
    letter = Letter(
        subject=subject,
        opening=opening,
        facts=(
            ("Number", issued.label),
            *((("Refers to", issued.refers_to.label),) if issued.refers_to else ()),
            ("Date", display.day_long(issued.issued_on)),
            ("Sold by", issued.seller_name),
            *((title, display.money(amount)) for title, amount in issued.printed_lines),
            ("Total", display.money(issued.amount)),
        ),
        paragraphs=(*after, *(("This is a test: no real money moved.",) if issued.is_test else ())),
        actions=(Action("See, print or save it", document_url(issued)),),
    )
    return render(letter)


def _words(issued: Document) -> tuple[str, str, tuple[str, ...]]:
    """Return subject, first sentence, and what else is to be said."""
    amount = display.money(Money(abs(issued.amount_minor), issued.currency))
    if issued.kind == DocumentKind.RECEIPT:
        return f"Your receipt {issued.label}", f"Your payment of {amount} has arrived.", ()
    if issued.kind == DocumentKind.REFUND_NOTE:
        after = "Banks usually show it within five to ten days."
        return f"Your refund note {issued.label}", f"{amount} went back the way you paid.", (after,)
    after = "So you do not have it yet. We have been told, and give it back another way."
    return f"Your refund came back: {issued.label}", f"Your bank sent the refund of {amount} back to us.", (after,)
