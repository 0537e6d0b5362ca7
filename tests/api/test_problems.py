"""Every error as a problem document with a stable code."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from tests.api.conftest import Call

from greenroom.api.callers import CsrfFailedError
from greenroom.api.problems import problem_of, status_of
from greenroom.bookings import errors, services
from greenroom.core.errors import (
    BusyError,
    GreenroomError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    RateLimitedError,
)
from greenroom.payments import errors as payments_errors

WANTED = {
    "coach": "maya",
    "offer": "call",
    "starts_at": "2026-03-04T12:00:00Z",
    "name": "Ann Guest",
    "email": "ann@example.org",
}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFoundError(), 404, "not_found"),
        (InvalidInputError(field="name"), 422, "invalid"),
        (NotAllowedError(), 403, "not_allowed"),
        (CsrfFailedError(), 403, "csrf_failed"),
        (RateLimitedError(7), 429, "rate_limited"),
        (BusyError(), 429, "busy"),
        (GreenroomError(), 409, "error"),
        (errors.SlotTakenError(), 409, "slot_taken"),
        (errors.SlotNotOfferedError(), 422, "slot_not_offered"),
        (errors.HoldEndedError(), 409, "hold_ended"),
        (errors.DetailsMissingError(), 409, "details_missing"),
        (errors.DiscordRequiredError(), 409, "discord_required"),
        (errors.IllegalTransitionError(), 409, "wrong_state"),
        (errors.AlreadyExtendedError(), 409, "already_extended"),
        (errors.OfferNotBookableError(), 409, "not_bookable"),
        (errors.TooEarlyError(), 409, "too_early"),
        (payments_errors.PaymentUnavailableError(), 409, "payment_unavailable"),
        (payments_errors.PaymentRefusedError(), 409, "payment_refused"),
        (payments_errors.PaymentClosingError(), 409, "payment_closing"),
        (payments_errors.PaymentInProgressError(), 409, "payment_in_progress"),
        (payments_errors.AlreadyPaidError(), 409, "already_paid"),
    ],
)
def test_problem_of_each_error_has_its_status_and_code(error: GreenroomError, status: int, code: str) -> None:
    answer = problem_of(error)

    body = json.loads(answer.content)
    assert (answer.status_code, status_of(error), answer.headers["Content-Type"]) == (
        status,
        status,
        "application/problem+json",
    )
    assert (body["status"], body["code"], body["detail"], body["type"]) == (status, code, error.message, "about:blank")
    assert body.get("field") == error.field


def all_errors(kind: type[GreenroomError]) -> Iterator[type[GreenroomError]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from all_errors(sub)


def test_codes_and_messages_are_plain() -> None:
    found = [error for error in all_errors(GreenroomError) if "code" in vars(error)]
    codes = {error.code for error in found}

    assert {"slot_taken", "payment_closing", "rate_limited"} <= codes
    assert all(code == code.lower() and code.replace("_", "").isalpha() for code in codes)
    assert all(error.message.endswith((".", "?")) for error in found)


def test_problem_says_when_to_come_back() -> None:
    assert problem_of(RateLimitedError(7)).headers["Retry-After"] == "7"
    assert problem_of(BusyError()).headers["Retry-After"] == "2"


def test_problem_of_a_taken_slot_lists_alternatives() -> None:
    error = errors.SlotTakenError([datetime(2026, 3, 4, 9, 30, tzinfo=UTC)])

    assert json.loads(problem_of(error).content)["alternatives"] == ["2026-03-04T09:30:00Z"]
    assert json.loads(problem_of(errors.SlotTakenError()).content)["alternatives"] == []


@pytest.mark.usefixtures("offer")
def test_every_wrong_field_is_listed(call: Call) -> None:
    reply = call("POST", "bookings", {**WANTED, "name": "", "email": "x", "more": 1})

    assert [error["field"] for error in reply.body["errors"]] == ["name", "email", "more"]
    assert reply.body["detail"] == f"{reply.body['field']}: {reply.body['errors'][0]['message']}"
    assert reply.body["errors"][1]["message"].endswith("use an e-mail address such as name@example.org")


@pytest.mark.usefixtures("offer")
def test_busy_database_asks_to_come_back(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**_values: object) -> None:
        raise BusyError

    monkeypatch.setattr(services, "hold_slot", busy)

    reply = call("POST", "bookings", WANTED)

    assert (reply.status, reply.body["code"], reply.headers["Retry-After"]) == (429, "busy", "2")


@pytest.mark.usefixtures("offer")
def test_fault_of_ours_is_not_dressed_as_the_callers(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_values: object) -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(services, "hold_slot", broken)

    with pytest.raises(OperationalError):
        call("POST", "bookings", WANTED)


@pytest.mark.usefixtures("offer")
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "bookings", {"GET", "POST"}),
        ("GET", "bookings/x/pay", {"POST"}),
        ("POST", "coaches/maya", {"GET"}),
        ("PUT", "coaches", {"GET"}),
    ],
)
def test_wrong_method_names_the_right_ones(call: Call, method: str, path: str, allowed: set[str]) -> None:
    reply = call(method, path)

    assert (reply.status, reply.type) == (405, "application/problem+json")
    assert reply.body["code"] == "method_not_allowed"
    assert set(reply.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["nothing", "coaches/maya/secrets", "bookings/", "../v1/x", "%00", "x" * 300])
def test_unknown_address_of_the_api_is_a_problem_too(call: Call, method: str, path: str) -> None:
    reply = call(method, path)

    assert (reply.status, reply.type, reply.body["code"]) == (404, "application/problem+json", "not_found")


def test_http_errors_of_the_framework_are_problems_too(call: Call, db: None) -> None:  # noqa: ARG001 -- it counts tries
    reply = call("POST", "bookings", b"{")

    assert reply.body == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "code": "bad_request",
        "detail": "Cannot parse request body",
    }
