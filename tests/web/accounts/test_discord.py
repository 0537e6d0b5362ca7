import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from tests.accounts.discord_double import ROBIN, ToldSignIn
from tests.factories.accounts import make_discord_identity, make_user
from tests.factories.bookings import make_booking
from tests.factories.clock import SettableClock

from greenroom.accounts import jobs
from greenroom.accounts.models import DiscordIdentity, LinkAttempt
from greenroom.accounts.types import LinkProblem, LinkState, MailedSecret
from greenroom.jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
CALLBACK = "/api/auth/discord/callback"
COOKIE = "discord_link"


def connect(client: Client, **data: str) -> HttpResponse:
    return client.post("/discord/connect/", {"next": "/sessions/", **data})


def begun(client: Client, sign_in: ToldSignIn, user: Any = None) -> str:
    """Begin in this client, signed in, and return the state."""
    client.force_login(user or make_user())
    connect(client)
    return sign_in.states[-1]


def finish() -> None:
    jobs.finish_link(Job.objects.filter(kind="accounts.finish_link").latest("pk"))


def waiting_for_code(client: Client, sign_in: ToldSignIn, now: datetime) -> LinkAttempt:
    owner = make_user("owner@example.org")
    make_discord_identity(user=owner, discord_user_id=str(ROBIN.id))
    student = make_user("student@example.org")
    booking = make_booking(starts_at=now + timedelta(days=1), now=now, student=student)
    client.force_login(student)
    connect(client, booking=booking.ref)
    client.get(CALLBACK, {"state": sign_in.states[-1], "code": "c"})
    finish()
    return LinkAttempt.objects.get()


def test_connect_leads_to_discord_with_a_cookie_that_script_cannot_read(client: Client, sign_in: ToldSignIn) -> None:
    user = make_user()
    client.force_login(user)

    response = connect(client)

    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"].startswith("https://discord.example/oauth2/authorize?state=")
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], len(cookie.value)) == (True, "Lax", 43)
    assert "http://127.0.0.1:8000" in response["Content-Security-Policy"].partition("form-action")[2]
    attempt = LinkAttempt.objects.get()
    assert (attempt.user, attempt.booking_id, attempt.return_path) == (user, None, "/sessions/")
    assert len(sign_in.states) == 1


