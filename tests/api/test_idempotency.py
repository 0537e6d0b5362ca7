"""The same call twice is answered once."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from tests.api.conftest import Call
from tests.bookings.steps import GUEST, at, hold, occupied, snapshot
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock

from greenroom.api.models import IdempotentAnswer
from greenroom.bookings import services
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer

WANTED = {
    "coach": "maya",
    "offer": "call",
    "starts_at": "2026-03-04T12:00:00Z",
    "name": "Ann Guest",
    "email": "ann@example.org",
}
LATER = {**WANTED, "starts_at": "2026-03-04T18:00:00Z"}


@pytest.fixture
def book(call: Call) -> Callable[..., Any]:
    """Return a function that books with a key."""
    return lambda body=WANTED, key="once", **values: call("POST", "bookings", body, Idempotency_Key=key, **values)


@pytest.mark.usefixtures("offer")
def test_same_key_and_body_replay_the_first_answer(book: Callable[..., Any]) -> None:
    first = book()
    before = snapshot()

    again = book()

    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.type == first.type == "application/json"
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert snapshot() == before


@pytest.mark.usefixtures("offer")
def test_same_key_with_another_body_is_refused(book: Callable[..., Any]) -> None:
    book()
    before = snapshot()

    reply = book(LATER)

    assert (reply.status, reply.type, reply.body["code"]) == (
        422,
        "application/problem+json",
        "idempotency_key_reused",
    )
    assert snapshot() == before


@pytest.mark.usefixtures("offer")
def test_another_key_or_another_address_is_another_call(book: Callable[..., Any]) -> None:
    first = book()

    other_key = book(LATER, "twice")
    other_address = book({**WANTED, "starts_at": "2026-03-05T12:00:00Z"}, client=Client(REMOTE_ADDR="10.0.0.9"))

    assert len({first.body["ref"], other_key.body["ref"], other_address.body["ref"]}) == 3


@pytest.mark.usefixtures("offer")
def test_key_and_body_are_kept_as_digests_only(book: Callable[..., Any], now: datetime) -> None:
    book(key="my-secret-key")

    row = IdempotentAnswer.objects.get()
    assert (len(row.key_digest), len(row.body_digest), row.created_at, row.status) == (64, 64, now, 201)
    assert "my-secret-key" not in row.key_digest + row.body_digest + row.body


@pytest.mark.usefixtures("offer")
def test_first_call_that_still_runs_asks_to_come_back(book: Callable[..., Any], now: datetime) -> None:
    book()
    IdempotentAnswer.objects.update(status=None, body="", created_at=now - timedelta(seconds=119))
    before = snapshot()

    reply = book()

    assert (reply.status, reply.body["code"], reply.headers["Retry-After"]) == (409, "idempotency_in_progress", "1")
    assert snapshot() == before


@pytest.mark.usefixtures("offer")
def test_first_call_whose_process_died_is_made_again(book: Callable[..., Any], frozen_clock: SettableClock) -> None:
    left = book(LATER).body["ref"]
    IdempotentAnswer.objects.update(status=None, body="")
    frozen_clock.advance(timedelta(minutes=2))

    assert book(WANTED).body["code"] == "idempotency_key_reused"
    made = book(LATER)
    again = book(LATER)

    assert (made.status, made.body["ref"], again.body) == (201, left, made.body)
    assert occupied() == [at(18)]
    assert IdempotentAnswer.objects.count() == 1


def test_refusal_is_not_kept(offer: Offer, book: Callable[..., Any], now: datetime) -> None:
    blocking = hold(offer)
    assert book().status == 409
    assert not IdempotentAnswer.objects.exists()

    services.release_hold(booking=blocking, actor=GUEST, now=now)

    assert book().status == 201


@pytest.mark.usefixtures("offer")
def test_answer_to_too_many_tries_is_not_kept(book: Callable[..., Any], settings: Any) -> None:
    settings.HOLD_LIMIT = 1
    book(LATER, "other")
    assert book().status == 429
    assert IdempotentAnswer.objects.count() == 1

    settings.HOLD_LIMIT = 10
    assert book().status == 201


@pytest.mark.usefixtures("offer")
def test_key_that_is_too_long_is_named(book: Callable[..., Any]) -> None:
    reply = book(key="x" * 201)

    assert (reply.status, reply.body["code"], reply.body["field"]) == (422, "invalid", "Idempotency-Key")
    assert not Booking.objects.exists()


@pytest.mark.usefixtures("offer")
def test_strange_key_is_just_a_key(book: Callable[..., Any]) -> None:
    assert book(key="ключ 🎸").status == 201
    assert book(key="ключ 🎸").headers["Idempotent-Replayed"] == "true"


def test_concurrent_first_calls_book_once(
    transactional_db: None,  # noqa: ARG001 -- commits must be real
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]],
    book: Callable[..., Any],
    frozen_clock: SettableClock,  # noqa: ARG001 -- it stops the clock
) -> None:
    make_offer()

    replies = race([partial(book)] * 8)

    assert {reply.status for reply in replies} <= {201, 409}
    booked = [reply for reply in replies if reply.status == 201]
    assert len({reply.body["ref"] for reply in booked}) == 1
    assert {reply.body["code"] for reply in replies if reply.status == 409} <= {"idempotency_in_progress"}
    assert (Booking.objects.count(), occupied()) == (1, [at(12)])
    assert json.loads(IdempotentAnswer.objects.get().body)["ref"] == Booking.objects.get().ref


@pytest.mark.usefixtures("offer")
def test_key_of_a_call_that_failed_this_very_moment_asks_to_come_back(
    book: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    book()
    real = IdempotentAnswer.objects.filter

    def gone_meanwhile(*args: Any, **values: Any) -> Any:
        IdempotentAnswer.objects.all().delete()
        return real(*args, **values)

    monkeypatch.setattr(IdempotentAnswer.objects, "filter", gone_meanwhile)

    reply = book()

    assert (reply.status, reply.body["code"]) == (409, "idempotency_in_progress")
