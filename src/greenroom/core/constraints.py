"""One constraint for two engines: rows of one owner may not overlap in time.

PostgreSQL gets an exclusion constraint (EXCLUDE USING gist; PostgreSQL manual, section 5.5.6), SQLite a pair
of triggers. Both come out of `Meta.constraints`, because hand-made triggers vanish silently when Django
remakes a SQLite table (measured); `constraint_sql` is called for the remade table and puts them back.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, NotSupportedError, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table
from django.db.models import Q

_POSTGRES = """CONSTRAINT %(name)s EXCLUDE USING gist (
    %(owner)s WITH =, tstzrange(%(start)s, %(end)s, '[)') WITH &&
) WHERE (%(status)s IN (%(values)s) AND %(flag)s)"""

_SQLITE = """CREATE TRIGGER %(trigger)s BEFORE %(event)s ON %(table)s
WHEN NEW.%(flag)s AND NEW.%(status)s IN (%(values)s)
BEGIN
    SELECT RAISE(ABORT, 'overlap: %(plain_name)s') WHERE EXISTS (
        SELECT 1 FROM %(table)s other
        WHERE other.%(owner)s = NEW.%(owner)s
          AND other.%(end)s > NEW.%(start)s
          AND other.%(start)s < NEW.%(end)s
          AND other.%(flag)s AND other.%(status)s IN (%(values)s)
          %(skip_self)s
    );
END"""


class NoOverlap(models.BaseConstraint):
    """Rows of one `owner` may not overlap in [`start`, `end`) while they occupy time.

    A row occupies time while `status_field` is one of `statuses` and the boolean `flag` is true. It binds
    INSERT, UPDATE, bulk and OR IGNORE writes through the ORM (measured). Raw SQL that writes instants in
    another text form than Django's gets past the SQLite triggers: write through the ORM only. Adding the
    constraint checks existing rows on PostgreSQL and does not on SQLite.
    """

    violation_error_code = "overlap"

    def __init__(
        self,
        *,
        name: str,
        owner: str,
        start: str,
        end: str,
        status_field: str,
        statuses: Sequence[str],
        flag: str,
    ) -> None:
        super().__init__(name=name)
        self.owner, self.start, self.end, self.flag = owner, start, end, flag
        # Plain words, so that a migration keeps them when the enum they came from is gone.
        self.status_field, self.statuses = status_field, tuple(sorted(str(status) for status in statuses))

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Return what a migration needs to build this constraint again."""
        path, args, kwargs = super().deconstruct()
        kwargs.pop("violation_error_code")  # the same for every one of these
        kwargs |= {"owner": self.owner, "start": self.start, "end": self.end, "flag": self.flag}
        kwargs |= {"status_field": self.status_field, "statuses": self.statuses}
        return path, tuple(args), dict(kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoOverlap) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def object_names(self, vendor: str) -> tuple[str, ...]:
        """Return the names under which the database keeps this guard."""
        return (self.name,) if vendor == "postgresql" else (f"{self.name}_insert", f"{self.name}_update")

    def constraint_sql(self, model: type[models.Model] | None, schema_editor: Any) -> str:
        """Return the clause for CREATE TABLE; on SQLite defer the triggers until the table stands."""
        if schema_editor.connection.vendor == "postgresql":
            return self._postgres_clause(model, schema_editor)
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.deferred_sql.extend(self._sqlite_triggers(model, schema_editor))
            return ""
        raise NotSupportedError(f"NoOverlap knows no {schema_editor.connection.vendor}.")

    def create_sql(self, model: Any, schema_editor: Any) -> Statement:  # type: ignore[override]  # the editor takes statements
        """Return the ALTER TABLE for PostgreSQL; SQLite remakes the table and never asks."""
        table = Table(model._meta.db_table, schema_editor.quote_name)
        clause = self._postgres_clause(model, schema_editor)
        return Statement("ALTER TABLE %(table)s ADD %(clause)s", table=table, clause=clause)

    def remove_sql(self, model: Any, schema_editor: Any) -> Statement:  # type: ignore[override]  # as above
        """Return the ALTER TABLE that drops it on PostgreSQL."""
        table = Table(model._meta.db_table, schema_editor.quote_name)
        name = schema_editor.quote_name(self.name)
        return Statement("ALTER TABLE %(table)s DROP CONSTRAINT %(name)s", table=table, name=name)

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Any = None,  # noqa: ARG002 -- Django's interface
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Tell a form before the database does. An incomplete row passes: its missing fields are named elsewhere.

        Raises: ValidationError with the code `overlap`.
        """
        if not getattr(instance, self.flag) or getattr(instance, self.status_field) not in self.statuses:
            return
        owner: Any = model._meta.get_field(self.owner)
        start, end = getattr(instance, self.start), getattr(instance, self.end)
        if start is None or end is None:
            return
        occupying = {self.flag: True, f"{self.status_field}__in": self.statuses}
        clash = model._default_manager.using(using).filter(
            Q((f"{self.start}__lt", end)),
            Q((f"{self.end}__gt", start)),
            Q((self.owner, getattr(instance, owner.attname))),
            **occupying,
        )
        if clash.exclude(pk=instance.pk).exists():
            raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)

    def _parts(self, model: Any, schema_editor: BaseDatabaseSchemaEditor) -> dict[str, str]:
        columns = {"owner": self.owner, "start": self.start, "end": self.end}
        columns |= {"status": self.status_field, "flag": self.flag}
        quote = schema_editor.quote_name
        parts = {key: quote(model._meta.get_field(name).column) for key, name in columns.items()}
        parts["values"] = ", ".join(schema_editor.quote_value(status) for status in self.statuses)
        return parts

    def _postgres_clause(self, model: Any, schema_editor: BaseDatabaseSchemaEditor) -> str:
        # GiST compares integers for equality through this extension only. The owner of the database may create it:
        # it is a "trusted" one (PostgreSQL manual, appendix F, btree_gist).
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        return _POSTGRES % {
            **self._parts(model, schema_editor),
            "name": schema_editor.quote_name(self.name),
        }

    def _sqlite_triggers(self, model: Any, schema_editor: BaseDatabaseSchemaEditor) -> Iterator[Statement]:
        parts = self._parts(model, schema_editor)
        pk = schema_editor.quote_name(model._meta.pk.column)
        watched = ", ".join(parts[key] for key in ("owner", "start", "end", "status", "flag"))
        insert, update = self.object_names("sqlite")
        for trigger, event, skip_self in (
            (insert, "INSERT", ""),
            (update, f"UPDATE OF {watched}", f"AND other.{pk} <> NEW.{pk}"),
        ):
            yield Statement(
                _SQLITE,
                table=Table(model._meta.db_table, schema_editor.quote_name),
                trigger=trigger,
                event=event,
                skip_self=skip_self,
                plain_name=self.name,
                **parts,
            )


def violates(error: IntegrityError, constraint_name: str) -> bool:
    """Tell whether the database refused because of this constraint, on either engine.

    PostgreSQL names it in the diagnostics; SQLite only in the message (for a unique constraint: its columns).
    """
    diagnostics = getattr(error.__cause__, "diag", None)
    if diagnostics is not None:
        return bool(diagnostics.constraint_name == constraint_name)
    return re.search(rf"\b{re.escape(constraint_name)}\b", str(error)) is not None
