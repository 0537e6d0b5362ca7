import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from tests.core.overlap_app.models import Visit

from greenroom.core.checks import no_overlap_guards_stand

pytestmark = [pytest.mark.usefixtures("overlap_app"), pytest.mark.django_db]

NAME = "visits_no_overlap_per_room"


def _drop(name: str) -> None:
    statement = f"ALTER TABLE overlap_app_visit DROP CONSTRAINT {NAME}"
    if connection.vendor == "sqlite":
        statement = f"DROP TRIGGER {name}"
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_complete_guards_are_silent() -> None:
    assert no_overlap_guards_stand(["default"]) == []


@pytest.mark.parametrize("suffix", ["_insert", "_update"])
def test_lost_guard_is_reported(suffix: str) -> None:
    _drop(NAME + suffix)

    [message] = no_overlap_guards_stand(["default"])

    lost = NAME + suffix if connection.vendor == "sqlite" else NAME
    assert message.msg == f"The database has lost the double-booking guard {lost}."
    assert (message.id, message.obj, message.is_serious()) == ("greenroom.E001", Visit, True)


def test_check_command_fails_over_a_lost_guard() -> None:
    _drop(f"{NAME}_insert")

    with pytest.raises(SystemCheckError, match="has lost the double-booking guard"):
        call_command("check", tags=["database"], databases=["default"])


def test_check_without_a_database_looks_at_none() -> None:
    _drop(f"{NAME}_insert")

    assert no_overlap_guards_stand(None) == []


def test_table_that_was_not_migrated_yet_is_silent() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE overlap_app_visit")

    assert no_overlap_guards_stand(["default"]) == []
