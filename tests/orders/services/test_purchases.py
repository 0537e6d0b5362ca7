"""Buying what needs no time, from the order to what is given and taken back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.bookings.conftest import gateway, run_jobs
from tests.bookings.steps import GUEST
from tests.factories import downloads
from tests.factories.accounts import make_user
from tests.factories.clock import SettableClock
from tests.factories.downloads import ANN, bought, fresh, give_money, make_download, order, settle, start

from greenroom.accounts.models import User
from greenroom.bookings.money_checks import find_all
from greenroom.catalog.models import Download, Offer
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.types import CoachStatus
from greenroom.core.actors import SYSTEM
from greenroom.core.money import Money
from greenroom.entitlements.models import Entitlement
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.disputes import raise_dispute
from greenroom.jobs.models import Job, JobState
from greenroom.orders import money_checks, rules, services
from greenroom.orders.errors import AlreadyYoursError, NotForSaleError, OrderOverError
from greenroom.orders.models import Order
from greenroom.payments import gateways
from greenroom.payments.models import PaymentAttempt, RefundRequest
from greenroom.payments.services import (
    apply_dispute_snapshot,
    refund_in_full,
    refund_order,
    send_refund,
    sync_attempt,
)
from greenroom.payments.types import RefundCause

__all__ = ["gateway", "run_jobs"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway")]
Run = Callable[..., None]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def offer(now: datetime) -> Offer:
    assert now
    return make_download()


def usable(purchase: Order) -> int:
    return Entitlement.objects.filter(user=fresh(purchase).buyer, revoked_at__isnull=True).count()


def subjects() -> list[str]:
    return list(DeliveredMail.objects.order_by("pk").values_list("subject", flat=True))


def refund(purchase: Order, now: datetime, minor: int | None = None) -> None:
    values: dict[str, Any] = {"order_ref": purchase.ref, "cause": RefundCause.STAFF, "actor": SYSTEM, "now": now}
    refunds = refund_in_full(**values) if minor is None else refund_order(amount=Money(minor, "EUR"), **values)
    for one in refunds:
        send_refund(refund_id=one.pk, now=now)


def dispute(status: str, now: datetime, **moved: Any) -> None:
    attempt = PaymentAttempt.objects.get()
    if not attempt.disputes.exists():
        raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    [snapshot] = gateways.hosted().list_disputes(str(attempt.payment_ref))
    apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(snapshot, status=status, **moved), now=now)


def test_guest_buys_pays_and_has_it(offer: Offer, now: datetime, run_jobs: Run) -> None:
    mine = order(offer)
    assert (mine.total, mine.pay_until, mine.email) == (Money(1900, "EUR"), now + rules.PURCHASE_LASTS, ANN.email)
    assert [(line.kind, line.title, line.price_minor) for line in mine.lines.all()] == [
        ("download", "A workbook", 1900)
    ]

    assert start(mine)
    give_money(mine)
    run_jobs()

    done = fresh(mine)
    assert (done.fulfilled_at, done.open_key, done.accepted_at) == (now, None, now)
    assert done.buyer == User.objects.get(email=ANN.email)
    [line] = done.lines.all()
    assert [(one.source, one.thing_pk) for one in Entitlement.objects.all()] == [(f"order_line:{line.pk}", offer.pk)]
    assert subjects() == ["Here it is: A workbook", "Sold: A workbook"]
    assert f"/purchase/{mine.ref}." in DeliveredMail.objects.order_by("pk")[0].text


def test_signed_in_buyer_has_it_in_their_account_whatever_address_they_type(offer: Offer) -> None:
    user = make_user()
    typed = replace(downloads.buyer_of(user), email="Other@Example.org")

    done = bought(offer, typed)

    assert (done.buyer, done.email) == (user, "other@example.org")
    assert Entitlement.objects.get().user == user


def test_what_is_free_is_given_without_a_gateway(offer: Offer) -> None:
    Offer.objects.update(price_minor=0)

    done = bought(offer)

    assert done.gives_access
    assert not PaymentAttempt.objects.exists()
    assert usable(done) == 1


def test_settling_again_changes_nothing(offer: Offer, run_jobs: Run) -> None:
    done = bought(offer)
    run_jobs()
    before = (fresh(done).__dict__["fulfilled_at"], Entitlement.objects.count(), len(subjects()))

    settle(done)
    run_jobs()

    assert (fresh(done).fulfilled_at, Entitlement.objects.count(), len(subjects())) == before


def test_two_tabs_get_one_order_and_one_page(offer: Offer) -> None:
    first = order(offer)
    again = order(offer, replace(ANN, name="Ann B.", email="b@example.org"))

    assert again.pk == first.pk
    assert (fresh(first).name, fresh(first).email) == ("Ann B.", "b@example.org")
    assert start(first) == start(again)
    assert PaymentAttempt.objects.count() == 1


def test_price_that_changed_makes_a_new_order_and_ends_the_old_one(offer: Offer) -> None:
    old = order(offer)
    Offer.objects.update(price_minor=2500)

    new = order(offer)

    assert (new.total_minor, fresh(old).ended_at is None, fresh(old).open_key) == (2500, False, None)
    with pytest.raises(OrderOverError):
        start(old)


def test_price_that_changes_while_somebody_pays_stays_as_it_was_shown(offer: Offer) -> None:
    old = order(offer)
    start(old)
    Offer.objects.update(price_minor=2500)

    assert order(offer).pk == old.pk
    assert fresh(old).total_minor == 1900


def test_who_has_it_is_told_before_paying(offer: Offer) -> None:
    user = make_user()
    bought(offer, downloads.buyer_of(user))
    bought(offer)

    for buyer in (downloads.buyer_of(user), ANN):
        with pytest.raises(AlreadyYoursError):
            order(offer, buyer)
    assert Order.objects.count() == 2


def test_an_address_alone_is_not_told_what_its_owner_has(offer: Offer) -> None:
    bought(offer)

    again = order(offer, replace(ANN, holder="another browser"))

    assert again.open_key


def test_who_has_it_and_pays_again_gets_everything_back(offer: Offer, now: datetime, run_jobs: Run) -> None:
    bought(offer)
    again = order(offer, replace(ANN, holder="another browser"))
    start(again)
    give_money(again)

    run_jobs()

    refused = fresh(again)
    assert (refused.fulfilled_at, refused.ended_at, refused.open_key) == (None, now, None)
    [back] = RefundRequest.objects.all()
    assert (back.amount_minor, back.state, back.cause) == (1900, "succeeded", "not_fulfilled")
    assert "Your money goes back: A workbook" in subjects()
    assert Entitlement.objects.count() == 1


def test_signed_in_tab_that_was_open_when_another_one_bought_it_is_refused_before_paying(offer: Offer) -> None:
    ann = downloads.buyer_of(make_user())
    old = order(offer, ann)
    Order.objects.filter(pk=old.pk).update(open_key="elsewhere")
    bought(offer, ann)

    with pytest.raises(AlreadyYoursError):
        start(old)


@pytest.mark.parametrize("change", ["draft", "archived", "coach"])
def test_what_is_not_for_sale_is_refused_and_an_open_order_can_still_be_paid(offer: Offer, change: str) -> None:
    mine = order(offer)
    if change == "coach":
        offer.coach.status = CoachStatus.APPLIED
        offer.coach.save()
    else:
        Offer.objects.update(status=change)

    with pytest.raises(NotForSaleError):
        order(offer, replace(ANN, holder="somebody else"))
    start(mine)
    give_money(mine)
    assert settle(mine).gives_access


def test_order_that_nobody_pays_ends(offer: Offer, now: datetime, run_jobs: Run) -> None:
    mine = order(offer)

    run_jobs(now + rules.PURCHASE_LASTS - MINUTE)
    assert fresh(mine).open_key
    run_jobs(now + rules.PURCHASE_LASTS)

    assert fresh(mine).ended_at == now + rules.PURCHASE_LASTS
    with pytest.raises(OrderOverError):
        start(mine)


def test_unpaid_attempt_is_closed_before_its_order_ends(
    offer: Offer, now: datetime, frozen_clock: SettableClock, run_jobs: Run
) -> None:
    mine = order(offer)
    frozen_clock.set(now + rules.PURCHASE_LASTS - MINUTE)
    start(mine)

    frozen_clock.set(now + rules.PURCHASE_LASTS)
    services.end_unpaid(order_id=mine.pk, now=frozen_clock())
    assert fresh(mine).ended_at is None
    run_jobs()

    assert PaymentAttempt.objects.get().state == "dead"
    assert fresh(mine).ended_at == now + rules.PURCHASE_LASTS


def expired(offer: Offer, clock: SettableClock) -> Order:
    """Bring an order to the gateway, and let its attempt die and its time be over."""
    mine = order(offer)
    start(mine)
    clock.set(clock() + rules.PURCHASE_LASTS)
    attempt = PaymentAttempt.objects.get()
    checkouts.expire(str(attempt.gateway_ref), now=clock())
    sync_attempt(attempt_id=attempt.pk, now=clock())
    assert settle(mine).ended_at == clock()
    return mine


@pytest.mark.parametrize("status", ["published", "draft", "archived"])
def test_money_that_comes_late_is_honoured(offer: Offer, frozen_clock: SettableClock, status: str) -> None:
    mine = expired(offer, frozen_clock)
    Offer.objects.update(status=OfferStatus(status))

    give_money(mine)

    assert settle(mine).gives_access
    assert fresh(mine).ended_at is None


def test_late_money_for_what_is_not_there_any_more_goes_back_once(
    offer: Offer, frozen_clock: SettableClock, run_jobs: Run
) -> None:
    mine = expired(offer, frozen_clock)
    Download.objects.update(text="")
    give_money(mine)

    settle(mine)
    settle(mine)
    run_jobs()

    assert not fresh(mine).gives_access
    assert [one.amount_minor for one in RefundRequest.objects.all()] == [1900]
    assert subjects() == ["Your money goes back: A workbook"]


def test_full_refund_takes_it_back_and_says_so(offer: Offer, now: datetime, run_jobs: Run) -> None:
    done = bought(offer)
    run_jobs()
    refund(done, now)

    assert services.plan_access_reviews(now=now) == 1
    run_jobs()

    assert fresh(done).revoked_at == now
    assert Entitlement.objects.get().revoked_reason == "All of the money for it went back."
    assert subjects()[2:] == ["No longer yours: A workbook"]
    assert services.plan_access_reviews(now=now) == 0


def test_part_of_the_money_back_leaves_it_theirs(offer: Offer, now: datetime) -> None:
    done = bought(offer)
    refund(done, now, minor=1899)

    assert services.plan_access_reviews(now=now) == 0
    assert settle(done).gives_access


def test_refund_that_came_back_gives_it_again(offer: Offer, now: datetime, run_jobs: Run) -> None:
    done = bought(offer)
    refund(done, now)
    services.plan_access_reviews(now=now)
    run_jobs()
    RefundRequest.objects.update(state="failed")

    assert services.plan_access_reviews(now=now) == 1
    run_jobs()

    assert fresh(done).gives_access
    assert usable(done) == 1
    assert subjects()[-1] == "Here it is: A workbook"


def test_open_dispute_suspends_nothing_and_a_lost_one_takes_it_back(offer: Offer, now: datetime) -> None:
    done = bought(offer)

    dispute("needs_response", now)
    assert services.plan_access_reviews(now=now) == 0
    assert settle(done).gives_access

    dispute("lost", now)
    assert services.plan_access_reviews(now=now) == 1
    assert not settle(done).gives_access
    assert usable(done) == 0


def test_dispute_that_is_won_leaves_it_theirs(offer: Offer, now: datetime) -> None:
    done = bought(offer)
    dispute("needs_response", now)
    dispute("won", now)

    assert services.plan_access_reviews(now=now) == 0
    assert settle(done).gives_access


def test_money_that_is_too_little_gives_nothing(offer: Offer) -> None:
    mine = order(offer)
    start(mine)
    attempt = PaymentAttempt.objects.get()
    attempt.delete()

    assert settle(mine).fulfilled_at is None


def test_nightly_check_finds_what_was_paid_and_not_given(offer: Offer, now: datetime) -> None:
    mine = order(offer)
    start(mine)
    give_money(mine)

    later = now + timedelta(hours=2)
    assert [(one.rule, one.order_ref, one.detail) for one in find_all(now=later)] == [
        ("paid_is_fulfilled", mine.ref, "It is paid, what was bought was not given, and nothing was refunded.")
    ]
    settle(mine)
    assert find_all(now=later) == []


def test_nightly_check_finds_what_is_usable_without_money(offer: Offer, now: datetime) -> None:
    done = bought(offer)
    refund(done, now)

    assert money_checks.access_without_money(now=now) == []
    later = now + timedelta(hours=2)
    assert [(one.rule, one.order_ref) for one in find_all(now=later)] == [("confirmed_is_paid", done.ref)]
    settle(done)
    assert find_all(now=later) == []


def test_a_settling_that_stopped_is_an_item_of_the_operator_already(offer: Offer, now: datetime) -> None:
    mine = order(offer)
    start(mine)
    give_money(mine)
    Job.objects.filter(kind="orders.settle").update(state=JobState.FAILED, closed_at=now)

    assert find_all(now=now + timedelta(hours=2)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"open_key": "x", "ended_at": "now"},
        {"open_key": "x", "pay_until": None},
        {"revoked_at": "now"},
        {"fulfilled_at": "now", "buyer": None, "open_key": None},
    ],
)
def test_database_refuses_orders_that_must_never_be(offer: Offer, now: datetime, wrong: dict[str, Any]) -> None:
    mine = order(offer)
    values = {field: now if value == "now" else value for field, value in wrong.items()}

    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=mine.pk).update(**values)


def test_two_orders_of_one_person_and_offer_are_never_open(offer: Offer) -> None:
    mine = order(offer)
    other = services.order_offer(offer=offer, buyer=replace(ANN, holder="x"), actor=GUEST, now=mine.created_at)

    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=other.pk).update(open_key=mine.open_key)
