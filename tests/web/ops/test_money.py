from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from tests.factories.accounts import make_admin, make_user
from tests.factories.clock import SettableClock
from tests.payments.factories import store_attempt
from tests.web.test_templates import Reader

from greenroom.payments.models import Dispute, MoneyCheck
from greenroom.payments.types import MoneyRule
from greenroom.web.ops.money import RULES

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
    assert set(RULES) == set(MoneyRule)


def test_page_says_when_nothing_ran_and_when_it_is_old(desk: Client, frozen_clock: SettableClock) -> None:
    assert "Nothing was compared yet" in text(desk.get("/ops/money/"))
    assert desk.get("/ops/money/check/").status_code == HTTPStatus.METHOD_NOT_ALLOWED

    answer = desk.post("/ops/money/check/", follow=True)
    assert "Compared: nothing found." in text(answer)
    assert text(answer).count("Holds") == len(MoneyRule)
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

    assert "Compared: 2 found." in page
    assert "Payment pi_1 is for an order that does not exist." in page
    assert "and the ledger says \N{EURO SIGN}0." in page
    assert "The bank has the money. Answer at the gateway by Mon 9 Mar, 10:00 UTC." in page


@pytest.mark.parametrize("rows", [1, 3])
def test_number_of_queries_does_not_grow_with_the_findings(
    desk: Client, frozen_clock: SettableClock, rows: int, django_assert_num_queries: Callable[..., object]
) -> None:
    check = MoneyCheck.objects.create(ran_at=frozen_clock())
    for number in range(rows):
        check.findings.create(rule=MoneyRule.PAID_IS_FULFILLED, order_ref=f"o{number}", detail="x")

    with django_assert_num_queries(10):
        desk.get("/ops/money/")
