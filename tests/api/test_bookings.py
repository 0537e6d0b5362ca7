"""The contract's calls about bookings, in full."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.api.conftest import Call
from tests.bookings.steps import (
    HOUR,
    at,
    change,
    confirmed,
    fresh,
    give_money,
    hold,
    occupied,
    refunds,
    settle,
    snapshot,
)
from tests.factories.accounts import make_user
from tests.factories.bookings import make_booking, make_coach, make_offer
from tests.factories.clock import SettableClock
from tests.factories.downloads import make_download

from greenroom.accounts.models import User
from greenroom.bookings import queries, rules
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer, Rate
from greenroom.catalog.types import DiscordRequirement
from greenroom.coaches.models import Topic
from greenroom.integrations.stripe.protocol import GatewayUnavailableError
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.orders.models import Order
from greenroom.payments.models import PaymentAttempt

pytestmark = pytest.mark.usefixtures("gateway")
WANTED = {
    "coach": "maya",
    "offer": "call",
    "starts_at": "2026-03-04T12:00:00Z",
    "name": "Ann Guest",
    "email": "ann@example.org",
}


def token_of(booking: Booking) -> str:
    return queries.manage_token(booking)


def signed_in(user: User, *, checks_csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=checks_csrf)
    client.force_login(user)
    return client


def by_the_hour(offer: Offer) -> None:
    """Let Maya ask 50 euro an hour, and 60 when it is about chess."""
    offer.durations.update(price_minor=None)
    Rate.objects.create(coach=offer.coach, per_hour_minor=5000)
    chess = Topic.objects.create(slug="chess", name="Chess")
    Rate.objects.create(coach=offer.coach, topic=chess, per_hour_minor=6000)


def test_create_booking_holds_the_time_and_answers_where_to_go(offer: Offer, call: Call) -> None:
    reply = call(
        "POST", "bookings", {**WANTED, "tz": "Asia/Tokyo", "duration": 60, "goals": "Win", "notes": "Hi\nthere"}
    )

    booking = Booking.objects.get()
    token = token_of(booking)
    assert (reply.status, reply.type) == (201, "application/json")
    assert reply.body == {
        "ref": booking.ref,
        "status": "held",
        "hold_expires_at": "2026-03-02T10:15:00Z",
        "checkout_url": f"http://localhost:8000/checkout/{booking.ref}/?token={token}",
        "manage_url": f"http://localhost:8000/manage/{token}/",
    }
    assert (booking.contact_name, booking.contact_email, booking.contact_tz) == (
        "Ann Guest",
        "ann@example.org",
        "Asia/Tokyo",
    )
    assert (booking.goals, booking.notes, booking.student) == ("Win", "Hi\nthere", None)
    assert booking.holder == rules.holder_digest("email", "ann@example.org")
    assert Order.objects.get().total_minor == 5000
    assert occupied() == [at(12)]
    assert offer.coach.slug == "maya"


def test_create_booking_takes_any_offset_and_the_answers_to_questions(offer: Offer, call: Call) -> None:
    offer.questions.create(key="level", label="Your level?", is_required=True)

    reply = call("POST", "bookings", {**WANTED, "starts_at": "2026-03-04T17:30:00+05:30", "answers": {"level": "Pro"}})

    assert reply.status == 201
    assert Booking.objects.get().answers == [{"question": "Your level?", "answer": "Pro"}]
    assert occupied() == [at(12)]


@pytest.mark.parametrize(("topic", "status", "minor"), [({"topic": "chess"}, 201, 6000), ({}, 201, 5000)])
def test_create_booking_is_priced_by_its_topic(
    offer: Offer, call: Call, topic: dict[str, str], status: int, minor: int
) -> None:
    by_the_hour(offer)

    reply = call("POST", "bookings", {**WANTED, **topic})

    assert (reply.status, Booking.objects.get().price_minor, Order.objects.get().total_minor) == (status, minor, minor)


@pytest.mark.parametrize("is_by_the_hour", [True, False])
def test_create_booking_refuses_a_topic_that_is_not_there(offer: Offer, call: Call, *, is_by_the_hour: bool) -> None:
    if is_by_the_hour:
        by_the_hour(offer)

    reply = call("POST", "bookings", {**WANTED, "topic": "go"})

    assert (reply.status, reply.body["field"], Booking.objects.count()) == (422, "topic", 0)


def test_create_booking_of_a_taken_time_tells_the_nearest(offer: Offer, call: Call) -> None:
    hold(offer)
    before = snapshot()

    reply = call("POST", "bookings", WANTED)

    assert (reply.status, reply.type) == (409, "application/problem+json")
    assert reply.body == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "slot_taken",
        "detail": "Somebody else has just taken this time.",
        "field": "starts_at",
        "alternatives": ["2026-03-04T10:30:00Z", "2026-03-04T11:00:00Z", "2026-03-04T13:00:00Z"],
    }
    assert snapshot() == before


def test_create_booking_of_a_taken_time_is_refused_before_anything_is_loaded(
    offer: Offer, call: Call, django_assert_num_queries: Any
) -> None:
    hold(offer)
    call("POST", "bookings", WANTED)  # writes down the first try of this address

    # The count of tries, whether the kept times still hold, and whether an own hold is in the way.
    with django_assert_num_queries(3):
        assert call("POST", "bookings", WANTED).status == 409


@pytest.mark.usefixtures("offer")
def test_create_booking_by_address_alone_never_shows_a_booking_that_is_there(call: Call) -> None:
    call("POST", "bookings", {**WANTED, "notes": "Private"})
    before = snapshot()

    reply = call("POST", "bookings", {**WANTED, "name": "Eve"})

    assert (reply.status, reply.body["code"]) == (409, "slot_taken")
    assert snapshot() == before


def test_create_booking_by_address_does_not_touch_a_hold_made_in_a_browser(offer: Offer, call: Call) -> None:
    other = hold(offer, at(15), holder=rules.holder_digest("cookie", "secret"))
    other.contact_email = "ann@example.org"
    other.save()

    assert call("POST", "bookings", WANTED).status == 201

    assert fresh(other).status == "held"


@pytest.mark.usefixtures("offer")
def test_create_booking_signed_in_is_the_students_own(call: Call) -> None:
    student = make_user()

    first = call("POST", "bookings", WANTED, client=signed_in(student))
    again = call("POST", "bookings", {**WANTED, "name": "Sam"}, client=signed_in(student))

    booking = Booking.objects.get()
    assert (first.status, again.status) == (201, 201)
    assert again.body["ref"] == first.body["ref"]
    assert (booking.student, booking.contact_name) == (student, "Sam")
    assert booking.holder == rules.holder_digest("user", str(student.pk))


@pytest.mark.usefixtures("offer")
def test_create_booking_signed_in_while_paying_gives_the_same_booking(call: Call) -> None:
    client = signed_in(make_user())
    first = call("POST", "bookings", WANTED, client=client).body
    assert call("POST", f"bookings/{first['ref']}/pay", client=client).status == 200

    again = call("POST", "bookings", {**WANTED, "name": "Other"}, client=client)

    assert (again.status, again.body) == (201, {**first, "status": "pending_payment"})
    assert Booking.objects.get().contact_name == "Ann Guest"


def test_create_booking_by_the_coach_herself_is_forbidden(offer: Offer, call: Call) -> None:
    reply = call("POST", "bookings", WANTED, client=signed_in(offer.coach.user))

    assert (reply.status, reply.body["code"]) == (403, "not_allowed")
    assert not Booking.objects.exists()


def test_create_booking_of_what_takes_no_bookings_is_a_conflict(offer: Offer, call: Call) -> None:
    change(offer.coach, is_accepting_students=False)

    reply = call("POST", "bookings", WANTED)

    assert (reply.status, reply.body["code"]) == (409, "not_bookable")
    assert not Booking.objects.exists()


@pytest.mark.parametrize("people", [20, 1])
def test_many_first_calls_at_once_book_once(
    transactional_db: None,  # noqa: ARG001 -- commits must be real
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]],
    call: Call,
    settings: Any,
    frozen_clock: SettableClock,  # noqa: ARG001 -- it stops the clock
    people: int,
) -> None:
    settings.HOLD_LIMIT = 1000
    make_offer()
    wishes = [{**WANTED, "email": f"p{n % people}@example.org"} for n in range(20)]

    replies = race([partial(call, "POST", "bookings", wish) for wish in wishes])

    assert sorted(reply.status for reply in replies) == [201, *[409] * 19]
    assert {reply.body["code"] for reply in replies if reply.status == 409} == {"slot_taken"}
    assert occupied() == [at(12)]
    assert Booking.objects.count() == 1


@pytest.mark.usefixtures("offer")
def test_get_booking_tells_its_student_everything(call: Call) -> None:
    ref = call("POST", "bookings", WANTED).body["ref"]
    booking = Booking.objects.get()

    reply = call("GET", f"bookings/{ref}?token={token_of(booking)}")

    assert (reply.status, reply.type) == (200, "application/json; charset=utf-8")
    assert reply.body == {
        "ref": ref,
        "status": "held",
        "legacy_status": "HELD",
        "coach": "maya",
        "offer": "call",
        "starts_at": "2026-03-04T12:00:00Z",
        "ends_at": "2026-03-04T13:00:00Z",
        "tz": "UTC",
        "hold_expires_at": "2026-03-02T10:15:00Z",
        "total_minor": 5000,
        "currency": "EUR",
        "session": booking.session.ref,
    }


def test_get_booking_confirmed_has_the_older_word_and_no_hold(offer: Offer, call: Call) -> None:
    booking = confirmed(offer)

    reply = call("GET", f"bookings/{booking.ref}?token={token_of(booking)}")

    assert (reply.body["status"], reply.body["legacy_status"], reply.body["hold_expires_at"]) == (
        "confirmed",
        "SCHEDULED",
        None,
    )


def test_get_booking_without_an_order_names_the_offers_currency(offer: Offer, call: Call, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now, status=rules.BookingStatus.HELD)

    reply = call("GET", f"bookings/{booking.ref}?token={token_of(booking)}")

    assert (reply.body["total_minor"], reply.body["currency"]) == (0, "EUR")


def test_get_booking_opens_to_its_student_and_its_coach(offer: Offer, call: Call, now: datetime) -> None:
    student = make_user()
    booking = make_booking(offer=offer, starts_at=at(12), now=now, student=student)

    for user in (student, offer.coach.user):
        assert call("GET", f"bookings/{booking.ref}", client=signed_in(user)).body["ref"] == booking.ref


def test_list_bookings_has_what_was_booked_by_and_with_the_caller_latest_first(
    offer: Offer, call: Call, now: datetime
) -> None:
    student = make_user()
    early, late = (make_booking(offer=offer, starts_at=at(hour), now=now, student=student) for hour in (12, 15))
    guest = make_booking(offer=offer, starts_at=at(18), now=now, status=rules.BookingStatus.CANCELLED)
    elsewhere = make_booking(offer=make_offer(make_coach("ilse")), starts_at=at(12), now=now)

    def listed(user: User, query: str = "") -> list[str]:
        return [item["ref"] for item in call("GET", f"bookings{query}", client=signed_in(user)).body["items"]]

    assert listed(student) == listed(student, f"?userId={student.pk}") == [late.ref, early.ref]
    assert listed(offer.coach.user) == listed(offer.coach.user, "?userId=maya") == [guest.ref, late.ref, early.ref]
    assert listed(elsewhere.coach.user) == [elsewhere.ref]
    assert listed(make_user("eve@example.org")) == []
    reply = call("GET", "bookings", client=signed_in(elsewhere.coach.user))
    one = call("GET", f"bookings/{elsewhere.ref}?token={token_of(elsewhere)}")
    assert (reply.status, reply.body) == (200, {"items": [one.body], "count": 1, "page": 1})


def test_list_bookings_of_somebody_else_or_of_nobody_is_not_found(offer: Offer, call: Call, now: datetime) -> None:
    booking = make_booking(offer=offer, starts_at=at(12), now=now, student=make_user())
    stranger = signed_in(make_user("eve@example.org"))
    tries = [(None, ""), (None, f"?userId={booking.student_id}"), (None, "?userId=maya")]
    tries += [(stranger, f"?userId={one}") for one in (booking.student_id, "maya", "nobody", "9" * 30)]

    for client, query in tries:
        reply = call("GET", f"bookings{query}", client=client)
        assert (reply.status, reply.body["code"]) == (404, "not_found"), query


@pytest.mark.parametrize("count", [1, 3])
def test_list_bookings_takes_the_same_queries_for_any_number(
    offer: Offer, now: datetime, call: Call, count: int
) -> None:
    student = make_user()
    for n in range(count):
        make_booking(offer=offer, starts_at=at(10 + 2 * n), now=now, student=student)
    client = signed_in(student)
    # The first call after signing in notes when that was.
    call("GET", "bookings", client=client)

    with CaptureQueriesContext(connection) as context:
        reply = call("GET", "bookings", client=client)

    assert reply.body["count"] == count
    # The session, its user, the page and the count.
    assert len(context) == 4


def test_list_bookings_goes_on_on_a_second_page(offer: Offer, call: Call, now: datetime) -> None:
    student = make_user()
    made = [make_booking(offer=offer, starts_at=at(0) + n * HOUR, now=now, student=student) for n in range(21)]

    first, second, third = (call("GET", f"bookings?page={n}", client=signed_in(student)).body for n in (1, 2, 3))

    assert [item["ref"] for item in first["items"]] == [booking.ref for booking in reversed(made[1:])]
    assert [item["ref"] for item in second["items"]] == [made[0].ref]
    assert (first["count"], second["count"], second["page"]) == (21, 21, 2)
    assert third == {"items": [], "count": 21, "page": 3}
    assert call("GET", "bookings?page=0", client=signed_in(student)).status == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "bookings/{ref}", None),
        ("POST", "bookings/{ref}/pay", None),
        ("POST", "bookings/{ref}/cancel", None),
        ("POST", "bookings/{ref}/cancel", {"reason": "Ill"}),
        ("POST", "bookings/{ref}/reschedule", {"starts_at": "2026-03-04T15:00:00Z"}),
    ],
)
def test_somebody_elses_booking_is_not_found_and_stays_as_it_is(
    offer: Offer, call: Call, method: str, path: str, body: dict[str, str] | None
) -> None:
    booking, other = confirmed(offer), confirmed(offer, at(18), holder="bob")
    stranger, coach = make_user("eve@example.org"), make_coach("ilse").user
    before = snapshot()
    address = path.format(ref=booking.ref)
    tries = [
        (address, None),
        (address, signed_in(stranger)),
        (address, signed_in(coach)),
        (f"{address}?token={token_of(other)}", None),
        (f"{address}?token={token_of(booking)[:-1]}", None),
        (f"{address}?token=%00", signed_in(stranger)),
        (path.format(ref="no-such-ref"), signed_in(stranger)),
        (path.format(ref="%00"), None),
        (f"{path.format(ref='%ED%A0%80')}", signed_in(stranger)),
    ]

    for wrong, client in tries:
        reply = call(method, wrong, body, client=client)
        assert reply.status == (422 if "%00" in wrong.partition("?")[0] else 404), wrong
        assert reply.body["code"] == ("invalid" if reply.status == 422 else "not_found")
        assert reply.type == "application/problem+json"

    assert (snapshot(), refunds()) == (before, [])


def test_create_booking_of_what_needs_no_time_is_refused_and_names_the_offer(offer: Offer, call: Call) -> None:
    make_download(offer.coach)

    reply = call("POST", "bookings", {**WANTED, "offer": "workbook"})

    assert (reply.status, reply.body["code"], reply.body["field"]) == (422, "invalid", "offer")
    assert "bought on its own page" in reply.body["detail"]
    assert not Booking.objects.exists()


@pytest.mark.usefixtures("offer")
def test_pay_booking_gives_one_page_however_often(call: Call) -> None:
    ref = call("POST", "bookings", WANTED).body["ref"]
    token = token_of(Booking.objects.get())

    first = call("POST", f"bookings/{ref}/pay?token={token}")
    again = call("POST", f"bookings/{ref}/pay?token={token}", {})

    attempt = PaymentAttempt.objects.get()
    assert (first.status, first.body) == (200, {"status": "pending_payment", "pay_url": attempt.pay_url})
    assert again.body == first.body
    assert str(attempt.pay_url).startswith("http://localhost:8000/sandbox/pay/")
    assert attempt.request["success_url"] == f"http://localhost:8000/booking/confirmed/{ref}/?token={token}"
    assert attempt.request["cancel_url"] == f"http://localhost:8000/checkout/{ref}/?token={token}"


def test_pay_booking_of_a_free_offer_confirms(db: None, now: datetime, call: Call) -> None:  # noqa: ARG001 -- it writes, while the clock stands
    make_offer(price_minor=0)
    ref = call("POST", "bookings", WANTED).body["ref"]

    reply = call("POST", f"bookings/{ref}/pay?token={token_of(Booking.objects.get())}")

    assert (reply.status, reply.body) == (200, {"status": "confirmed", "pay_url": None})


@pytest.mark.usefixtures("offer")
def test_pay_booking_whose_hold_ended_is_a_conflict(call: Call, frozen_clock: SettableClock) -> None:
    ref = call("POST", "bookings", WANTED).body["ref"]
    frozen_clock.advance(timedelta(minutes=15))

    reply = call("POST", f"bookings/{ref}/pay?token={token_of(Booking.objects.get())}")

    assert (reply.status, reply.body["code"]) == (409, "hold_ended")
    assert not PaymentAttempt.objects.exists()


def test_pay_booking_that_is_paid_is_a_conflict(offer: Offer, call: Call) -> None:
    booking = confirmed(offer)

    reply = call("POST", f"bookings/{booking.ref}/pay?token={token_of(booking)}")

    assert (reply.status, reply.body["code"]) == (409, "wrong_state")


def test_pay_booking_that_needs_discord_first_is_a_conflict(offer: Offer, call: Call) -> None:
    change(offer, discord_requirement=DiscordRequirement.BEFORE_PAYMENT)
    ref = call("POST", "bookings", WANTED).body["ref"]

    reply = call("POST", f"bookings/{ref}/pay?token={token_of(Booking.objects.get())}")

    assert (reply.status, reply.body["code"]) == (409, "discord_required")


@pytest.mark.usefixtures("offer")
def test_pay_booking_while_the_gateway_is_away_says_so(
    call: Call, gateway: SandboxGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = call("POST", "bookings", WANTED).body["ref"]
    booking = Booking.objects.get()

    def away(*_args: object, **_options: object) -> None:
        raise GatewayUnavailableError("down")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "create_checkout", away)
        reply = call("POST", f"bookings/{ref}/pay?token={token_of(booking)}")
    assert (reply.status, reply.body["code"]) == (409, "payment_unavailable")

    assert call("POST", f"bookings/{ref}/pay?token={token_of(booking)}").status == 200
    assert PaymentAttempt.objects.count() == 1


def test_cancel_booking_answers_what_goes_back(offer: Offer, call: Call) -> None:
    booking = confirmed(offer)
    path = f"bookings/{booking.ref}/cancel?token={token_of(booking)}"

    first, again = call("POST", path, {"reason": "Ill"}), call("POST", path)

    assert (first.status, first.body) == (
        200,
        {"status": "cancelled", "refund": {"amount_minor": 5000, "currency": "EUR", "to": "original_payment"}},
    )
    assert (again.status, again.body["refund"]["amount_minor"]) == (200, 0)
    assert (fresh(booking).reason, fresh(booking).cancelled_by, refunds()) == (
        "Ill",
        "guest",
        [(5000, "student_cancelled")],
    )


def test_cancel_booking_by_the_coach_gives_all_back(offer: Offer, call: Call, frozen_clock: SettableClock) -> None:
    booking = confirmed(offer)
    frozen_clock.set(at(11))

    reply = call("POST", f"bookings/{booking.ref}/cancel", client=signed_in(offer.coach.user))

    assert reply.body["refund"]["amount_minor"] == 5000
    assert refunds() == [(5000, "coach_cancelled")]


def test_cancel_booking_that_has_begun_is_a_conflict(offer: Offer, call: Call, frozen_clock: SettableClock) -> None:
    booking = confirmed(offer)
    frozen_clock.set(at(12))

    reply = call("POST", f"bookings/{booking.ref}/cancel?token={token_of(booking)}")

    assert (reply.status, reply.body["code"]) == (409, "wrong_state")
    assert (fresh(booking).status, refunds()) == ("confirmed", [])


def test_reschedule_booking_answers_the_moved_booking(offer: Offer, call: Call) -> None:
    booking = confirmed(offer)
    path = f"bookings/{booking.ref}/reschedule?token={token_of(booking)}"

    replies = [call("POST", path, {"starts_at": "2026-03-04T16:00:00+01:00"}) for _ in range(2)]

    for reply in replies:
        assert reply.status == 200
        assert (reply.body["ref"], reply.body["status"]) == (booking.ref, "confirmed")
        assert (reply.body["starts_at"], reply.body["ends_at"]) == ("2026-03-04T15:00:00Z", "2026-03-04T16:00:00Z")
    assert fresh(booking).moves_count == 1


def test_reschedule_booking_to_a_taken_time_tells_the_nearest(offer: Offer, call: Call) -> None:
    booking = confirmed(offer)
    hold(offer, at(15), holder="bob")

    reply = call(
        "POST", f"bookings/{booking.ref}/reschedule?token={token_of(booking)}", {"starts_at": "2026-03-04T15:00:00Z"}
    )

    assert (reply.status, reply.body["code"]) == (409, "slot_taken")
    assert reply.body["alternatives"] == ["2026-03-04T13:30:00Z", "2026-03-04T14:00:00Z", "2026-03-04T16:00:00Z"]
    assert fresh(booking).session.starts_at == at(12)


def test_reschedule_booking_by_the_coach_is_forbidden(offer: Offer, call: Call) -> None:
    booking = confirmed(offer)
    client = signed_in(offer.coach.user)

    reply = call("POST", f"bookings/{booking.ref}/reschedule", {"starts_at": "2026-03-04T15:00:00Z"}, client=client)

    assert (reply.status, reply.body["code"]) == (403, "not_allowed")
    assert fresh(booking).session.starts_at == at(12)


@pytest.mark.usefixtures("offer")
def test_whole_way_from_slot_to_refund_over_the_api(call: Call) -> None:
    slots = call("GET", "coaches/maya/offers/call/slots?from=2026-03-04&to=2026-03-04").body
    start = slots["days"][0]["slots"][-1]["starts_at"]
    held = call("POST", "bookings", {**WANTED, "starts_at": start}).body
    token = held["manage_url"].rstrip("/").rpartition("/")[2]
    assert call("POST", f"bookings/{held['ref']}/pay?token={token}").status == 200
    booking = Booking.objects.get()
    give_money(booking)
    settle(booking)

    assert call("GET", f"bookings/{held['ref']}?token={token}").body["status"] == "confirmed"
    listed = call("GET", "coaches/maya/offers/call/slots?from=2026-03-04&to=2026-03-04").body
    assert start not in [slot["starts_at"] for slot in listed["days"][0]["slots"]]
    moved = call("POST", f"bookings/{held['ref']}/reschedule?token={token}", {"starts_at": "2026-03-06T12:00:00Z"})
    assert moved.body["starts_at"] == "2026-03-06T12:00:00Z"
    gone = call("POST", f"bookings/{held['ref']}/cancel?token={token}")
    assert gone.body["refund"]["amount_minor"] == 5000
    assert occupied() == []
