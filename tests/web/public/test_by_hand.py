from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.bookings.steps import ADMIN, fresh
from tests.factories.by_hand import make_method, payment_of
from tests.factories.clock import SettableClock
from tests.web.public.browsing import described, said
from tests.web.test_templates import Reader

from greenroom.bookings.models import Booking
from greenroom.bookings.queries import manage_token
from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.manual.models import PayMethod, Proof
from greenroom.integrations.manual.proofs import MOST_BYTES
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders.services import approve_payment
from greenroom.payments import gateways
from greenroom.payments.models import PaymentAttempt

pytestmark = pytest.mark.usefixtures("offer")
PNG = b"\x89PNG\r\n\x1a\n0000"


@pytest.fixture(autouse=True)
def both(gateway: SandboxGateway) -> None:
    gateways.use(gateway, ManualGateway(is_test=True))


@pytest.fixture
def method(offer: Offer) -> PayMethod:  # noqa: ARG001 -- the database
    return make_method()


def chosen(client: Client, method: PayMethod) -> Booking:
    booking = described(client)
    answer = client.post(f"/checkout/{booking.ref}/", {"terms": "on", "method": f"method-{method.pk}"})
    assert answer.status_code == 302, said(answer)
    return fresh(booking)


def page_of(booking: Booking) -> str:
    return f"/checkout/{booking.ref}/by-hand/"


def page(client: Client, booking: Booking) -> str:
    text = said(client.get(page_of(booking)))
    reader = Reader(text)
    assert (reader.wrong, reader.open, reader.headings.count("h1")) == ([], [], 1)
    return text


def test_checkout_asks_how_to_pay_with_card_chosen_and_says_until_when(client: Client, method: PayMethod) -> None:
    booking = described(client)

    text = said(client.get(f"/checkout/{booking.ref}/"))

    assert "How do you want to pay?" in text
    assert 'value="card" checked' in text
    assert "Bank transfer, to be paid by Tue 3 Mar, 10:00 UTC" in text
    assert f'value="method-{method.pk}"' in text


def test_checkout_asks_nothing_where_cards_are_all(client: Client) -> None:
    booking = described(client)

    assert "How do you want to pay?" not in said(client.get(f"/checkout/{booking.ref}/"))


def test_checkout_shows_no_button_where_the_site_takes_no_payments(client: Client) -> None:
    booking = described(client)
    gateways.use(ManualGateway(is_test=True))

    text = said(client.get(f"/checkout/{booking.ref}/"))

    assert "This can't be paid here yet" in text
    assert "Pay €50</button>" not in text


@pytest.mark.parametrize("posted", [{}, {"method": ""}, {"method": "method-0"}, {"method": "\x00"}])
def test_checkout_without_a_way_that_exists_says_so(client: Client, method: PayMethod, posted: dict[str, str]) -> None:
    assert method.pk
    booking = described(client)

    answer = client.post(f"/checkout/{booking.ref}/", {"terms": "on", **posted})

    assert answer.status_code == 422
    assert not PaymentAttempt.objects.exists()


def test_page_says_how_much_how_until_when_and_what_to_write(client: Client, method: PayMethod) -> None:
    booking = chosen(client, method)

    text = page(client, booking)

    for words in ("Pay €50", "Account 123", payment_of(booking).code, "Tue 3 Mar, 10:00 UTC"):
        assert words in text


def test_link_opens_the_page_without_a_cookie_and_others_find_nothing(client: Client, method: PayMethod) -> None:
    booking = chosen(client, method)
    other = Client()

    assert other.get(page_of(booking)).status_code == other.post(page_of(booking)).status_code == 404
    assert other.post(f"{page_of(booking)}cancel/").status_code == 404
    answer = other.get(f"{page_of(booking)}?token={manage_token(booking)}", follow=True)
    assert answer.redirect_chain == [(page_of(booking), 302)]
    assert payment_of(booking).code in said(answer)


def test_booking_that_is_paid_by_card_has_no_such_page(client: Client, method: PayMethod) -> None:
    assert method.pk
    booking = described(client)
    client.post(f"/checkout/{booking.ref}/", {"terms": "on", "method": "card"})

    assert client.get(page_of(booking)).status_code == 404


def test_buyer_says_that_they_paid_with_a_picture(client: Client, method: PayMethod) -> None:
    booking = chosen(client, method)
    file = SimpleUploadedFile("../../evil.html", PNG, content_type="text/html")

    answer = client.post(page_of(booking), {"proof": file, "note": "From <b>Ann</b>"}, follow=True)

    assert "Waiting for our staff" in said(answer)
    proof = Proof.objects.get()
    assert (bytes(proof.content), proof.kind, str(proof)) == (PNG, "png", f"proof-{proof.ref}.png")
    assert payment_of(booking).note == "From <b>Ann</b>"


def test_buyer_says_that_they_paid_without_anything(client: Client, method: PayMethod) -> None:
    booking = chosen(client, method)

    assert client.post(page_of(booking)).status_code == 302
    assert payment_of(booking).handed_in_at is not None
    assert not Proof.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"<script>1</script>", "Send a picture"), (b"", "empty"), (b"%PDF-" + b"0" * MOST_BYTES, "larger than 5 MB")],
    ids=["page", "empty", "large"],
)
def test_file_that_is_none_is_refused_and_the_note_stays(
    client: Client, method: PayMethod, content: bytes, words: str
) -> None:
    booking = chosen(client, method)

    answer = client.post(page_of(booking), {"proof": SimpleUploadedFile("a.png", content), "note": "My note"})

    assert answer.status_code == 422
    assert words in said(answer)
    assert "My note" in said(answer)
    assert payment_of(booking).handed_in_at is None


