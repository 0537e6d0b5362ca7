import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import Http404
from django.test import Client, RequestFactory
from tests.factories.clock import SettableClock
from tests.integrations.stripe.factories import event_types, make_checkout, objects_of

from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import CheckoutLine
from greenroom.integrations.stripe.sandbox import views
from greenroom.integrations.stripe.sandbox.cards import CARDS
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Checkout

GOOD = "4242424242424242"
PAID = ["payment_intent.succeeded", "checkout.session.completed"]


@pytest.fixture
def checkout(gateway: SandboxGateway, now: datetime) -> Checkout:
    return make_checkout(gateway, now)


@pytest.fixture
def post(client: Client, checkout: Checkout) -> Callable[..., Any]:
    return lambda **form: client.post(f"/sandbox/pay/{checkout.ref}", form)


def state(checkout: Checkout) -> str:
    checkout.refresh_from_db()
    return checkout.state


def test_page_shows_what_is_paid_and_changes_nothing(client: Client, checkout: Checkout) -> None:
    page = client.get(f"/sandbox/pay/{checkout.ref}")

    text = page.content.decode()
    assert page.status_code == 200
    assert "Deep-dive session" in text
    assert text.count("€80.00") >= 3
    assert 'autocomplete="cc-number"' in text
    assert 'inputmode="numeric"' in text
    assert '<label for="card">' in text
    assert "https://shop.example/checkout" in text
    assert (state(checkout), event_types()) == ("open", [])


def test_page_needs_no_script_no_inline_style_and_no_cookie(client: Client, checkout: Checkout) -> None:
    page = client.get(f"/sandbox/pay/{checkout.ref}")

    assert not re.search(rb"<script|<style|style=|onclick|javascript:", page.content)
    assert not page.cookies
    assert "no-store" in page["Cache-Control"]


def test_page_lets_its_form_lead_back_to_the_shop(client: Client, checkout: Checkout) -> None:
    policy = client.get(f"/sandbox/pay/{checkout.ref}")["Content-Security-Policy"]

    [form_action] = [part.split() for part in policy.split(";") if "form-action" in part]
    assert {"'self'", "https://shop.example"} <= set(form_action)
    assert "*" not in form_action


def test_page_prints_currencies_without_decimals_as_they_are(
    client: Client, gateway: SandboxGateway, now: datetime
) -> None:
    yen = Money(8000, "JPY")
    checkout = make_checkout(gateway, now, total=yen, lines=[CheckoutLine("Call", yen)])

    assert "¥8,000<" in client.get(f"/sandbox/pay/{checkout.ref}").content.decode()


@pytest.mark.parametrize("typed", [GOOD, "4242 4242 4242 4242", "4242-4242-4242-4242"])
def test_good_card_pays_and_leads_back(post: Callable[..., Any], checkout: Checkout, typed: str) -> None:
    answer = post(card=typed)

    assert (answer.status_code, answer["Location"]) == (303, "https://shop.example/thanks")
    assert (state(checkout), checkout.captured_minor, checkout.captured_currency) == ("paid", 8000, "EUR")
    assert event_types() == PAID
    assert objects_of("checkout.session.completed")[0]["payment_status"] == "paid"


def test_second_payment_leads_back_and_takes_nothing(post: Callable[..., Any]) -> None:
    post(card=GOOD)

    answers = [post(card=GOOD), post(card="4000000000000002"), post(debit="settle"), post(bank="approve")]

    assert [(one.status_code, one["Location"]) for one in answers] == [(303, "https://shop.example/thanks")] * 4
    assert event_types() == PAID


@pytest.mark.parametrize(
    ("card", "code", "words"),
    [
        ("4000000000000002", "generic_decline", "Your card was declined."),
        ("4000000000009995", "insufficient_funds", "Your card has insufficient funds."),
        ("4000000000000069", "expired_card", "Your card has expired."),
        ("4000000000000127", "incorrect_cvc", "Your card&#x27;s security code is incorrect."),
        ("4000000000000119", "processing_error", "An error occurred while processing your card."),
    ],
)
def test_declined_card_says_why_and_leaves_the_page_open(
    post: Callable[..., Any], checkout: Checkout, card: str, code: str, words: str
) -> None:
    declined = post(card=card)

    text = declined.content.decode()
    assert declined.status_code == 402
    assert words in text
    assert 'aria-describedby="card-error card-hint"' in text
    assert card not in text.split("<details>")[0]
    assert (state(checkout), checkout.problem) == ("open", code)
    assert event_types() == ["payment_intent.payment_failed"]
    assert objects_of("payment_intent.payment_failed")[0]["last_payment_error"] == {"code": code}
    assert post(card=GOOD).status_code == 303
    assert (state(checkout), checkout.problem) == ("paid", "")


@pytest.mark.parametrize("card", ["4000002760003184", "4000002500003155"])
def test_bank_that_is_asked_and_approves_pays(
    client: Client, post: Callable[..., Any], checkout: Checkout, card: str
) -> None:
    asked = post(card=card)

    assert (asked.status_code, asked["Location"]) == (303, f"/sandbox/pay/{checkout.ref}")
    assert state(checkout) == "requires_action"
    assert "Your bank asks" in client.get(asked["Location"]).content.decode()
    assert post(bank="approve")["Location"] == "https://shop.example/thanks"
    assert state(checkout) == "paid"
    assert event_types() == ["payment_intent.requires_action", *PAID]


