"""The life of a checkout: made, paid on its page, asked about by the bank, expired."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from greenroom.core.money import Money, total
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.stripe.protocol import CheckoutRequest, GatewayRejectedError, PayState
from greenroom.integrations.stripe.sandbox.cards import Behaviour, Card, find_card
from greenroom.integrations.stripe.sandbox.events import checkout_object, emit, new_id, payment_object
from greenroom.integrations.stripe.sandbox.faults import strikes
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.jobs import services as jobs

EXPIRE, SETTLE, DISPUTE = "stripe_sandbox.expire_checkout", "stripe_sandbox.settle_debit", "stripe_sandbox.open_dispute"
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
_DEBIT_TAKES = timedelta(minutes=2)
_DISPUTE_AFTER = timedelta(minutes=1)
_FEE_BASIS_POINTS = 150
_PAYABLE = (PayState.OPEN, PayState.REQUIRES_ACTION)


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one try to pay: the state of the checkout now, and the words for a person when it was refused."""

    state: PayState
    words: str = ""
    is_known_card: bool = True


def pay_url(ref: str) -> str:
    """Return the absolute address of a checkout's page."""
    return f"{settings.BASE_URL}{reverse('payments_sandbox:pay', args=[ref])}"


def state_at(checkout: Checkout, now: datetime) -> PayState:
    """Return the state of a checkout, also when its time is over and no job has written that yet."""
    state = PayState(checkout.state)
    return PayState.DEAD if state in _PAYABLE and now >= checkout.expires_at else state


def captured(checkout: Checkout) -> Money:
    """Return what was really taken; zero before."""
    return Money(checkout.captured_minor, checkout.captured_currency or checkout.currency)


def fee(checkout: Checkout) -> Money | None:
    """Return what the gateway keeps of a payment, 1.5 % and a quarter of the major unit; None before it is paid."""
    taken = captured(checkout)
    return taken.share(_FEE_BASIS_POINTS) + quarters(1, taken.currency) if taken.minor else None


