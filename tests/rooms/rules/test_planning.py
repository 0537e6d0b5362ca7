from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.bookings.types import SessionStatus
from greenroom.integrations.discord.types import (
    Channel,
    ChannelId,
    ChannelType,
    DiscordUserId,
    GuildId,
    Overwrite,
    OverwriteTarget,
)
from greenroom.rooms import rules
from greenroom.rooms.policies import TWO_STEP
from greenroom.rooms.types import (
    Actual,
    CreateChannel,
    DeleteChannel,
    Desired,
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
ABSENT, HIDDEN = Desired(Presence.ABSENT), Desired(Presence.HIDDEN)
OPEN = Desired(Presence.OPEN, frozenset({(DiscordUserId(7), PARTICIPANT_BITS)}))
COACH = Participant(PersonRole.COACH, None, 11, DiscordUserId(5))


def channel(channel_id: int, *overwrites: Overwrite) -> Channel:
    return Channel(ChannelId(channel_id), ChannelType.VOICE, "coaching-x", overwrites=overwrites)


def test_desired_room_is_open_to_those_who_linked() -> None:
    people = [COACH, Participant(PersonRole.STUDENT, 1)]

    desired = rules.desired_room(FACTS, people, TWO_STEP, START)

    assert desired == Desired(Presence.OPEN, frozenset({(DiscordUserId(5), PARTICIPANT_BITS)}))


@pytest.mark.parametrize(
    ("before", "presence"), [(timedelta(minutes=15), Presence.HIDDEN), (timedelta(hours=1), Presence.ABSENT)]
)
def test_desired_room_before_its_time_is_open_to_nobody(before: timedelta, presence: Presence) -> None:
    assert rules.desired_room(FACTS, [COACH], TWO_STEP, START - before) == Desired(presence)


def test_overwrites_let_in_the_bot_and_the_people_alone() -> None:
    assert rules.overwrites_of(OPEN, PLACE) == {EVERYONE, BOT, STUDENT}
    assert rules.overwrites_of(HIDDEN, PLACE) == rules.locked_down(PLACE) == {EVERYONE, BOT}


@pytest.mark.parametrize(
    ("desired", "channels", "changes"),
    [
        (ABSENT, (), []),
        (ABSENT, (channel(9),), [DeleteChannel(ChannelId(9))]),
        (ABSENT, (channel(8), channel(9)), [DeleteChannel(ChannelId(9)), DeleteChannel(ChannelId(8))]),
        (HIDDEN, (), [CreateChannel(frozenset({EVERYONE, BOT}))]),
        (OPEN, (), [CreateChannel(frozenset({EVERYONE, BOT, STUDENT}))]),
        (OPEN, (channel(9, BOT, EVERYONE, STUDENT),), []),
        (OPEN, (channel(9, BOT, EVERYONE),), [SetOverwrites(ChannelId(9), frozenset({EVERYONE, BOT, STUDENT}))]),
        (HIDDEN, (channel(9, BOT, EVERYONE, STUDENT),), [SetOverwrites(ChannelId(9), frozenset({EVERYONE, BOT}))]),
        (
            OPEN,
            (channel(9), channel(8)),
            [DeleteChannel(ChannelId(9)), SetOverwrites(ChannelId(8), frozenset({EVERYONE, BOT, STUDENT}))],
        ),
    ],
)
def test_plan_closes_the_difference_and_takes_away_first(
    desired: Desired, channels: tuple[Channel, ...], changes: list[object]
) -> None:
    assert rules.plan(desired, Actual(PLACE, channels)) == changes


DESIRED = st.builds(
    Desired,
    st.sampled_from(list(Presence)),
    st.frozensets(st.tuples(st.integers(10, 20).map(DiscordUserId), st.just(PARTICIPANT_BITS)), max_size=3),
)
OVERWRITES = st.builds(Overwrite, st.sampled_from(list(OverwriteTarget)), st.integers(1, 20), st.integers(0, 2**26))
CHANNELS = st.lists(
    st.builds(Channel, st.integers(100, 120).map(ChannelId), st.just(2), overwrites=st.lists(OVERWRITES).map(tuple)),
    unique_by=lambda it: it.id,
    max_size=4,
)


@given(desired=DESIRED, channels=CHANNELS)
def test_plan_carried_out_leaves_nothing_to_plan(desired: Desired, channels: list[Channel]) -> None:
    there = {it.id: it for it in channels}

    for change in rules.plan(desired, Actual(PLACE, tuple(channels))):
        if isinstance(change, DeleteChannel):
            del there[change.channel_id]
        elif isinstance(change, SetOverwrites):
            there[change.channel_id] = channel(change.channel_id, *change.overwrites)
        else:
            there[ChannelId(500)] = channel(500, *change.overwrites)

    assert rules.plan(desired, Actual(PLACE, tuple(there.values()))) == []
    assert len(there) == (0 if desired.presence is Presence.ABSENT else 1)