def test_page_after_the_deadline_says_what_becomes_of_money(
    client: Client, method: PayMethod, frozen_clock: SettableClock
) -> None:
    booking = chosen(client, method)
    frozen_clock.advance(timedelta(days=1))

    assert "The time to pay is over" in page(client, booking)
    answer = client.post(page_of(booking), {"note": "x"})
    assert answer.status_code == 422
    assert payment_of(booking).handed_in_at is None


def test_buyer_lets_the_time_go(client: Client, method: PayMethod, run_jobs: Callable[..., None]) -> None:
    booking = chosen(client, method)

    assert client.get(f"{page_of(booking)}cancel/").status_code == 405
    answer = client.post(f"{page_of(booking)}cancel/", follow=True)
    run_jobs()

    assert "You have let the time go." in said(answer)
    assert fresh(booking).status == "cancelled"
    assert "The time to pay is over" in page(client, booking)


def test_page_says_that_another_amount_goes_back(
    client: Client, method: PayMethod, run_jobs: Callable[..., None]
) -> None:
    booking = chosen(client, method)
    client.post(page_of(booking))
    approve_payment(ref=payment_of(booking).ref, received=Money(4500, "EUR"), actor=ADMIN, now=clock.now())
    run_jobs()

    text = page(client, booking)

    assert "€45 arrived instead of €50" in text
    assert "Your payment has arrived" not in text


def test_who_lets_the_time_go_after_paying_reads_what_becomes_of_the_money(client: Client, method: PayMethod) -> None:
    booking = chosen(client, method)
    client.post(page_of(booking))

    answer = client.post(f"{page_of(booking)}cancel/", follow=True)

    assert "You have let the time go. If you sent money, it comes back to you." in said(answer)


def test_cancelling_a_booking_that_was_paid_by_hand_names_no_card(
    client: Client, method: PayMethod, run_jobs: Callable[..., None]
) -> None:
    booking = chosen(client, method)
    approve_payment(ref=payment_of(booking).ref, received=Money(5000, "EUR"), actor=ADMIN, now=clock.now())
    run_jobs()

    text = said(client.get(f"/manage/{manage_token(booking)}/cancel/"))

    assert "Back to you, the way you paid" in text


def test_page_says_that_late_money_for_a_time_that_is_gone_goes_back(
    client: Client, method: PayMethod, run_jobs: Callable[..., None]
) -> None:
    booking = chosen(client, method)
    client.post(f"{page_of(booking)}cancel/")
    run_jobs()
    approve_payment(ref=payment_of(booking).ref, received=Money(5000, "EUR"), actor=ADMIN, now=clock.now())
    assert "Your payment has arrived" in page(client, booking)
    run_jobs()

    assert "This time could not be booked any more" in page(client, booking)


def test_instructions_keep_their_lines_on_page_and_in_the_mail(
    client: Client, method: PayMethod, run_jobs: Callable[..., None]
) -> None:
    method.instructions = "Account 1\r\nBank 2\r\n\r\nNo cheques"
    method.save()
    booking = chosen(client, method)
    run_jobs()

    assert "Account 1\r\nBank 2" in client.get(page_of(booking)).content.decode()
    assert "\n\nAccount 1\nBank 2\n\nNo cheques\n\n" in DeliveredMail.objects.get(subject="How to pay €50").text


def test_other_pages_lead_to_this_one_while_it_is_awaited(client: Client, method: PayMethod) -> None:
    booking = chosen(client, method)

    assert client.get(f"/checkout/{booking.ref}/")["Location"] == page_of(booking)
    assert client.get(f"/booking/confirmed/{booking.ref}/", follow=True).redirect_chain[-1][0] == page_of(booking)
    assert page_of(booking) in said(client.get(f"/manage/{manage_token(booking)}/"))
    again = said(client.get(f"/checkout/{booking.ref}/?change=1"))
    assert "How do you want to pay?" in again


def test_coach_is_led_to_the_session_and_not_to_the_buyers_page(client: Client, method: PayMethod) -> None:
    booking = chosen(client, method)
    desk = Client()
    desk.force_login(booking.coach.user)

    assert desk.get(page_of(booking))["Location"] == f"/studio/sessions/{booking.ref}/"


def test_api_gives_this_page_where_it_is_the_only_way_or_chosen(
    client: Client, method: PayMethod, now: datetime
) -> None:
    booking = described(client)
    address = f"/api/v1/bookings/{booking.ref}/pay?token={manage_token(booking)}"

    def pay(body: dict[str, Any] | None = None) -> Any:
        return Client().post(address, body or {}, content_type="application/json")

    assert now
    assert pay({"method": "nothing"}).status_code == 422
    assert "by-hand" in pay({"method": f"method-{method.pk}"}).json()["pay_url"]
    gateways.use(ManualGateway(is_test=True))
    found = Client().post(address, content_type="application/json").json()
    assert found["pay_url"].startswith(f"http://localhost:8000{page_of(booking)}?token=")
    assert found["status"] == "pending_payment"
