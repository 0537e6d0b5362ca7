from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from tests.accounts.discord_double import ToldSignIn
from tests.accounts.linking import BROWSER, checking, come_back, link, mailed_code, start
from tests.factories.accounts import make_discord_identity, make_user

from greenroom.accounts import discord, services
from greenroom.accounts.errors import (
    CodeOverError,
    ConsentDeniedError,
    LinkOverError,
    LinkRefusedError,
    LinkUnknownError,
    WrongCodeError,
)
from greenroom.accounts.models import DiscordIdentity, LinkAttempt
from greenroom.accounts.types import LinkProblem, LinkState
from greenroom.core.errors import NotFoundError
from greenroom.jobs.models import Job

pytestmark = pytest.mark.django_db


def row(attempt: LinkAttempt) -> tuple[str, str]:
    attempt.refresh_from_db()
    return attempt.state, attempt.problem


def waiting_for_code(sign_in: ToldSignIn, now: datetime) -> LinkAttempt:
    make_discord_identity(user=make_user("owner@example.org"), discord_user_id=str(sign_in.user.id))
    return link(sign_in, now=now, booking_id=7)


def test_start_link_keeps_digests_only_and_lives_fifteen_minutes(sign_in: ToldSignIn, now: datetime) -> None:
    address = services.start_link(browser_secret=BROWSER, return_path="/back/", booking_id=7, now=now)

    [state] = sign_in.states
    assert address == f"https://discord.example/oauth2/authorize?state={state}&scope=identify+guilds.join"
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_linkattempt")
        stored = " ".join(str(value) for value in cursor.fetchone())
    attempt = LinkAttempt.objects.get()
    assert state not in stored
    assert BROWSER not in stored
    assert attempt.code_verifier not in stored
    assert (attempt.booking_id, attempt.user, attempt.state) == (7, None, LinkState.STARTED)
    assert (attempt.return_path, attempt.expires_at) == ("/back/", now + timedelta(minutes=15))


def test_start_link_to_elsewhere_returns_to_the_start_page(sign_in: ToldSignIn, now: datetime) -> None:
    start(sign_in, now=now, path="//evil.example/", booking_id=7)

    assert LinkAttempt.objects.get().return_path == "/"


@pytest.mark.usefixtures("sign_in")  # puts back what was wired
def test_start_link_without_discord_is_not_found(now: datetime) -> None:
    discord.use(None)

    with pytest.raises(NotFoundError):
        services.start_link(browser_secret=BROWSER, return_path="/", booking_id=7, now=now)

    assert LinkAttempt.objects.count() == 0


