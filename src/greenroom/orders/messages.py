"""The mails about purchases, and those that come with a receipt or a refund note."""

from datetime import datetime

from django.conf import settings

from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
from greenroom.orders.links import document_url, purchase_url
from greenroom.orders.models import Document, Order
from greenroom.orders.queries import purchases
from greenroom.orders.types import DocumentKind, LineKind
from greenroom.payments.queries import was_paid_by_hand


def purchase_ready(message: Message, _now: datetime) -> Content | None:
    """Send a buyer the link to what they bought; nothing when it was taken back since."""
    order = _purchase(message)
    if order is None or not order.gives_access:
        return None
    letter = Letter(
        subject=f"Here it is: {title_of(order)}",
        opening=f"{title_of(order)} by {order.coach.display_name} is yours.",
        facts=_facts(order),
        paragraphs=(
            "The link below is your key: keep this mail, and pass it on to nobody.",
            "Signed in with this address you find it in your library, too.",
            *_test_words(order),
        ),
        actions=(Action("Open it", purchase_url(order)),),
    )
    return render(letter)


def purchase_sold(message: Message, _now: datetime) -> Content | None:
    """Tell the coach that something was sold."""
    order = _purchase(message)
    if order is None or order.fulfilled_at is None:
        return None
    letter = Letter(
        subject=f"Sold: {title_of(order)}",
        opening=f"{order.name} bought {title_of(order)}. You don't have to do anything.",
        facts=(("Bought by", f"{order.name}, {order.email}"), *_facts(order)),
        paragraphs=_test_words(order),
    )
    return render(letter)


def purchase_refused(message: Message, _now: datetime) -> Content | None:
    """Tell a buyer that their money goes back, because what they paid for can't be given."""
    order = _purchase(message)
    if order is None or order.fulfilled_at is not None:
        return None
    letter = Letter(
        subject=f"Your money goes back: {title_of(order)}",
        opening=f"Your payment for {title_of(order)} arrived, and all of it goes back the way you paid.",
        facts=_facts(order),
        paragraphs=(
            f"Either this address has it already, or {order.coach.display_name} does not sell it any more.",
            "You don't have to do anything. Signed in with this address you find what you have in your library.",
            *_test_words(order),
        ),
        actions=(Action("Open your library", f"{settings.BASE_URL}/library/"),),
    )
    return render(letter)


def purchase_revoked(message: Message, _now: datetime) -> Content | None:
    """Tell a buyer that something is no longer theirs, because its money went back."""
    order = _purchase(message)
    if order is None or order.revoked_at is None:
        return None
    letter = Letter(
        subject=f"No longer yours: {title_of(order)}",
        opening=f"All of the money for {title_of(order)} went back to you, so it can't be opened any more.",
        facts=_facts(order),
        paragraphs=(
            f"If that is not what you wanted, write to {order.coach.display_name}, or buy it again.",
            *_test_words(order),
        ),
    )
    return render(letter)


def title_of(order: Order) -> str:
    """Return what a purchase is of, as it was called when it was bought."""
    return "; ".join(line.title for line in order.lines.all() if line.kind != LineKind.TAX)


def _purchase(message: Message) -> Order | None:
    return purchases().filter(pk=message.subject_id).first()


def _facts(order: Order) -> tuple[tuple[str, str], ...]:
    price = display.money(order.total) if order.total_minor else "Free"
    return (("Sold by", order.coach.display_name), ("Price", price))


def _test_words(order: Order) -> tuple[str, ...]:
    return ("This is a test: no real money moved.",) if order.is_test and order.total_minor else ()


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
        # What somebody sent by hand takes as long as their way takes.
        is_by_hand = was_paid_by_hand(issued.order.ref)
        on_banks = () if is_by_hand else ("Banks usually show it within five to ten days.",)
        return f"Your refund note {issued.label}", f"{amount} went back the way you paid.", on_banks
    after = "So you do not have it yet. We have been told, and give it back another way."
    return f"Your refund came back: {issued.label}", f"Your bank sent the refund of {amount} back to us.", (after,)
