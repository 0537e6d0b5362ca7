"""Purchases that are paid by hand, from the choice to the money's end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.bookings.conftest import gateway, run_jobs
from tests.bookings.steps import GUEST
from tests.factories.accounts import make_admin
from tests.factories.by_hand import answer_refund, approve, attempt_of, hand_in, make_method, payment_of, refuse
from tests.factories.clock import SettableClock
from tests.factories.downloads import ANN, fresh, give_money, make_download, order, start

from greenroom.bookings.money_checks import find_all
from greenroom.catalog.models import Download, Offer
from greenroom.core import clock
from greenroom.core.actors import SYSTEM
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.entitlements.models import Entitlement
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.manual.models import ManualPayment, ManualRefund, PayMethod
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders import links, services
from greenroom.orders.models import Document, Order
from greenroom.orders.services import plan_access_reviews
from greenroom.payments import gateways
from greenroom.payments import services as payments
from greenroom.payments.errors import PaymentClosingError, PaymentInProgressError, PaymentsOffError
from greenroom.payments.models import LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import RefundCause

__all__ = ["gateway", "run_jobs"]
pytestmark = pytest.mark.django_db
Run = Callable[..., None]
HOUR = timedelta(hours=1)
PRICE = Money(1900, "EUR")


@pytest.fixture(autouse=True)
def both(gateway: SandboxGateway) -> None:
    """Cards, and payments by hand beside them."""
    gateways.use(gateway, ManualGateway(is_test=True))


@pytest.fixture
def offer(now: datetime) -> Offer:
    assert now
    return make_download()


@pytest.fixture
def method() -> PayMethod:
    """A method that gives three days to pay."""
    return make_method(hours_to_pay=72)


def awaited(offer: Offer, method: PayMethod) -> Order:
    """Order, and choose to pay by hand."""
    mine = order(offer)
    assert start(mine, f"method-{method.pk}") == links.pay_url(mine)
    return fresh(mine)


def subjects(to: str = ANN.email) -> list[str]:
    return list(DeliveredMail.objects.filter(to=to).order_by("pk").values_list("subject", flat=True))


def test_order_can_be_paid_for_as_long_as_the_method_says(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    mine = awaited(offer, method)

    payment = payment_of(mine)
    assert mine.pay_until == payment.expires_at == attempt_of(mine).expires_at == now + 72 * HOUR
    assert (payment.answer_by, payment.tz, payment.page_url) == (None, ANN.tz, links.pay_url(mine))
    run_jobs(now + 71 * HOUR)
    assert (attempt_of(mine).state, bool(fresh(mine).open_key)) == ("open", True)


def test_method_that_gives_less_leaves_the_time_of_the_order(offer: Offer, now: datetime) -> None:
    mine = awaited(offer, make_method(hours_to_pay=2))

    assert mine.pay_until == payment_of(mine).expires_at == now + 24 * HOUR


def test_buyer_is_told_how_to_pay_and_nothing_of_a_time(offer: Offer, method: PayMethod, run_jobs: Run) -> None:
    mine = awaited(offer, method)
    run_jobs()

    body = DeliveredMail.objects.get(subject="How to pay €19").text
    for words in ("Account 123", payment_of(mine).code, links.pay_url(mine), "then we look whether it arrived"):
        assert words in body
    assert "your time" not in body


def test_choosing_again_wins_no_time_and_brings_the_same_payment(
    offer: Offer, method: PayMethod, frozen_clock: SettableClock
) -> None:
    mine = awaited(offer, method)
    before = (payment_of(mine), mine.pay_until)
    frozen_clock.advance(5 * HOUR)

    start(mine, f"method-{method.pk}")

    assert (payment_of(mine), fresh(mine).pay_until) == before


def test_unpaid_order_ends_after_its_payment_and_the_buyer_is_told_once(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    mine = awaited(offer, method)

    run_jobs(now + 72 * HOUR)

    assert (attempt_of(mine).state, fresh(mine).open_key, fresh(mine).fulfilled_at) == ("dead", None, None)
    assert subjects() == ["How to pay €19", "The time to pay €19 is over"]
    assert "your order has ended" in DeliveredMail.objects.latest("pk").text
    with pytest.raises(PaymentClosingError):
        hand_in(mine)


def test_whoever_said_that_they_paid_is_waited_for_and_an_answer_gives_it(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    make_admin()
    mine = awaited(offer, method)
    hand_in(mine, note="From Ann")
    run_jobs(now + 200 * HOUR)
    Offer.objects.update(price_minor=2500)
    assert order(offer).pk == mine.pk
    assert attempt_of(mine).state == "processing"
    assert subjects("admin@example.org") == ["Paid? Ann Guest, €19"] * 2
    assert "They wait for you." in DeliveredMail.objects.latest("pk").text

    approve(mine, PRICE)
    run_jobs()

    assert fresh(mine).gives_access
    assert Entitlement.objects.get().user == fresh(mine).buyer
    assert subjects() == ["Here it is: A workbook"]
    assert set(LedgerEntry.objects.filter(kind="capture").values_list("account", "amount_minor")) == {
        ("gateway:manual", 1900),
        ("customers", -1900),
    }
    assert find_all(now=clock.now() + 2 * HOUR) == []


def test_refused_buyer_may_say_it_again_until_the_deadline_and_then_it_is_over(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    mine = awaited(offer, method)
    hand_in(mine)
    refuse(mine)
    run_jobs()
    assert attempt_of(mine).state == "open"
    hand_in(mine)
    run_jobs(now + 80 * HOUR)
    assert fresh(mine).open_key

    refuse(mine)
    run_jobs()

    assert (attempt_of(mine).state, fresh(mine).open_key) == ("dead", None)
    assert "you get what you ordered if it can still be had" in DeliveredMail.objects.latest("pk").text


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "gone"])
def test_money_after_the_end_is_honoured_or_is_to_be_sent_back(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run, *, is_there: bool
) -> None:
    mine = awaited(offer, method)
    run_jobs(now + 72 * HOUR)
    if not is_there:
        Download.objects.update(text="")

    approve(mine, PRICE)
    run_jobs()

    assert fresh(mine).gives_access is is_there
    back = [] if is_there else [(PRICE, "pending")]
    assert [(one.amount, one.state) for one in ManualRefund.objects.all()] == back
    assert subjects()[-1] == ("Here it is: A workbook" if is_there else "Your money goes back: A workbook")


@pytest.mark.parametrize("received", [Money(1800, "EUR"), Money(1900, "USD")])
def test_other_money_than_agreed_is_to_be_sent_back_and_the_order_can_be_paid_again(
    offer: Offer, method: PayMethod, run_jobs: Run, received: Money
) -> None:
    mine = awaited(offer, method)

    approve(mine, received)
    run_jobs()

    assert ManualRefund.objects.get().amount == received
    assert (fresh(mine).fulfilled_at, Document.objects.exists()) == (None, False)
    start(mine, "card")
    give_money(mine)
    run_jobs()
    assert fresh(mine).gives_access


def test_refund_waits_for_a_person_and_what_cannot_be_sent_gives_it_again(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    mine = awaited(offer, method)
    approve(mine, PRICE)
    run_jobs()
    with unit_of_work():
        payments.refund_in_full(order_ref=mine.ref, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    run_jobs()
    plan_access_reviews(now=now)
    run_jobs()
    assert (RefundRequest.objects.get().state, fresh(mine).gives_access) == ("pending", False)

    answer_refund("Account closed")
    run_jobs()
    plan_access_reviews(now=now)
    run_jobs()

    assert (RefundRequest.objects.get().state, fresh(mine).gives_access) == ("failed", True)


def test_refund_that_was_sent_leaves_nothing_at_the_hand(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    mine = awaited(offer, method)
    approve(mine, PRICE)
    run_jobs()
    with unit_of_work():
        payments.refund_in_full(order_ref=mine.ref, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    run_jobs()

    answer_refund()
    run_jobs()

    assert RefundRequest.objects.get().state == "succeeded"
    assert sum(LedgerEntry.objects.filter(account="gateway:manual").values_list("amount_minor", flat=True)) == 0


def test_handed_in_payment_can_be_exchanged_once_it_is_withdrawn(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    mine = awaited(offer, method)
    hand_in(mine)
    run_jobs()
    with pytest.raises(PaymentInProgressError):
        start(mine, "card")

    with unit_of_work():
        payments.withdraw(ref=payment_of(mine).ref, actor=GUEST, now=now)
    run_jobs()
    assert fresh(mine).open_key
    start(mine, "card")
    give_money(mine)
    run_jobs()

    assert fresh(mine).gives_access
    approve(mine, PRICE)  # it came all the same: it was paid twice
    run_jobs()
    assert [(one.amount, one.metadata != {}) for one in ManualRefund.objects.all()] == [(PRICE, True)]
    assert RefundRequest.objects.get().cause == "paid_twice"


def test_whoever_chose_another_way_is_not_told_that_time_to_pay_by_hand_is_over(
    offer: Offer, method: PayMethod, now: datetime, run_jobs: Run
) -> None:
    mine = awaited(offer, method)
    run_jobs()
    start(mine, "card")

    run_jobs(now + 73 * HOUR)

    assert fresh(mine).ended_at
    assert subjects() == ["How to pay €19"]


def test_who_has_it_already_and_pays_by_hand_gets_everything_back(
    offer: Offer, method: PayMethod, run_jobs: Run
) -> None:
    first, second = awaited(offer, method), order(offer, replace(ANN, holder="another browser"))
    start(second, f"method-{method.pk}")
    approve(first, PRICE)
    run_jobs()

    approve(second, PRICE)
    run_jobs()

    assert (fresh(first).gives_access, fresh(second).gives_access) == (True, False)
    assert [one.payment.order_ref for one in ManualRefund.objects.all()] == [second.ref]


def test_coach_who_may_answer_is_told(offer: Offer, run_jobs: Run) -> None:
    make_admin()
    mine = awaited(offer, make_method(coach_approves=True))
    hand_in(mine)
    run_jobs()

    assert subjects(offer.coach.user.email) == ["Paid? Ann Guest, €19"]
    assert "/studio/payments/" in DeliveredMail.objects.latest("pk").text


@pytest.mark.parametrize("by_hand_is_on", [True, False])
def test_site_without_any_way_to_pay_takes_no_order_as_accepted(offer: Offer, *, by_hand_is_on: bool) -> None:
    gateways.use(*([ManualGateway(is_test=True)] if by_hand_is_on else []))
    make_method("Old", is_active=False)
    mine = order(offer)

    with pytest.raises(PaymentsOffError):
        start(mine)

    assert fresh(mine).accepted_at is None
    assert not PaymentAttempt.objects.exists()
    assert not ManualPayment.objects.exists()


def test_site_without_cards_sells_downloads_by_hand(offer: Offer, method: PayMethod, run_jobs: Run) -> None:
    gateways.use(ManualGateway(is_test=False))
    mine = order(offer)

    assert start(mine) == links.pay_url(mine)
    assert payment_of(mine).method == method
    approve(mine, PRICE)
    run_jobs()
    assert services.find_given_to(offer, ANN, now=clock.now()) == mine
