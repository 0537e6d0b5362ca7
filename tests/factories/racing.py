"""Races between real connections."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections
from tests.factories.waiting import PATIENCE_SECONDS


def race(functions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start all `functions` at once, each in a thread with a connection of its own.

    Returns what each returned, or the exception that it raised, in the order given. Connections are closed
    afterwards. The test needs `transactional_db`: rows of an open test transaction are invisible to others.
    """
    barrier = threading.Barrier(len(functions))

    def compete(function: Callable[[], Any]) -> Any:
        try:
            connections["default"].ensure_connection()
            barrier.wait(PATIENCE_SECONDS)
            return function()
        except Exception as error:  # noqa: BLE001 -- how a racer failed is a result
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(compete, functions))
