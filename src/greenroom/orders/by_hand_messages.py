"""The mails about payments by hand. Each looks again when it is sent; None means: there is nothing to say any more."""

from datetime import datetime

from django.conf import settings

from greenroom.integrations.manual import rows
from greenroom.integrations.manual.models import ManualPayment, ManualRefund
from greenroom.integrations.stripe.protocol import PayState, RefundState
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
from greenroom.orders import links
from greenroom.orders.messages import title_of
from greenroom.orders.models import Order
from greenroom.orders.queries import purchases


def pay_by_hand(message: Message, now: datetime) -> Content | None:
    """Tell the buyer how to pay, and until when."""
    payment = _find(message)
    if payment is None or payment.method is None or rows.state_at(payment, now) is not PayState.OPEN:
        return None
    letter = Letter(
        subject=f"How to pay {display.money(payment.amount)}",
        opening=f"Please pay by {payment.method.title}.",
        facts=(
            ("Amount", display.money(payment.amount)),
            ("Write on it", payment.code),
            ("Until", display.moment(payment.expires_at, Viewer(payment.tz or settings.TIME_ZONE))),
        ),
        paragraphs=(
            *_paragraphs(payment.method.instructions),
            "Once you have paid, open the page and say so: "
            + ("then we look whether it arrived." if _is_purchase(payment) else "your time stays kept while we look."),
        ),
        actions=(Action("Say that you have paid", payment.page_url),),
    )
    return render(letter)


def handed_in(message: Message, now: datetime) -> Content | None:
    """Tell who decides that somebody says they paid."""
    return _waiting(message, now, "says that they paid")


def still_waits(message: Message, now: datetime) -> Content | None:
    """Remind who decides."""
    return _waiting(message, now, "still waits for your answer about their payment")


def refused(message: Message, now: datetime) -> Content | None:
    """Tell the buyer that nothing arrived, and what they can do."""
    payment = _find(message)
    if payment is None or payment.received_at is not None or payment.handed_in_at is not None:
        return None
    is_open = rows.state_at(payment, now) is PayState.OPEN
    until = display.moment(payment.expires_at, Viewer(payment.tz or settings.TIME_ZONE))
    letter = Letter(
        subject=f"Your payment {payment.code} has not arrived",
        opening=f"We could not find your payment of {display.money(payment.amount)}.",
        facts=(*((("They write", payment.refusal),) if payment.refusal else ()),),
        paragraphs=(
            f"You can pay and tell us again until {until}." if is_open else "The time to pay is over.",
            *(() if is_open else (_if_you_paid(payment),)),
        ),
        actions=(Action("Open the page", payment.page_url),),
    )
    return render(letter)


def wrong_amount(message: Message, _now: datetime) -> Content | None:
    """Tell the buyer that another amount arrived, which goes back."""
    payment = _find(message)
    if payment is None or payment.received_at is None:
        return None
    letter = Letter(
        subject=f"Your payment {payment.code} does not fit",
        opening=f"{display.money(payment.received)} arrived instead of {display.money(payment.amount)}.",
        paragraphs=("So it does not count as paid, and it goes back to you. We are on it.",),
    )
    return render(letter)


def pay_time_over(message: Message, _now: datetime) -> Content | None:
    """Tell the buyer that the time to pay is over, and what becomes of money that they sent."""
    payment = _find(message)
    if payment is None or payment.received_at is not None:
        return None
    what = "your order has ended" if _is_purchase(payment) else "the time that was kept for you is free again"
    letter = Letter(
        subject=f"The time to pay {display.money(payment.amount)} is over",
        opening=f"We have not seen your payment in time, so {what}.",
        facts=(("Written on it", payment.code),),
        paragraphs=(_if_you_paid(payment),),
    )
    return render(letter)


def refund_to_send(message: Message, _now: datetime) -> Content | None:
    """Tell who sends money back by hand what is to be sent, and to whom; None once somebody said that it was."""
    refund = ManualRefund.objects.select_related("payment__method").filter(pk=message.subject_id).first()
    if refund is None or refund.state != RefundState.PENDING:
        return None
    payment = refund.payment
    order = Order.objects.select_related("coach__user").get(ref=payment.order_ref)
    is_coach = message.to == order.coach.user.email
    has_coach = payment.method is None or payment.method.coach_approves
    too = f"The money came to {order.coach.display_name}, who reads this, too. " if has_coach and not is_coach else ""
    amount = display.money(refund.amount)
    letter = Letter(
        subject=f"To be sent back: {amount} to {order.name}",
        opening=f"{amount} is to go back to {order.name}. It was paid by hand, so nothing is sent by itself.",
        facts=(
            ("To", f"{order.name}, {order.email}"),
            ("For", title_of(order)),
            ("Paid by", payment.method.title if payment.method else "Paid outside"),
            ("Code", payment.code),
        ),
        paragraphs=(f"{too}Send it the way it came, then say so on the page, so that nobody sends it twice.",),
        actions=(
            Action("See what is to be sent back", links.studio_by_hand_url() if is_coach else links.ops_by_hand_url()),
        ),
    )
    return render(letter)


def _if_you_paid(payment: ManualPayment) -> str:
    is_purchase = _is_purchase(payment)
    then = "you get what you ordered if it can still be had" if is_purchase else "we book your time if it is still free"
    return (
        f"Have you sent money? It is not lost. When it arrives {then}, "
        "else we send everything back. Tell your coach if you hear nothing within a week."
    )


def _is_purchase(payment: ManualPayment) -> bool:
    return purchases().filter(ref=payment.order_ref).exists()


def _waiting(message: Message, _now: datetime, what: str) -> Content | None:
    payment = _find(message)
    if payment is None or not payment.waits_for_an_answer:
        return None
    order = Order.objects.select_related("coach__user").get(ref=payment.order_ref)
    is_coach = message.to == order.coach.user.email
    url = links.studio_payment_url(payment) if is_coach else links.ops_payment_url(payment)
    tz = order.coach.user.time_zone if is_coach else settings.TIME_ZONE
    facts = [("For", title_of(order)), ("Amount", display.money(payment.amount)), ("Code", payment.code)]
    if payment.answer_by:
        facts.append(("Answer by", display.moment(payment.answer_by, Viewer(tz))))
    if payment.note:
        facts.append(("They write", payment.note))
    without = "They wait for you." if order.is_purchase else "Without an answer the booking ends."
    letter = Letter(
        subject=f"Paid? {order.name}, {display.money(payment.amount)}",
        opening=f"{order.name} {what}.",
        facts=tuple(facts),
        paragraphs=(f"Look whether it arrived, then say so. {without}",),
        actions=(Action("Look and answer", url),),
    )
    return render(letter)


def _paragraphs(text: str) -> list[str]:
    """Part a text at its empty lines; the other line breaks stay."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return [part.strip("\n") for part in lines.split("\n\n") if part.strip("\n")]


def _find(message: Message) -> ManualPayment | None:
    return ManualPayment.objects.select_related("method").filter(pk=message.subject_id).first()
