"""Rooms that let people in by a role of their own: its life, its budget, its rank, and who else has it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.factories.rooms import World, deliver, live, lose_next_answer
from tests.rooms.conftest import Book
from tests.rooms.services.test_overtaken import overtake

from greenroom.bookings.models import Booking
from greenroom.core.models import AuditEntry
from greenroom.integrations.discord.sandbox.models import (
    SandboxAuditEntry,
    SandboxChannel,
    SandboxMember,
    SandboxRole,
)
from greenroom.integrations.discord.sandbox.services.guild import bot_id, sample_user_id
from greenroom.integrations.discord.snowflake import snowflake_at
from greenroom.integrations.discord.transport import Answer, NotSent, Unanswered
from greenroom.integrations.discord.types import AuditAction, OverwriteTarget
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.policies import TWO_STEP, AccessMethod
from greenroom.rooms.queries import rooms_needing_attention
from greenroom.rooms.services import reconcile_session, request_reconcile_of
from greenroom.rooms.types import ObjectKind, RoomState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SOON = 5 * SECOND
ROLE = ObjectKind.ROLE


@pytest.fixture
def access() -> AccessMethod:
    return AccessMethod.ROLE


def role_names() -> list[str]:
    """Tell what roles there are besides @everyone and the bot's own, oldest first."""
    return list(SandboxRole.objects.filter(position=1).order_by("pk").values_list("name", flat=True))


def has_role(username: str) -> bool:
    member = SandboxMember.objects.filter(user_id=sample_user_id(username)).first()
    return member is not None and member.roles.filter(position__lt=100).exists()


def give_by_hand(username: str) -> None:
    """Let the server's owner give somebody the only role there is."""
    SandboxMember.objects.get(user_id=sample_user_id(username)).roles.add(SandboxRole.objects.get(position=1))


def changes(world: World) -> list[str]:
    """Tell what the bot asked Discord to change; bringing people in is not a room's doing."""
    asked = (line.split(" ") for line in world.wire.requests)
    return [
        f"{method} {path.split('/')[-1 if method == 'POST' else -2]}"
        for method, path in asked
        if method != "GET" and "oauth2" not in path and not (method == "PUT" and "/roles/" not in path)
    ]


def is_by_role() -> bool:
    return not Room.objects.get().does_without_role


@pytest.mark.parametrize(
    ("access", "starts_in", "calls"),
    [
        (AccessMethod.MEMBER, HOUR, ["POST channels", "PATCH channels", "DELETE channels"]),
        (AccessMethod.MEMBER, 2 * MINUTE, ["POST channels", "DELETE channels"]),
        (
            AccessMethod.ROLE,
            HOUR,
            ["POST roles", "POST channels", "PUT roles", "PUT roles", "DELETE channels", "DELETE roles"],
        ),
    ],
)
def test_session_of_two_takes_so_many_calls(world: World, book: Book, starts_in: timedelta, calls: list[str]) -> None:
    world.enter("sam.student")
    booking = book(starts_in, student="sam.student", policy=TWO_STEP)

    world.go_to(max(world.now, booking.session.starts_at - 15 * MINUTE))
    world.go_to(booking.session.starts_at)
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms() != []
    world.go_to(booking.session.ends_at + HOUR)

    assert world.rooms() == role_names() == []
    assert changes(world) == calls


