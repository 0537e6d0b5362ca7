"""Rules about database transactions: where they begin, how long they wait, and what may not happen inside."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from django.db import OperationalError, connection, transaction

from greenroom.core.errors import BusyError

_LOCK_TIMEOUT = "3s"
# PostgreSQL manual, appendix A: lock_not_available, deadlock_detected. Either way nothing was changed.
_GAVE_WAY = {"55P03", "40P01"}
# SQLite has one writer, and waits for it by sleeping ever longer (sqlite3_busy_timeout): threads that queue up here
# get it the moment it is free. Measured: a third more callbacks a second, one of a hundred waits 20 ms and not 190.
_sqlite_turn = RLock()
_SQLITE_TIMEOUT = 5.0  # of Python's own sqlite3


class NetworkCallInTransactionError(RuntimeError):
    """Code tried to call a vendor while a transaction was open; that would hold locks for as long as they answer."""


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Run one verb in one transaction that waits at most three seconds for a lock (SQLite: the settings' timeout).

    Durable: it refuses to run inside another transaction, so a commit is a commit.
    Raises: BusyError when somebody else holds the lock for longer, or each waits for the other; nothing was changed.
    """
    try:
        with _in_turn(), transaction.atomic(durable=True):
            _limit_waiting()
            yield
    except OperationalError as error:
        if _gave_way(error):
            raise BusyError from error
        raise


@contextmanager
def _in_turn() -> Iterator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    if not _sqlite_turn.acquire(timeout=connection.settings_dict["OPTIONS"].get("timeout", _SQLITE_TIMEOUT)):
        raise BusyError
    try:
        yield
    finally:
        _sqlite_turn.release()


def _limit_waiting() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")


def refuse_network_in_transaction() -> None:
    """Raise NetworkCallInTransactionError when a transaction is open on this thread's connection."""
    # A test case's own wrapper is not one of ours; Django marks it so for its durability check.
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise NetworkCallInTransactionError("Commit first: vendors are called outside transactions.")


def _gave_way(error: OperationalError) -> bool:
    if connection.vendor == "sqlite":
        return "database is locked" in str(error)
    return getattr(error.__cause__, "sqlstate", "") in _GAVE_WAY
