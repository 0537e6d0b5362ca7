"""The promises of `conftest.py` itself."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from tests.factories.accounts import make_user
from tests.factories.clock import MONDAY, SettableClock

from greenroom.accounts.models import User
from greenroom.core import clock

Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def _connect(address: tuple[str, int], kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.settimeout(1)
        sock.connect(address)


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "8.8.8.8"])
def test_socket_to_another_machine_is_refused(host: str) -> None:
    with pytest.raises(RuntimeError, match=f"Tests may not reach {host}"):
        _connect((host, 80))
    with pytest.raises(RuntimeError, match=f"Tests may not reach {host}"):
        _connect((host, 80), socket.SOCK_DGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(RuntimeError, match="not reach"):
        sock.sendto(b"x", (host, 53))


def test_name_of_another_machine_is_not_looked_up() -> None:
    with pytest.raises(RuntimeError, match=r"Tests may not look up example\.org"):
        socket.create_connection(("example.org", 443), timeout=1)


def test_socket_to_loopback_connects() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port), timeout=5) as client:
            assert client.getpeername() == ("127.0.0.1", port)


def test_frozen_clock_stands_until_moved(frozen_clock: SettableClock) -> None:
    assert clock.now() == clock.now() == MONDAY

    frozen_clock.advance(timedelta(hours=2))

    assert clock.now() == MONDAY + timedelta(hours=2)


def test_moving_clock_goes_on(moving_clock: SettableClock) -> None:
    before = clock.now()
    threading.Event().wait(0.01)

    assert clock.now() > before
    assert moving_clock.set(MONDAY) == MONDAY


def test_race_runs_in_transactions_of_their_own(race: Race) -> None:
    def add(email: str) -> int:
        with transaction.atomic():
            return make_user(email).pk

    results = race([lambda: add("a@example.org"), lambda: add("b@example.org"), lambda: int("no number")])

    assert {type(result) for result in results} == {int, ValueError}
    assert set(User.objects.values_list("pk", flat=True)) == set(results[:2])


@pytest.mark.postgres
def test_postgres_mark_runs_on_postgresql_alone() -> None:
    assert connection.vendor == "postgresql"


def test_suite_runs_on_the_database_that_was_named() -> None:
    named = os.environ.get("GREENROOM_TEST_DATABASE_URL", "sqlite")

    assert connection.vendor.startswith(named.split(":")[0].removesuffix("ql"))
