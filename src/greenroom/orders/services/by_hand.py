"""Orders that are paid by hand: each step tells whoever has to act next, in the same transaction."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from greenroom.accounts.models import User
from greenroom.core.actors import Actor
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.manual.models import ManualPayment
from greenroom.integrations.manual.proofs import ProofFile
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import NewMessage
from greenroom.orders import queries
from greenroom.orders.models import Order
from greenroom.payments import services as payments

_REMIND_AFTER = timedelta(hours=24)
_REMIND_BEFORE = timedelta(hours=2)


def tell_how_to_pay(*, ref: str, now: datetime) -> None:
    """Send the buyer the instructions; a second call sends nothing more."""
    payment = ManualPayment.objects.get(ref=ref)
    with unit_of_work():
        _tell("pay_by_hand", payment, [_order_of(payment).email], now, expires_at=payment.expires_at)


def hand_in_payment(*, ref: str, note: str, proof: ProofFile | None, actor: Actor, now: datetime) -> ManualPayment:
    """Write down that the buyer says they paid, tell who decides, and plan to remind them.

    Raises: as `payments.services.hand_in`.
    """
    with unit_of_work():
        payment = payments.hand_in(ref=ref, note=note, proof=proof, actor=actor, now=now)
        deciders = _deciders(payment)
        _tell("handed_in", payment, deciders, now, expires_at=payment.answer_by)
        remind_at = now + _REMIND_AFTER
        if payment.answer_by:
            remind_at = min(remind_at, payment.answer_by - _REMIND_BEFORE)
        if remind_at > now:
            _tell("still_waits", payment, deciders, now, due_at=remind_at, expires_at=payment.answer_by)
    return payment


def approve_payment(*, ref: str, received: Money, actor: Actor, now: datetime) -> ManualPayment:
    """Say what arrived. The receipt tells the buyer; what does not fit the order is told here.

    Raises: as `payments.services.approve`.
    """
    with unit_of_work():
        payment = payments.approve(ref=ref, received=received, actor=actor, now=now)
        if payment.received != payment.amount:
            _tell("wrong_amount", payment, [_order_of(payment).email], now)
    return payment


def refuse_payment(*, ref: str, reason: str, actor: Actor, now: datetime) -> ManualPayment:
    """Say that nothing arrived, and tell the buyer why. Raises: as `payments.services.refuse`."""
    with unit_of_work():
        payment = payments.refuse(ref=ref, reason=reason, actor=actor, now=now)
        _tell("refused", payment, [_order_of(payment).email], now)
    return payment


def tell_pay_time_over(*, order_ref: str, now: datetime) -> None:
    """Tell a buyer whose time to pay by hand ran out what to do about money they sent, in the caller's transaction.

    Does nothing for orders that were paid otherwise, and for who chose another way or changed their mind before; a
    second call sends nothing more.
    """
    payment = ManualPayment.objects.filter(order_ref=order_ref).order_by("-pk").first()
    if payment is None or payment.received_at is not None:
        return
    if payment.ended_at is None or payment.ended_at >= payment.expires_at:
        _tell("pay_time_over", payment, [_order_of(payment).email], now)


def plan_refund_mails(*, now: datetime) -> int:
    """Plan the mails to those who have to send a refund by hand: staff, and the coach where the coach decides.

    Once a minute it looks for refunds that nobody was told of. Once told is told: a second call plans nothing. Returns
    how many refunds these were.
    """
    found = list(queries.refunds_nobody_was_told_of())
    for refund in found:
        with unit_of_work():
            for number, address in enumerate(dict.fromkeys((*_coach_who_decides(refund.payment), *_staff()))):
                key = f"{queries.REFUND_MAIL}:{refund.pk}:{number}"
                plan_message(NewMessage(queries.REFUND_MAIL, key, address, refund.pk, now), now=now)
    return len(found)


def _tell(
    kind: str,
    payment: ManualPayment,
    to: Iterable[str],
    now: datetime,
    *,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    # Whoever hands in again, or is refused again, is told again.
    round_no = payment.times_handed_in
    for number, address in enumerate(to):
        key = f"orders.{kind}:{payment.pk}:{round_no}:{number}"
        plan_message(NewMessage(f"orders.{kind}", key, address, payment.pk, due_at or now, expires_at), now=now)


def _order_of(payment: ManualPayment) -> Order:
    return Order.objects.select_related("coach__user").get(ref=payment.order_ref)


def _deciders(payment: ManualPayment) -> list[str]:
    """Return the coach's address where the coach may decide, else that of everybody on the staff."""
    return _coach_who_decides(payment) or _staff()


def _coach_who_decides(payment: ManualPayment) -> list[str]:
    may = payment.method is None or payment.method.coach_approves
    return [_order_of(payment).coach.user.email] if may else []


def _staff() -> list[str]:
    return list(User.objects.filter(is_staff=True, is_active=True).order_by("pk").values_list("email", flat=True))
