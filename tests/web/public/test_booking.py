"""Choosing a time, saying who one is, and paying, with an honest browser and with others."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from tests.bookings.steps import at, fresh, mails, occupied, snapshot
from tests.factories.accounts import make_discord_identity, make_user
from tests.factories.bookings import make_coach
from tests.factories.clock import SettableClock
from tests.web.public.browsing import ANN, ONE, booking_at, described, held, paid, pending, press, said

from greenroom.bookings.models import Booking
from greenroom.bookings.queries import manage_token
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.types import DiscordRequirement, Venue
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.payments.models import PaymentAttempt

STEPS = ("/booking/{}/details/", "/checkout/{}/", "/booking/confirmed/{}/", "/booking/cancel/{}/")
ACTS = ("/booking/{}/extend/", "/booking/{}/release/", "/booking/{}/discord/")

pytestmark = pytest.mark.usefixtures("offer")


def test_the_whole_way_from_a_time_to_a_paid_booking(client: Client, run_jobs: Callable[..., None]) -> None:
    booking = pending(client)

    checkout = Checkout.objects.get()
    assert (checkout.amount_minor, checkout.currency) == (5000, "EUR")
    assert client.get(f"/booking/confirmed/{booking.ref}/").context["state"] == "processing"
    booking = paid(Client(), ONE)
    run_jobs()

    assert (booking.status, booking.order and booking.order.total_minor) == (BookingStatus.CONFIRMED, 5000)
    assert any(subject.startswith("Booked: A call") for subject in mails("ann@example.org"))


def test_confirmed_page_of_what_is_not_paid_yet_leads_to_the_checkout(client: Client) -> None:
    booking = described(client)

    answer = client.get(f"/booking/confirmed/{booking.ref}/")

    assert (answer.status_code, answer["Location"]) == (302, f"/checkout/{booking.ref}/")


def test_confirmed_page_shows_the_links_of_the_booking(client: Client) -> None:
    booking = paid(client)

    answer = client.get(f"/booking/confirmed/{booking.ref}/")

    assert (answer.status_code, answer.context["state"]) == (200, "confirmed")
    assert f"/manage/{manage_token(booking)}/" in said(answer)
    assert answer.context["room_opens_at"] == at(10)


@pytest.mark.parametrize("address", STEPS)
def test_another_browser_finds_nothing_at_a_step(client: Client, address: str) -> None:
    booking = paid(client) if "confirmed" in address or "cancel" in address else described(client)

    mine, other = (browser.get(address.format(booking.ref)) for browser in (client, Client()))

    assert mine.status_code in {200, 302}
    assert other.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("address", [*STEPS[:2], *ACTS])
def test_another_browser_can_do_nothing(client: Client, address: str) -> None:
    booking, stranger = described(client), Client()
    held(stranger, ONE)  # with a hold cookie of its own
    before = snapshot()

    answer = stranger.post(address.format(booking.ref), ANN | {"terms": "on"})

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert snapshot() == before


def test_somebody_elses_account_opens_nothing(client: Client) -> None:
    booking, other = paid(client), Client()
    other.force_login(make_user("eve@example.org"))

    for address in (*STEPS, f"/session/{booking.session.ref}/"):
        assert other.get(address.format(booking.ref)).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("cookie", ["", "x", "~~~", "é", "a" * 4000, "\x00"])
def test_made_up_cookies_open_nothing(client: Client, cookie: str) -> None:
    booking, other = described(client), Client()
    other.cookies["hold"] = cookie
    other.cookies["keys"] = cookie

    assert other.get(f"/booking/{booking.ref}/details/").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("page", ["/checkout/{}/", "/booking/confirmed/{}/"])
def test_token_leaves_the_address_for_a_cookie_that_scripts_cannot_read(client: Client, page: str) -> None:
    booking, other = paid(client), Client()
    address = page.format(booking.ref)

    answer = other.get(f"{address}?token={manage_token(booking)}&x=1")

    assert (answer.status_code, answer["Location"]) == (302, f"{address}?x=1")
    cookie = other.cookies["keys"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert other.get(answer["Location"]).status_code in {200, 302}


@pytest.mark.parametrize("page", ["/checkout/{}/", "/booking/confirmed/{}/", "/session/{}/"])
def test_token_of_another_booking_or_a_changed_one_opens_nothing(client: Client, page: str) -> None:
    mine, theirs = paid(client), paid(Client(), ONE)
    address = page.format(theirs.session.ref if "session" in page else theirs.ref)
    token = manage_token(mine)
    changed = manage_token(theirs)[:-1] + ("A" if manage_token(theirs)[-1] != "A" else "B")

    for wrong in (token, changed, "", theirs.ref, f"{theirs.ref}.", "\x00", "é", "a" * 5000):
        assert Client().get(address, {"token": wrong}).status_code == HTTPStatus.NOT_FOUND


def test_hold_cookie_is_for_the_server_alone(client: Client) -> None:
    held(client)

    cookie = client.cookies["hold"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert len(cookie.value) == 22


def test_another_time_moves_the_hold(client: Client) -> None:
    first = held(client)

    second = held(client, ONE)

    assert occupied() == [at(13)]
    assert (fresh(first).status, second.status) == (BookingStatus.CANCELLED, BookingStatus.HELD)


def test_two_browsers_hold_two_times(client: Client) -> None:
    held(client)
    held(Client(), ONE)

    assert occupied() == [at(12), at(13)]


def test_pressing_twice_holds_once(client: Client) -> None:
    first, second = press(client), press(client)

    assert first["Location"] == second["Location"]
    assert Booking.objects.count() == 1


def test_time_taken_meanwhile_shows_the_day_with_three_others(client: Client) -> None:
    held(Client())

    answer = press(client)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert [button.value for button in answer.context["alternatives"]] == [
        "2026-03-04T10:30:00Z",
        "2026-03-04T11:00:00Z",
        "2026-03-04T13:00:00Z",
    ]
    assert "was just taken" in said(answer)
    assert occupied() == [at(12)]


def test_hold_is_extended_once(client: Client, frozen_clock: SettableClock) -> None:
    booking = held(client)
    frozen_clock.advance(timedelta(minutes=10))

    first = client.post(f"/booking/{booking.ref}/extend/")
    until = fresh(booking).hold_expires_at
    second = client.post(f"/booking/{booking.ref}/extend/")

    assert (first.status_code, first["Location"]) == (302, f"/booking/{booking.ref}/details/")
    assert until == frozen_clock() + timedelta(minutes=15)
    assert (second.status_code, fresh(booking).hold_expires_at) == (HTTPStatus.CONFLICT, until)
    assert "already extended once" in said(second)


def test_released_time_is_free_and_releasing_again_is_nothing(client: Client) -> None:
    booking = held(client)

    answers = [client.post(f"/booking/{booking.ref}/release/") for _ in range(2)]

    assert [answer["Location"] for answer in answers] == ["/book/maya/?offer=call"] * 2
    assert occupied() == []


@pytest.mark.parametrize("has_details", [False, True])
@pytest.mark.parametrize("has_run", [False, True])
def test_ended_hold_leads_back_to_the_picker(
    client: Client,
    frozen_clock: SettableClock,
    run_jobs: Callable[..., None],
    has_details: bool,  # noqa: FBT001 -- a table
    has_run: bool,  # noqa: FBT001 -- a table
) -> None:
    booking = described(client) if has_details else held(client)
    frozen_clock.advance(timedelta(minutes=16))
    if has_run:
        run_jobs()

    for address in STEPS[:2]:
        answer = client.get(address.format(booking.ref), follow=True)
        assert answer.redirect_chain[-1][0].startswith("/book/maya/")
        assert answer.status_code == HTTPStatus.OK
    assert client.post(f"/booking/{booking.ref}/details/", ANN).status_code == 302
    assert client.post(f"/checkout/{booking.ref}/", {"terms": "on"}).status_code == 302
    assert client.post(f"/booking/{booking.ref}/extend/").status_code == HTTPStatus.CONFLICT
    assert PaymentAttempt.objects.count() == 0


def test_released_hold_leads_back_to_the_picker(client: Client) -> None:
    booking = held(client)
    client.post(f"/booking/{booking.ref}/release/")

    for address in STEPS[:3]:
        answer = client.get(address.format(booking.ref), follow=True)
        assert answer.redirect_chain[-1][0].startswith("/book/maya/")


def test_double_clicks_make_one_booking_and_one_payment(client: Client) -> None:
    booking = held(client)

    details = [client.post(f"/booking/{booking.ref}/details/", ANN) for _ in range(2)]
    payments = [client.post(f"/checkout/{booking.ref}/", {"terms": "on"}) for _ in range(2)]

    assert {answer["Location"] for answer in details} == {f"/checkout/{booking.ref}/"}
    assert payments[0]["Location"] == payments[1]["Location"]
    assert (Booking.objects.count(), PaymentAttempt.objects.count(), Checkout.objects.count()) == (1, 1, 1)


def test_prices_in_the_form_are_nobodys_business(client: Client) -> None:
    booking = held(client, price="1", price_minor="1")
    client.post(f"/booking/{booking.ref}/details/", ANN | {"price_minor": "1", "total": "0", "order": "x"})
    client.post(f"/checkout/{booking.ref}/", {"terms": "on", "amount": "1", "currency": "JPY"})

    assert (Checkout.objects.get().amount_minor, Checkout.objects.get().currency) == (5000, "EUR")


def test_line_breaks_in_a_name_begin_no_line_of_their_own(client: Client, run_jobs: Callable[..., None]) -> None:
    booking = paid(client, name="Ann\r\nBcc: eve@example.org\u2028X")
    run_jobs()

    assert booking.contact_name == "Ann Bcc: eve@example.org X"
    assert all("\n" not in subject for subject in mails())


def test_terms_must_be_agreed_to(client: Client) -> None:
    booking = described(client)

    answer = client.post(f"/checkout/{booking.ref}/", {})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert set(answer.context["form"].errors) == {"terms"}
    assert Checkout.objects.count() == 0


def test_free_offer_is_booked_without_a_payment(client: Client, offer: Offer) -> None:
    offer.durations.update(price_minor=0)
    booking = described(client)

    answer = client.post(f"/checkout/{booking.ref}/", {"terms": "on"})

    assert answer["Location"] == f"/booking/confirmed/{booking.ref}/"
    assert client.get(answer["Location"]).context["state"] == "confirmed"
    assert (fresh(booking).status, Checkout.objects.count()) == (BookingStatus.CONFIRMED, 0)


def test_discord_before_booking_blocks_the_details(client: Client, offer: Offer) -> None:
    Offer.objects.filter(pk=offer.pk).update(discord_requirement=DiscordRequirement.BEFORE_BOOKING)
    booking = held(client)

    answer = client.post(f"/booking/{booking.ref}/details/", ANN)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Connect your Discord account first" in said(answer)
    assert fresh(booking).order is None


def test_discord_before_payment_blocks_the_checkout_until_it_is_linked(client: Client, offer: Offer) -> None:
    Offer.objects.filter(pk=offer.pk).update(discord_requirement=DiscordRequirement.BEFORE_PAYMENT)
    booking = described(client)

    refused = client.post(f"/checkout/{booking.ref}/", {"terms": "on"})
    Booking.objects.filter(pk=booking.pk).update(discord_identity=make_discord_identity())
    accepted = client.post(f"/checkout/{booking.ref}/", {"terms": "on"})

    assert refused.status_code == HTTPStatus.CONFLICT
    assert "Connect your Discord account first" in said(refused)
    assert (accepted.status_code, Checkout.objects.count()) == (302, 1)


def test_what_was_typed_is_kept_while_discord_is_connected(client: Client) -> None:
    booking = held(client)

    answer = client.post(f"/booking/{booking.ref}/discord/", {"name": "Ann\x00", "goals": "x" * 3000, "other": "y"})

    assert answer.status_code == 302
    assert fresh(booking).draft == {"name": "Ann", "goals": "x" * 2000}


def test_offer_that_needs_no_discord_shows_no_card(client: Client, offer: Offer) -> None:
    Offer.objects.filter(pk=offer.pk).update(
        discord_requirement=DiscordRequirement.NOT_REQUIRED, venue=Venue.VIDEO, video_url="https://meet.example.org/x"
    )
    booking = held(client)

    assert client.get(f"/booking/{booking.ref}/details/").context["discord"] is None


def test_coach_cannot_book_herself(client: Client, offer: Offer) -> None:
    client.force_login(offer.coach.user)

    answer = press(client)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "cannot book a session with yourself" in said(answer)
    assert Booking.objects.count() == 0


def test_coach_who_takes_nobody_is_not_booked(client: Client, offer: Offer) -> None:
    type(offer.coach).objects.update(is_accepting_students=False)

    assert press(client)["Location"] == "/maya/"
    assert client.get("/book/maya/")["Location"] == "/maya/"
    assert Booking.objects.count() == 0


def test_holds_of_one_address_are_limited(client: Client, settings: object) -> None:
    settings.HOLD_LIMIT = 2  # type: ignore[attr-defined]  # the fixture is untyped
    held(client)
    held(client, ONE)

    answer = press(client)

    assert (answer.status_code, answer["Retry-After"]) == (HTTPStatus.TOO_MANY_REQUESTS, "600")
    assert occupied() == [at(13)]


def test_signed_in_person_finds_their_name_and_booking(client: Client) -> None:
    user = make_user("sam@example.org")
    client.force_login(user)
    booking = held(client)

    page = client.get(f"/booking/{booking.ref}/details/")

    assert (page.context["form"].initial["name"], page.context["form"].initial["email"]) == ("Sam Student", user.email)
    assert booking.student == user


def test_unknown_coach_and_coach_not_yet_approved_are_not_found(client: Client) -> None:
    make_coach("hidden", status="applied")  # type: ignore[arg-type]  # the stored word

    for path in ("/book/nobody/", "/book/hidden/", "/hidden/", "/nobody/", "/maya/nothing/", "/hidden/call/"):
        assert client.get(path).status_code == HTTPStatus.NOT_FOUND


def test_page_of_a_coach_shows_nothing_of_the_student_s_key(client: Client, offer: Offer) -> None:
    booking, desk = paid(client), Client()
    desk.force_login(offer.coach.user)
    key = manage_token(booking)

    for path in (
        f"/session/{booking.session.ref}/",
        f"/booking/confirmed/{booking.ref}/",
        f"/booking/cancel/{booking.ref}/",
    ):
        answer = desk.get(path, follow=True)
        assert answer.status_code == HTTPStatus.OK, path
        assert key not in answer.content.decode()
        assert all(key not in address for address, _status in answer.redirect_chain)


def test_times_are_partial_pages_for_the_script(client: Client) -> None:
    whole, part = client.get("/book/maya/"), client.get("/book/maya/", headers={"HX-Request-Type": "partial"})

    assert b"<html" in whole.content
    assert b"<html" not in part.content
    assert "HX-Request-Type" in whole["Vary"]


def test_answer_to_a_hold_leads_to_the_details(client: Client) -> None:
    answer = press(client)

    assert answer["Location"] == f"/booking/{booking_at(answer).ref}/details/"
