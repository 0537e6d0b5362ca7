from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_admin, make_user
from tests.factories.clock import SettableClock
from tests.payments.factories import store_attempt
from tests.web.test_templates import Reader

from greenroom.core import audit
from greenroom.core.actors import SYSTEM
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.payments import gateways
from greenroom.payments.models import Dispute, MoneyCheck, PaymentAttempt
from greenroom.payments.queries import REPAIR_ACTIONS
from greenroom.payments.types import CheckSubject, MoneyRule, Road
from greenroom.web.ops.money import GATEWAY_RULES, REPAIRS, ROADS, RULES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_clock")]


@pytest.fixture
def desk(db: None) -> Client:  # noqa: ARG001 -- it writes
    client = Client()
    client.force_login(make_admin())
    return client


def text(answer: Any) -> str:
    page = answer.content.decode()
    reader = Reader(page)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    return " ".join(page.split())


def test_visitors_are_asked_to_sign_in_and_others_find_nothing(client: Client) -> None:
    assert client.get("/ops/money/")["Location"] == "/account/login/?next=/ops/money/"
    assert client.post("/ops/money/check/").status_code == HTTPStatus.FOUND
    client.force_login(make_user())
    assert client.get("/ops/money/").status_code == HTTPStatus.NOT_FOUND
    assert client.post("/ops/money/check/").status_code == HTTPStatus.NOT_FOUND
    assert not MoneyCheck.objects.exists()


def test_every_rule_has_words() -> None:
    assert {*RULES, *GATEWAY_RULES} == set(MoneyRule)
    assert not set(RULES) & set(GATEWAY_RULES)
    assert set(ROADS) == set(Road)
    assert set(REPAIRS) == set(REPAIR_ACTIONS)


def test_page_says_when_nothing_ran_and_when_it_is_old(desk: Client, frozen_clock: SettableClock) -> None:
    assert "Nothing was compared yet" in text(desk.get("/ops/money/"))
    assert desk.get("/ops/money/check/").status_code == HTTPStatus.METHOD_NOT_ALLOWED

    answer = desk.post("/ops/money/check/", follow=True)
    assert "Compared: nothing found." in text(answer)
    assert text(answer).count("Holds") == len(RULES)
    frozen_clock.advance(timedelta(hours=25))
    assert "more than a day old" not in text(desk.get("/ops/money/"))
    frozen_clock.advance(timedelta(hours=2))
    assert "more than a day old" in text(desk.get("/ops/money/"))


def test_findings_and_open_disputes_are_told_with_their_orders(desk: Client, frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    paid = {"captured_minor": 8000, "captured_currency": "EUR", "paid_at": now, "payment_ref": "pi_1"}
    attempt = store_attempt(now=now, order_ref="stray", state="paid", **paid)
    Dispute.objects.create(
        attempt=attempt,
        dispute_ref="du_1",
        status="needs_response",
        is_inquiry=False,
        amount_minor=8000,
        currency="EUR",
        evidence_due_at=now + timedelta(days=7),
        opened_at=now,
        changed_at=now,
        checked_at=now,
    )

    page = text(desk.post("/ops/money/check/", follow=True))

    assert 'data-level="warning"' in page
    assert "Compared: 2 found." in page
    assert "Payment pi_1 is for an order that does not exist." in page
    assert "and the ledger says \N{EURO SIGN}0." in page
    assert "The bank has the money. Answer at the gateway by Mon 9 Mar, 10:00 UTC." in page


@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_queries_does_not_grow_with_the_findings(
    desk: Client, frozen_clock: SettableClock, rows: int, django_assert_num_queries: Callable[..., object]
) -> None:
    check = MoneyCheck.objects.create(ran_at=frozen_clock())
    there = MoneyCheck.objects.create(ran_at=frozen_clock(), subject=CheckSubject.GATEWAYS)
    for number in range(rows):
        check.findings.create(rule=MoneyRule.PAID_IS_FULFILLED, order_ref=f"o{number}", detail="x")
        there.findings.create(rule=MoneyRule.GATEWAY_KNOWN, order_ref=f"o{number}", detail="x")
        note_repair(store_attempt(now=frozen_clock(), order_ref=f"o{number}"), frozen_clock())

    with django_assert_num_queries(16):
        desk.get("/ops/money/")


@pytest.fixture
def payments_wired(frozen_clock: SettableClock) -> Iterator[None]:  # noqa: ARG001 -- the gateway reads the clock
    before = gateways.wired()
    gateways.use(SandboxGateway())
    yield
    gateways.use(*before)


@pytest.fixture
def no_payments() -> Iterator[None]:
    before = gateways.wired()
    gateways.use()
    yield
    gateways.use(*before)


@pytest.mark.usefixtures("payments_wired")
def test_what_the_gateway_says_is_told_apart_and_when_it_is_old(desk: Client, frozen_clock: SettableClock) -> None:
    assert "It was not compared yet" in text(desk.get("/ops/money/"))
    check = MoneyCheck.objects.create(ran_at=frozen_clock(), subject=CheckSubject.GATEWAYS)
    check.findings.create(rule=MoneyRule.GATEWAY_KNOWN, order_ref="order-lost", detail="Payment pi_1: nobody knows it.")

    page = text(desk.get("/ops/money/"))

    assert (page.count("1 found"), page.count("Holds")) == (1, 1)
    assert "Order order-lost <span" in page
    assert "Payment pi_1: nobody knows it." in page
    assert "Nothing was compared yet" in page  # the books
    assert "That is more than a day ago" not in page
    frozen_clock.advance(timedelta(hours=27))
    assert "That is more than a day ago" in text(desk.get("/ops/money/"))


@pytest.mark.usefixtures("no_payments")
def test_site_without_payment_pages_is_told_nothing_of_them(desk: Client) -> None:
    assert "What the gateway says" not in text(desk.get("/ops/money/"))


def test_what_was_found_without_a_callback_is_listed_for_thirty_days(desk: Client, frozen_clock: SettableClock) -> None:
    attempt = store_attempt(now=frozen_clock(), order_ref="o1")
    note_repair(attempt, frozen_clock() - timedelta(days=30))
    note_repair(attempt, frozen_clock() - timedelta(days=30, seconds=1))
    audit.record(actor=SYSTEM, action="payment.paid", target=attempt, now=frozen_clock())

    page = text(desk.get("/ops/money/"))

    assert "1 by asking after what was not decided, 0 by collecting events" in page
    assert page.count("A payment had arrived") == 1
    assert '<a class="action" href="/ops/orders/o1/">Order o1</a>, by asking after' in page


def note_repair(attempt: PaymentAttempt, now: datetime) -> None:
    with audit.on_road(Road.POLL):
        audit.record(actor=SYSTEM, action="payment.paid", target=attempt, now=now)
