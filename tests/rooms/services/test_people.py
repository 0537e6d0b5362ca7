"""Everybody's way into the server: brought in, renewed, refused, and what they are told."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.factories.bookings import add_booking, make_coach, make_offer, make_session
from tests.factories.rooms import World
from tests.rooms.conftest import Book

from greenroom.accounts.models import DiscordIdentity
from greenroom.bookings.models import Booking
from greenroom.integrations.discord.sandbox.models import (
    SandboxAuthorization,
    SandboxBan,
    SandboxMember,
)
from greenroom.integrations.discord.sandbox.services.guild import sample_user_id
from greenroom.integrations.discord.transport import Answer, NotSent
from greenroom.jobs.models import Job
from greenroom.rooms.models import Room, RoomAccess, TokenRefresh
from greenroom.rooms.services import request_reconcile, request_reconcile_of
from greenroom.rooms.services.tokens import forget_grant
from greenroom.rooms.types import AccessState, RoomState

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SOON = 5 * SECOND


def access_of(booking: Booking) -> tuple[str, str]:
    access = RoomAccess.objects.get(booking=booking)
    return access.state, access.last_error


def identity_of(booking: Booking) -> DiscordIdentity:
    return DiscordIdentity.objects.get(bookings=booking)


def is_member(username: str) -> bool:
    return SandboxMember.objects.filter(user_id=sample_user_id(username)).exists()


def test_person_outside_the_server_is_brought_in(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    assert not is_member("sam.student")

    world.advance(SOON)

    assert is_member("sam.student")
    assert access_of(booking) == (AccessState.GRANTED, "")


def test_person_who_never_allowed_to_be_brought_in_is_told(world: World, book: Book) -> None:
    booking = book(HOUR)
    Booking.objects.update(discord_identity=world.link("sam.student", scopes=("identify",)))

    world.advance(SOON)

    assert not is_member("sam.student")
    assert access_of(booking) == (AccessState.NOT_IN_GUILD, "")
    assert Room.objects.get().state == RoomState.OPEN_PARTIAL
    world.enter("sam.student")
    world.advance(61 * SECOND)
    assert world.sees("sam.student") == world.rooms()
    assert Room.objects.get().state == RoomState.OPEN


def test_student_of_an_account_is_found_by_its_identity(world: World, book: Book) -> None:
    booking = book(HOUR)
    student = make_coach("noah").user
    Booking.objects.update(student=student)
    identity = world.link("sam.student", user=student)

    assert request_reconcile_of(identity, now=world.now) == 1
    world.advance(SOON)

    assert access_of(booking) == (AccessState.GRANTED, "")


def test_relinked_coach_has_every_coming_room_looked_at(world: World, book: Book) -> None:
    first, second = book(HOUR), book(50 * HOUR)
    world.run()

    identity = DiscordIdentity.objects.get(user__coach__isnull=False)
    assert request_reconcile_of(identity, now=world.now) == 2

    due = Job.objects.filter(due_at=world.now).values_list("payload__session_id", flat=True)
    assert sorted(due) == sorted([first.session_id, second.session_id])


def test_one_account_for_coach_and_student_counts_once(world: World, book: Book) -> None:
    booking = book(HOUR)
    Booking.objects.update(discord_identity=DiscordIdentity.objects.get(username="maya.coach"))

    world.advance(SOON)

    assert access_of(booking) == (AccessState.UNLINKED, "")
    assert world.sees("maya.coach") == world.rooms()


def test_group_session_lets_every_student_in_whose_booking_counts(world: World) -> None:
    coach = make_coach()
    world.link("maya.coach", user=coach.user)
    session = make_session(offer=make_offer(coach), starts_at=world.now + HOUR, now=world.now, capacity=3)
    for name in ("sam.student", "ida.student"):
        add_booking(session, now=world.now, discord_identity=world.link(name))
    gone = add_booking(session, now=world.now, discord_identity=world.link("lee.student"))
    request_reconcile(session.pk, now=world.now)
    world.advance(SOON)
    assert world.sees("lee.student") == world.rooms()

    Booking.objects.filter(pk=gone.pk).update(status="cancelled")
    request_reconcile(session.pk, now=world.now)
    world.advance(SOON)

    assert world.sees("lee.student") == []
    assert world.sees("sam.student") == world.sees("ida.student") == world.rooms()
    assert access_of(gone) == (AccessState.REVOKED, "")


def test_account_that_moves_to_another_booking_keeps_one_row(world: World) -> None:
    coach = make_coach()
    world.link("maya.coach", user=coach.user)
    session = make_session(offer=make_offer(coach), starts_at=world.now + HOUR, now=world.now, capacity=2)
    identity = world.link("sam.student")
    first = add_booking(session, now=world.now, discord_identity=identity)
    request_reconcile(session.pk, now=world.now)
    world.advance(SOON)

    Booking.objects.filter(pk=first.pk).update(status="cancelled")
    second = add_booking(session, now=world.now, discord_identity=identity)
    request_reconcile(session.pk, now=world.now)
    world.advance(SOON)

    assert access_of(second) == (AccessState.GRANTED, "")
    assert not RoomAccess.objects.filter(booking=first).exists()


def test_account_taken_away_ends_the_access(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.advance(SOON)

    Booking.objects.update(discord_identity=None)
    request_reconcile(booking.session_id, now=world.now)
    world.advance(SOON)

    assert world.sees("sam.student") == []
    states = RoomAccess.objects.filter(booking=booking).order_by("pk").values_list("state", flat=True)
    assert list(states) == [AccessState.REVOKED, AccessState.UNLINKED]


@pytest.mark.parametrize("left", [-HOUR, HOUR, timedelta(hours=24)])
def test_ageing_token_is_renewed_before_it_is_used(world: World, book: Book, left: timedelta) -> None:
    booking = book(HOUR, student="sam.student")
    old = identity_of(booking)
    DiscordIdentity.objects.filter(pk=old.pk).update(token_expires_at=world.now + left)

    world.advance(SOON)

    new = identity_of(booking)
    assert new.access_token != old.access_token
    assert new.refresh_token != old.refresh_token
    assert new.token_expires_at is not None
    assert new.token_expires_at > world.now + timedelta(days=6)
    assert sorted(new.scopes.split()) == ["guilds.join", "identify"]
    assert access_of(booking) == (AccessState.GRANTED, "")
    assert TokenRefresh.objects.count() == 0


def test_token_with_more_than_a_day_left_is_used_as_it_is(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    old = identity_of(booking)
    DiscordIdentity.objects.filter(pk=old.pk).update(token_expires_at=world.now + timedelta(hours=24, minutes=1))

    world.advance(SOON)

    assert identity_of(booking).access_token == old.access_token
    assert access_of(booking) == (AccessState.GRANTED, "")


@pytest.mark.parametrize("is_ageing", [False, True])
def test_revoked_grant_asks_to_link_again_once(world: World, book: Book, is_ageing: bool) -> None:  # noqa: FBT001 -- a table's column
    booking = book(HOUR, student="sam.student")
    SandboxAuthorization.objects.filter(user_id=sample_user_id("sam.student")).delete()
    if is_ageing:
        DiscordIdentity.objects.filter(bookings=booking).update(token_expires_at=world.now)

    world.advance(SOON)

    assert access_of(booking) == (AccessState.UNLINKED, "link_revoked")
    identity = identity_of(booking)
    assert (identity.access_token, identity.refresh_token, identity.scopes) == ("", "", "")
    world.advance(2 * MINUTE)
    assert access_of(booking) == (AccessState.UNLINKED, "link_revoked")
    assert sum("PUT" in line for line in world.wire.requests) == (0 if is_ageing else 1)

    world.link("sam.student")
    request_reconcile_of(identity, now=world.now)
    world.advance(SOON)
    assert access_of(booking) == (AccessState.GRANTED, "")


def test_grant_that_was_replaced_meanwhile_is_not_forgotten(book: Book) -> None:
    identity = identity_of(book(HOUR, student="sam.student"))

    forget_grant(identity.pk, "another token")
    forget_grant(identity.pk + 1, identity.access_token)

    identity.refresh_from_db()
    assert identity.access_token != ""


def test_renewal_under_way_elsewhere_is_waited_for_and_a_dead_one_taken_over(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    identity = identity_of(booking)
    DiscordIdentity.objects.filter(pk=identity.pk).update(token_expires_at=world.now)
    TokenRefresh.objects.create(identity=identity, started_at=world.now)

    world.advance(30 * SECOND)
    assert not is_member("sam.student")
    world.advance(40 * SECOND)

    assert access_of(booking) == (AccessState.GRANTED, "")


def test_person_who_links_again_during_a_renewal_keeps_the_newer_grant(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    DiscordIdentity.objects.filter(bookings=booking).update(token_expires_at=world.now)

    newer: list[str] = []

    def relink_during_renewal(_method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        answer = perform()
        if path == "/oauth2/token":
            world.allow_everything()
            newer.append(world.link("sam.student").access_token)
        return answer

    world.wire.meddler = relink_during_renewal
    world.advance(SOON)

    assert access_of(booking) == (AccessState.GRANTED, "")
    assert [identity_of(booking).access_token] == newer


def test_renewal_without_an_answer_is_tried_again(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    DiscordIdentity.objects.filter(bookings=booking).update(token_expires_at=world.now)
    down = ["/oauth2/token"]

    def lose(_method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if path in down:
            down.remove(path)
            raise NotSent("down")
        return perform()

    world.wire.meddler = lose
    world.advance(SOON)

    assert access_of(booking) == (AccessState.GRANTED, "")


def test_banned_person_is_told_and_let_in_once_the_ban_is_over(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    ban = SandboxBan.objects.create(guild_id=world.connection.guild_id, user_id=sample_user_id("sam.student"))

    world.advance(SOON)
    assert access_of(booking) == (AccessState.FAILED, "40007")
    ban.delete()
    world.advance(61 * SECOND)

    assert access_of(booking) == (AccessState.GRANTED, "")


def test_grant_without_the_scope_it_claims_is_told(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    SandboxAuthorization.objects.filter(user_id=sample_user_id("sam.student")).update(scopes="identify")

    world.advance(SOON)

    assert access_of(booking) == (AccessState.NOT_IN_GUILD, "50026")


def test_person_who_has_not_accepted_the_servers_rules_is_told(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    world.enter("sam.student")
    world.make_pending("sam.student")

    world.advance(SOON)

    assert access_of(booking) == (AccessState.JOINING, "pending")
    world.allow_everything()
    world.advance(61 * SECOND)
    assert access_of(booking) == (AccessState.GRANTED, "")


def test_trouble_with_one_person_does_not_keep_the_other_out(world: World, book: Book) -> None:
    booking = book(HOUR, student="sam.student")
    coach_path = f"/members/{sample_user_id('maya.coach')}"

    def lose(_method: str, path: str, perform: Callable[[], Answer]) -> Answer:
        if path.endswith(coach_path):
            raise NotSent("down")
        return perform()

    world.wire.meddler = lose
    world.advance(SOON)

    assert access_of(booking) == (AccessState.GRANTED, "")
    assert RoomAccess.objects.get(role="coach").state == AccessState.JOINING


def test_linking_concerns_only_sessions_that_are_not_over(world: World, book: Book) -> None:
    old, cancelled, _coming = book(-72 * HOUR), book(20 * HOUR), book(30 * HOUR)
    identity = world.link("sam.student")
    Booking.objects.update(discord_identity=identity)
    type(cancelled.session).objects.filter(pk=cancelled.session_id).update(status="cancelled")
    Job.objects.all().delete()

    assert request_reconcile_of(identity, now=world.now) == 1
    assert not Job.objects.filter(payload__session_id__in=[old.session_id, cancelled.session_id]).exists()
