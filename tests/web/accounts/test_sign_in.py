import logging
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, reverse
from tests.factories.accounts import make_admin, make_user
from tests.factories.bookings import make_coach
from tests.factories.clock import SettableClock

from greenroom.accounts.models import MailedCode, User
from greenroom.accounts.services import claimable_user
from greenroom.accounts.types import MailedSecret
from greenroom.notifications.models import Message

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
PASSWORD = "four quiet green rooms"
NewestCode = Callable[[MailedSecret], str]


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def with_password(email: str = "sam@example.org", **values: Any) -> User:
    return User.objects.create_user(email, PASSWORD, name="Sam", **values)


def guest(email: str = "guest@example.org") -> User:
    return claimable_user(email=email, name="Gus", tz="UTC")


def log_in(client: Client, email: str = "sam@example.org", password: str = PASSWORD, **data: str) -> HttpResponse:
    return client.post("/account/login/", {"login": email, "password": password, **data})


def ask_for_code(client: Client, email: str, **data: str) -> HttpResponse:
    return client.post("/account/login/code/", {"email": email, **data})


def type_code(client: Client, code: str, **data: str) -> HttpResponse:
    return client.post("/account/login/code/confirm/", {"code": code, "action": "verify", **data})


def words(response: HttpResponse) -> str:
    return " ".join(response.content.decode().split())


def test_password_signs_in_under_a_new_session_key(client: Client) -> None:
    with_password()
    client.get("/account/login/")
    client.session.save()
    before = client.session.session_key

    response = log_in(client, "SAM@example.org")

    assert (response.status_code, response["Location"]) == (HTTPStatus.FOUND, "/account/")
    assert is_signed_in(client)
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize(
    ("email", "password"),
    [("sam@example.org", "wrong password"), ("nobody@example.org", PASSWORD), ("guest@example.org", "!")],
)
def test_wrong_password_and_unknown_address_get_the_same_answer(client: Client, email: str, password: str) -> None:
    with_password()
    guest()

    response = log_in(client, email, password)

    assert response.status_code == HTTPStatus.OK
    assert "This e-mail address and password do not belong together." in words(response)
    assert not is_signed_in(client)
    assert User.objects.count() == 2


def test_closed_account_cannot_sign_in(client: Client) -> None:
    with_password(is_active=False)

    response = log_in(client)

    assert response["Location"] == "/account/inactive/"
    assert "This account is closed" in words(client.get("/account/inactive/"))
    assert not is_signed_in(client)


@pytest.mark.parametrize("email", ["sam@example.org", "nobody@example.org"])
def test_five_wrong_passwords_lock_the_address_for_five_minutes(
    client: Client, frozen_clock: SettableClock, email: str
) -> None:
    with_password()

    pages = [words(log_in(client, email, "wrong password")) for _try in range(6)]
    right = log_in(client)
    frozen_clock.advance(timedelta(minutes=5))

    assert ["tried too often" in page for page in pages] == [False] * 5 + [True]
    assert ("tried too often" in words(right)) is (email == "sam@example.org")
    assert log_in(client).status_code == HTTPStatus.FOUND


def test_right_password_gives_the_tries_back(client: Client) -> None:
    with_password()

    for _round in range(3):
        for _try in range(4):
            log_in(client, password="wrong password")
        assert log_in(client).status_code == HTTPStatus.FOUND
        client.logout()


def test_sign_ins_from_one_address_are_limited(client: Client) -> None:
    codes = [log_in(client, f"{number}@example.org").status_code for number in range(31)]

    assert codes == [HTTPStatus.OK] * 30 + [HTTPStatus.TOO_MANY_REQUESTS]


def test_sign_in_limit_believes_configured_proxies_alone(client: Client, settings: Any) -> None:
    def posts(count: int) -> list[int]:
        return [
            client.post(
                "/account/login/",
                {"login": f"{number}@example.org", "password": "x"},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            ).status_code
            for number in range(count)
        ]

    assert posts(31)[-1] == HTTPStatus.TOO_MANY_REQUESTS
    settings.TRUSTED_PROXIES = ("127.0.0.1/32",)
    assert posts(31)[-1] == HTTPStatus.OK


@pytest.mark.parametrize("form", ["", "login=", "login=x&password=", f"login={'a' * 5000}@example.org&password=x"])
def test_sign_in_with_bad_input_names_the_field(client: Client, form: str) -> None:
    response = client.post("/account/login/", form, content_type="application/x-www-form-urlencoded")

    assert response.status_code == HTTPStatus.OK
    assert "error-summary" in words(response)
    assert not is_signed_in(client)


