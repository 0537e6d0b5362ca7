"""Receipts and refund notes: who may see them, what they say, and the list of what a person bought."""

import re
from datetime import datetime
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import COACH, at, confirmed, describe, fresh, hold, order_ref, pending, start_payment
from tests.factories.accounts import make_user
from tests.factories.bookings import make_coach, make_offer
from tests.factories.money import answer_refund, give_back, issue_all
from tests.web.public.browsing import said

from greenroom.bookings import services
from greenroom.bookings.models import Booking
from greenroom.bookings.queries import manage_token
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.integrations.stripe.protocol import RefundState
from greenroom.orders.models import Document
from greenroom.orders.queries import document_token
from greenroom.payments.models import PaymentAttempt

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
LIST = "/account/purchases/"
GONE = ("nothing", "", "a" * 22, "%00", "\u00e9", "%ED%A0%80", "a" * 5000)

pytestmark = pytest.mark.usefixtures("offer")


def signed_in(**values: Any) -> tuple[Client, Any]:
    client, user = Client(), make_user(**values)
    client.force_login(user)
    return client, user


def bought(offer: Offer, **values: Any) -> tuple[Booking, Document]:
    booking = confirmed(offer, **values)
    [receipt] = issue_all(now=clock.now())
    return booking, receipt


def attempt_of(booking: Booking) -> PaymentAttempt:
    return PaymentAttempt.objects.get(order_ref=order_ref(booking))


def page_of(document: Document, *, by_token: bool = False) -> str:
    return f"/receipts/{document_token(document) if by_token else document.ref}/"


def test_buyer_sees_the_receipt_by_account(offer: Offer) -> None:
    client, user = signed_in()
    _booking, receipt = bought(offer, student=user)

    answer = client.get(page_of(receipt))

    assert answer.status_code == HTTPStatus.OK
    assert "no-store" in answer["Cache-Control"]
    for words in (
        "Receipt TEST-G-2026-000001",
        "This is a test. No real money moved",
        "Monday 2 March 2026",
        "Coach maya",
        "Ann Guest",
        "ann@example.org",
        "A call, 60 minutes",
        "€50",
    ):
        assert words in said(answer), words


def test_guest_sees_the_receipt_by_its_link_and_from_the_manage_page(client: Client, offer: Offer) -> None:
    booking, receipt = bought(offer)

    manage = client.get(f"/manage/{manage_token(booking)}/").content.decode()

    assert f'href="{page_of(receipt, by_token=True)}"' in manage
    assert "G-2026-000001" in said(client.get(page_of(receipt, by_token=True)))


def test_manage_page_without_money_has_no_documents(client: Client, offer: Offer) -> None:
    booking = confirmed(offer)

    assert "/receipts/" not in client.get(f"/manage/{manage_token(booking)}/").content.decode()


def test_coach_and_staff_see_the_receipt(offer: Offer) -> None:
    booking, receipt = bought(offer)
    coach, staff = Client(), Client()
    coach.force_login(booking.coach.user)
    staff.force_login(make_user(email="staff@example.org", is_staff=True))

    assert {one.get(page_of(receipt)).status_code for one in (coach, staff)} == {HTTPStatus.OK}


@pytest.mark.parametrize("who", ["student", "coach"])
def test_somebody_elses_receipt_looks_like_none(offer: Offer, who: str) -> None:
    _booking, receipt = bought(offer, student=make_user(email="owner@example.org"))
    client = Client()
    client.force_login(make_user(email="other@example.org") if who == "student" else make_coach("noah").user)

    theirs, none = client.get(page_of(receipt)), client.get(f"/receipts/{'a' * 22}/")

    assert theirs.status_code == none.status_code == HTTPStatus.NOT_FOUND
    assert TOKEN.sub("", theirs.content.decode()).replace(receipt.ref, "a" * 22) == TOKEN.sub("", none.content.decode())


def test_strangers_are_asked_to_sign_in_whether_there_is_one_or_not(client: Client, offer: Offer) -> None:
    _booking, receipt = bought(offer)

    for ref in (receipt.ref, "a" * 22):
        answer = client.get(f"/receipts/{ref}/")
        assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next=/receipts/{ref}/")


def test_changed_tokens_open_nothing(client: Client, offer: Offer) -> None:
    booking, receipt = bought(offer)
    token = document_token(receipt)
    owner = Client()
    owner.force_login(booking.coach.user)

    for wrong in (f"{token}A", token[:-1], token.swapcase(), f"{receipt.ref}.", "x.y", manage_token(booking)):
        for one in (client, owner):
            assert one.get(f"/receipts/{wrong}/").status_code == HTTPStatus.NOT_FOUND
    for nothing in GONE:
        assert owner.get(f"/receipts/{nothing}/").status_code == HTTPStatus.NOT_FOUND


