"""Bad input gets a clear answer that names the field, never a 500, and changes nothing."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from tests.api.conftest import Call
from tests.bookings.steps import at, confirmed, hold, occupied, snapshot
from tests.factories.bookings import make_booking

from greenroom.api import inputs
from greenroom.api.models import IdempotentAnswer
from greenroom.availability.models import Blackout
from greenroom.bookings import queries
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.orders.models import Order

pytestmark = pytest.mark.usefixtures("gateway")
WANTED = {
    "coach": "maya",
    "offer": "call",
    "starts_at": "2026-03-04T12:00:00Z",
    "name": "Ann Guest",
    "email": "ann@example.org",
}
BAD_FIELDS: list[tuple[str, Any]] = [
    ("starts_at", "2026-03-04T12:00:00"),
    ("starts_at", "2026-03-04"),
    ("starts_at", "2026-02-30T12:00:00Z"),
    ("starts_at", "9999-12-31T23:59:59Z"),
    ("starts_at", "0001-01-01T00:00:00Z"),
    ("starts_at", "2199-12-31T23:30:00Z"),
    ("starts_at", "2026-03-04T25:00:00Z"),
    ("starts_at", "tomorrow"),
    ("starts_at", "2026-03-04T12:00:00[Europe/Berlin]"),
    ("starts_at", ""),
    ("starts_at", None),
    ("starts_at", 1772625600),
    ("starts_at", 1e400),
    ("starts_at", {"at": "2026-03-04T12:00:00Z"}),
    ("name", ""),
    ("name", "   \t "),
    ("name", "x" * 101),
    ("name", "Ann\x00"),
    ("name", "Ann \u202egnp.exe"),
    ("name", "Ann\x1b[31m"),
    ("name", "\ud800"),
    ("name", 7),
    ("name", None),
    ("name", ["Ann"]),
    ("email", ""),
    ("email", "ann"),
    ("email", "ann@"),
    ("email", "ann@example.org\nBcc: eve@example.org"),
    ("email", "ann@example.org, eve@example.org"),
    ("email", "Ann <ann@example.org>"),
    ("email", "a" * 250 + "@example.org"),
    ("email", "\ud800@example.org"),
    ("email", "ann\x00@example.org"),
    ("coach", "x" * 81),
    ("coach", "\x00"),
    ("coach", 1),
    ("coach", None),
    ("offer", "call\x00"),
    ("offer", {}),
    ("duration", "60"),
    ("duration", 60.0),
    ("duration", True),
    ("duration", 45),
    ("duration", 0),
    ("duration", -60),
    ("duration", 10**40),
    ("tz", "Mars/Olympus"),
    ("tz", ""),
    ("tz", "europe/berlin"),
    ("tz", "../../etc/passwd"),
    ("tz", "UTC\x00"),
    ("tz", "GMT+1"),
    ("tz", None),
    ("answers", []),
    ("answers", "yes"),
    ("answers", None),
    ("notes", "x" * 2001),
    ("notes", "\x00"),
    ("goals", {"a": 1}),
]


def refused(reply: Any, field: str, *, status: int = 422, code: str = "invalid") -> None:
    assert (reply.status, reply.type) == (status, "application/problem+json"), reply.body
    assert (reply.body["code"], reply.body.get("field")) == (code, field)
    assert reply.body["status"] == status
    assert reply.body["detail"]
    assert not Booking.objects.exists()
    assert not Order.objects.exists()
    assert occupied() == []


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_bad_field_of_a_booking_is_named(call: Call, field: str, value: Any) -> None:
    refused(call("POST", "bookings", {**WANTED, field: value}), field)


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("field", list(WANTED))
def test_missing_field_of_a_booking_is_named(call: Call, field: str) -> None:
    refused(call("POST", "bookings", {name: value for name, value in WANTED.items() if name != field}), field)


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("field", ["price_minor", "student", "startsAt", "", "\x00"])
def test_unknown_field_of_a_booking_is_named(call: Call, field: str) -> None:
    refused(call("POST", "bookings", {**WANTED, field: 1}), field or "body")


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"level": "x" * 2001}, "answers.level"),
        ({"level": 3}, "answers.level"),
        ({"level": "ok", "hack": "1"}, "answers.hack"),
        ({}, "answers.level"),
        ({"level": " "}, "answers.level"),
        ({str(n): "x" for n in range(51)}, "answers"),
    ],
)
def test_bad_answer_is_named(offer: Offer, call: Call, answers: dict[str, Any], field: str) -> None:
    offer.questions.create(key="level", label="Your level?", is_required=True)

    refused(call("POST", "bookings", {**WANTED, "answers": answers}), field)


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("key", ["\ud800", "x\x00", "x" * 200])
def test_answer_to_a_strange_question_is_refused(call: Call, key: str) -> None:
    reply = call("POST", "bookings", {**WANTED, "answers": {key: "x"}})

    assert (reply.status, reply.body["code"]) == (422, "invalid")
    assert reply.body["field"].startswith("answers")
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("starts_at", "words"),
    [
        ("2026-03-04T12:07:00Z", "grid"),
        ("2026-03-04T12:00:00.5Z", "grid"),
        ("2026-03-01T12:00:00Z", "has passed"),
        ("2000-01-01T00:00:00Z", "has passed"),
        ("2026-12-04T12:00:00Z", "too far ahead"),
        ("2198-12-31T23:30:00Z", "too far ahead"),
        ("2026-03-10T12:00:00Z", "blackout"),
    ],
)
def test_time_that_is_not_offered_says_why(offer: Offer, call: Call, starts_at: str, words: str) -> None:
    Blackout.objects.create(coach=offer.coach, starts_at=at(0, day=10), ends_at=at(0, day=11))

    reply = call("POST", "bookings", {**WANTED, "starts_at": starts_at})

    refused(reply, "starts_at", code="slot_not_offered")
    assert words in reply.body["detail"]


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("values", [{"coach": "nobody"}, {"offer": "nothing"}, {"coach": "MAYA"}, {"coach": ""}])
def test_unknown_coach_or_offer_is_not_found(call: Call, values: dict[str, str]) -> None:
    reply = call("POST", "bookings", {**WANTED, **values})

    assert (reply.status, reply.body["code"]) == (404, "not_found")
    assert not Booking.objects.exists()


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"17", 422),
        (b"{", 400),
        (b"{'coach': 'maya'}", 400),
        (b"coach=maya&offer=call", 400),
        (b"\xff\xfe\x00", 400),
        (b'{"coach": "\xe9"}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
        (b'{"coach": NaN}', 422),
        (b"9" * 5000, 400),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else value,
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_body_that_is_no_booking_is_refused(call: Call, body: bytes, status: int, kind: str) -> None:
    reply = call("POST", "bookings", body, content_type=kind)

    assert (reply.status, reply.type) == (status, "application/problem+json")
    assert reply.body["code"] == {400: "bad_request", 422: "invalid"}[status]
    assert not Booking.objects.exists()


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("key", ["", "once"])
def test_oversized_body_is_refused(call: Call, settings: Any, key: str) -> None:
    body = json.dumps({**WANTED, "notes": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE}).encode()

    reply = call("POST", "bookings", body, Idempotency_Key=key)

    assert (reply.status, reply.type) == (413, "application/problem+json")
    assert reply.body["code"] == "too_large"
    assert not Booking.objects.exists()
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("cancel", {"reason": "x" * 301}, "reason"),
        ("cancel", {"reason": "\x00"}, "reason"),
        ("cancel", {"reason": 5}, "reason"),
        ("cancel", {"refund_minor": 99}, "refund_minor"),
        ("cancel", [], "body"),
        ("reschedule", {}, "starts_at"),
        ("reschedule", {"starts_at": "2026-03-04T15:00:00"}, "starts_at"),
        ("reschedule", {"starts_at": "2026-03-04T15:00:00Z", "duration": 30}, "duration"),
        ("reschedule", None, "body"),
        ("reschedule", {"starts_at": None}, "starts_at"),
    ],
)
def test_bad_change_of_a_booking_is_named_and_changes_nothing(
    offer: Offer, call: Call, path: str, body: Any, field: str
) -> None:
    booking = confirmed(offer)
    before = snapshot()

    reply = call("POST", f"bookings/{booking.ref}/{path}?token={queries.manage_token(booking)}", body)

    assert (reply.status, reply.body["code"], reply.body["field"]) == (422, "invalid", field)
    assert snapshot() == before


@pytest.mark.parametrize(
    ("starts_at", "code"),
    [
        ("2026-03-04T15:07:00Z", "slot_not_offered"),
        ("2026-03-01T12:00:00Z", "slot_not_offered"),
        ("2198-12-31T12:00:00Z", "slot_not_offered"),
    ],
)
def test_moving_to_what_is_not_offered_is_refused(offer: Offer, call: Call, starts_at: str, code: str) -> None:
    booking = confirmed(offer)
    before = snapshot()

    reply = call(
        "POST", f"bookings/{booking.ref}/reschedule?token={queries.manage_token(booking)}", {"starts_at": starts_at}
    )

    assert (reply.status, reply.body["code"], reply.body["field"]) == (422, code, "starts_at")
    assert snapshot() == before


SLOTS = "coaches/maya/offers/call/slots"


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "from"),
        ("from=2026-03-04", "to"),
        ("from=2026-03-04&to=2026-03-03", "to"),
        ("from=2026-03-01&to=2026-05-02", "to"),
        ("from=2026-02-29&to=2026-03-03", "from"),
        ("from=20260304&to=2026-03-05", "from"),
        ("from=2026-03-04T00:00:00Z&to=2026-03-05", "from"),
        ("from=1999-12-31&to=2000-01-01", "from"),
        ("from=2198-12-31&to=2199-01-01", "to"),
        ("from=0000-00-00&to=9999-99-99", "from"),
        ("from=%00&to=2026-03-05", "from"),
        ("from=2026-03-04&to=2026-03-05&tz=Nowhere/Land", "tz"),
        ("from=2026-03-04&to=2026-03-05&tz=" + "x" * 500, "tz"),
        ("from=2026-03-04&to=2026-03-05&tz=", "tz"),
        ("from=2026-03-04&to=2026-03-05&duration=45", "duration"),
        ("from=2026-03-04&to=2026-03-05&duration=one", "duration"),
        ("from=2026-03-04&to=2026-03-05&duration=1e400", "duration"),
        ("from=2026-03-04&to=2026-03-05&duration=" + "9" * 5000, "duration"),
        ("from=2026-03-04&to=2026-03-05&duration=", "duration"),
    ],
)
def test_bad_question_for_slots_is_named(call: Call, query: str, field: str) -> None:
    refused(call("GET", f"{SLOTS}?{query}"), field)


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("days", ["from=2000-01-01&to=2000-03-02", "from=2198-11-01&to=2198-12-31"])
@pytest.mark.parametrize("tz", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Cairo", "America/Havana"])
def test_slots_at_the_ends_of_the_calendar_are_just_empty(call: Call, days: str, tz: str) -> None:
    reply = call("GET", f"{SLOTS}?{days}&tz={tz}")

    assert (reply.status, reply.body) == (200, {"tz": tz, "days": []})


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    "path",
    [
        "coaches/nobody",
        "coaches/nobody/offers",
        "coaches/maya/offers/nothing/slots?from=2026-03-04&to=2026-03-04",
        "coaches/nobody/offers/call/slots?from=2026-03-04&to=2026-03-04",
        "coaches/%F0%9F%8E%B8",
        "coaches/..%2f..%2fetc",
    ],
)
def test_unknown_things_are_not_found(call: Call, path: str) -> None:
    reply = call("GET", path)

    assert reply.status == 404
    if "%2f" not in path:
        assert (reply.type, reply.body["code"]) == ("application/problem+json", "not_found")


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize("path", ["coaches/%00", "coaches/%00/offers", f"coaches/{'x' * 300}"])
def test_addresses_that_no_thing_can_have_are_refused(call: Call, path: str) -> None:
    refused(call("GET", path), "coach")


def test_hold_of_another_is_not_released_by_bad_input(offer: Offer, call: Call, now: Any) -> None:
    make_booking(offer=offer, starts_at=at(18), now=now)
    hold(offer)
    before = snapshot()

    for field, value in BAD_FIELDS[:12]:
        assert call("POST", "bookings", {**WANTED, field: value}).status == 422

    assert snapshot() == before


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        (inputs.Name, "  Ann \r\n  Bcc: x ", "Ann Bcc: x"),
        (inputs.Text, " two\nlines ", "two\nlines"),
        (inputs.Email, "Ann@Example.ORG", "ann@example.org"),
        (inputs.Zone, "Asia/Kolkata", "Asia/Kolkata"),
        (inputs.Word, " call ", "call"),
    ],
)
def test_input_is_read_plainly(kind: Any, given: str, read: str) -> None:
    assert TypeAdapter(kind).validate_python(given) == read


@pytest.mark.parametrize("given", ["2026-03-04T", "noon", 5, None, "2026-03-04 12:00"])
def test_moment_is_a_date_or_an_instant(given: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(inputs.Moment).validate_python(given)
    assert TypeAdapter(inputs.Moment).validate_python("2026-03-04") == at(0).date()
    assert TypeAdapter(inputs.Moment).validate_python("2026-03-04T12:00:00Z") == at(12)
