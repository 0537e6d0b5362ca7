from datetime import UTC, datetime, timedelta

import pytest

from greenroom.bookings.types import SessionStatus
from greenroom.rooms import rules
from greenroom.rooms.policies import WINDOW
from greenroom.rooms.types import AccessState, PageState, RoomState, SessionFacts, Sighting

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
FACTS = SessionFacts(SessionStatus.CONFIRMED, START, START + timedelta(hours=1))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OPENS, CLOSES = START - 2 * HOUR, START + 2 * HOUR
GRANTED = Sighting(RoomState.OPEN, has_channel=True, access=AccessState.GRANTED)
CONNECT = "Connect Discord to enter the room. It opens for you within seconds."


def sighting(access: AccessState | None, error: str = "", state: RoomState = RoomState.OPEN_PARTIAL) -> Sighting:
    return Sighting(state, has_channel=True, access=access, access_error=error)


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (OPENS - timedelta(microseconds=1), PageState.EARLY),
        (OPENS, PageState.READY),
        (CLOSES - timedelta(microseconds=1), PageState.READY),
        (CLOSES, PageState.OVER),
    ],
)
def test_page_is_ready_in_the_window_alone(at: datetime, state: PageState) -> None:
    assert rules.session_page_state(FACTS, WINDOW, GRANTED, at)[0] is state


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (49 * HOUR, "2 days"),
        (47 * HOUR, "47 h 00 min"),
        (HOUR, "1 h 00 min"),
        (HOUR - timedelta(seconds=1), "1 h 00 min"),
        (HOUR - MINUTE, "59 minutes"),
        (2 * MINUTE, "2 minutes"),
        (timedelta(seconds=61), "2 minutes"),
        (timedelta(seconds=1), "1 minute"),
    ],
)
def test_page_says_when_the_room_opens(left: timedelta, words: str) -> None:
    known = sighting(AccessState.WAITING, state=RoomState.PLANNED)

    assert rules.session_page_state(FACTS, WINDOW, known, OPENS - left) == (
        PageState.EARLY,
        f"Your room opens in {words}.",
    )


@pytest.mark.parametrize("status", [SessionStatus.CANCELLED, SessionStatus.EXPIRED, SessionStatus.HELD])
def test_page_of_a_session_that_does_not_take_place_has_no_room(status: SessionStatus) -> None:
    facts = SessionFacts(status, START, START + HOUR)

    assert rules.session_page_state(facts, WINDOW, GRANTED, START) == (
        PageState.OVER,
        "This session does not take place, so it has no room.",
    )


@pytest.mark.parametrize(
    ("known", "state", "sentence"),
    [
        (None, PageState.OPENING, "Your room is being made. This takes a few seconds."),
        (GRANTED, PageState.READY, "Your room is open."),
        (sighting(AccessState.UNLINKED), PageState.CONNECT, CONNECT),
        (
            sighting(AccessState.UNLINKED, "link_revoked"),
            PageState.CONNECT,
            "The link to your Discord account no longer works. Please connect it again.",
        ),
        (
            sighting(AccessState.NOT_IN_GUILD),
            PageState.CONNECT,
            "You are not in the Discord server yet. Connect Discord again and allow us to bring you in.",
        ),
        (
            sighting(AccessState.JOINING, "pending"),
            PageState.CONNECT,
            "Please open the Discord server and accept its rules; then the room appears.",
        ),
        (
            sighting(AccessState.JOINING),
            PageState.OPENING,
            "Your room is being opened for you. This takes a few seconds.",
        ),
        (
            sighting(AccessState.FAILED, "40007"),
            PageState.FAILED,
            "The Discord server has banned this account. Please write to your coach.",
        ),
        (
            sighting(AccessState.FAILED, "340015"),
            PageState.FAILED,
            "We could not bring you into the Discord server. Please connect Discord again; we keep trying too.",
        ),
        (
            Sighting(RoomState.DEGRADED, has_channel=False, access=None, room_error="The Discord server is full."),
            PageState.FAILED,
            "The Discord server is full. We keep trying, and the people who run this site were told.",
        ),
        (
            Sighting(RoomState.BLOCKED, has_channel=False, access=None),
            PageState.FAILED,
            "The room could not be made. We keep trying, and the people who run this site were told.",
        ),
        # Discord does not answer, and the room it has shown is still there.
        (sighting(AccessState.GRANTED, state=RoomState.DEGRADED), PageState.READY, "Your room is open."),
        (
            sighting(AccessState.GRANTED, state=RoomState.CLOSING),
            PageState.OPENING,
            "Your room is being opened for you. This takes a few seconds.",
        ),
    ],
)
def test_page_says_how_it_stands_and_what_to_do(known: Sighting | None, state: PageState, sentence: str) -> None:
    assert rules.session_page_state(FACTS, WINDOW, known, START) == (state, sentence)


def test_page_asks_to_connect_before_the_room_opens() -> None:
    known = sighting(AccessState.UNLINKED, state=RoomState.HIDDEN)

    assert rules.session_page_state(FACTS, WINDOW, known, OPENS - HOUR) == (PageState.CONNECT, CONNECT)
