"""Buying what needs no time, as a browser does it; and who is kept out."""

from typing import Any

import pytest
from django.test import Client
from tests.bookings.conftest import nothing_kept, run_jobs
from tests.factories.accounts import make_user
from tests.factories.clock import SettableClock
from tests.factories.downloads import add_file, bought, buyer_of, fresh, give_money, make_download, settle
from tests.web.public.browsing import ANN, said

from greenroom.catalog.models import Offer, OfferFile
from greenroom.coaches.types import CoachStatus
from greenroom.core import clock
from greenroom.core.actors import SYSTEM
from greenroom.orders.models import Order
from greenroom.orders.queries import purchase_token
from greenroom.orders.rules import PURCHASE_LASTS
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import refund_in_full
from greenroom.payments.types import RefundCause

__all__ = ["nothing_kept", "run_jobs"]
pytestmark = pytest.mark.django_db
PAGE = "/maya/workbook/"


@pytest.fixture
def offer(frozen_clock: SettableClock) -> Offer:
    offer = make_download()
    add_file(offer, now=frozen_clock())
    return offer


def ordered(client: Client, **fields: str) -> Order:
    answer = client.post(PAGE, ANN | fields)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return Order.objects.get(ref=answer["Location"].split("/")[2])


def paid(client: Client) -> Order:
    order = ordered(client)
    assert client.post(f"/checkout/{order.ref}/", {"terms": "on"}).status_code == 302
    give_money(order)
    return settle(order)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.usefixtures("offer")
def test_the_whole_way_from_the_coachs_page_to_the_file(client: Client) -> None:
    assert f'href="{PAGE}"' in client.get("/maya/").content.decode()
    assert "Continue to payment · €19" in said(client.get(PAGE))
    order = ordered(client)
    checkout = said(client.get(f"/checkout/{order.ref}/"))
    assert "€19" in checkout
    assert "There is no time in which you can send it back by yourself." in checkout

    to_pay = client.post(f"/checkout/{order.ref}/", {"terms": "on"})
    attempt = PaymentAttempt.objects.get()
    assert (to_pay.status_code, to_pay["Location"]) == (302, attempt.pay_url)
    back = attempt.request["success_url"].removeprefix("http://localhost:8000")
    assert "We are waiting for your payment" in said(client.get(back))
    give_money(order)
    settle(order)

    page = said(Client().get(back))
    assert "A workbook is yours" in page
    assert "Read this first." in page
    file = OfferFile.objects.get()
    answer = Client().get(f"{back}files/{file.ref}/")
    assert body(answer) == b"%PDF"
    assert answer["Content-Disposition"] == 'attachment; filename="workbook.pdf"'
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.usefixtures("offer")
def test_the_gateway_sends_people_back_to_the_checkout_in_any_browser(client: Client) -> None:
    order = ordered(client)
    client.post(f"/checkout/{order.ref}/", {"terms": "on"})
    cancel_url = PaymentAttempt.objects.get().request["cancel_url"].removeprefix("http://localhost:8000")
    other = Client()

    answer = other.get(cancel_url)

    assert (answer.status_code, answer["Location"]) == (302, f"/checkout/{order.ref}/")
    assert "Check and pay" in said(other.get(f"/checkout/{order.ref}/"))


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(("fields", "words"), [({"name": ""}, "Tell us your name."), ({"email": "x"}, "whole address")])
def test_details_name_the_field_at_fault_and_make_nothing(client: Client, fields: dict[str, str], words: str) -> None:
    answer = client.post(PAGE, ANN | fields)

    assert (answer.status_code, words in said(answer)) == (422, True)
    assert not Order.objects.exists()


@pytest.mark.usefixtures("offer")
def test_checkout_wants_agreement_first(client: Client) -> None:
    order = ordered(client)

    answer = client.post(f"/checkout/{order.ref}/", {})

    assert (answer.status_code, "Please agree to go on." in said(answer)) == (422, True)
    assert not PaymentAttempt.objects.exists()


@pytest.mark.usefixtures("offer")
def test_what_is_free_is_there_at_once(client: Client) -> None:
    Offer.objects.update(price_minor=0)
    order = ordered(client)

    answer = client.post(f"/checkout/{order.ref}/", {"terms": "on"}, follow=True)

    assert "A workbook is yours" in said(answer)


@pytest.mark.usefixtures("offer")
def test_who_has_it_is_told_so_before_paying(client: Client) -> None:
    order = paid(client)

    page = client.get(PAGE)
    again = client.post(PAGE, ANN, follow=True)

    for answer in (page, again):
        assert "You have this already" in said(answer)
        assert f'href="/purchase/{order.ref}/"' in answer.content.decode()
    assert "You have this already" not in said(Client().get(PAGE))


@pytest.mark.usefixtures("offer")
def test_order_whose_time_is_over_says_so_and_leads_back(client: Client, frozen_clock: SettableClock) -> None:
    order = ordered(client)
    frozen_clock.set(frozen_clock() + PURCHASE_LASTS)

    page = client.get(f"/checkout/{order.ref}/")
    refused = client.post(f"/checkout/{order.ref}/", {"terms": "on"})

    assert "This order is over" in said(page)
    assert f'href="{PAGE}"' in page.content.decode()
    assert refused.status_code == 409
    assert not PaymentAttempt.objects.exists()


def test_unpublished_offer_is_gone_and_its_open_order_can_be_paid(client: Client, offer: Offer) -> None:
    order = ordered(client)
    Offer.objects.filter(pk=offer.pk).update(status="draft")

    assert client.get(PAGE).status_code == 404
    late = client.post(PAGE, ANN)
    assert (late.status_code, "Nothing was charged." in said(late)) == (409, True)
    assert client.post(f"/checkout/{order.ref}/", {"terms": "on"}).status_code == 302


