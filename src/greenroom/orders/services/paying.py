"""Opening the payment of an order, whatever it is for."""

from datetime import datetime

from greenroom.integrations.manual.gateway import MANUAL
from greenroom.integrations.stripe.protocol import ByHand, CheckoutLine
from greenroom.orders import rules
from greenroom.orders.models import Order
from greenroom.orders.services.by_hand import tell_how_to_pay
from greenroom.orders.types import ByHandTime, ReturnAddresses
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import open_attempt
from greenroom.payments.types import NewPayment
from greenroom.payments.ways import Way


def open_payment(
    *, order: Order, way: Way, addresses: ReturnAddresses, by_hand: ByHandTime, now: datetime
) -> PaymentAttempt:
    """Return an attempt with the page at which an accepted order is paid in this way.

    On a gateway's page it can be paid for `rules.CHECKOUT_LASTS`; by hand as `by_hand` says, and then the buyer is
    sent the instructions. Must run outside transactions. A second call gives the same open attempt.
    Raises: the errors of `payments.services.open_attempt`.
    """
    expires_at, known = now + rules.CHECKOUT_LASTS, None
    if way.method_id is not None:
        expires_at = by_hand.until
        known = ByHand(way.method_id, addresses.by_hand_url, by_hand.tz, by_hand.answer_by)
    wish = NewPayment(
        gateway=way.gateway,
        order_ref=order.ref,
        total=order.total,
        lines=[CheckoutLine(line.title, line.price) for line in order.lines.all()],
        email=order.email,
        success_url=addresses.success_url,
        cancel_url=addresses.cancel_url,
        expires_at=expires_at,
        by_hand=known,
    )
    attempt = open_attempt(wish, now=now)
    if attempt.gateway == MANUAL:
        tell_how_to_pay(ref=str(attempt.gateway_ref), now=now)
    return attempt
