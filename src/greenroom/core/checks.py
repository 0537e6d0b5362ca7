"""A check that the database really holds the no-overlap guards that the models promise."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from greenroom.core.constraints import NoOverlap

_QUERY = {
    "postgresql": "SELECT conname FROM pg_constraint WHERE contype = 'x'",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}


@register(Tags.database)
def no_overlap_guards_stand(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:  # noqa: ANN401 -- Django's interface
    """Report each guard that a migrated database lacks (lost by hand, or by a restore that left it out)."""
    return [message for alias in databases or () for message in _missing(alias)]


def _missing(alias: str) -> Iterator[CheckMessage]:
    connection = connections[alias]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        cursor.execute(_QUERY[connection.vendor])
        present = {row[0] for row in cursor.fetchall()}
    for model, constraint in _promised():
        absent = set(constraint.object_names(connection.vendor)) - present
        if model._meta.db_table in tables and absent:
            yield Error(
                f"The database has lost the double-booking guard {', '.join(sorted(absent))}.",
                hint="Restore it with the migrations before taking bookings.",
                obj=model,
                id="greenroom.E001",
            )


def _promised() -> Iterator[tuple[Any, NoOverlap]]:
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if isinstance(constraint, NoOverlap):
                yield model, constraint
