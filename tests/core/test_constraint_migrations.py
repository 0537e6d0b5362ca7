"""The guard outlives every way in which a migration touches its table."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from tests.core.overlap_app.factories import hour

from greenroom.core.constraints import NoOverlap, violates

pytestmark = [pytest.mark.usefixtures("overlap_app"), pytest.mark.django_db(transaction=True)]

NAME = "visits_no_overlap_per_room"
LABEL = "overlap_app"
MORE_TIME = models.DateTimeField(null=True)


def _guard(**values: Any) -> NoOverlap:
    fields = {"owner": "room", "start": "blocked_from", "end": "blocked_until", "status_field": "status"}
    return NoOverlap(**{"name": NAME, "flag": "is_exclusive", "statuses": ("held", "confirmed"), **fields, **values})


EVOLUTIONS: dict[str, Sequence[Operation]] = {
    "add a nullable field": [migrations.AddField("visit", "left_at", MORE_TIME)],
    "add a field with a default": [migrations.AddField("visit", "people", models.IntegerField(default=1))],
    "add a field with an index": [
        migrations.AddField("visit", "people", models.IntegerField(default=1, db_index=True))
    ],
    "alter a field": [migrations.AlterField("visit", "note", models.TextField(null=True))],
    "alter a guarded field": [migrations.AlterField("visit", "status", models.CharField(max_length=40, db_index=True))],
    "alter a guarded instant": [migrations.AlterField("visit", "blocked_from", models.DateTimeField(db_index=True))],
    "alter two fields": [
        migrations.AlterField("visit", "note", models.TextField(null=True)),
        migrations.AlterField("visit", "status", models.CharField(max_length=40, db_index=True)),
    ],
    "alter and remove": [
        migrations.AlterField("visit", "status", models.TextField()),
        migrations.RemoveField("visit", "note"),
        migrations.AddField("visit", "people", models.IntegerField(default=1)),
    ],
    "remove a field": [migrations.RemoveField("visit", "note")],
    "rename a field": [migrations.RenameField("visit", "note", "remark")],
    "rename a guarded field": [
        migrations.RemoveConstraint("visit", NAME),
        migrations.RenameField("visit", "status", "phase"),
        migrations.AddConstraint("visit", _guard(status_field="phase")),
    ],
    "rename the owner's table": [migrations.RenameModel("Room", "Studio")],
    "alter the owner's table": [migrations.AlterField("room", "name", models.TextField(null=True))],
    "add an index": [migrations.AddIndex("visit", models.Index(fields=["room", "blocked_until"], name="visits_until"))],
    "add another constraint": [
        migrations.AddConstraint(
            "visit",
            models.CheckConstraint(
                condition=models.Q(blocked_from__lt=models.F("blocked_until")), name="visits_end_after_they_begin"
            ),
        )
    ],
    "remove and add the guard": [
        migrations.RemoveConstraint("visit", NAME),
        migrations.AddConstraint("visit", _guard()),
    ],
}


def _state() -> ProjectState:
    return MigrationLoader(connection).project_state([(LABEL, "0001_initial")])


def _migration(operations: Sequence[Operation]) -> migrations.Migration:
    migration = migrations.Migration("0002_test", LABEL)
    migration.operations = list(operations)
    return migration


def _forwards(operations: Sequence[Operation]) -> ProjectState:
    with connection.schema_editor(atomic=True) as editor:
        return _migration(operations).apply(_state(), editor)


def _backwards(operations: Sequence[Operation]) -> ProjectState:
    with connection.schema_editor(atomic=True) as editor:
        return _migration(operations).unapply(_state(), editor)


def _values(begins: float, ends: float) -> dict[str, Any]:
    return {"room_id": 1, "blocked_from": hour(begins), "blocked_until": hour(ends), "is_exclusive": True}


def _assert_guarded(state: ProjectState, *, model: str = "visit", status: str = "status") -> None:
    visits = state.apps.get_model(LABEL, model).objects
    before = visits.count()

    with pytest.raises(IntegrityError) as insert, transaction.atomic():
        visits.create(**_values(1, 3), **{status: "held"})
    free = visits.create(**_values(5, 6), **{status: "held"})
    with pytest.raises(IntegrityError) as update, transaction.atomic():
        visits.filter(pk=free.pk).update(blocked_from=hour(1))
    free.delete()

    assert violates(insert.value, NAME)
    assert violates(update.value, NAME)
    assert visits.count() == before == 1


def _fill() -> None:
    apps = _state().apps
    apps.get_model(LABEL, "Room").objects.create(pk=1, name="one")
    apps.get_model(LABEL, "Visit").objects.create(**_values(0, 2), status="held", note="first")


def _guards_in_the_database() -> list[str]:
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
        "postgresql": "SELECT conname FROM pg_constraint WHERE contype = 'x' ORDER BY conname",
    }
    with connection.cursor() as cursor:
        cursor.execute(query[connection.vendor])
        return [name for (name,) in cursor.fetchall() if name.startswith("visits_")]


def _all_names() -> list[str]:
    return sorted(_guard().object_names(connection.vendor))


@pytest.mark.parametrize("title", EVOLUTIONS)
def test_guard_stands_after_the_migration_and_after_its_reversal(title: str) -> None:
    operations = EVOLUTIONS[title]
    _fill()

    try:
        state = _forwards(operations)
        assert _guards_in_the_database() == _all_names()
        _assert_guarded(state, status="phase" if "guarded field" in title and "rename" in title else "status")
    finally:
        state = _backwards(operations)

    assert _guards_in_the_database() == _all_names()
    _assert_guarded(state)


@pytest.mark.parametrize(
    ("operation", "model"),
    [(migrations.RenameModel("Visit", "Stay"), "stay"), (migrations.AlterModelTable("visit", "stays"), "visit")],
)
def test_guard_moves_with_its_table(operation: Operation, model: str) -> None:
    _fill()

    try:
        _assert_guarded(_forwards([operation]), model=model)
        assert _guards_in_the_database() == _all_names()
    finally:
        state = _backwards([operation])

    _assert_guarded(state)


def test_removed_guard_is_gone_and_comes_back() -> None:
    operations = [migrations.RemoveConstraint("visit", NAME)]
    _fill()

    try:
        visits = _forwards(operations).apps.get_model(LABEL, "visit").objects
        assert _guards_in_the_database() == []
        visits.create(**_values(1, 3), status="held").delete()
    finally:
        state = _backwards(operations)

    assert _guards_in_the_database() == _all_names()
    _assert_guarded(state)


def test_guard_with_fewer_statuses_replaces_the_old_one() -> None:
    operations = [
        migrations.RemoveConstraint("visit", NAME),
        migrations.AddConstraint("visit", _guard(statuses=("confirmed",))),
    ]
    _fill()

    try:
        visits = _forwards(operations).apps.get_model(LABEL, "visit").objects
        visits.create(**_values(1, 3), status="held")
        visits.create(**_values(10, 13), status="confirmed")
        with pytest.raises(IntegrityError), transaction.atomic():
            visits.create(**_values(11, 13), status="confirmed")
        visits.exclude(note="first").delete()
    finally:
        state = _backwards(operations)

    _assert_guarded(state)


@pytest.mark.postgres
def test_adding_the_guard_over_overlapping_rows_fails_on_postgresql() -> None:
    operations = [migrations.RemoveConstraint("visit", NAME)]
    _fill()

    try:
        visits = _forwards(operations).apps.get_model(LABEL, "visit").objects
        second = visits.create(**_values(1, 3), status="held")
        with pytest.raises(IntegrityError, match=NAME):
            _backwards(operations)
        second.delete()
    finally:
        _backwards(operations)

    assert _guards_in_the_database() == _all_names()
