"""Where a simulation is played: an empty database in memory, the sandbox switched on, this process's tables lent."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from django.test.utils import override_settings

from greenroom.core import clock
from greenroom.jobs import registry
from greenroom.jobs.registry import HandlerSpec
from greenroom.rooms import discord


@dataclass(frozen=True, slots=True)
class Application:
    """The application that the sandbox and the client know each other by; no real one has these numbers."""

    client_id: str = "100000000000000001"
    client_secret: str = "simulated"  # noqa: S105 -- opens nothing
    bot_token: str = "simulated.token"  # noqa: S105 -- as above
    guild_id: str = "100000000000000002"
    redirect_uri: str = "http://greenroom.invalid/callback"


APPLICATION = Application()


@contextmanager
def throwaway() -> Iterator[Callable[[], None]]:
    """Put an empty database into the place of the installation's, for this thread, and the sandbox into Discord's.

    Yields a function that empties it again: the tables are made once and copied. Whatever was wired before is wired
    again afterwards, and the installation's database was neither read nor written.
    """
    handler = ConnectionHandler(
        {
            DEFAULT_DB_ALIAS: {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": ":memory:",
                "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            }
        }
    )
    mine, installed = handler[DEFAULT_DB_ALIAS], connections[DEFAULT_DB_ALIAS]
    with closing(sqlite3.connect(":memory:")) as pristine, _lent():
        connections[DEFAULT_DB_ALIAS] = mine
        try:
            _make_tables(mine)
            mine.connection.backup(pristine)
            yield lambda: pristine.backup(mine.connection)
        finally:
            connections[DEFAULT_DB_ALIAS] = installed
            mine.connection.close()


@contextmanager
def _lent() -> Iterator[None]:
    """Give back what a simulation wires: the clock, the handlers, the server."""
    source, handlers, server = clock.source(), registry.table(), discord.current()
    try:
        with override_settings(SANDBOX_ENABLED=True, DISCORD=APPLICATION):
            yield
    finally:
        clock.use_source(source)
        registry.use(handlers)
        discord.use(server)


def play_by(source: clock.Source, handlers: dict[str, HandlerSpec]) -> None:
    """Wire a simulation's own clock and handlers; inside `throwaway`."""
    clock.use_source(source)
    registry.use(handlers)


def _make_tables(mine: BaseDatabaseWrapper) -> None:
    """Make the tables as the models say they are, which is what the migrations come to (`make check`), in a second."""
    with mine.schema_editor() as editor:
        for model in apps.get_models():
            if model._meta.managed and not model._meta.proxy:
                editor.create_model(model)