def test_code_claims_a_guests_account(client: Client, newest_code: NewestCode) -> None:
    user = guest()

    asked = ask_for_code(client, "Guest@Example.org")
    page = client.get(asked["Location"])
    answered = type_code(client, newest_code(MailedSecret.SIGN_IN))

    assert asked["Location"] == "/account/login/code/confirm/"
    assert "guest@example.org" in words(page)
    assert (answered.status_code, answered["Location"]) == (HTTPStatus.FOUND, "/account/")
    assert is_signed_in(client)
    assert list(EmailAddress.objects.values_list("user", "email", "verified")) == [(user.pk, user.email, True)]


def test_code_is_mailed_at_once_and_stored_encrypted(client: Client, newest_code: NewestCode) -> None:
    guest()

    ask_for_code(client, "guest@example.org")

    message = Message.objects.get()
    code = newest_code(MailedSecret.SIGN_IN)
    assert (message.kind, message.to) == ("accounts.sign_in_code", "guest@example.org")
    assert (len(code), code.isdecimal()) == (6, True)
    assert client.session["account_login"]["state"]["stages"]["login_by_code"]["data"]["code"] == code
    assert code not in Session.objects.get().session_data


@pytest.mark.parametrize(("email", "kind"), [("guest@example.org", "sign_in_code"), ("no@example.org", "no_account")])
def test_code_for_a_known_and_an_unknown_address_look_the_same(client: Client, email: str, kind: str) -> None:
    guest()

    asked = ask_for_code(client, email)
    page = words(client.get(asked["Location"])).replace(email, "EMAIL")
    wrong = words(type_code(client, "000000"))

    assert (asked.status_code, asked["Location"]) == (HTTPStatus.FOUND, "/account/login/code/confirm/")
    assert "We sent a mail to" in page
    assert "EMAIL" in page
    assert "This is not the code we mailed." in wrong
    assert list(Message.objects.values_list("kind", "to")) == [(f"accounts.{kind}", email)]
    assert User.objects.count() == 1


def test_code_of_an_unknown_address_cannot_be_an_empty_one(client: Client) -> None:
    ask_for_code(client, "no@example.org")

    for code in ("", " ", "-"):
        type_code(client, code)

    assert not is_signed_in(client)
    assert User.objects.count() == 0


def test_wrong_code_three_times_ends_it(client: Client, newest_code: NewestCode) -> None:
    guest()
    ask_for_code(client, "guest@example.org")
    code = newest_code(MailedSecret.SIGN_IN)
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    answers = [type_code(client, wrong) for _try in range(3)]
    late = type_code(client, code)

    assert [answer.status_code for answer in answers] == [HTTPStatus.OK, HTTPStatus.OK, HTTPStatus.FOUND]
    assert late["Location"] == "/account/login/code/"
    assert not is_signed_in(client)


def test_code_works_only_in_the_browser_that_asked(client: Client, newest_code: NewestCode) -> None:
    guest()
    ask_for_code(client, "guest@example.org")

    other = Client()
    response = type_code(other, newest_code(MailedSecret.SIGN_IN))

    assert response["Location"] == "/account/login/code/"
    assert not is_signed_in(other)


def test_mistyped_address_can_be_asked_again(client: Client, newest_code: NewestCode) -> None:
    with_password()
    ask_for_code(client, "samm@example.org", next="/sessions/")

    page = words(client.get("/account/login/code/confirm/?next=/sessions/"))
    assert 'href="/account/login/code/?next=%2Fsessions%2F"' in page
    assert client.get("/account/login/").status_code == HTTPStatus.OK
    assert client.get("/account/login/code/").status_code == HTTPStatus.OK
    ask_for_code(client, "sam@example.org")
    type_code(client, newest_code(MailedSecret.SIGN_IN))

    assert is_signed_in(client)


def test_password_signs_in_while_a_code_is_waited_for(client: Client) -> None:
    with_password()
    ask_for_code(client, "sam@example.org")

    assert log_in(client)["Location"] == "/account/"
    assert is_signed_in(client)


def test_code_is_mailed_again_on_request(client: Client, newest_code: NewestCode) -> None:
    guest()
    ask_for_code(client, "guest@example.org")
    first = newest_code(MailedSecret.SIGN_IN)

    again = client.post("/account/login/code/confirm/", {"action": "resend"})

    assert again["Location"] == "/account/login/code/confirm/"
    assert MailedCode.objects.count() == 2
    second = newest_code(MailedSecret.SIGN_IN)
    assert first != second
    type_code(client, second)
    assert is_signed_in(client)