def test_connect_over_https_uses_a_host_cookie(client: Client, settings: Any, sign_in: ToldSignIn) -> None:
    settings.IS_HTTPS = True
    client.force_login(make_user())

    response = connect(client)

    cookie = response.cookies["__Host-discord_link"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert len(sign_in.states) == 1


def test_connect_twice_keeps_the_cookie_so_that_both_tabs_may_return(client: Client, sign_in: ToldSignIn) -> None:
    begun(client, sign_in)
    connect(client)

    answers = [client.get(CALLBACK, {"state": state, "code": "c"}) for state in sign_in.states]

    assert [answer.status_code for answer in answers] == [HTTPStatus.FOUND] * 2
    assert LinkAttempt.objects.filter(state=LinkState.CHECKING).count() == 2


@pytest.mark.usefixtures("sign_in")
def test_connect_of_a_stranger_without_a_booking_is_not_found(client: Client) -> None:
    assert connect(client).status_code == HTTPStatus.NOT_FOUND
    assert LinkAttempt.objects.count() == 0


@pytest.mark.usefixtures("sign_in")
def test_connect_for_a_booking_is_for_its_student_alone(client: Client, now: datetime) -> None:
    student = make_user()
    booking = make_booking(starts_at=now + timedelta(days=1), now=now, student=student)

    client.force_login(make_user("other@example.org"))
    assert connect(client, booking=booking.ref).status_code == HTTPStatus.NOT_FOUND
    client.force_login(booking.coach.user)
    assert connect(client, booking=booking.ref).status_code == HTTPStatus.NOT_FOUND
    assert LinkAttempt.objects.count() == 0
    client.force_login(student)
    assert connect(client, booking=booking.ref).status_code == HTTPStatus.FOUND

    attempt = LinkAttempt.objects.get()
    assert (attempt.booking_id, attempt.user) == (booking.pk, student)


@pytest.mark.usefixtures("sign_in")
def test_connect_with_get_is_refused(client: Client) -> None:
    client.force_login(make_user())

    assert client.get("/discord/connect/").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert LinkAttempt.objects.count() == 0


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_connect_never_leads_out_of_the_site(client: Client, sign_in: ToldSignIn, path: str) -> None:
    client.force_login(make_user())
    connect(client, next=path)

    response = client.get(CALLBACK, {"state": sign_in.states[-1], "code": "c"})

    assert response["Location"] == "/"


@pytest.mark.usefixtures("sign_in")
def test_connect_too_often_from_one_address_is_refused(client: Client) -> None:
    client.force_login(make_user())

    codes = [connect(client).status_code for _number in range(31)]

    assert codes == [HTTPStatus.FOUND] * 30 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert LinkAttempt.objects.count() == 30


def test_connect_without_discord_says_so(client: Client, settings: Any) -> None:
    settings.DISCORD = None
    client.force_login(make_user())

    response = connect(client)

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "Discord is not set up on this site" in response.content.decode()
    assert "form-action 'self' http://localhost:8000;" in f"{response['Content-Security-Policy']};"
    assert LinkAttempt.objects.count() == 0


def test_callback_returns_to_the_page_without_calling_discord(client: Client, sign_in: ToldSignIn) -> None:
    state = begun(client, sign_in)

    response = client.get(CALLBACK, {"state": state, "code": "c"})

    assert (response.status_code, response["Location"]) == (HTTPStatus.FOUND, "/sessions/")
    assert response["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response["Cache-Control"]
    assert (sign_in.exchanged, LinkAttempt.objects.get().state) == ([], LinkState.CHECKING)


def test_callback_links_the_account_once_the_job_ran(client: Client, sign_in: ToldSignIn) -> None:
    user = make_user()
    client.get(CALLBACK, {"state": begun(client, sign_in, user), "code": "c"})

    finish()

    assert DiscordIdentity.objects.get().user == user


def test_callback_replayed_is_a_page_and_changes_nothing(client: Client, sign_in: ToldSignIn) -> None:
    state = begun(client, sign_in)
    client.get(CALLBACK, {"state": state, "code": "first"})

    response = client.get(CALLBACK, {"state": state, "code": "second"})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert 'href="/sessions/"' in response.content.decode()
    assert LinkAttempt.objects.get().oauth_code == "first"


def test_callback_in_another_browser_is_a_page_and_changes_nothing(client: Client, sign_in: ToldSignIn) -> None:
    state = begun(client, sign_in)
    victim = Client()
    victim.force_login(make_user("victim@example.org"))
    connect(victim)

    for stranger in (Client(), victim):
        response = stranger.get(CALLBACK, {"state": state, "code": "c"})
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "does not belong to this browser" in response.content.decode()

    assert set(LinkAttempt.objects.values_list("state", flat=True)) == {LinkState.STARTED}
    assert Job.objects.count() == 0


def test_callback_after_its_time_is_a_page(client: Client, sign_in: ToldSignIn, frozen_clock: SettableClock) -> None:
    state = begun(client, sign_in)
    frozen_clock.advance(timedelta(minutes=15))

    response = client.get(CALLBACK, {"state": state, "code": "c"})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert LinkAttempt.objects.get().state == LinkState.STARTED


def test_callback_with_denied_consent_says_so_and_leads_back(client: Client, sign_in: ToldSignIn) -> None:
    state = begun(client, sign_in)

    response = client.get(CALLBACK, {"state": state, "error": "access_denied", "error_description": "<b>no</b>"})

    page = response.content.decode()
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "You did not allow the connection at Discord" in page
    assert 'href="/sessions/"' in page
    assert "<b>no</b>" not in page
    assert LinkAttempt.objects.get().problem == LinkProblem.DENIED


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "code=x",
        "state=%00&code=%00",
        "state=%ED%A0%80&code=x",
        "state=%FF%FE&error=%FF",
        "state[]=1&code[]=2",
        "state=a&state=b&code=c&code=d",
        "state=" + "a" * 5000 + "&code=" + "b" * 5000,
        "error=access_denied",
        "state=x&code=x&guild_id=1&permissions=8",
    ],
)
def test_callback_with_absurd_parameters_is_a_page(client: Client, sign_in: ToldSignIn, query: str) -> None:
    begun(client, sign_in)

    response = client.get(f"{CALLBACK}?{query}")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "Discord is not connected" in response.content.decode()
    assert LinkAttempt.objects.get().state == LinkState.STARTED


@pytest.mark.parametrize("code", ["", "x" * 513, "%00"])
def test_callback_with_an_absurd_code_never_fails(client: Client, sign_in: ToldSignIn, code: str) -> None:
    state = begun(client, sign_in)

    response = client.get(f"{CALLBACK}?state={state}&code={code}")

    assert response.status_code in {HTTPStatus.FOUND, HTTPStatus.BAD_REQUEST}


def test_callback_with_an_absurd_cookie_is_a_page(client: Client, sign_in: ToldSignIn) -> None:
    state = begun(client, sign_in)
    client.cookies[COOKIE] = "\u00e9" * 43

    assert client.get(CALLBACK, {"state": state, "code": "c"}).status_code == HTTPStatus.BAD_REQUEST


def test_callback_with_post_is_refused(client: Client, sign_in: ToldSignIn) -> None:
    state = begun(client, sign_in)

    response = client.post(CALLBACK, {"state": state, "code": "c"})

    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert LinkAttempt.objects.get().state == LinkState.STARTED


def test_callback_logs_neither_state_nor_code(
    client: Client, sign_in: ToldSignIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="django.request")
    caplog.set_level(logging.DEBUG, logger="greenroom")
    state = begun(client, sign_in)

    client.get(CALLBACK, {"state": state, "code": "secret-code"})
    client.get(CALLBACK, {"state": state, "code": "secret-code"})

    assert "Bad Request" in caplog.text
    assert [secret for secret in (state, "secret-code") if secret in caplog.text] == []


