"""Buying what needs no time: an order that is frozen when it is shown, and that ends when nobody pays it."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from greenroom.catalog.models import Offer
from greenroom.catalog.queries import find_offer_to_buy, price_to_buy
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.transactions import unit_of_work
from greenroom.jobs import services as jobs
from greenroom.orders import queries, rules
from greenroom.orders.errors import AlreadyYoursError, NotForSaleError, OrderOverError
from greenroom.orders.fulfilment import find_fulfilment
from greenroom.orders.models import Order
from greenroom.orders.services.ordering import accept_order, create_order, update_contact
from greenroom.orders.services.paying import open_payment
from greenroom.orders.services.settling import close_order, end_over, fulfil
from greenroom.orders.types import Buyer, ByHandTime, LineKind, NewLine, NewOrder, ReturnAddresses
from greenroom.payments import queries as payments
from greenroom.payments.services import request_close
from greenroom.payments.ways import get_way

END = "orders.end_unpaid"


def order_offer(*, offer: Offer, buyer: Buyer, actor: Actor, now: datetime) -> Order:
    """Freeze an order of an offer that needs no time, to be paid within `rules.PURCHASE_LASTS`.

    A person has one open order of an offer: a second call, also a concurrent one, returns it with the contact as given
    now. When the price has changed since, it is ended and a new one made, unless somebody is paying it.
    Raises: NotForSaleError, AlreadyYoursError.
    """
    with unit_of_work():
        wanted = find_offer_to_buy(offer.pk)
        if wanted is None:
            raise NotForSaleError
        if find_given_to(wanted, buyer, now=now):
            raise AlreadyYoursError
        key = _open_key(wanted, buyer)
        order = queries.lock_open_order(key)
        if order is not None and not _is_as_shown(order, wanted, now):
            close_order(order, "order.end", actor=actor, now=now)
            order = None
        if order is not None:
            update_contact(order, name=buyer.name, email=buyer.email.lower())
            return order
        return _create(wanted, buyer, key, actor, now)


def find_given_to(offer: Offer, buyer: Buyer, *, now: datetime) -> Order | None:
    """Return the purchase by which this browser or account may use an offer already; reads only.

    An address alone is never asked about: whoever types one is not told what its owner bought.
    """
    fulfilment = find_fulfilment(LineKind(offer.kind))
    if buyer.user_id is not None and fulfilment is not None and fulfilment.has(buyer.user_id, offer.pk, now):
        return queries.find_purchase_of(buyer.user_id, offer.pk)
    return queries.find_given(offer, holder=buyer.holder)


def start_purchase(
    *, order: Order, addresses: ReturnAddresses, actor: Actor, now: datetime, method: str = ""
) -> str | None:
    """Accept an order as shown and return the page at which it is paid; None when nothing is to be paid: it is given.

    `method` names one of `payments.ways`; without it the first. Whoever pays by hand is given as long as the method
    says, if that is longer. A second call gives the same page. The gateway is called after the commit; when it does not
    answer, the next call goes on with the same attempt. An offer that is not for sale any more can be paid while its
    order is open.
    Raises: OrderOverError, AlreadyYoursError, and the errors of `payments.ways.get_way` and `open_payment`.
    """
    with unit_of_work():
        mine = queries.lock_order(order.pk)
        if mine.open_key is None or mine.pay_until is None or mine.pay_until <= now:
            raise OrderOverError
        _refuse_if_theirs(mine, now)
        accept_order(mine, now=now)
        if mine.total_minor == 0:
            fulfil(mine, actor=actor, now=now)
            return None
        way = get_way(method)
        if way.lasts is not None:
            mine.pay_until = pay_by_hand_until(mine, way.lasts)
            mine.save(update_fields=["pay_until"])
            _plan_end(mine, now)
        until = mine.pay_until
    by_hand = ByHandTime(until, answer_by=None, tz=mine.buyer_tz)
    return open_payment(order=mine, way=way, addresses=addresses, by_hand=by_hand, now=now).pay_url


def pay_by_hand_until(order: Order, lasts: timedelta) -> datetime:
    """Return until when a purchase can be paid by a method that takes `lasts`; choosing again wins no time."""
    return max(order.created_at + lasts, order.pay_until or order.created_at)


def end_unpaid(*, order_id: int, now: datetime) -> None:
    """End an order that nobody paid in time: its attempt first, and the order when the gateway said that it is dead.

    One of which somebody said that they paid by hand waits for the answer. A second call changes nothing.
    """
    with unit_of_work():
        order = queries.lock_order(order_id)
        if order.open_key is None or order.pay_until is None or order.pay_until > now:
            return
        if not request_close(order_ref=order.ref, now=now):
            end_over(order, now=now)


def _create(offer: Offer, buyer: Buyer, key: str, actor: Actor, now: datetime) -> Order:
    line = NewLine(LineKind(offer.kind), offer.title, price_to_buy(offer), offer.pk)
    new = NewOrder(offer.coach_id, buyer.name, buyer.email.lower(), offer.currency, (line,), ())
    try:
        with transaction.atomic():
            order = create_order(new, now=now)
            order.buyer_id, order.buyer_tz, order.holder = buyer.user_id, buyer.tz, buyer.holder
            order.open_key, order.pay_until = key, now + rules.PURCHASE_LASTS
            order.save(update_fields=["buyer", "buyer_tz", "holder", "open_key", "pay_until"])
    except IntegrityError:
        # Another tab was faster: the constraint on the key let one of the two in.
        return Order.objects.get(open_key=key)
    audit.record(actor=actor, action="order.create", target=order, now=now, after={"total_minor": order.total_minor})
    _plan_end(order, now)
    return order


def _plan_end(order: Order, now: datetime) -> None:
    """Plan the end of an unpaid order, at the time it has now."""
    due_at = order.pay_until or now
    jobs.plan(kind=END, key=f"{END}:{order.pk}", due_at=due_at, now=now, payload={"order_id": order.pk})


def _open_key(offer: Offer, buyer: Buyer) -> str:
    return f"{buyer.holder}:{offer.pk}"


def _is_as_shown(order: Order, offer: Offer, now: datetime) -> bool:
    """Tell whether an open order can go on: in its time, at the offer's price of today, or being paid already."""
    if order.pay_until is None or order.pay_until <= now:
        return payments.has_live_attempt(order.ref)
    line = order.lines.all()[0]
    is_same = (line.price, line.title) == (price_to_buy(offer), offer.title)
    return is_same or payments.has_live_attempt(order.ref)


def _refuse_if_theirs(order: Order, now: datetime) -> None:
    if order.buyer_id is None:
        return
    for line in order.lines.all():
        fulfilment = find_fulfilment(line.kind)
        if fulfilment is not None and line.offer_id and fulfilment.has(order.buyer_id, line.offer_id, now):
            raise AlreadyYoursError
