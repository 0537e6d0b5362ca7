"""Paying a download by hand, as a browser does it; and a site that takes no payments at all."""

from collections.abc import Callable

import pytest
from django.test import Client
from tests.bookings.conftest import gateway, nothing_kept, run_jobs
from tests.factories.accounts import make_user
from tests.factories.by_hand import approve, make_method, payment_of
from tests.factories.clock import SettableClock
from tests.factories.downloads import fresh, make_download
from tests.web.public.browsing import ANN, said
from tests.web.test_templates import Reader

from greenroom.catalog.models import Offer
from greenroom.core.money import Money
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.manual.models import PayMethod
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders.models import Order
from greenroom.orders.queries import purchase_token
from greenroom.payments import gateways
from greenroom.payments.models import PaymentAttempt

__all__ = ["gateway", "nothing_kept", "run_jobs"]
pytestmark = pytest.mark.django_db
PAGE = "/maya/workbook/"
NO_WAY = "This can't be paid here yet"


@pytest.fixture(autouse=True)
def both(gateway: SandboxGateway) -> None:
    gateways.use(gateway, ManualGateway(is_test=True))


@pytest.fixture(autouse=True)
def offer(frozen_clock: SettableClock) -> Offer:
    assert frozen_clock
    return make_download()


@pytest.fixture
def method() -> PayMethod:
    return make_method(hours_to_pay=72)


def ordered(client: Client) -> Order:
    answer = client.post(PAGE, ANN)
    assert answer.status_code == 302, said(answer)
    return Order.objects.get(ref=answer["Location"].split("/")[2])


def chosen(client: Client, method: PayMethod) -> Order:
    order = ordered(client)
    answer = client.post(f"/checkout/{order.ref}/", {"terms": "on", "method": f"method-{method.pk}"})
    assert answer.status_code == 302, said(answer)
    return order


def page_of(order: Order) -> str:
    return f"/checkout/{order.ref}/by-hand/"


def page(client: Client, order: Order) -> str:
    text = said(client.get(page_of(order)))
    reader = Reader(text)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    return text


def test_the_whole_way_from_the_choice_to_the_library(
    client: Client, method: PayMethod, run_jobs: Callable[..., None]
) -> None:
    order = ordered(client)
    checkout = said(client.get(f"/checkout/{order.ref}/"))
    assert 'value="card" checked' in checkout
    assert "Bank transfer, to be paid by Thu 5 Mar, 10:00 UTC" in checkout

    client.post(f"/checkout/{order.ref}/", {"terms": "on", "method": f"method-{method.pk}"})
    text = page(client, order)
    for words in ("Pay €19", "Account 123", payment_of(order).code, "You can pay until", "Thu 5 Mar, 10:00 UTC"):
        assert words in text
    assert "We keep this time" not in text

    client.post(page_of(order), {"note": "From Ann"})
    text = page(client, order)
    assert "Waiting for our staff" in text
    assert "Your time stays kept" not in text

    approve(order, Money(1900, "EUR"))
    assert "Your payment has arrived" in page(client, order)
    run_jobs()
    assert client.get(page_of(order))["Location"] == f"/purchase/{order.ref}/"
    assert "Read this first." in said(client.get(f"/purchase/{order.ref}/"))
    owner = Client()
    owner.force_login(fresh(order).buyer)
    assert "A workbook" in said(owner.get("/library/"))


@pytest.mark.parametrize("posted", [{}, {"method": ""}, {"method": "method-0"}, {"method": "\x00"}])
def test_checkout_without_a_way_that_exists_says_so(client: Client, method: PayMethod, posted: dict[str, str]) -> None:
    assert method.pk
    order = ordered(client)

    assert client.post(f"/checkout/{order.ref}/", {"terms": "on", **posted}).status_code == 422
    assert not PaymentAttempt.objects.exists()


def test_link_opens_the_page_without_a_cookie_and_others_find_nothing(client: Client, method: PayMethod) -> None:
    order = chosen(client, method)
    for other in (Client(), Client()):
        assert other.get(page_of(order)).status_code == other.post(page_of(order)).status_code == 404
        assert other.post(f"{page_of(order)}cancel/").status_code == 404
        other.force_login(make_user(f"{id(other)}@example.org"))
        assert other.get(page_of(order)).status_code == 404
    assert payment_of(order).handed_in_at is None

    answer = Client().get(f"{page_of(order)}?token={purchase_token(order)}", follow=True)

    assert answer.redirect_chain == [(page_of(order), 302)]
    assert payment_of(order).code in said(answer)
    assert Client().get(f"{page_of(order)}?token={order.ref}.forged").status_code == 404