@pytest.mark.parametrize("email", ["guest@example.org", "no@example.org"])
def test_codes_to_one_address_are_limited(client: Client, frozen_clock: SettableClock, email: str) -> None:
    guest()

    asked = [Client().post("/account/login/code/", {"email": email}) for _number in range(4)]

    assert [answer.status_code for answer in asked] == [HTTPStatus.FOUND] * 3 + [HTTPStatus.OK]
    assert "Too many codes were asked for" in words(asked[-1])
    assert Message.objects.count() == 3
    frozen_clock.advance(timedelta(minutes=1))
    assert ask_for_code(client, email).status_code == HTTPStatus.FOUND


def test_codes_to_one_address_are_limited_by_day(frozen_clock: SettableClock) -> None:
    for _number in range(21):
        last = Client().post("/account/login/code/", {"email": "no@example.org"})
        frozen_clock.advance(timedelta(minutes=1))

    assert "Too many codes were asked for" in words(last)
    assert Message.objects.count() == 20


def test_codes_from_one_address_are_limited() -> None:
    codes = [
        Client().post("/account/login/code/", {"email": f"{number}@example.org"}).status_code for number in range(21)
    ]

    assert codes == [HTTPStatus.FOUND] * 20 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert Message.objects.count() == 20


def test_code_stands_in_no_log(client: Client, newest_code: NewestCode, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="greenroom")
    caplog.set_level(logging.DEBUG, logger="django.request")
    guest()

    ask_for_code(client, "guest@example.org")
    type_code(client, newest_code(MailedSecret.SIGN_IN))

    assert newest_code(MailedSecret.SIGN_IN) not in caplog.text


@pytest.mark.parametrize("path", ["/sessions/?x=1", "/discord/code/abc/"])
def test_next_of_this_site_is_kept_through_both_ways(client: Client, newest_code: NewestCode, path: str) -> None:
    with_password()

    assert log_in(client, next=path)["Location"] == path
    client.logout()
    asked = ask_for_code(client, "sam@example.org", next=path)
    page = client.get(asked["Location"])
    assert f'name="next" value="{path}"' in words(page)
    answered = client.post(asked["Location"], {"code": newest_code(MailedSecret.SIGN_IN), "next": path})
    assert answered["Location"] == path


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_next_that_leads_elsewhere_is_ignored(client: Client, newest_code: NewestCode, path: str) -> None:
    with_password()

    assert log_in(client, next=path)["Location"] == "/account/"
    assert client.post("/account/logout/", {"next": path})["Location"] == "/"
    ask_for_code(client, "sam@example.org", next=path)
    answered = type_code(client, newest_code(MailedSecret.SIGN_IN), next=path)
    assert answered["Location"] == "/account/"


def test_sign_out_takes_a_post(client: Client) -> None:
    client.force_login(make_user())

    asked = client.get("/account/logout/")
    assert is_signed_in(client)
    answered = client.post("/account/logout/")

    assert "You are signed in as student@example.org." in words(asked)
    assert (answered.status_code, answered["Location"]) == (HTTPStatus.FOUND, "/")
    assert not is_signed_in(client)


def test_first_password_is_set_after_claiming(client: Client, newest_code: NewestCode) -> None:
    user = guest()
    ask_for_code(client, user.email)
    type_code(client, newest_code(MailedSecret.SIGN_IN))

    asked = client.get("/account/password/change/")
    answered = client.post("/account/password/set/", {"password1": PASSWORD, "password2": PASSWORD})

    assert asked["Location"] == "/account/password/set/"
    assert answered.status_code == HTTPStatus.FOUND
    assert is_signed_in(client)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert log_in(Client(), user.email)["Location"] == "/account/"


def test_password_change_ends_other_sessions(client: Client) -> None:
    user = with_password()
    other = Client()
    for browser in (client, other):
        log_in(browser)
    new = {"oldpassword": PASSWORD, "password1": "another green room", "password2": "another green room"}

    refused = client.post("/account/password/change/", new | {"oldpassword": "wrong"})
    changed = client.post("/account/password/change/", new)

    assert refused.status_code == HTTPStatus.OK
    assert changed["Location"] == "/account/password/change/"
    user.refresh_from_db()
    assert user.check_password("another green room")
    assert client.get("/account/").status_code == HTTPStatus.FOUND
    assert client.get("/account/")["Location"] == "/sessions/"
    assert other.get("/account/")["Location"] == "/account/login/?next=/account/"


