from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenroom.bookings.types import SessionStatus
from greenroom.integrations.discord.types import DiscordUserId, GuildId, Overwrite, OverwriteTarget
from greenroom.rooms import rules
from greenroom.rooms.policies import TWO_STEP
from greenroom.rooms.types import (
    AFTERWARDS,
    Actual,
    CreateObject,
    DeleteObject,
    Desired,
    Found,
    ObjectKind,
    Participant,
    PersonRole,
    Place,
    Presence,
    SessionFacts,
    SetOverwrites,
)

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
FACTS = SessionFacts(SessionStatus.CONFIRMED, START, START + timedelta(hours=1))
PLACE = Place(GuildId(1), DiscordUserId(2))
PARTICIPANT_BITS = 36_818_432  # as invited: view, connect, speak, stream, voice activity, write, read
EVERYONE = Overwrite(OverwriteTarget.ROLE, 1, deny=1_049_600)
BOT = Overwrite(OverwriteTarget.MEMBER, 2, allow=1_049_616)
STUDENT = Overwrite(OverwriteTarget.MEMBER, 7, allow=PARTICIPANT_BITS)
ROLE, VOICE, TEXT = ObjectKind.ROLE, ObjectKind.VOICE, ObjectKind.TEXT
ABSENT, HIDDEN = Desired(Presence.ABSENT), Desired(Presence.HIDDEN, frozenset({VOICE}))
OPEN = Desired(Presence.OPEN, frozenset({VOICE}), frozenset({DiscordUserId(7)}))
COACH = Participant(PersonRole.COACH, None, 11, DiscordUserId(5))


def voice(channel_id: int, *overwrites: Overwrite) -> Found:
    return Found(VOICE, channel_id, frozenset(overwrites))


def test_desired_room_is_open_to_those_who_linked() -> None:
    people = [COACH, Participant(PersonRole.STUDENT, 1)]

    desired = rules.desired_room(FACTS, people, TWO_STEP, START)

    assert desired == Desired(Presence.OPEN, frozenset({VOICE}), frozenset({DiscordUserId(5)}))


@pytest.mark.parametrize(("before", "desired"), [(timedelta(minutes=15), HIDDEN), (timedelta(hours=1), ABSENT)])
def test_desired_room_before_its_time_is_open_to_nobody(before: timedelta, desired: Desired) -> None:
    assert rules.desired_room(FACTS, [COACH], TWO_STEP, START - before) == desired


def test_overwrites_let_in_the_bot_and_the_people_alone() -> None:
    assert rules.overwrites_of(OPEN, PLACE) == {EVERYONE, BOT, STUDENT}
    assert rules.overwrites_of(HIDDEN, PLACE) == rules.locked_down(PLACE) == {EVERYONE, BOT}


SHUT, SHOWN = frozenset({EVERYONE, BOT}), frozenset({EVERYONE, BOT, STUDENT})


@pytest.mark.parametrize(
    ("desired", "found", "changes"),
    [
        (ABSENT, (), []),
        (ABSENT, (voice(9),), [DeleteObject(voice(9))]),
        (ABSENT, (voice(8), voice(9)), [DeleteObject(voice(9)), DeleteObject(voice(8))]),
        (HIDDEN, (), [CreateObject(VOICE, SHUT)]),
        (OPEN, (), [CreateObject(VOICE, SHOWN)]),
        (OPEN, (voice(9, *SHOWN),), []),
        (OPEN, (voice(9, *SHUT),), [SetOverwrites(voice(9, *SHUT), SHOWN)]),
        (HIDDEN, (voice(9, *SHOWN),), [SetOverwrites(voice(9, *SHOWN), SHUT)]),
        (OPEN, (voice(8), voice(9)), [DeleteObject(voice(9)), SetOverwrites(voice(8), SHOWN)]),
    ],
)
def test_plan_closes_the_difference_and_takes_away_first(
    desired: Desired, found: tuple[Found, ...], changes: list[object]
) -> None:
    assert rules.plan(desired, Actual(PLACE, found)) == changes


def test_plan_makes_no_second_one_while_one_is_awaited() -> None:
    assert rules.plan(OPEN, Actual(PLACE, (), frozenset({VOICE}))) == []