def test_role_is_named_like_the_channel_and_gives_nothing_elsewhere(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")

    world.advance(SOON)

    role = SandboxRole.objects.get(position=1)
    marker = live(ROLE).marker
    assert (role.name, role.permissions) == (f"Session {marker}", 0)
    assert world.rooms() == [f"coaching-{marker}"]
    targets = SandboxChannel.objects.get(name=f"coaching-{marker}").overwrites.values_list("target_type", "target_id")
    assert set(targets) == {
        (OverwriteTarget.ROLE, world.connection.guild_id),
        (OverwriteTarget.MEMBER, bot_id()),
        (OverwriteTarget.ROLE, role.pk),
    }
    assert has_role("sam.student")
    assert has_role("maya.coach")


def test_nobody_has_the_role_before_the_room_opens(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=TWO_STEP)

    world.go_to(booking.session.starts_at - 5 * MINUTE - SECOND)

    assert len(role_names()) == 1
    assert not has_role("sam.student")
    assert not has_role("maya.coach")


def fill_roles(world: World, count: int) -> None:
    guild_id = world.connection.guild_id
    SandboxRole.objects.bulk_create(
        SandboxRole(pk=pk, guild_id=guild_id, name="x", position=2) for pk in range(1, count - 1)
    )


def spend_budget(world: World, count: int, at: timedelta = HOUR) -> None:
    """Let the bot have made so many roles so long ago, as the server's audit log and our own list say."""
    guild_id, made_at = world.connection.guild_id, world.now - at
    ids = [snowflake_at(made_at, number) for number in range(count)]
    SandboxAuditEntry.objects.bulk_create(
        SandboxAuditEntry(pk=pk, guild_id=guild_id, user_id=1, target_id=1, action=AuditAction.ROLE_CREATE)
        for pk in ids
    )
    DiscordObject.objects.bulk_create(
        DiscordObject(guild_id=guild_id, kind=ROLE, object_id=pk, seen_at=made_at, deleted_at=made_at) for pk in ids
    )


@pytest.mark.parametrize("access", [AccessMethod.AUTO])
@pytest.mark.parametrize(
    ("roles", "created", "ago", "by_role"),
    [
        (239, 0, HOUR, True),
        (240, 0, HOUR, False),
        (3, 199, HOUR, True),
        (3, 200, HOUR, False),
        (3, 200, 48 * HOUR, True),
    ],
)
def test_auto_takes_a_role_while_there_is_plenty(
    world: World,
    book: Book,
    roles: int,
    created: int,
    ago: timedelta,
    by_role: bool,  # noqa: FBT001 -- a table's column
) -> None:
    fill_roles(world, roles)
    spend_budget(world, created, ago)
    book(HOUR, student="sam.student")

    world.advance(SOON)

    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms() != []
    assert is_by_role() is by_role
    assert len(role_names()) == by_role


@pytest.mark.parametrize("trouble", ["cap", "budget", "headers"])
def test_room_that_gets_no_role_lets_people_in_one_by_one_at_once(world: World, book: Book, trouble: str) -> None:
    if trouble == "cap":
        fill_roles(world, 250)
    elif trouble == "budget":
        spend_budget(world, 250)
    else:
        spend_budget(world, 249)
        world.connection.api.create_role(world.connection.guild_id, "the last one")
        SandboxRole.objects.filter(name="the last one").delete()
    book(HOUR, student="sam.student")

    world.run()

    assert world.sees("maya.coach") == world.rooms() != []
    world.advance(SOON)
    assert world.sees("sam.student") == world.rooms()
    assert role_names() == []
    assert not is_by_role()
    assert AuditEntry.objects.filter(action="room.do_without_role").count() == 1
    assert not rooms_needing_attention().exists()


@pytest.mark.parametrize(("fault", "waits"), [("rate_limited", 0), ("cloudflare_429", 60)])
def test_short_wait_or_a_stop_for_all_does_not_cost_the_role(world: World, book: Book, fault: str, waits: int) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.arm(fault, 1)

    world.advance(waits * SECOND + SOON)

    assert len(role_names()) == len(world.rooms()) == 1
    assert is_by_role()


def hold_back_role(world: World) -> list[Callable[[], Answer]]:
    held: list[Callable[[], Answer]] = []

    def meddle(method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if method == "POST" and path.endswith("/roles") and not held:
            held.append(perform)
            raise Unanswered("still on its way")
        return perform()

    world.wire.meddler = meddle
    return held


@pytest.mark.parametrize("fault", ["drop_reply", "garbled_reply", "server_error_after"])
def test_role_whose_answer_was_lost_is_found_again(world: World, book: Book, fault: str) -> None:
    book(HOUR)
    world.connection.bot_id()
    world.arm(fault, 1)

    world.run()
    assert (len(role_names()), world.rooms(), live(ROLE).object_id) == (1, [], None)
    world.advance(SOON)

    assert len(role_names()) == len(world.rooms()) == 1
    assert live(ROLE).generation == 1
    assert has_role("maya.coach")


def test_role_that_never_came_is_asked_for_again_once_it_cannot_come_any_more(world: World, book: Book) -> None:
    book(HOUR)
    hold_back_role(world)

    world.advance(22 * SECOND)
    assert role_names() == world.rooms() == []
    world.advance(SECOND)

    assert len(role_names()) == len(world.rooms()) == 1
    assert live(ROLE).generation == 2


def test_role_that_lands_after_all_hope_is_swept_away(world: World, book: Book) -> None:
    book(HOUR)
    held = hold_back_role(world)
    world.advance(30 * SECOND)

    held[0]()
    assert len(role_names()) == 2
    assert world.sweep() == 1

    assert role_names() == [f"Session {live(ROLE).marker}"]
    assert has_role("maya.coach")


def test_doubled_role_keeps_the_oldest_and_deletes_the_other(world: World, book: Book) -> None:
    book(HOUR)
    held = hold_back_role(world)
    world.run()
    held[0]()
    held[0]()
    [first, second] = SandboxRole.objects.filter(position=1).order_by("pk")

    world.advance(SOON)

    assert SandboxRole.objects.get(position=1) == first
    assert live(ROLE).object_id == first.pk
    assert DiscordObject.objects.get(object_id=second.pk).deleted_at is not None
    assert has_role("maya.coach")


def test_role_made_by_an_overtaken_run_is_taken_away_by_it(world: World, book: Book) -> None:
    booking = book(HOUR)
    world.connection.bot_id()
    overtake(world, booking.session_id, "POST", "/roles")

    reconcile_session(booking.session_id)

    assert role_names() == [f"Session {live(ROLE).marker}"]
    assert live(ROLE).generation == 2


def test_late_landing_role_of_a_cancelled_session_is_deleted_when_it_is_found(world: World, book: Book) -> None:
    booking = book(HOUR)
    held = hold_back_role(world)
    world.run()
    type(booking.session).objects.update(status="cancelled")

    world.advance(SOON)
    held[0]()
    world.advance(20 * SECOND)

    assert role_names() == []
    assert Room.objects.get().state == RoomState.GONE


def make_stray(world: World, *, by_bot: bool) -> SandboxRole:
    guild_id = world.connection.guild_id
    role = SandboxRole.objects.create(pk=5_000, guild_id=guild_id, name="Session 0123abcd")
    user_id = bot_id() if by_bot else guild_id + 10
    SandboxAuditEntry.objects.create(
        pk=6_000, guild_id=guild_id, user_id=user_id, target_id=role.pk, action=AuditAction.ROLE_CREATE
    )
    return role


@pytest.mark.parametrize("by_bot", [True, False])
def test_stray_role_is_deleted_only_when_the_audit_log_proves_it_to_be_ours(world: World, *, by_bot: bool) -> None:
    make_stray(world, by_bot=by_bot)

    assert world.sweep() == by_bot

    assert role_names() == ([] if by_bot else ["Session 0123abcd"])
    assert DiscordObject.objects.filter(kind=ROLE, deleted_at=world.now).count() == by_bot


def test_sweep_leaves_roles_of_live_rooms_and_those_that_are_waited_for(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.wire.meddler = lose_next_answer("POST")
    world.run()
    assert world.sweep() == 0
    world.advance(SOON)

    assert world.sweep() == 0

    assert has_role("sam.student")


def raise_role(position: int) -> None:
    """Let the server's owner drag the room's role in the list of roles."""
    SandboxRole.objects.exclude(is_managed=True).exclude(position=0).update(position=position)


def test_role_above_the_bots_own_is_told_and_people_get_in_without_it(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=TWO_STEP)
    world.go_to(booking.session.starts_at - 10 * MINUTE)
    raise_role(200)

    world.go_to(booking.session.starts_at - 5 * MINUTE)
    world.advance(SOON)

    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms() != []
    [room] = rooms_needing_attention()
    assert "Move the bot's role to the top" in room.last_error
    assert not is_by_role()
    world.go_to(booking.session.ends_at + HOUR + MINUTE)
    assert world.rooms() == []
    room.refresh_from_db()
    assert (room.state, live(ROLE).object_id is None) == (RoomState.CLOSING, False)

    raise_role(1)
    world.advance(MINUTE + SECOND)

    assert role_names() == []
    room.refresh_from_db()
    assert (room.state, room.last_error) == (RoomState.GONE, "")


def refuse_deleting(world: World, part: str) -> None:
    """Lose every request to delete what has this word in its path."""

    def meddle(method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if method == "DELETE" and part in path:
            raise NotSent("lost")
        return perform()

    world.wire.meddler = meddle


def test_role_is_deleted_though_the_channel_cannot_be(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    world.join_voice("sam.student")
    refuse_deleting(world, "/channels/")

    world.advance(SECOND)

    assert (len(world.rooms()), role_names()) == (1, [])
    assert world.sees("sam.student") == world.sees("maya.coach") == []
    assert world.is_in_voice("sam.student") is False
    world.wire.meddler = deliver
    world.advance(MINUTE)
    assert Room.objects.get().state == RoomState.GONE


def test_channel_is_deleted_though_the_role_cannot_be(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.go_to(booking.session.ends_at + HOUR - SECOND)
    refuse_deleting(world, "/roles/")

    world.advance(SECOND)

    assert (world.rooms(), len(role_names())) == ([], 1)
    assert Room.objects.get().state == RoomState.CLOSING
    world.wire.meddler = deliver
    world.advance(MINUTE)
    assert role_names() == []
    assert Room.objects.get().state == RoomState.GONE


def test_who_leaves_and_comes_back_gets_the_role_again(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(SOON)

    world.kick("sam.student")
    world.enter("sam.student")
    assert world.sees("sam.student") == []
    world.advance(61 * SECOND)

    assert has_role("sam.student")
    assert world.sees("sam.student") == world.rooms()


def test_another_account_takes_the_role_over(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(SOON)
    world.join_voice("sam.student")

    identity = world.link("ida.student")
    Booking.objects.update(discord_identity=identity)
    request_reconcile_of(identity, now=world.now)
    world.advance(3 * SECOND)

    assert (has_role("sam.student"), has_role("ida.student")) == (False, True)
    assert world.is_in_voice("sam.student") is False
    assert is_by_role()


@pytest.mark.parametrize("moment", [-10 * MINUTE, timedelta()])
def test_role_given_to_a_stranger_by_hand_is_given_up_within_one_look(
    world: World, book: Book, moment: timedelta
) -> None:
    booking = book(HOUR, student="sam.student", policy=TWO_STEP)
    world.go_to(booking.session.starts_at + moment)

    give_by_hand("noah.coach")
    assert world.sees("noah.coach") == world.rooms()
    world.advance(5 * MINUTE + SOON if moment else 61 * SECOND)

    assert world.sees("noah.coach") == role_names() == []
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms() != []
    assert AuditEntry.objects.get(action="room.do_without_role").after == {
        "why": "1 people have the role, 0 should" if moment else "3 people have the role, 2 should"
    }


def test_role_given_too_early_by_hand_is_taken_back(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student", policy=TWO_STEP)
    world.go_to(booking.session.starts_at - 14 * MINUTE)

    give_by_hand("sam.student")
    world.advance(5 * MINUTE)

    assert not has_role("sam.student")
    assert is_by_role()


def test_role_deleted_by_hand_is_made_again(world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.advance(SOON)

    SandboxRole.objects.filter(position=1).delete()
    world.advance(65 * SECOND)

    assert live(ROLE).generation == 2
    assert role_names() == [f"Session {live(ROLE).marker}"]
    assert world.sees("sam.student") == world.sees("maya.coach") == world.rooms() != []


def test_moved_away_session_takes_its_role_and_gets_a_new_one(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(SOON)
    session = booking.session
    for field in ("starts_at", "ends_at", "blocked_from", "blocked_until"):
        setattr(session, field, getattr(session, field) + 24 * HOUR)
    session.save()

    reconcile_session(session.pk)
    assert role_names() == world.rooms() == []
    world.go_to(session.starts_at - 2 * HOUR + SOON)

    assert has_role("sam.student")


def test_person_who_has_not_accepted_the_rules_gets_no_role_yet(world: World, book: Book) -> None:
    world.enter("sam.student")
    book(HOUR, student="sam.student")
    world.make_pending("sam.student")

    world.advance(SOON)
    assert not has_role("sam.student")
    world.allow_everything()
    world.advance(MINUTE)

    assert has_role("sam.student")
