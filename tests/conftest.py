"""What every test may use: no network, a clock that is set, due rows run on demand, races."""

import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import pytest
from django.db import connection
from tests.factories import racing
from tests.factories.clock import SettableClock

from greenroom.core import clock
from greenroom.jobs import registry
from greenroom.jobs.models import Run
from greenroom.jobs.ticker import run_until_idle


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine. No OSError: code that survives a broken network must not hide it."""


def _is_local(host: object) -> bool:
    if host in {None, "", b"", "localhost", b"localhost"}:
        return True
    try:
        return ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _guard_address(sock: socket.socket, address: Any) -> None:
    if sock.family in {socket.AF_INET, socket.AF_INET6} and not _is_local(address[0]):
        raise NetworkBlockedError(f"Tests may not reach {address[0]}.")


@pytest.fixture(scope="session", autouse=True)
def _urls_are_loaded() -> None:
    """Load the addresses while the settings are as they were read: they leave the sandbox out in production."""
    import_module("greenroom.config.urls")


@pytest.fixture(scope="session", autouse=True)
def only_local_sockets() -> Iterator[None]:
    """Let sockets reach loopback and unix sockets alone, and names resolve to nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            original = getattr(socket.socket, name)

            def guarded(sock: socket.socket, address: Any, _original: Callable[..., Any] = original) -> Any:
                _guard_address(sock, address)
                return _original(sock, address)

            patch.setattr(socket.socket, name, guarded)
        send_to = socket.socket.sendto

        def guarded_send_to(sock: socket.socket, payload: Any, *rest: Any) -> int:
            _guard_address(sock, rest[-1])
            return send_to(sock, payload, *rest)

        resolve = socket.getaddrinfo

        def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
            if not _is_local(host):
                raise NetworkBlockedError(f"Tests may not look up {host}.")
            return resolve(host, *args, **kwargs)

        patch.setattr(socket.socket, "sendto", guarded_send_to)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs PostgreSQL, and say so, where the suite runs on another database."""
    if connection.vendor == "postgresql":
        return
    reason = "needs PostgreSQL: set GREENROOM_TEST_DATABASE_URL=postgres://user@host/name"
    for item in items:
        if item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.skip(reason=reason))


def _wired(source: SettableClock) -> Iterator[SettableClock]:
    before = clock.source()
    clock.use_source(source)
    yield source
    clock.use_source(before)


@pytest.fixture
def frozen_clock() -> Iterator[SettableClock]:
    """Stop the clock on Monday 2 March 2026, 10:00 UTC; durable times move only when the test moves them."""
    yield from _wired(SettableClock())


@pytest.fixture
def moving_clock() -> Iterator[SettableClock]:
    """Let the clock go on from Monday 2 March 2026, 10:00 UTC; the test may move it besides."""
    yield from _wired(SettableClock(is_running=True))


@pytest.fixture
def handlers() -> Iterator[None]:
    """Start with an empty table of job handlers, and put the wired one back afterwards."""
    before = registry.table()
    registry.use({})
    yield
    registry.use(before)


@pytest.fixture
def run_due_jobs() -> Callable[[], Run]:
    """Return a function that runs every due row in this thread and returns the row about the visit."""
    return lambda: run_until_idle(source="test", budget=timedelta(seconds=30))


@pytest.fixture
def race(transactional_db: None) -> Callable[[Sequence[Callable[[], Any]]], list[Any]]:  # noqa: ARG001 -- commits must be real
    """Return `tests.factories.racing.race`, with a database in which its threads see each other's commits."""
    return racing.race