def quarters(count: int, currency: str) -> Money:
    """Return so many quarters of a currency's major unit, as far as it has them."""
    unit: int = 10 ** Money(0, currency).exponent
    return Money(count * unit // 4, currency)


def make_checkout(request: CheckoutRequest, *, now: datetime) -> Checkout:
    """Make a checkout in the caller's transaction and plan its end.

    The limits of `expires_at` are Stripe's: thirty minutes to a day from now.
    Raises: GatewayRejectedError.
    """
    if not SHORTEST <= request.expires_at - now <= LONGEST:
        raise GatewayRejectedError("400: expires_at must lie between 30 minutes and 24 hours from now.")
    if (
        request.total.minor <= 0
        or total([line.amount for line in request.lines], request.total.currency) != request.total
    ):
        raise GatewayRejectedError("400: the lines must add up to a total above zero.")
    checkout = Checkout.objects.create(
        ref=new_id("cs_test"),
        payment_ref=new_id("pi"),
        amount_minor=request.total.minor,
        currency=request.total.currency,
        lines=[{"name": line.name, "minor": line.amount.minor} for line in request.lines],
        email=request.email,
        success_url=request.success_url,
        cancel_url=request.cancel_url,
        metadata={**request.metadata, "order_ref": request.order_ref, "attempt_ref": request.attempt_ref},
        created_at=now,
        expires_at=request.expires_at,
    )
    jobs.plan(
        kind=EXPIRE,
        key=f"{EXPIRE}:{checkout.pk}",
        due_at=request.expires_at,
        now=now,
        payload={"checkout_id": checkout.pk},
    )
    return checkout


def pay_by_card(ref: str, typed: str, *, now: datetime) -> Try:
    """Try a card. An unknown number is refused and forgotten; a declined one leaves the checkout open.

    Locks the checkout. A checkout that is no longer open stays as it is: nobody pays twice.
    """
    card = find_card(typed)
    with unit_of_work():
        checkout = _lock(ref)
        state = state_at(checkout, now)
        is_late_money = state is PayState.DEAD and card is not None and strikes("paid_after_the_end")
        if state not in _PAYABLE and not is_late_money:
            return Try(state)
        if card is None:
            words = "This is a simulation: use one of the test cards below, and never a real one."
            return Try(PayState.OPEN, words, is_known_card=False)
        return _use_card(checkout, card, now)


def answer_bank(ref: str, *, is_approved: bool, now: datetime) -> Try:
    """Answer the bank's question (3-D Secure): approved pays, refused leaves the checkout open for another card."""
    with unit_of_work():
        checkout = _lock(ref)
        state = state_at(checkout, now)
        if state is not PayState.REQUIRES_ACTION:
            return Try(state)
        if is_approved:
            _capture(checkout, now)
            emit("checkout.session.completed", checkout_object(checkout), now=now)
            return Try(PayState.PAID)
        words = "Your bank did not confirm the payment. Try again or use another card."
        return _decline(checkout, "payment_intent_authentication_failure", words, now)


def pay_by_debit(ref: str, *, will_bounce: bool, now: datetime) -> Try:
    """Pay by a method that settles two minutes later, well or badly."""
    with unit_of_work():
        checkout = _lock(ref)
        state = state_at(checkout, now)
        if state not in _PAYABLE:
            return Try(state)
        checkout.behaviour = Behaviour.DEBIT_BOUNCES if will_bounce else Behaviour.PAYS
        _move(checkout, PayState.PROCESSING)
        emit("payment_intent.processing", payment_object(checkout), now=now)
        emit("checkout.session.completed", checkout_object(checkout), now=now)
        _plan_later(SETTLE, checkout, now + _DEBIT_TAKES, now)
        return Try(PayState.PROCESSING)


def settle_debit(checkout_id: int, *, now: datetime) -> None:
    """Bring a bank debit to its end; a second call does nothing."""
    with unit_of_work():
        checkout = Checkout.objects.select_for_update(no_key=True).get(pk=checkout_id)
        if checkout.state != PayState.PROCESSING:
            return
        if checkout.behaviour == Behaviour.DEBIT_BOUNCES:
            checkout.problem = "insufficient_funds"
            _move(checkout, PayState.FAILED)
            emit("payment_intent.payment_failed", payment_object(checkout), now=now)
            emit("checkout.session.async_payment_failed", checkout_object(checkout), now=now)
            return
        _capture(checkout, now)
        emit("checkout.session.async_payment_succeeded", checkout_object(checkout), now=now)


def expire(ref: str, *, now: datetime) -> Checkout:
    """End a checkout that is open and return it; any other stays as it is. Raises: Checkout.DoesNotExist."""
    with unit_of_work():
        checkout = _lock(ref)
        if checkout.state in _PAYABLE:
            _move(checkout, PayState.DEAD)
            emit("checkout.session.expired", checkout_object(checkout), now=now)
        return checkout


def _use_card(checkout: Checkout, card: Card, now: datetime) -> Try:
    if card.behaviour is Behaviour.DECLINES:
        return _decline(checkout, card.code, card.words, now)
    checkout.behaviour = card.behaviour
    if card.behaviour is Behaviour.ASKS_BANK:
        _move(checkout, PayState.REQUIRES_ACTION)
        emit("payment_intent.requires_action", payment_object(checkout), now=now)
        return Try(PayState.REQUIRES_ACTION)
    _capture(checkout, now)
    emit("checkout.session.completed", checkout_object(checkout), now=now)
    if card.behaviour is Behaviour.IS_DISPUTED:
        _plan_later(DISPUTE, checkout, now + _DISPUTE_AFTER, now)
    return Try(PayState.PAID)


def _decline(checkout: Checkout, code: str, words: str, now: datetime) -> Try:
    checkout.problem = code
    _move(checkout, PayState.OPEN)
    emit("payment_intent.payment_failed", payment_object(checkout), now=now)
    return Try(PayState.OPEN, words)


def _capture(checkout: Checkout, now: datetime) -> None:
    checkout.captured_minor = checkout.amount_minor + (1 if strikes("wrong_amount") else 0)
    checkout.captured_currency = checkout.currency
    if strikes("wrong_currency"):
        checkout.captured_currency = "EUR" if checkout.currency == "USD" else "USD"
    checkout.problem = ""
    _move(checkout, PayState.PAID)
    emit("payment_intent.succeeded", payment_object(checkout), now=now)


def _move(checkout: Checkout, state: PayState) -> None:
    checkout.state = state
    checkout.save(update_fields=["state", "behaviour", "problem", "captured_minor", "captured_currency"])


def _plan_later(kind: str, checkout: Checkout, due_at: datetime, now: datetime) -> None:
    jobs.plan(kind=kind, key=f"{kind}:{checkout.pk}", due_at=due_at, now=now, payload={"checkout_id": checkout.pk})


def _lock(ref: str) -> Checkout:
    return Checkout.objects.select_for_update(no_key=True).get(ref=ref)