def test_receive_callback_keeps_the_code_encrypted_and_plans_the_rest(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = come_back(start(sign_in, now=now, booking_id=7), now=now, code="secret-code")

    assert row(attempt) == (LinkState.CHECKING, "")
    assert attempt.oauth_code == "secret-code"
    with connection.cursor() as cursor:
        cursor.execute("SELECT oauth_code FROM accounts_linkattempt")
        assert cursor.fetchone()[0].startswith("gAAAA")
    job = Job.objects.get()
    assert (job.kind, job.key) == ("accounts.finish_link", f"accounts.finish_link:{attempt.pk}")
    assert (job.payload, job.due_at) == ({"attempt_id": attempt.pk}, now)
    assert sign_in.exchanged == []


def test_receive_callback_twice_takes_one_answer(sign_in: ToldSignIn, now: datetime) -> None:
    state = start(sign_in, now=now, booking_id=7)
    attempt = come_back(state, now=now, code="first")

    with pytest.raises(LinkOverError) as caught:
        come_back(state, now=now, code="second")

    attempt.refresh_from_db()
    assert (attempt.oauth_code, caught.value.return_path, Job.objects.count()) == ("first", "/back/", 1)


def test_receive_callback_of_another_browser_changes_nothing(sign_in: ToldSignIn, now: datetime) -> None:
    state = start(sign_in, now=now, booking_id=7)

    for browser in ("", "c" * 43):
        with pytest.raises(LinkUnknownError) as caught:
            come_back(state, now=now, browser=browser)
        assert caught.value.return_path == "/"

    assert row(LinkAttempt.objects.get()) == (LinkState.STARTED, "")
    assert Job.objects.count() == 0
    assert come_back(state, now=now).state == LinkState.CHECKING


@pytest.mark.parametrize("state", ["", "nonsense", "x" * 10_000, "\x00", "\ud800", "émoji 🙂"])
def test_receive_callback_with_an_invented_state_is_unknown(sign_in: ToldSignIn, now: datetime, state: str) -> None:
    start(sign_in, now=now, booking_id=7)

    with pytest.raises(LinkUnknownError):
        come_back(state, now=now)


def test_receive_callback_after_fifteen_minutes_is_over(sign_in: ToldSignIn, now: datetime) -> None:
    state = start(sign_in, now=now, booking_id=7)

    with pytest.raises(LinkOverError):
        come_back(state, now=now + timedelta(minutes=15))

    assert row(LinkAttempt.objects.get()) == (LinkState.STARTED, "")


@pytest.mark.parametrize("code", ["", "x" * 513])
def test_receive_callback_without_a_sound_code_changes_nothing(sign_in: ToldSignIn, now: datetime, code: str) -> None:
    state = start(sign_in, now=now, booking_id=7)

    with pytest.raises(LinkRefusedError):
        come_back(state, now=now, code=code)

    assert row(LinkAttempt.objects.get()) == (LinkState.STARTED, "")
    assert Job.objects.count() == 0


@pytest.mark.parametrize(
    ("error", "expected", "problem"),
    [
        ("access_denied", ConsentDeniedError, LinkProblem.DENIED),
        ("invalid_scope", LinkRefusedError, LinkProblem.REFUSED),
        ("x" * 10_000, LinkRefusedError, LinkProblem.REFUSED),
    ],
)
def test_receive_callback_with_an_error_ends_the_attempt(
    sign_in: ToldSignIn, now: datetime, error: str, expected: type[LinkRefusedError], problem: LinkProblem
) -> None:
    state = start(sign_in, now=now, booking_id=7)

    with pytest.raises(expected) as caught:
        services.receive_callback(state=state, code="c", error=error, browser_secret=BROWSER, now=now)

    attempt = LinkAttempt.objects.get()
    assert type(caught.value) is expected
    assert caught.value.return_path == "/back/"
    assert (attempt.state, attempt.problem, attempt.code_verifier) == (LinkState.FAILED, problem, "")
    assert Job.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_receive_callback_raced_by_itself_is_taken_once(
    sign_in: ToldSignIn, now: datetime, race: Callable[[Sequence[Callable[[], Any]]], list[Any]]
) -> None:
    state = start(sign_in, now=now, booking_id=7)

    results = race([lambda: come_back(state, now=now)] * 4)

    assert sorted(type(result).__name__ for result in results) == ["LinkAttempt", *["LinkOverError"] * 3]
    assert Job.objects.count() == 1


def test_confirm_code_lets_the_booking_use_the_account_and_moves_nothing(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = waiting_for_code(sign_in, now)

    services.confirm_code(attempt=attempt, code=mailed_code(), now=now)

    identity = DiscordIdentity.objects.get()
    assert row(attempt) == (LinkState.LINKED, "")
    assert attempt.code_digest == ""
    assert identity.user is not None
    assert (identity.user.email, identity.access_token) == ("owner@example.org", "")
    job = Job.objects.get(kind="bookings.attach_discord")
    assert job.key == f"bookings.attach_discord:{attempt.pk}"
    assert job.payload == {"booking_id": 7, "identity_id": identity.pk}


def test_confirm_code_again_stays_linked(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = waiting_for_code(sign_in, now)
    code = mailed_code()
    services.confirm_code(attempt=attempt, code=code, now=now)

    services.confirm_code(attempt=attempt, code="000000", now=now)

    assert row(attempt) == (LinkState.LINKED, "")
    assert Job.objects.filter(kind="bookings.attach_discord").count() == 1


def test_confirm_code_wrong_counts_down_and_the_fifth_ends_it(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = waiting_for_code(sign_in, now)
    right = mailed_code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"

    left = []
    for _try in range(4):
        with pytest.raises(WrongCodeError) as caught:
            services.confirm_code(attempt=attempt, code=wrong, now=now)
        left.append(caught.value.tries_left)
    with pytest.raises(CodeOverError):
        services.confirm_code(attempt=attempt, code=wrong, now=now)
    with pytest.raises(CodeOverError):
        services.confirm_code(attempt=attempt, code=right, now=now)

    assert left == [4, 3, 2, 1]
    assert row(attempt) == (LinkState.FAILED, LinkProblem.CODE_WRONG)
    assert not Job.objects.filter(kind="bookings.attach_discord").exists()


def test_confirm_code_after_ten_minutes_is_over(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = waiting_for_code(sign_in, now)

    with pytest.raises(CodeOverError):
        services.confirm_code(attempt=attempt, code=mailed_code(), now=now + timedelta(minutes=10))

    assert row(attempt) == (LinkState.FAILED, LinkProblem.CODE_EXPIRED)
    assert not Job.objects.filter(kind="bookings.attach_discord").exists()


def test_confirm_code_of_an_account_disconnected_meanwhile_is_over(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = waiting_for_code(sign_in, now)
    code = mailed_code()
    identity = DiscordIdentity.objects.get()
    assert identity.user is not None
    services.unlink(user=identity.user, now=now)

    with pytest.raises(CodeOverError):
        services.confirm_code(attempt=attempt, code=code, now=now)

    assert row(attempt) == (LinkState.FAILED, LinkProblem.AGAIN)


def test_confirm_code_of_an_attempt_that_never_asked_for_one_is_over(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)

    with pytest.raises(CodeOverError):
        services.confirm_code(attempt=attempt, code="123456", now=now)

    assert row(attempt) == (LinkState.CHECKING, "")


@pytest.mark.django_db(transaction=True)
def test_confirm_code_guessed_by_many_at_once_has_five_tries(
    sign_in: ToldSignIn, now: datetime, race: Callable[[Sequence[Callable[[], Any]]], list[Any]]
) -> None:
    attempt = waiting_for_code(sign_in, now)
    wrong = f"{(int(mailed_code()) + 1) % 10**6:06d}"

    results = race([lambda: services.confirm_code(attempt=attempt, code=wrong, now=now)] * 8)

    assert sorted(type(result).__name__ for result in results) == [*["CodeOverError"] * 4, *["WrongCodeError"] * 4]
    attempt.refresh_from_db()
    assert attempt.code_tries == 5
