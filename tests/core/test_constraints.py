from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, NotSupportedError, connection, transaction
from django.db.migrations.writer import MigrationWriter
from django.db.models import F, TextChoices
from tests.core.overlap_app.factories import build_visit, hour, make_visit
from tests.core.overlap_app.models import Room, Visit
from tests.factories.accounts import make_user
from tests.factories.clock import MONDAY
from tests.factories.jobs import make_job

from greenroom.core.constraints import NoOverlap, violates
from greenroom.jobs.models import Job

pytestmark = [pytest.mark.usefixtures("overlap_app"), pytest.mark.django_db]

NAME = "visits_no_overlap_per_room"
Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


@pytest.fixture
def room() -> Room:
    return Room.objects.create(name="one")


def _refused(write: Callable[[], object]) -> None:
    """Expect the database to refuse `write` because of the guard, and no row to have changed."""
    before = list(Visit.objects.order_by("pk").values())

    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()

    assert violates(caught.value, NAME)
    assert list(Visit.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(0, 2), (-1, 1), (1, 3), (0.5, 1.5), (-5, 50), (1.999, 9), (-9, 0.001), (0, 0.001)],
)
def test_insert_of_an_overlapping_row_is_refused(room: Room, begins: float, ends: float) -> None:
    make_visit(room)

    _refused(lambda: make_visit(room, begins, ends))


def test_instants_a_microsecond_apart_are_told_apart(room: Room) -> None:
    make_visit(room, 0, 1)
    tick = timedelta(microseconds=1)

    _refused(lambda: Visit(room=room, blocked_from=hour(1) - tick, blocked_until=hour(2), status="held").save())
    Visit(room=room, blocked_from=hour(1), blocked_until=hour(2) + tick, status="held").save()
    _refused(lambda: make_visit(room, 2, 3))
    Visit(room=room, blocked_from=hour(2) + tick, blocked_until=hour(3), status="held").save()


@pytest.mark.parametrize(("begins", "ends"), [(2, 4), (-2, 0), (5, 6)])
def test_touching_and_distant_rows_are_allowed(room: Room, begins: float, ends: float) -> None:
    make_visit(room)

    make_visit(room, begins, ends)

    assert Visit.objects.count() == 2


def test_another_owner_is_allowed(room: Room) -> None:
    make_visit(room)

    make_visit(Room.objects.create(name="two"))

    assert Visit.objects.count() == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"status": "cancelled"}, {}),
        ({}, {"status": "cancelled"}),
        ({"is_exclusive": False}, {}),
        ({}, {"is_exclusive": False}),
        ({"is_exclusive": False}, {"is_exclusive": False}),
        ({}, {"status": "hel"}),
    ],
)
def test_rows_that_do_not_occupy_are_allowed(room: Room, first: dict[str, Any], second: dict[str, Any]) -> None:
    make_visit(room, **first)

    make_visit(room, **second)

    assert Visit.objects.count() == 2


@pytest.mark.parametrize("status", ["held", "confirmed"])
def test_every_listed_status_occupies(room: Room, status: str) -> None:
    make_visit(room, status=status)

    _refused(lambda: make_visit(room, status="held"))
    _refused(lambda: make_visit(room, status="confirmed"))


def test_bulk_create_is_refused(room: Room) -> None:
    make_visit(room)

    _refused(lambda: Visit.objects.bulk_create([build_visit(room, 5, 6), build_visit(room, 1, 3)]))
    _refused(lambda: Visit.objects.bulk_create([build_visit(room, 5, 6), build_visit(room, 5.5, 6)]))