def test_password_changes_are_limited(client: Client) -> None:
    with_password()
    log_in(client)

    codes = [client.post("/account/password/change/", {"oldpassword": "x"}).status_code for _try in range(6)]

    assert codes == [HTTPStatus.OK] * 5 + [HTTPStatus.TOO_MANY_REQUESTS]


@pytest.mark.parametrize("weak", ["short", "password123", "sam@example.org"])
def test_weak_password_is_refused(client: Client, weak: str) -> None:
    user = with_password()
    log_in(client)

    client.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": weak, "password2": weak})

    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_forgotten_password_is_reset_with_a_code(client: Client, newest_code: NewestCode) -> None:
    user = with_password()

    asked = client.post("/account/password/reset/", {"email": "Sam@example.org"})
    typed = client.post(asked["Location"], {"code": newest_code(MailedSecret.PASSWORD_RESET)})
    page = client.get(typed["Location"])
    saved = client.post(typed["Location"], {"password1": "another green room", "password2": "another green room"})

    assert asked["Location"] == "/account/password/reset/code/"
    assert typed["Location"] == "/account/password/new/"
    assert "Choose a new password" in words(page)
    assert saved["Location"] == "/account/"
    assert is_signed_in(client)
    user.refresh_from_db()
    assert user.check_password("another green room")
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize(
    ("email", "kind"), [("sam@example.org", "password_reset_code"), ("no@example.org", "no_account")]
)
def test_password_reset_of_known_and_unknown_address_look_the_same(client: Client, email: str, kind: str) -> None:
    user = with_password()

    asked = client.post("/account/password/reset/", {"email": email})
    page = words(client.get(asked["Location"])).replace(email, "EMAIL")
    wrong = client.post(asked["Location"], {"code": "000000"})
    skipped = client.get("/account/password/new/")

    assert (asked.status_code, asked["Location"]) == (HTTPStatus.FOUND, "/account/password/reset/code/")
    assert "EMAIL" in page
    assert "This is not the code we mailed." in words(wrong)
    assert skipped["Location"] == "/account/password/reset/code/"
    assert list(Message.objects.values_list("kind", "to")) == [(f"accounts.{kind}", email)]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_password_reset_is_limited(client: Client) -> None:
    answers = [client.post("/account/password/reset/", {"email": "no@example.org"}) for _number in range(4)]

    assert "Too many codes were asked for" in words(answers[-1])
    assert Message.objects.count() == 3


def test_after_login_leads_each_to_their_own_place(client: Client) -> None:
    coach = make_coach()
    people = [(make_user(), "/sessions/"), (coach.user, "/studio/"), (make_admin(), "/admin/")]

    for user, place in people:
        client.force_login(user)
        assert client.get("/account/")["Location"] == place


def test_signed_in_person_needs_no_sign_in_page(client: Client) -> None:
    client.force_login(make_user())

    assert client.get("/account/login/")["Location"] == "/account/"


def test_admin_uses_the_same_sign_in_and_is_for_staff(client: Client) -> None:
    stranger = client.get("/admin/", follow=True)
    assert stranger.redirect_chain[-1][0].startswith("/account/login/?next=")

    client.force_login(make_user())
    assert client.get("/admin/login/").status_code == HTTPStatus.FORBIDDEN
    client.force_login(make_admin())
    assert client.get("/admin/").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "name", ["account_email", "account_reauthenticate", "account_confirm_email", "account_email_verification_sent"]
)
def test_pages_not_offered_have_no_address(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_there_is_no_way_to_sign_up(client: Client) -> None:
    page = client.get("/account/new/")
    client.post("/account/new/", {"email": "new@example.org", "password1": PASSWORD})

    assert "An account comes with your first booking" in words(page)
    assert User.objects.count() == 0


@pytest.mark.parametrize(
    "path", ["/account/login/", "/account/login/code/", "/account/password/reset/", "/account/new/"]
)
def test_page_looks_like_ours_and_keeps_the_policy(client: Client, path: str) -> None:
    response = client.get(path)

    page = response.content.decode()
    assert response.status_code == HTTPStatus.OK
    assert page.count("<h1") == 1
    assert 'class="skip-link"' in page
    assert "placeholder=" not in page
    assert "unsafe" not in response["Content-Security-Policy"]
    assert [bad for bad in ("<style", " style=", "<script>", " onclick=") if bad in page] == []


@pytest.mark.parametrize("path", ["/account/login/", "/account/login/code/", "/account/password/reset/"])
def test_form_without_a_token_is_refused(path: str) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post(path, {"email": "sam@example.org"}).status_code == HTTPStatus.FORBIDDEN
    assert Message.objects.count() == 0