def test_code_page_takes_the_mailed_code(
    client: Client, sign_in: ToldSignIn, now: datetime, newest_code: Callable[[MailedSecret], str]
) -> None:
    attempt = waiting_for_code(client, sign_in, now)
    address = reverse("discord_code", args=[attempt.ref])

    asked = client.get(address)
    answered = client.post(address, {"code": newest_code(MailedSecret.DISCORD)})

    assert "We mailed a code" in asked.content.decode()
    assert "owner@example.org" not in asked.content.decode()
    assert (answered.status_code, answered["Location"]) == (HTTPStatus.FOUND, "/sessions/")
    assert Job.objects.filter(kind="bookings.attach_discord").count() == 1
    assert client.get(address)["Location"] == "/sessions/"
    identity = DiscordIdentity.objects.get()
    assert identity.user is not None
    assert identity.user.email == "owner@example.org"


@pytest.mark.parametrize("code", ["", "abcdef", "12345", "1234567", "١٢٣٤٥٦", "x" * 5000])
def test_code_page_with_something_else_names_the_field_and_takes_no_try(
    client: Client, sign_in: ToldSignIn, now: datetime, code: str
) -> None:
    attempt = waiting_for_code(client, sign_in, now)

    response = client.post(reverse("discord_code", args=[attempt.ref]), {"code": code})

    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'aria-invalid="true"' in response.content.decode()
    attempt.refresh_from_db()
    assert attempt.code_tries == 0


def test_code_page_after_five_wrong_codes_is_over(
    client: Client, sign_in: ToldSignIn, now: datetime, newest_code: Callable[[MailedSecret], str]
) -> None:
    attempt = waiting_for_code(client, sign_in, now)
    wrong = f"{(int(newest_code(MailedSecret.DISCORD)) + 1) % 10**6:06d}"
    address = reverse("discord_code", args=[attempt.ref])

    pages = [client.post(address, {"code": wrong}) for _try in range(6)]

    assert [page.status_code for page in pages] == [HTTPStatus.UNPROCESSABLE_ENTITY] * 4 + [HTTPStatus.BAD_REQUEST] * 2
    assert "You can try one more time." in pages[3].content.decode()
    assert "The code was wrong too often" in pages[5].content.decode()
    assert not Job.objects.filter(kind="bookings.attach_discord").exists()


def test_code_page_of_another_browser_is_not_found(client: Client, sign_in: ToldSignIn, now: datetime) -> None:
    attempt = waiting_for_code(client, sign_in, now)
    address = reverse("discord_code", args=[attempt.ref])

    for stranger in (Client(), Client(headers={"cookie": f"{COOKIE}={'c' * 43}"})):
        assert stranger.get(address).status_code == HTTPStatus.NOT_FOUND
        assert stranger.post(address, {"code": "123456"}).status_code == HTTPStatus.NOT_FOUND
    attempt.refresh_from_db()
    assert attempt.code_tries == 0


def test_code_page_after_its_time_says_so(
    client: Client, sign_in: ToldSignIn, now: datetime, frozen_clock: SettableClock
) -> None:
    attempt = waiting_for_code(client, sign_in, now)
    frozen_clock.advance(timedelta(minutes=10))

    response = client.get(reverse("discord_code", args=[attempt.ref]))

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "The code was not used in time" in response.content.decode()


def test_code_page_counts_tries_of_one_address(
    client: Client, sign_in: ToldSignIn, now: datetime, newest_code: Callable[[MailedSecret], str]
) -> None:
    attempt = waiting_for_code(client, sign_in, now)
    address = reverse("discord_code", args=[attempt.ref])

    codes = [client.post(address, {"code": "x"}).status_code for _try in range(31)]

    assert codes[-1] == HTTPStatus.TOO_MANY_REQUESTS
    assert newest_code(MailedSecret.DISCORD)


def test_disconnect_forgets_the_account_and_returns(client: Client, sign_in: ToldSignIn) -> None:
    user = make_user()
    client.get(CALLBACK, {"state": begun(client, sign_in, user), "code": "c"})
    finish()

    response = client.post("/discord/disconnect/", {"next": "/studio/"})

    assert (response.status_code, response["Location"]) == (HTTPStatus.FOUND, "/studio/")
    assert DiscordIdentity.objects.count() == 0
    assert Job.objects.filter(kind="accounts.revoke_link").count() == 1


def test_disconnect_asks_strangers_to_sign_in_and_refuses_get(client: Client) -> None:
    stranger = client.post("/discord/disconnect/", {"next": "/studio/"})
    assert (stranger.status_code, stranger["Location"].partition("?")[0]) == (HTTPStatus.FOUND, "/account/login/")

    client.force_login(make_user())
    assert client.get("/discord/disconnect/").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_forms_carry_a_token_and_posts_without_one_are_refused(sign_in: ToldSignIn, now: datetime) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())

    assert connect(client).status_code == HTTPStatus.FORBIDDEN
    assert client.post("/discord/disconnect/").status_code == HTTPStatus.FORBIDDEN
    assert (LinkAttempt.objects.count(), sign_in.states, now) == (0, [], now)
