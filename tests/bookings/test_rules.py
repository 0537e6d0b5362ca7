from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from greenroom.bookings import rules
from greenroom.bookings.errors import IllegalTransitionError
from greenroom.bookings.rules import TRANSITIONS
from greenroom.bookings.types import BookingEvent, BookingStatus, MoveTerms, SessionStatus
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError

S, E, A = BookingStatus, BookingEvent, ActorKind
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture" / "bookings.md"

# Written out by hand, so that a change of the table is a change of two places.
LEGAL = {
    S.HELD: {
        E.START_PAYMENT: S.PENDING_PAYMENT,
        E.CONFIRM: S.CONFIRMED,
        E.ASK: S.PENDING_APPROVAL,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
    },
    S.PENDING_PAYMENT: {
        E.START_PAYMENT: S.PENDING_PAYMENT,
        E.CONFIRM: S.CONFIRMED,
        E.ASK: S.PENDING_APPROVAL,
        E.CANCEL: S.CANCELLED,
        E.EXPIRE: S.EXPIRED,
    },
    S.PENDING_APPROVAL: {E.CONFIRM: S.CONFIRMED, E.CANCEL: S.CANCELLED},
    S.CONFIRMED: {
        E.START: S.IN_PROGRESS,
        E.COMPLETE: S.COMPLETED,
        E.MARK_NO_SHOW: S.NO_SHOW,
        E.CANCEL: S.CANCELLED,
    },
    S.IN_PROGRESS: {E.COMPLETE: S.COMPLETED, E.MARK_NO_SHOW: S.NO_SHOW},
    S.COMPLETED: {E.MARK_NO_SHOW: S.NO_SHOW},
    S.NO_SHOW: {E.COMPLETE: S.COMPLETED, E.MARK_NO_SHOW: S.NO_SHOW},
    S.CANCELLED: {},
    S.EXPIRED: {E.CONFIRM: S.CONFIRMED, E.ASK: S.PENDING_APPROVAL},
}

BUYERS, SELLERS = {A.GUEST, A.STUDENT}, {A.COACH, A.ADMIN}
MAY = {
    "hold": BUYERS | SELLERS,
    "describe": BUYERS | {A.COACH},
    "extend": BUYERS | {A.COACH},
    "pay": BUYERS | {A.COACH},
    "release": BUYERS | {A.COACH, A.SYSTEM},
    "move": BUYERS,
    "propose": SELLERS,
    "book_manually": SELLERS,
    "cancel": BUYERS | SELLERS,
    "cancel_session": SELLERS | {A.SYSTEM},
    "start": SELLERS,
    "complete": SELLERS | {A.SYSTEM},
    "mark_no_show": SELLERS,
    "answer": SELLERS,
    "steal": set(),
}


@pytest.mark.parametrize(("status", "event"), list(product(S, E)))
def test_next_status_follows_the_table_and_nothing_else(status: BookingStatus, event: BookingEvent) -> None:
    expected = LEGAL[status].get(event)

    if expected is not None:
        assert rules.next_status(status, event) is expected
        return
    with pytest.raises(IllegalTransitionError) as refused:
        rules.next_status(status, event)
    assert refused.value.message == f"This booking is {status.replace('_', ' ')}, so that is not possible."


def test_next_status_takes_the_plain_word_of_a_row() -> None:
    assert rules.next_status("held", E.CONFIRM) is S.CONFIRMED


def test_documented_table_is_the_table() -> None:
    text = DOCUMENT.read_text().partition("<!-- transitions -->\n")[2].partition("<!-- /transitions -->")[0]
    rows = [f"| {before} | {event} | {after} |" for (before, event), after in TRANSITIONS.items()]

    assert text.splitlines() == ["| from | event | to |", "|---|---|---|", *rows]


@pytest.mark.parametrize(("verb", "kind"), list(product(MAY, A)))
def test_require_lets_in_exactly_who_may(verb: str, kind: ActorKind) -> None:
    if kind in MAY[verb]:
        rules.require(Actor(kind), verb)
        return
    with pytest.raises(NotAllowedError):
        rules.require(Actor(kind), verb)