def test_bank_that_is_asked_and_refuses_leaves_the_page_open(post: Callable[..., Any], checkout: Checkout) -> None:
    post(card="4000002760003184")

    refused = post(bank="refuse")

    assert refused.status_code == 402
    assert "Your bank did not confirm the payment." in refused.content.decode()
    assert (state(checkout), checkout.problem) == ("open", "payment_intent_authentication_failure")
    assert post(card=GOOD).status_code == 303


def test_bank_that_was_not_asked_cannot_approve(post: Callable[..., Any], checkout: Checkout) -> None:
    assert post(bank="approve").status_code == 200
    assert (state(checkout), event_types()) == ("open", [])


@pytest.mark.parametrize("choice", ["settle", "bounce"])
def test_debit_leads_back_while_the_bank_works(
    client: Client, post: Callable[..., Any], checkout: Checkout, choice: str
) -> None:
    answer = post(debit=choice)

    assert (answer.status_code, answer["Location"]) == (303, "https://shop.example/thanks")
    assert state(checkout) == "processing"
    assert event_types() == ["payment_intent.processing", "checkout.session.completed"]
    assert objects_of("checkout.session.completed")[0]["payment_status"] == "unpaid"
    assert "Your bank is working" in client.get(f"/sandbox/pay/{checkout.ref}").content.decode()
    assert post(debit="settle").status_code == 303


def test_page_that_is_over_says_so_and_cannot_be_paid(
    client: Client, post: Callable[..., Any], checkout: Checkout, frozen_clock: SettableClock
) -> None:
    frozen_clock.advance(timedelta(minutes=32))

    answers = [client.get(f"/sandbox/pay/{checkout.ref}"), post(card=GOOD), post(debit="settle"), post(bank="approve")]

    assert [one.status_code for one in answers] == [410] * 4
    assert all("has ended and cannot be paid" in one.content.decode() for one in answers)
    assert (state(checkout), event_types()) == ("open", [])


def test_page_of_a_failed_debit_says_so(client: Client, checkout: Checkout) -> None:
    Checkout.objects.update(state="failed")

    page = client.get(f"/sandbox/pay/{checkout.ref}")

    assert (page.status_code, "failed at the bank" in page.content.decode()) == (410, True)


def test_page_of_a_paid_checkout_leads_on(client: Client, checkout: Checkout) -> None:
    Checkout.objects.update(state="paid")

    page = client.get(f"/sandbox/pay/{checkout.ref}")

    assert (page.status_code, 'href="https://shop.example/thanks"' in page.content.decode()) == (200, True)


@pytest.mark.parametrize(("method", "status"), [("put", 405), ("delete", 405), ("head", 200)])
def test_other_methods(client: Client, checkout: Checkout, method: str, status: int) -> None:
    assert getattr(client, method)(f"/sandbox/pay/{checkout.ref}").status_code == status


@pytest.mark.usefixtures("db")
def test_unknown_page_is_not_found(rf: RequestFactory) -> None:
    for request in (rf.get("/"), rf.post("/", {"card": GOOD})):
        with pytest.raises(Http404):
            views.pay(request, "cs_test_none")


def test_page_in_production_is_not_found(rf: RequestFactory, checkout: Checkout, settings: Any) -> None:
    settings.SANDBOX_ENABLED = False

    for request in (rf.get("/"), rf.post("/", {"card": GOOD})):
        with pytest.raises(Http404):
            views.pay(request, checkout.ref)

    assert state(checkout) == "open"


def test_page_takes_no_csrf_token(checkout: Checkout) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(f"/sandbox/pay/{checkout.ref}", {"card": GOOD}).status_code == 303


UNKNOWN = [
    "4111111111111111",
    "5555 5555 5555 4444",
    "1234567812345678",
    "4242424242424243",
    "\uff14242424242424242",
    "",
    "4" * 5000,
]


@pytest.mark.parametrize("typed", UNKNOWN)
def test_unknown_number_is_refused(post: Callable[..., Any], checkout: Checkout, typed: str) -> None:
    refused = post(card=typed)

    assert refused.status_code == 422
    assert "use one of the test cards" in refused.content.decode()
    assert (state(checkout), checkout.problem, event_types()) == ("open", "", [])


def test_no_number_is_ever_stored_logged_or_shown_again(
    post: Callable[..., Any], client: Client, gateway: SandboxGateway, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    typed = [number for number in UNKNOWN if number] + list(CARDS)

    pages = [post(card=number).content.decode().split("<details>")[0] for number in typed]
    for position, number in enumerate(CARDS):
        other = make_checkout(gateway, now, key=f"k{position}")
        pages.append(client.post(f"/sandbox/pay/{other.ref}", {"card": number}).content.decode().split("<details>")[0])

    kept = _everything_in_the_database() + caplog.text
    for number in typed:
        assert number not in kept
        assert not any(number in page for page in pages)


def _everything_in_the_database() -> str:
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 -- names from the schema
            rows += [str(row) for row in cursor.fetchall()]
    return "\n".join(rows)