ROLE_ALLOW = Overwrite(OverwriteTarget.ROLE, 30, allow=PARTICIPANT_BITS)
BY_ROLE = Desired(Presence.OPEN, frozenset({ROLE, VOICE, TEXT}), frozenset({DiscordUserId(7)}))
ROLE_FOUND, BY_ROLE_OVERWRITES = Found(ROLE, 30), frozenset({EVERYONE, BOT, ROLE_ALLOW})


@pytest.mark.parametrize(
    ("desired", "found", "changes"),
    [
        (BY_ROLE, (), [CreateObject(ROLE)]),
        (BY_ROLE, (voice(9, *SHUT),), [CreateObject(ROLE)]),
        (
            BY_ROLE,
            (ROLE_FOUND,),
            [CreateObject(VOICE, BY_ROLE_OVERWRITES), CreateObject(TEXT, BY_ROLE_OVERWRITES)],
        ),
        # The role is given up: first people get their own overwrites, then it goes.
        (
            OPEN,
            (ROLE_FOUND, voice(9, *BY_ROLE_OVERWRITES)),
            [SetOverwrites(voice(9, *BY_ROLE_OVERWRITES), SHOWN), DeleteObject(ROLE_FOUND)],
        ),
        (ABSENT, (ROLE_FOUND, voice(9)), [DeleteObject(voice(9)), DeleteObject(ROLE_FOUND)]),
    ],
)
def test_plan_makes_the_role_first_and_deletes_it_last(
    desired: Desired, found: tuple[Found, ...], changes: list[object]
) -> None:
    assert rules.plan(desired, Actual(PLACE, found)) == changes


def test_channels_wait_for_a_role_that_may_still_come() -> None:
    assert rules.plan(BY_ROLE, Actual(PLACE, (), frozenset({ROLE}))) == []


def test_archive_can_be_read_and_nothing_else() -> None:
    archived = Desired(Presence.ARCHIVED, frozenset({VOICE}), frozenset({DiscordUserId(7)}))
    reader = Overwrite(OverwriteTarget.MEMBER, 7, allow=1_115_136, deny=274_913_610_240)

    assert rules.overwrites_of(archived, PLACE) == {EVERYONE, BOT, reader}
    assert rules.plan(archived, Actual(PLACE, ())) == []


KINDS = st.sampled_from([frozenset({VOICE}), frozenset({VOICE, TEXT})])
PEOPLE = st.frozensets(st.integers(10, 20).map(DiscordUserId), max_size=3)
DURING = st.builds(
    Desired,
    st.sampled_from([Presence.HIDDEN, Presence.OPEN]),
    KINDS.flatmap(lambda kinds: st.sampled_from([kinds, kinds | {ROLE}])),
    PEOPLE,
)
DESIRED = st.one_of(
    st.just(ABSENT), DURING, st.builds(Desired, st.sampled_from([Presence.CLOSED, Presence.ARCHIVED]), KINDS, PEOPLE)
)
OVERWRITES = st.builds(Overwrite, st.sampled_from(list(OverwriteTarget)), st.integers(1, 20), st.integers(0, 2**26))
FOUND = st.lists(
    st.builds(Found, st.sampled_from(list(ObjectKind)), st.integers(100, 120), st.frozensets(OVERWRITES, max_size=4)),
    unique_by=lambda it: it.id,
    max_size=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(desired=DESIRED, found=FOUND)
def test_plan_carried_out_leaves_nothing_to_plan(desired: Desired, found: list[Found]) -> None:
    there = {it.id: it for it in found}
    steps = 0

    while changes := rules.plan(desired, Actual(PLACE, tuple(there.values()))):
        change = changes[0]
        if isinstance(change, DeleteObject):
            del there[change.target.id]
        elif isinstance(change, SetOverwrites):
            there[change.target.id] = Found(change.target.kind, change.target.id, change.overwrites)
        else:
            there[500 + steps] = Found(change.kind, 500 + steps, change.overwrites)
        steps += 1

    is_over = desired.presence in AFTERWARDS
    wanted = desired.kinds & {it.kind for it in found} if is_over else desired.kinds
    assert steps <= len(found) + 3
    assert sorted(it.kind for it in there.values()) == sorted(wanted)
