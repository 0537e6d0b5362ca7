"""Who looks at a page, by cookies alone."""

from http import HTTPStatus
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from tests.factories.accounts import make_user

from greenroom.web import visitors


def asked(path: str = "/", **cookies: str) -> HttpRequest:
    request = RequestFactory().get(path)
    request.COOKIES.update(cookies)
    return request


@pytest.mark.parametrize(
    ("path", "cookies", "zone", "is_guess"),
    [
        ("/", {}, "Asia/Tokyo", True),
        ("/", {"tz": "Europe/Berlin"}, "Europe/Berlin", False),
        ("/?tz=Europe/Rome", {"tz": "Europe/Berlin"}, "Europe/Rome", False),
        ("/?tz=../../x", {"tz": "Europe/Berlin"}, "Europe/Berlin", False),
        ("/?tz=../../x", {"tz": "/etc/localtime"}, "Asia/Tokyo", True),
        ("/?tz=Asia/Calcutta", {}, "Asia/Kolkata", False),
    ],
)
def test_zone_is_what_somebody_said_first(
    path: str,
    cookies: dict[str, str],
    zone: str,
    is_guess: bool,  # noqa: FBT001 -- a table
) -> None:
    sight = visitors.sight_of(asked(path, **cookies), coach_tz="Asia/Tokyo")

    assert (sight.viewer.tz, sight.is_guess) == (zone, is_guess)


@pytest.mark.parametrize(
    ("path", "cookies", "h24"),
    [("/", {}, True), ("/", {"h": "12"}, False), ("/?h=24", {"h": "12"}, True), ("/?h=99", {"h": "12"}, False)],
)
def test_clock_is_what_the_address_or_the_cookie_says(path: str, cookies: dict[str, str], h24: bool) -> None:  # noqa: FBT001 -- a table
    assert visitors.sight_of(asked(path, **cookies)).viewer.h24 is h24


def test_choices_of_the_address_are_remembered_and_nonsense_is_not() -> None:
    kept = visitors.remember_choices(asked("/?tz=Europe/Rome&h=12"), HttpResponse())
    nothing = visitors.remember_choices(asked("/?tz=x%0d%0aSet-Cookie:a=b&h=13"), HttpResponse())

    assert {name: morsel.value for name, morsel in kept.cookies.items()} == {"tz": "Europe/Rome", "h": "12"}
    assert (kept.cookies["tz"]["httponly"], kept.cookies["h"]["httponly"]) == ("", True)
    assert not nothing.cookies


@pytest.mark.django_db
def test_account_s_zone_counts_when_nothing_was_said(client: Client) -> None:
    client.force_login(make_user(time_zone="Australia/Sydney"))

    answer = client.get("/")

    assert (answer.context["viewer"].tz, answer.context["zone_guess"]) == ("Australia/Sydney", False)


@pytest.mark.django_db
def test_visitor_without_a_session_costs_no_query_for_one(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/find-booking/").status_code == HTTPStatus.OK


def test_cookies_are_for_https_alone_where_the_site_is(settings: Any) -> None:
    settings.IS_HTTPS = True

    answer = visitors.keep_key(asked(), visitors.keep_hold_secret(HttpResponse(), "s"), "token")

    assert all(morsel["secure"] for morsel in answer.cookies.values())
    assert {morsel["path"] for morsel in answer.cookies.values()} == {"/"}


def test_newest_link_stands_first_and_once() -> None:
    request = asked(keys="a~b~c")

    answer = visitors.keep_key(request, HttpResponse(), "b")

    assert answer.cookies["keys"].value == "b~a~c"
