from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.factories.accounts import make_user
from tests.factories.clock import SettableClock

from greenroom.accounts.models import User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def is_signed_in(client: Client) -> bool:
    return client.get("/account/")["Location"] == "/sessions/"


def test_session_ends_thirty_days_after_signing_in(client: Client, frozen_clock: SettableClock) -> None:
    client.force_login(make_user())
    assert is_signed_in(client)

    for _day in range(29):
        frozen_clock.advance(DAY)
        assert is_signed_in(client)
    frozen_clock.advance(DAY)

    assert not is_signed_in(client)


def test_session_counts_from_the_sign_in_not_from_the_next_visit(client: Client, frozen_clock: SettableClock) -> None:
    User.objects.create_user("sam@example.org", "four quiet green rooms", name="Sam")
    client.post("/account/login/", {"login": "sam@example.org", "password": "four quiet green rooms"})
    assert "_auth_user_id" in client.session

    frozen_clock.advance(30 * DAY)

    assert not is_signed_in(client)


def test_session_is_written_once_a_day(client: Client, frozen_clock: SettableClock) -> None:
    client.force_login(make_user())
    writes = []
    for _visit in range(3):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get("/account/")
        writes.append(sum(query["sql"].startswith("UPDATE") for query in captured))
    frozen_clock.advance(DAY)
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/account/")

    assert writes == [1, 0, 0]
    assert sum(query["sql"].startswith("UPDATE") for query in captured) == 1
    assert response.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == settings.SESSION_COOKIE_AGE


def test_visitor_without_a_session_costs_no_query(client: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/account/new/")

    assert len(captured) == 0
    assert settings.SESSION_COOKIE_NAME not in response.cookies