def test_require_knows_every_verb_of_the_table() -> None:
    assert set(rules._ALLOWED) | {"steal"} == set(MAY)  # noqa: SLF001 -- the table has no public list


@pytest.mark.parametrize("status", S)
def test_session_follows_its_only_booking(status: BookingStatus) -> None:
    waiting = {S.HELD, S.PENDING_PAYMENT, S.PENDING_APPROVAL}

    assert rules.session_status_of([status]) == (
        SessionStatus.HELD if status in waiting else SessionStatus(status.value)
    )


@pytest.mark.parametrize(
    ("seats", "expected"),
    [
        ((), SessionStatus.CANCELLED),
        ((S.CANCELLED, S.EXPIRED), SessionStatus.CANCELLED),
        ((S.EXPIRED, S.HELD), SessionStatus.HELD),
        ((S.PENDING_PAYMENT, S.CONFIRMED, S.CANCELLED), SessionStatus.CONFIRMED),
        ((S.CONFIRMED, S.IN_PROGRESS), SessionStatus.IN_PROGRESS),
        ((S.CONFIRMED, S.NO_SHOW), SessionStatus.CONFIRMED),
        ((S.NO_SHOW, S.COMPLETED, S.HELD), SessionStatus.COMPLETED),
        ((S.NO_SHOW, S.CANCELLED), SessionStatus.NO_SHOW),
    ],
)
def test_session_of_a_group_follows_the_seat_that_takes_place(
    seats: tuple[BookingStatus, ...], expected: SessionStatus
) -> None:
    assert rules.session_status_of(seats) is expected


@pytest.mark.parametrize("status", S)
def test_legacy_status_is_the_word_in_capitals_but_for_confirmed(status: BookingStatus) -> None:
    assert rules.legacy_status(status) == ("SCHEDULED" if status is S.CONFIRMED else status.value.upper())


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize(("left", "is_ahead"), [(timedelta(microseconds=1), True), (timedelta(), False)])
def test_moving_and_cancelling_end_with_the_start(status: BookingStatus, left: timedelta, is_ahead: bool) -> None:  # noqa: FBT001 -- a column of the table
    starts_at = NOW + left
    terms = MoveTerms(count=3, limit=None, notice=timedelta())
    refusal = rules.move_refusal(status=status, starts_at=starts_at, terms=terms, now=NOW)
    can_cancel = rules.can_cancel(status=status, starts_at=starts_at, now=NOW)

    assert refusal == ("" if is_ahead and status is S.CONFIRMED else "This session cannot be moved any more.")
    assert can_cancel is (is_ahead and E.CANCEL in LEGAL[status])


@pytest.mark.parametrize(
    ("count", "limit", "refusal"),
    [
        (0, 0, "The time of this session is fixed."),
        (0, 1, ""),
        (1, 1, "This session was moved once, which is as often as it can be."),
        (1, 2, ""),
        (2, 2, "This session was moved 2 times, which is as often as it can be."),
        (9, None, ""),
    ],
)
def test_moves_are_counted_against_their_limit(count: int, limit: int | None, refusal: str) -> None:
    terms = MoveTerms(count, limit, notice=timedelta())

    assert rules.move_refusal(status=S.CONFIRMED, starts_at=NOW + timedelta(days=1), terms=terms, now=NOW) == refusal


@pytest.mark.parametrize(
    ("left", "refusal"),
    [
        (timedelta(hours=24), ""),
        (
            timedelta(hours=24) - timedelta(microseconds=1),
            "This session could be moved until 24 hours before its start.",
        ),
    ],
)
def test_deadline_for_moves_includes_its_instant(left: timedelta, refusal: str) -> None:
    terms = MoveTerms(count=0, limit=1, notice=timedelta(hours=24))

    assert rules.move_refusal(status=S.CONFIRMED, starts_at=NOW + left, terms=terms, now=NOW) == refusal


def test_holder_digest_tells_kinds_apart() -> None:
    digests = {rules.holder_digest(kind, "7") for kind in ("user", "cookie", "email")}

    assert len(digests) == 3
    assert {len(digest) for digest in digests} == {64}
    assert rules.holder_digest("user", "7") == rules.holder_digest("user", "7")
