from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from tests.accounts.discord_double import ROBIN, WEEK, ToldSignIn
from tests.accounts.linking import checking, link, mailed_code
from tests.factories.accounts import make_discord_identity, make_user

from greenroom.accounts import services
from greenroom.accounts.limits import CODES_TO_OWNER
from greenroom.accounts.models import DiscordIdentity, LinkAttempt, MailedCode, Revocation
from greenroom.accounts.types import LinkProblem, LinkState
from greenroom.core.models import AuditEntry
from greenroom.integrations.discord.types import DiscordUser, DiscordUserId
from greenroom.jobs.models import Job
from greenroom.notifications.models import Message

pytestmark = pytest.mark.django_db
OTHER = DiscordUser(DiscordUserId(300000000000000002), "other", "Other")


def jobs() -> list[tuple[str, dict[str, Any]]]:
    planned = Job.objects.exclude(kind__in=["accounts.finish_link", "notifications.send_message"]).order_by("pk")
    return list(planned.values_list("kind", "payload"))


def test_record_link_for_a_guest_belongs_to_nobody_and_is_attached(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = link(sign_in, now=now, booking_id=7)

    identity = DiscordIdentity.objects.get()
    assert (identity.discord_user_id, identity.username, identity.user) == (str(ROBIN.id), "robin", None)
    assert (identity.access_token, identity.refresh_token) == ("access-1", "refresh-1")
    assert (identity.token_expires_at, identity.scopes) == (now + WEEK, "guilds.join identify")
    assert (attempt.state, attempt.identity, attempt.closed_at) == (LinkState.LINKED, identity, now)
    assert (attempt.oauth_code, attempt.code_verifier) == ("", "")
    assert jobs() == [("bookings.attach_discord", {"booking_id": 7, "identity_id": identity.pk})]


def test_record_link_stores_tokens_as_ciphertext(sign_in: ToldSignIn, now: datetime) -> None:
    link(sign_in, now=now, booking_id=7)

    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM accounts_discordidentity")
        assert [value[:5] for value in cursor.fetchone()] == ["gAAAA", "gAAAA"]


def test_record_link_for_an_account_makes_it_the_users_own(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()

    attempt = link(sign_in, now=now, user=user)

    identity = DiscordIdentity.objects.get()
    assert identity.user == user
    assert jobs() == [("bookings.discord_linked", {"user_id": user.pk})]
    assert Job.objects.get(kind="bookings.discord_linked").key == f"bookings.discord_linked:link:{attempt.pk}"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_user_id, entry.after) == (
        "discord.link",
        user.pk,
        {"discord_user_id": str(ROBIN.id)},
    )


def test_record_link_for_a_members_booking_links_and_attaches(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()

    link(sign_in, now=now, user=user, booking_id=7)

    identity = DiscordIdentity.objects.get()
    assert identity.user == user
    assert jobs() == [
        ("bookings.discord_linked", {"user_id": user.pk}),
        ("bookings.attach_discord", {"booking_id": 7, "identity_id": identity.pk}),
    ]


def test_record_link_again_renews_the_grant_and_says_nothing_new(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()
    link(sign_in, now=now, user=user)
    later = now + timedelta(days=1)

    link(sign_in, now=later, user=user)

    identity = DiscordIdentity.objects.get()
    assert (identity.access_token, identity.linked_at) == ("access-2", later)
    assert AuditEntry.objects.filter(action="discord.link").count() == 1
    assert Revocation.objects.count() == 0


def test_record_link_of_a_guests_account_by_its_owner_claims_it(sign_in: ToldSignIn, now: datetime) -> None:
    link(sign_in, now=now, booking_id=7)
    user = make_user()

    link(sign_in, now=now, user=user)

    assert [identity.user for identity in DiscordIdentity.objects.all()] == [user]


def test_record_link_of_another_account_replaces_and_ends_the_former(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()
    link(sign_in, now=now, user=user)
    sign_in.user = OTHER

    link(sign_in, now=now, user=user)

    assert [identity.discord_user_id for identity in DiscordIdentity.objects.all()] == [str(OTHER.id)]
    revocation = Revocation.objects.get()
    assert (revocation.discord_user_id, revocation.token) == (str(ROBIN.id), "refresh-1")
    assert ("accounts.revoke_link", {"revocation_id": revocation.pk}) in jobs()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "discord.link",
        "discord.unlink",
        "discord.link",
    ]


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_record_link_of_somebody_elses_account_for_a_booking_mails_them_a_code(
    sign_in: ToldSignIn, now: datetime, *, is_signed_in: bool
) -> None:
    owner = make_user("owner@example.org")
    make_discord_identity(user=owner, discord_user_id=str(ROBIN.id))
    whom = {"user": make_user("me@example.org")} if is_signed_in else {}

    attempt = link(sign_in, now=now, booking_id=7, **whom)

    identity = DiscordIdentity.objects.get()
    assert (attempt.state, attempt.code_tries) == (LinkState.NEEDS_CODE, 0)
    assert attempt.code_expires_at == attempt.expires_at == now + timedelta(minutes=10)
    assert (identity.user, identity.access_token, identity.username) == (owner, "", "sam")
    assert jobs() == []
    message = Message.objects.get()
    assert (message.kind, message.to) == ("accounts.discord_code", "owner@example.org")
    assert len(mailed_code()) == 6
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM accounts_mailedcode")
        assert cursor.fetchone()[0].startswith("gAAAA")
    assert mailed_code() not in attempt.code_digest


def test_record_link_of_somebody_elses_account_to_an_account_is_refused(sign_in: ToldSignIn, now: datetime) -> None:
    owner = make_user("owner@example.org")
    make_discord_identity(user=owner, discord_user_id=str(ROBIN.id))

    attempt = link(sign_in, now=now, user=make_user("me@example.org"))

    assert (attempt.state, attempt.problem) == (LinkState.FAILED, LinkProblem.BELONGS_ELSEWHERE)
    assert DiscordIdentity.objects.get().user == owner
    assert (jobs(), Message.objects.count()) == ([], 0)


def test_record_link_asks_for_at_most_five_codes_an_hour(sign_in: ToldSignIn, now: datetime) -> None:
    make_discord_identity(user=make_user("owner@example.org"), discord_user_id=str(ROBIN.id))

    attempts = [link(sign_in, now=now, booking_id=number) for number in range(CODES_TO_OWNER.limit + 1)]

    assert [attempt.state for attempt in attempts] == [LinkState.NEEDS_CODE] * 5 + [LinkState.FAILED]
    assert attempts[-1].problem == LinkProblem.TOO_MANY_CODES
    assert MailedCode.objects.count() == 5


def test_record_link_of_an_attempt_that_is_over_changes_nothing(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    services.fail_link(attempt_id=attempt.pk, problem=LinkProblem.AGAIN, now=now)

    state = services.record_link(attempt_id=attempt.pk, discord_user=ROBIN, tokens=sign_in.tokens(), now=now)

    assert state is LinkState.FAILED
    assert (DiscordIdentity.objects.count(), jobs()) == (0, [])


def test_fail_link_of_a_linked_attempt_changes_nothing(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = link(sign_in, now=now, booking_id=7)

    services.fail_link(attempt_id=attempt.pk, problem=LinkProblem.AGAIN, now=now)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.problem) == (LinkState.LINKED, "")


@pytest.mark.django_db(transaction=True)
def test_record_link_of_one_account_for_two_bookings_at_once_makes_one_row(
    sign_in: ToldSignIn, now: datetime, race: Callable[[Sequence[Callable[[], Any]]], list[Any]]
) -> None:
    attempts = [checking(sign_in, now=now, booking_id=number) for number in (7, 8)]
    tokens = sign_in.tokens()

    results = race(
        [
            lambda pk=attempt.pk: services.record_link(attempt_id=pk, discord_user=ROBIN, tokens=tokens, now=now)  # type: ignore[misc]  # binds the loop's value
            for attempt in attempts
        ]
    )

    assert results == [LinkState.LINKED, LinkState.LINKED]
    assert DiscordIdentity.objects.count() == 1
    assert {payload["booking_id"] for _kind, payload in jobs()} == {7, 8}


@pytest.mark.django_db(transaction=True)
def test_record_link_of_two_accounts_by_one_user_at_once_keeps_one(
    sign_in: ToldSignIn, now: datetime, race: Callable[[Sequence[Callable[[], Any]]], list[Any]]
) -> None:
    user = make_user()
    attempts = [checking(sign_in, now=now, user=user) for _number in range(2)]
    tokens = sign_in.tokens()

    def record(attempt: LinkAttempt, discord_user: DiscordUser) -> LinkState:
        return services.record_link(attempt_id=attempt.pk, discord_user=discord_user, tokens=tokens, now=now)

    results = race([lambda: record(attempts[0], ROBIN), lambda: record(attempts[1], OTHER)])

    assert results == [LinkState.LINKED, LinkState.LINKED]
    assert DiscordIdentity.objects.get().user == user
    assert Revocation.objects.count() == 1