def test_bulk_create_that_ignores_conflicts_adds_nothing(room: Room) -> None:
    """SQLite refuses aloud; PostgreSQL treats the exclusion constraint as a conflict and skips the row."""
    make_visit(room)
    refused = pytest.raises(IntegrityError, match=NAME) if connection.vendor == "sqlite" else nullcontext()

    with refused, transaction.atomic():
        Visit.objects.bulk_create([build_visit(room, 1, 3)], ignore_conflicts=True)

    assert Visit.objects.count() == 1


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"])
def test_raw_insert_on_sqlite_is_refused(room: Room, verb: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the verbs are SQLite's")
    make_visit(room)
    other = make_visit(room, 5, 6)
    values = [other.pk if "REPLACE" in verb else None, room.pk, "2026-03-02 11:00:00", "2026-03-02 13:00:00"]

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"{verb} INTO overlap_app_visit (id, room_id, blocked_from, blocked_until, status, is_exclusive, note)"
                " VALUES (%s, %s, %s, %s, 'held', 1, '')",
                values,
            )

    _refused(insert)


def test_update_into_an_occupied_stretch_is_refused(room: Room) -> None:
    make_visit(room)
    later = Visit.objects.filter(pk=make_visit(room, 5, 6).pk)

    _refused(lambda: later.update(blocked_from=hour(1)))
    _refused(lambda: later.update(blocked_from=hour(-1), blocked_until=hour(1)))
    _refused(lambda: later.update(blocked_from=F("blocked_from") - timedelta(hours=4)))


def test_save_into_an_occupied_stretch_is_refused(room: Room) -> None:
    make_visit(room)
    later = make_visit(room, 5, 6)
    later.blocked_from = hour(1)

    _refused(later.save)
    _refused(lambda: Visit.objects.bulk_update([later], ["blocked_from"]))


def test_row_that_was_moved_by_an_expression_is_still_guarded(room: Room) -> None:
    make_visit(room)

    Visit.objects.update(
        blocked_from=F("blocked_from") + timedelta(hours=10), blocked_until=F("blocked_until") + timedelta(hours=10)
    )

    make_visit(room)
    _refused(lambda: make_visit(room, 11, 13))


def test_change_of_owner_is_refused(room: Room) -> None:
    make_visit(room)
    guest = make_visit(Room.objects.create(name="two"), 1, 3)

    _refused(lambda: Visit.objects.filter(pk=guest.pk).update(room=room))


def test_revival_of_a_cancelled_row_is_refused(room: Room) -> None:
    cancelled = make_visit(room, status="cancelled")
    make_visit(room, 1, 3)

    _refused(lambda: Visit.objects.filter(pk=cancelled.pk).update(status="confirmed"))


def test_making_a_row_exclusive_is_refused(room: Room) -> None:
    shared = make_visit(room, is_exclusive=False)
    make_visit(room, 1, 3)

    _refused(lambda: Visit.objects.filter(pk=shared.pk).update(is_exclusive=True))


def test_row_does_not_overlap_itself(room: Room) -> None:
    visit = make_visit(room)

    visit.blocked_until = hour(3)
    visit.status = "confirmed"
    visit.save()
    Visit.objects.update(blocked_from=hour(1), note="moved")

    visit.refresh_from_db()
    assert (visit.blocked_from, visit.blocked_until, visit.note) == (hour(1), hour(3), "moved")


def test_racing_inserts_leave_one_row(race: Race) -> None:
    room = Room.objects.create(name="one")

    results = race([lambda start=start: make_visit(room, start / 10, 5) for start in range(4)])

    won = [result for result in results if isinstance(result, Visit)]
    assert [visit.pk for visit in won] == list(Visit.objects.values_list("pk", flat=True))
    assert len(won) == 1


def test_validate_tells_a_form_first(room: Room) -> None:
    make_visit(room)

    with pytest.raises(ValidationError) as caught:
        build_visit(room, 1, 3).full_clean()

    assert [error.code for error in caught.value.error_dict["__all__"]] == ["overlap"]
    assert caught.value.messages == [f"Constraint “{NAME}” is violated."]


@pytest.mark.parametrize("values", [{"status": "cancelled"}, {"is_exclusive": False}])
def test_validate_lets_rows_pass_that_do_not_occupy(room: Room, values: dict[str, Any]) -> None:
    make_visit(room)

    build_visit(room, 1, 3, **values).full_clean()
    Visit.objects.update(**values)
    build_visit(room, 1, 3).full_clean()