def test_get_alone_is_answered(client: Client, offer: Offer) -> None:
    _booking, receipt = bought(offer)

    assert client.post(page_of(receipt, by_token=True)).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_notes_lead_to_what_they_take_back(client: Client, offer: Offer) -> None:
    booking, receipt = bought(offer)
    refund = give_back(attempt_of(booking), 2000, now=clock.now())
    answer_refund(refund, RefundState.FAILED, now=clock.now())
    note, reversal = issue_all(now=clock.now())

    note_page, reversal_page = (client.get(page_of(one, by_token=True)) for one in (note, reversal))

    assert "Refund note TEST-GR-2026-000001" in said(note_page)
    assert "\N{MINUS SIGN}€20" in said(note_page)
    assert f'href="{page_of(receipt, by_token=True)}"' in note_page.content.decode()
    assert "Refund returned TEST-GX-2026-000001" in said(reversal_page)
    assert f'href="{page_of(note, by_token=True)}"' in reversal_page.content.decode()


def test_real_money_is_not_called_a_test(client: Client, offer: Offer) -> None:
    _booking, receipt = bought(offer)
    Document.objects.update(is_test=False, label="G-2026-000001")

    assert "test" not in said(client.get(page_of(receipt, by_token=True))).lower().replace("latest", "")


def test_purchases_show_state_amounts_and_documents(offer: Offer, now: datetime) -> None:
    client, user = signed_in()
    kept, part, gone = (confirmed(offer, at(hour), student=user) for hour in (12, 14, 16))
    give_back(attempt_of(part), 2000, now=now)
    give_back(attempt_of(gone), 5000, now=now)
    issue_all(now=now)
    late = confirmed(offer, at(18), student=user)

    answer = client.get(LIST)

    rows = answer.context["rows"]
    assert [(row["state"], row["paid"].minor, row["given_back"].minor, len(row["documents"])) for row in rows] == [
        ("paid", 5000, 0, 0),
        ("refunded", 5000, 5000, 2),
        ("part_refunded", 5000, 2000, 2),
        ("paid", 5000, 0, 1),
    ]
    assert "€20 of it went back to you." in said(answer)
    assert "Your receipt follows in a minute or two" in said(answer)
    receipt = Document.objects.get(order=fresh(kept).order)
    assert rows[3]["documents"][0]["url"] == page_of(receipt)
    assert f'href="{page_of(receipt)}"' in answer.content.decode()
    assert late.order is not None


def test_purchases_are_ones_own(offer: Offer) -> None:
    client, _user = signed_in()
    bought(offer, student=make_user(email="owner@example.org"))

    answer = client.get(LIST)

    assert answer.context["rows"] == []
    assert "No purchases yet" in said(answer)


def test_purchases_leave_out_what_was_free_or_not_paid(offer: Offer) -> None:
    client, user = signed_in()
    free = describe(hold(make_offer(offer.coach, slug="free", price_minor=0), student=user))
    start_payment(free)
    pending(offer, at(16), student=user, holder="other")

    assert fresh(free).status == "confirmed"
    assert client.get(LIST).context["rows"] == []


def test_money_that_came_too_late_is_among_the_purchases(offer: Offer) -> None:
    client, user = signed_in()
    booking, _receipt = bought(offer, student=user)
    services.cancel_booking(booking=booking, actor=COACH, now=clock.now())
    Booking.objects.filter(pk=booking.pk).update(confirmed_at=None)

    assert [row["state"] for row in client.get(LIST).context["rows"]] == ["paid"]


def test_purchases_need_an_account(client: Client, db: None) -> None:  # noqa: ARG001 -- it reads
    assert client.get(LIST)["Location"] == f"/account/login/?next={LIST}"


@pytest.mark.parametrize("count", [1, 3])
def test_purchases_ask_the_same_number_of_questions_for_any_length(
    offer: Offer, django_assert_num_queries: Any, count: int
) -> None:
    client, user = signed_in()
    for number in range(count):
        booking = confirmed(offer, at(8 + 2 * number), student=user)
        give_back(attempt_of(booking), 2000, now=clock.now())
    issue_all(now=clock.now())
    client.get(LIST)  # writes down that this session is in use

    with django_assert_num_queries(7):
        client.get(LIST)