def test_token_of_another_purchase_opens_nothing(client: Client, method: PayMethod, offer: Offer) -> None:
    order = chosen(client, method)
    other = Order.objects.create(
        coach=offer.coach,
        currency="EUR",
        total_minor=1,
        policy=[],
        created_at=order.created_at,
        pay_until=order.created_at,
    )

    assert Client().get(f"{page_of(order)}?token={purchase_token(other)}").status_code == 404


def test_order_that_is_paid_by_card_has_no_such_page(client: Client, method: PayMethod) -> None:
    assert method.pk
    order = ordered(client)
    client.post(f"/checkout/{order.ref}/", {"terms": "on", "method": "card"})

    assert client.get(page_of(order)).status_code == 404


def test_other_pages_lead_to_this_one_while_it_is_awaited(client: Client, method: PayMethod) -> None:
    order = chosen(client, method)

    assert client.get(f"/checkout/{order.ref}/")["Location"] == page_of(order)
    other = Client()
    answer = other.get(f"/purchase/{purchase_token(order)}/", follow=True)
    assert answer.redirect_chain[-1][0] == page_of(order)
    assert "How do you want to pay?" in said(client.get(f"/checkout/{order.ref}/?change=1"))


def test_buyer_who_has_not_paid_after_all_chooses_another_way_at_once(client: Client, method: PayMethod) -> None:
    order = chosen(client, method)
    assert "choose another way" not in page(client, order)  # a link leads there as long as nobody is asked
    client.post(page_of(order), {"note": ""})
    assert "I have not paid: choose another way" in page(client, order)

    answer = client.post(f"{page_of(order)}cancel/", follow=True)

    assert answer.redirect_chain == [(f"/checkout/{order.ref}/", 302)]
    assert "How do you want to pay?" in said(answer)
    to_card = client.post(f"/checkout/{order.ref}/", {"terms": "on", "method": "card"})
    assert "/sandbox/pay/" in to_card["Location"]


def test_page_after_the_end_says_what_becomes_of_money_and_leads_back(
    client: Client, method: PayMethod, frozen_clock: SettableClock, run_jobs: Callable[..., None]
) -> None:
    order = chosen(client, method)
    run_jobs(payment_of(order).expires_at)

    text = page(client, order)

    assert "The time to pay is over" in text
    assert "you get it if it can still be had" in text
    assert f'href="{PAGE}"' in text
    assert frozen_clock()
    assert client.post(page_of(order), {"note": "x"}).status_code == 422
    assert payment_of(order).handed_in_at is None


def test_site_that_takes_no_payments_says_so_before_anything_is_asked(client: Client) -> None:
    gateways.use(ManualGateway(is_test=True))

    shown, posted = client.get(PAGE), client.post(PAGE, ANN)

    assert (shown.status_code, posted.status_code) == (200, 409)
    for answer in (shown, posted):
        assert NO_WAY in said(answer)
        assert "Continue to payment" not in said(answer)
    assert not Order.objects.exists()


def test_site_that_takes_no_payments_still_gives_what_is_free(client: Client) -> None:
    Offer.objects.update(price_minor=0)
    gateways.use(ManualGateway(is_test=True))

    order = ordered(client)
    answer = client.post(f"/checkout/{order.ref}/", {"terms": "on"}, follow=True)

    assert "A workbook is yours" in said(answer)


def test_checkout_shows_no_button_where_payments_were_taken_away_meanwhile(client: Client) -> None:
    order = ordered(client)
    gateways.use(ManualGateway(is_test=True))

    shown = client.get(f"/checkout/{order.ref}/")
    posted = client.post(f"/checkout/{order.ref}/", {"terms": "on"})

    assert (shown.status_code, posted.status_code) == (200, 409)
    for answer in (shown, posted):
        assert NO_WAY in said(answer)
        assert "Pay €19</button>" not in said(answer)
    assert "This site does not take payments yet. Nothing was taken." in said(posted)
    assert not PaymentAttempt.objects.exists()


def test_page_says_that_another_amount_goes_back_and_leads_to_the_offer(
    client: Client, method: PayMethod, run_jobs: Callable[..., None]
) -> None:
    order = chosen(client, method)
    approve(order, Money(1800, "EUR"))
    run_jobs()

    text = page(client, order)

    assert "€18 arrived instead of €19" in text
    assert "Nothing is booked" not in text
    assert f'href="{PAGE}"' in text
    assert "How do you want to pay?" in said(client.get(f"/checkout/{order.ref}/"))