def test_validate_lets_neighbours_and_the_row_itself_pass(room: Room) -> None:
    visit = make_visit(room)

    visit.full_clean()
    build_visit(room, 2, 3).full_clean()
    build_visit(Room.objects.create(name="two")).full_clean()


@pytest.mark.parametrize("field", ["blocked_from", "blocked_until", "room", "status"])
def test_validate_of_an_incomplete_form_names_the_field_alone(room: Room, field: str) -> None:
    make_visit(room)
    visit = build_visit(room, 1, 3)
    setattr(visit, field, "" if field == "status" else None)

    with pytest.raises(ValidationError) as caught:
        visit.full_clean()

    assert list(caught.value.error_dict) == [field]


def test_violates_knows_its_constraint_from_others(room: Room) -> None:
    make_visit(room)

    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make_visit(room)

    assert violates(caught.value, NAME)
    assert not violates(caught.value, "visits_no_overlap")  # a name that merely begins the same
    assert not violates(caught.value, "no_overlap_per_room")
    assert not violates(caught.value, "jobs_state_is_known")
    assert not violates(IntegrityError(), NAME)


def test_violates_knows_checks_and_unique_columns() -> None:
    make_job(now=MONDAY)
    make_user()

    with pytest.raises(IntegrityError) as check, transaction.atomic():
        Job.objects.update(state="lost", closed_at=MONDAY)
    with pytest.raises(IntegrityError) as unique, transaction.atomic():
        make_user()

    assert violates(check.value, "jobs_state_is_known")
    assert not violates(unique.value, "jobs_state_is_known")
    assert violates(unique.value, _unique_email())


def _unique_email() -> str:
    """Return what names the unique address: its column on SQLite, a generated name on PostgreSQL."""
    if connection.vendor == "sqlite":
        return "accounts_user.email"
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "accounts_user")
    return next(name for name, facts in found.items() if facts["unique"] and facts["columns"] == ["email"])


def test_constraint_is_the_same_after_a_migration_file() -> None:
    [constraint] = Visit._meta.constraints

    text, _imports = MigrationWriter.serialize(constraint)

    names: dict[str, Any] = {}
    exec(f"import greenroom.core.constraints\nagain = {text}", names)  # noqa: S102 -- this is how migrations are read
    assert names["again"] == constraint
    assert constraint.clone() == constraint
    assert hash(constraint.clone()) == hash(constraint)


def test_constraint_keeps_plain_words_of_an_enum() -> None:
    class Status(TextChoices):
        HELD = "held"
        CONFIRMED = "confirmed"

    constraint = _constraint(statuses=list(Status))

    assert [type(status) for status in constraint.statuses] == [str, str]
    assert constraint == _constraint(statuses=("confirmed", "held"))


@pytest.mark.parametrize(
    "difference",
    [{"owner": "x"}, {"start": "x"}, {"end": "x"}, {"status_field": "x"}, {"flag": "x"}, {"statuses": ("held",)}],
)
def test_constraints_that_differ_are_not_equal(difference: dict[str, Any]) -> None:
    assert _constraint() == _constraint()
    assert _constraint() != _constraint(**difference)
    assert _constraint() != "visits_no_overlap_per_room"


def _constraint(**values: Any) -> NoOverlap:
    fields = {"owner": "room", "start": "blocked_from", "end": "blocked_until", "status_field": "status"}
    return NoOverlap(**{"name": NAME, "flag": "is_exclusive", "statuses": ("held", "confirmed"), **fields, **values})


def test_unknown_database_is_refused() -> None:
    editor = SimpleNamespace(connection=SimpleNamespace(vendor="oracle"))

    with pytest.raises(NotSupportedError, match="knows no oracle"):
        _constraint().constraint_sql(Visit, editor)


def test_models_and_migration_agree() -> None:
    call_command("makemigrations", "overlap_app", check=True, dry_run=True, verbosity=0)
