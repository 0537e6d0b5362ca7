from datetime import timedelta

import pytest
from tests.factories.rooms import World
from tests.rooms.conftest import Book

from greenroom.core.errors import BusyError
from greenroom.jobs.errors import RetryLaterError
from greenroom.jobs.models import Job
from greenroom.rooms import jobs, services


def test_reconcile_comes_back_when_the_next_thing_is_due(book: Book) -> None:
    booking = book(timedelta(hours=24))

    with pytest.raises(RetryLaterError, match="The room is planned") as raised:
        jobs.reconcile(Job(payload={"session_id": booking.session_id}))

    assert raised.value.delay == timedelta(hours=22)


def test_reconcile_of_a_busy_database_comes_back_soon(
    world: World, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = book(timedelta(hours=24))

    def be_busy(_session_id: int) -> services.Verdict:
        raise BusyError

    # A lock that is held for three seconds by another connection: too slow to wait for in every run of the suite.
    monkeypatch.setattr(services, "reconcile_session", be_busy)
    with pytest.raises(RetryLaterError) as raised:
        jobs.reconcile(Job(payload={"session_id": booking.session_id}))

    assert raised.value.delay == timedelta(seconds=2)
    assert world.rooms() == []
