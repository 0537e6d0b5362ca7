import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.accounts.discord_double import ROBIN, ToldSignIn
from tests.accounts.linking import checking, link
from tests.factories.accounts import make_user
from tests.factories.clock import SettableClock
from tests.factories.jobs import do_nothing, use_handler

from greenroom.accounts import discord, jobs, services
from greenroom.accounts.models import DiscordIdentity, LinkAttempt, MailedCode, Revocation
from greenroom.accounts.types import LinkProblem, LinkState, MailedSecret
from greenroom.integrations.discord.errors import (
    BadRequest,
    Forbidden,
    OutcomeUnknown,
    RateLimited,
    Scope,
    TokenRevoked,
    Unauthorized,
    Unavailable,
)
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job, JobState, Run

pytestmark = pytest.mark.django_db
LIMITED = RateLimited(timedelta(seconds=90), Scope.USER)


def planned(kind: str) -> Job:
    return Job.objects.get(kind=kind)


def outcome(attempt: LinkAttempt) -> tuple[str, str]:
    attempt.refresh_from_db()
    return attempt.state, attempt.problem


def test_finish_link_trades_the_code_once_and_stores_the_account(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    verifier = attempt.code_verifier

    jobs.finish_link(planned("accounts.finish_link"))
    jobs.finish_link(planned("accounts.finish_link"))

    assert sign_in.exchanged == [("the-code", verifier)]
    assert outcome(attempt) == (LinkState.LINKED, "")
    assert DiscordIdentity.objects.get().access_token == "access-1"


@pytest.mark.parametrize("error", [TokenRevoked("invalid_grant"), OutcomeUnknown("dropped")])
def test_finish_link_with_a_code_that_may_be_used_asks_to_connect_again(
    sign_in: ToldSignIn, now: datetime, error: Exception
) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    sign_in.exchange_error = error

    jobs.finish_link(planned("accounts.finish_link"))

    assert outcome(attempt) == (LinkState.FAILED, LinkProblem.AGAIN)
    assert (attempt.oauth_code, attempt.code_verifier) == ("", "")
    assert (DiscordIdentity.objects.count(), len(sign_in.exchanged)) == (0, 1)


@pytest.mark.parametrize("error", [Unavailable("away"), OutcomeUnknown("odd"), LIMITED, TokenRevoked("no")])
def test_finish_link_that_cannot_learn_who_it_is_asks_to_connect_again(
    sign_in: ToldSignIn, now: datetime, error: Exception
) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    sign_in.user_error = error

    jobs.finish_link(planned("accounts.finish_link"))

    assert outcome(attempt) == (LinkState.FAILED, LinkProblem.AGAIN)


@pytest.mark.parametrize(("error", "seconds"), [(Unavailable("away"), 5), (LIMITED, 90)])
def test_finish_link_that_was_not_sent_is_tried_again(
    sign_in: ToldSignIn, now: datetime, error: Exception, seconds: int
) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    sign_in.exchange_error = error

    with pytest.raises(RetryLaterError) as caught:
        jobs.finish_link(planned("accounts.finish_link"))
    sign_in.exchange_error = None
    jobs.finish_link(planned("accounts.finish_link"))

    assert caught.value.delay == timedelta(seconds=seconds)
    assert outcome(attempt) == (LinkState.LINKED, "")


@pytest.mark.parametrize("error", [Unauthorized("401"), Forbidden("403"), BadRequest("400")])
def test_finish_link_refused_for_our_fault_tells_person_and_operator(
    sign_in: ToldSignIn, now: datetime, error: Exception
) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    sign_in.exchange_error = error

    with pytest.raises(PermanentFailureError):
        jobs.finish_link(planned("accounts.finish_link"))

    assert outcome(attempt) == (LinkState.FAILED, LinkProblem.REFUSED)


def test_finish_link_after_the_attempts_time_gives_up(
    sign_in: ToldSignIn, now: datetime, frozen_clock: SettableClock
) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    frozen_clock.advance(timedelta(minutes=15))

    jobs.finish_link(planned("accounts.finish_link"))

    assert outcome(attempt) == (LinkState.FAILED, LinkProblem.UNREACHABLE)
    assert sign_in.exchanged == []


def test_finish_link_without_discord_gives_up(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    discord.use(None)

    jobs.finish_link(planned("accounts.finish_link"))

    assert outcome(attempt) == (LinkState.FAILED, LinkProblem.UNREACHABLE)


def test_finish_link_of_a_deleted_attempt_does_nothing(sign_in: ToldSignIn, now: datetime) -> None:
    checking(sign_in, now=now, booking_id=7).delete()

    jobs.finish_link(planned("accounts.finish_link"))

    assert sign_in.exchanged == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("handlers", "now")
def test_sixteen_returns_at_once_are_finished_by_the_jobs(
    sign_in: ToldSignIn, run_due_jobs: Callable[[], Run], now: datetime
) -> None:
    use_handler("accounts.finish_link", jobs.finish_link)
    use_handler("bookings.attach_discord", do_nothing)
    for number in range(16):
        checking(sign_in, now=now, booking_id=number)

    run_due_jobs()

    assert set(LinkAttempt.objects.values_list("state", flat=True)) == {LinkState.LINKED}
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}
    assert len(sign_in.exchanged) == 16


def test_finish_link_logs_neither_code_nor_token(
    sign_in: ToldSignIn, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    checking(sign_in, now=now, booking_id=7)

    jobs.finish_link(planned("accounts.finish_link"))

    shown = " ".join([caplog.text, *Job.objects.values_list("last_error", flat=True)])
    assert [secret for secret in ("the-code", "access-1", "refresh-1") if secret in shown] == []


def test_revoke_link_ends_the_authorisation_once(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()
    link(sign_in, now=now, user=user)
    services.unlink(user=user, now=now)

    jobs.revoke_link(planned("accounts.revoke_link"))
    jobs.revoke_link(planned("accounts.revoke_link"))

    assert (sign_in.revoked, Revocation.objects.count()) == (["refresh-1"], 0)


def test_revoke_link_of_an_account_linked_again_leaves_it_alone(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()
    link(sign_in, now=now, user=user)
    services.unlink(user=user, now=now)
    link(sign_in, now=now, booking_id=7)

    jobs.revoke_link(planned("accounts.revoke_link"))

    assert (sign_in.revoked, Revocation.objects.count()) == ([], 0)
    assert DiscordIdentity.objects.get().discord_user_id == str(ROBIN.id)


def test_revoke_link_without_discord_forgets_the_token(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()
    link(sign_in, now=now, user=user)
    services.unlink(user=user, now=now)
    discord.use(None)

    jobs.revoke_link(planned("accounts.revoke_link"))

    assert (sign_in.revoked, Revocation.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LIMITED, RetryLaterError),
        (Unauthorized("401"), PermanentFailureError),
        (Unavailable("away"), Unavailable),
        (OutcomeUnknown("dropped"), OutcomeUnknown),
    ],
)
def test_revoke_link_that_fails_keeps_the_token(
    sign_in: ToldSignIn, now: datetime, error: Exception, expected: type[Exception]
) -> None:
    user = make_user()
    link(sign_in, now=now, user=user)
    services.unlink(user=user, now=now)
    sign_in.revoke_error = error

    with pytest.raises(expected):
        jobs.revoke_link(planned("accounts.revoke_link"))

    assert Revocation.objects.get().token == "refresh-1"


def test_prune_runs_by_the_clock(now: datetime, frozen_clock: SettableClock) -> None:
    minute = timedelta(minutes=1)
    services.mail_secret(purpose=MailedSecret.SIGN_IN, to="a@example.org", code="1", lifetime=minute, now=now)
    frozen_clock.advance(minute)

    jobs.prune(planned("notifications.send_message"))

    assert MailedCode.objects.count() == 0
