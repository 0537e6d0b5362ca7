import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction
from tests.factories.accounts import make_user
from tests.factories.waiting import PATIENCE_SECONDS

from greenroom.accounts.models import User
from greenroom.core.errors import BusyError
from greenroom.core.transactions import (
    NetworkCallInTransactionError,
    refuse_network_in_transaction,
    unit_of_work,
)


@pytest.fixture
def _impatient_sqlite() -> Iterator[None]:
    """Wait a moment for SQLite's one write lock, not the twenty seconds of the settings."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 200")
    yield
    connection.close()


@contextmanager
def _lock_held_by_another_connection(user: User) -> Iterator[None]:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            held.set()
            release.wait(PATIENCE_SECONDS)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(PATIENCE_SECONDS)
    try:
        yield
    finally:
        release.set()
        thread.join(PATIENCE_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_unit_of_work_commits() -> None:
    with unit_of_work():
        make_user()

    assert User.objects.count() == 1
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_unit_of_work_that_fails_changes_nothing() -> None:
    def change_and_fail() -> None:
        with unit_of_work():
            make_user()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        change_and_fail()

    assert not User.objects.exists()


@pytest.mark.django_db
def test_unit_of_work_inside_another_is_refused() -> None:
    with unit_of_work(), pytest.raises(RuntimeError, match="durable"), unit_of_work():
        pass
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"), unit_of_work():
        pass


@pytest.mark.usefixtures("_impatient_sqlite")
@pytest.mark.django_db(transaction=True)
def test_lock_held_by_another_connection_is_busy() -> None:
    user = make_user()

    def rename() -> None:
        with unit_of_work():
            User.objects.select_for_update().get(pk=user.pk)
            User.objects.update(name="Changed")

    with _lock_held_by_another_connection(user), pytest.raises(BusyError) as caught:  # the other lets go long after
        rename()

    assert caught.value.code == "busy"
    assert isinstance(caught.value.__cause__, OperationalError)
    user.refresh_from_db()
    assert user.name == "Sam Student"


@pytest.mark.django_db(transaction=True)
def test_unit_of_work_waits_for_another_thread_of_this_process() -> None:
    user = make_user()
    is_first_in, is_second_coming = threading.Event(), threading.Event()
    ended: list[str] = []

    def rename_second() -> None:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 0")  # SQLite itself is not to wait
        is_first_in.wait(PATIENCE_SECONDS)
        is_second_coming.set()
        try:
            with unit_of_work():
                User.objects.update(name="Second")
            ended.append("done")
        except BusyError as error:
            ended.append(repr(error))
        finally:
            connection.close()

    thread = threading.Thread(target=rename_second)
    thread.start()
    with unit_of_work():
        User.objects.update(name="First")
        is_first_in.set()
        assert is_second_coming.wait(PATIENCE_SECONDS)
        thread.join(0.2)  # without a queue of ours SQLite has said no by then
    thread.join(PATIENCE_SECONDS)

    assert ended == ["done"]
    user.refresh_from_db()
    assert user.name == "Second"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_each_waiting_for_the_other_is_busy_for_one_of_them() -> None:
    ann, bob = make_user("ann@example.org"), make_user("bob@example.org")
    both_hold_one = threading.Barrier(2)
    ended: list[str] = []

    def lock_both(first: User, second: User) -> None:
        try:
            with unit_of_work():
                User.objects.select_for_update().get(pk=first.pk)
                both_hold_one.wait(PATIENCE_SECONDS)
                User.objects.select_for_update().get(pk=second.pk)
            ended.append("done")
        except BusyError as error:
            ended.append(type(error.__cause__.__cause__).__name__)  # type: ignore[union-attr]  # Django's own, of psycopg's
        finally:
            connection.close()

    threads = [threading.Thread(target=lock_both, args=pair) for pair in ((ann, bob), (bob, ann))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert sorted(ended) == ["DeadlockDetected", "done"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_lock_timeout_of_postgresql_is_three_seconds_and_ends_with_the_unit() -> None:
    def timeout() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    with unit_of_work():
        assert timeout() == "3s"
    assert timeout() == "0"


@pytest.mark.django_db(transaction=True)
def test_other_database_errors_are_not_called_busy() -> None:
    with pytest.raises(OperationalError, match="the disk is full"), unit_of_work():
        raise OperationalError("the disk is full")


@pytest.mark.django_db(transaction=True)
def test_network_inside_a_transaction_is_refused() -> None:
    with unit_of_work(), pytest.raises(NetworkCallInTransactionError, match="Commit first"):
        refuse_network_in_transaction()
    with transaction.atomic(), pytest.raises(NetworkCallInTransactionError):
        refuse_network_in_transaction()

    refuse_network_in_transaction()


@pytest.mark.django_db
def test_network_inside_a_tests_own_wrapper_is_allowed() -> None:
    refuse_network_in_transaction()

    with transaction.atomic(), pytest.raises(NetworkCallInTransactionError):
        refuse_network_in_transaction()