def test_hidden_coach_sells_nothing(client: Client, offer: Offer) -> None:
    offer.coach.status = CoachStatus.APPLIED
    offer.coach.save()

    assert client.get(PAGE).status_code == 404


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("page", ["/checkout/{}/", "/purchase/{}/", "/purchase/{}/files/{}/"])
def test_other_people_find_nothing(client: Client, page: str) -> None:
    order = paid(client) if "purchase" in page else ordered(client)
    path = page.format(order.ref, OfferFile.objects.get().ref)
    other = Client()
    other.force_login(make_user("other@example.org"))

    mine = client.get(path)
    assert mine.status_code == 200
    assert not mine.streaming or body(mine)
    assert other.get(path).status_code == 404
    assert other.post(path, {"terms": "on"}).status_code in {404, 405}
    anonymous = Client().get(path)
    if "purchase" in page:
        assert (anonymous.status_code, anonymous["Location"]) == (302, f"/account/login/?next={path}")
    else:
        assert anonymous.status_code == 404


@pytest.mark.usefixtures("offer")
def test_forged_tokens_open_nothing(client: Client) -> None:
    order, file = paid(client), OfferFile.objects.get()
    token = purchase_token(order)
    wrong = [f"{order.ref}.forged", f"{'x' * 22}.{token.partition('.')[2]}", f"{token}x", token[:-1], "."]

    for one in wrong:
        for path in (f"/purchase/{one}/", f"/purchase/{one}/files/{file.ref}/", f"/checkout/{order.ref}/?token={one}"):
            assert Client().get(path).status_code == 404, path
    assert Client().get(f"/purchase/{token}/").status_code == 200


def test_token_of_one_purchase_opens_no_file_of_another(client: Client, offer: Offer) -> None:
    order = paid(client)
    other = make_download(offer.coach, slug="other")
    file = add_file(other, now=clock.now())

    assert Client().get(f"/purchase/{purchase_token(order)}/files/{file.ref}/").status_code == 404


@pytest.mark.usefixtures("offer")
def test_unpaid_order_gives_no_file(client: Client) -> None:
    order = ordered(client)
    client.post(f"/checkout/{order.ref}/", {"terms": "on"})

    path = f"/purchase/{purchase_token(order)}/"
    assert client.get(f"{path}files/{OfferFile.objects.get().ref}/").status_code == 404
    assert "Read this first." not in said(client.get(path))


@pytest.mark.usefixtures("offer")
def test_after_a_full_refund_it_can_not_be_opened_and_the_page_says_why(client: Client) -> None:
    order = paid(client)
    refund_in_full(order_ref=order.ref, cause=RefundCause.STAFF, actor=SYSTEM, now=clock.now())
    settle(order)

    page = client.get(f"/purchase/{order.ref}/")

    assert "A workbook is no longer yours" in said(page)
    assert "Read this first." not in said(page)
    assert client.get(f"/purchase/{order.ref}/files/{OfferFile.objects.get().ref}/").status_code == 404


def test_html_is_handed_out_as_a_file_and_never_as_a_page(client: Client, offer: Offer) -> None:
    evil = add_file(offer, now=clock.now(), name="page.html", content=b"<script>alert(1)</script>")
    order = paid(client)

    answer = client.get(f"/purchase/{order.ref}/files/{evil.ref}/")
    assert body(answer)

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html"'
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_name_of_a_file_can_not_add_headers(client: Client, offer: Offer) -> None:
    OfferFile.objects.update(name='a"; x="\u00e9.pdf')
    order = paid(client)

    answer = client.get(f"/purchase/{order.ref}/files/{OfferFile.objects.get(offer=offer).ref}/")
    assert body(answer)

    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''a%22%3B%20x%3D%22%C3%A9.pdf"


def test_library_lists_what_is_theirs_after_signing_in_with_that_address(client: Client, offer: Offer) -> None:
    paid(client)
    owner = fresh(Order.objects.get()).buyer
    reader, other = Client(), Client()
    reader.force_login(owner)
    other.force_login(make_user("other@example.org"))

    assert Client().get("/library/")["Location"] == "/account/login/?next=/library/"
    assert offer.title in said(reader.get("/library/"))
    assert offer.title not in said(other.get("/library/"))
    assert reader.get(f"/purchase/{Order.objects.get().ref}/").status_code == 200
    assert "€19" in said(reader.get("/account/purchases/"))


@pytest.mark.parametrize("count", [1, 3])
def test_library_asks_the_same_number_of_questions_for_any_length(
    client: Client, offer: Offer, count: int, django_assert_num_queries: Any
) -> None:
    owner = make_user()
    for number in range(count):
        bought(make_download(offer.coach, slug=f"free-{number}", price_minor=0), buyer_of(owner))
    client.force_login(owner)

    with django_assert_num_queries(9):
        assert said(client.get("/library/")).count("yours since") == count


@pytest.mark.usefixtures("offer")
def test_get_never_orders_and_head_is_answered(client: Client) -> None:
    assert client.head(PAGE).status_code == 200
    assert client.get(PAGE, ANN).status_code == 200
    assert client.put(PAGE).status_code == 405
    assert not Order.objects.exists()


@pytest.mark.usefixtures("offer")
def test_writes_need_the_csrf_token() -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(PAGE, ANN).status_code == 403
    assert not Order.objects.exists()


@pytest.mark.usefixtures("offer")
def test_one_address_can_not_make_orders_without_end(settings: Any) -> None:
    settings.HOLD_LIMIT = 2

    answers = [Client().post(PAGE, ANN).status_code for _ in range(3)]

    assert answers == [302, 302, 429]
    assert Order.objects.count() == 2
