"""`greenroom backup`: a whole copy, for its owner's eyes, while others write."""

import io
import os
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from tests.factories.accounts import make_user
from tests.factories.waiting import PATIENCE_SECONDS

from greenroom.accounts.models import User
from greenroom.config.management.commands import backup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    """Begin with the usual umask, which the command narrows and puts back."""
    before = os.umask(0o022)
    yield
    assert os.umask(before) == 0o022


def users_in(copy: Path) -> list[str]:
    return _users_in_sqlite(copy) if connection.vendor == "sqlite" else _users_in_dump(copy)


def _users_in_sqlite(copy: Path) -> list[str]:
    opened = sqlite3.connect(copy)
    try:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
        return [email for (email,) in opened.execute("SELECT email FROM accounts_user ORDER BY id")]
    finally:
        opened.close()


def _users_in_dump(copy: Path) -> list[str]:
    """Restore the copy into a database of its own, in one transaction, and read that."""
    values = connection.settings_dict
    name = f"{values['NAME']}_restored"
    _run_sql(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    restored = f"postgresql://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{name}"
    subprocess.run(  # noqa: S603 -- fixed words and our own file
        ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", f"--dbname={restored}", str(copy)],  # noqa: S607 -- beside pg_dump
        check=True,
        timeout=60,
    )
    with psycopg.connect(restored) as opened:
        found = [email for (email,) in opened.execute("SELECT email FROM accounts_user ORDER BY id")]
    _run_sql(f"DROP DATABASE {name}")
    return found


def _run_sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_copy_opens_is_whole_and_has_the_rows(tmp_path: Path) -> None:
    make_user("ann@example.org")
    make_user("bob@example.org")
    out, target = io.StringIO(), tmp_path / "new" / "copy"

    call_command("backup", target, stdout=out)

    assert users_in(target) == ["ann@example.org", "bob@example.org"]
    assert out.getvalue() == f"{target} ({target.stat().st_size} bytes)\n"
    assert sorted(path.name for path in target.parent.iterdir()) == ["copy"]


def test_copy_and_its_folder_are_for_the_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "new" / "copy"

    call_command("backup", target, stdout=io.StringIO())

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700


def test_default_place_is_in_the_data_folder(tmp_path: Path, settings: Any, frozen_clock: object) -> None:
    settings.DATA_DIR = tmp_path

    call_command("backup", stdout=io.StringIO())

    suffix = "sqlite3" if connection.vendor == "sqlite" else "dump"
    assert users_in(tmp_path / "backups" / f"greenroom-20260302T100000Z.{suffix}") == []
    assert frozen_clock


def test_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_text("mine")

    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", target)

    assert target.read_text() == "mine"


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match="cannot be made"):
        call_command("backup", tmp_path / "file" / "copy")


def test_copy_that_is_not_whole_never_bears_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(unfinished: Path) -> None:
        unfinished.write_text("half")
        raise CommandError("The copy is damaged.")

    monkeypatch.setitem(backup._COPIERS, connection.vendor, break_off)  # noqa: SLF001 -- a disk that fails

    with pytest.raises(CommandError, match="damaged"):
        call_command("backup", tmp_path / "copy")

    assert list(tmp_path.iterdir()) == []


def test_copy_begins_anew_where_another_was_broken_off(tmp_path: Path) -> None:
    (tmp_path / ".copy.unfinished").write_text("half")

    call_command("backup", tmp_path / "copy", stdout=io.StringIO())

    assert users_in(tmp_path / "copy") == []
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


@pytest.mark.postgres
def test_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match="pg_dump is not installed"):
        call_command("backup", tmp_path / "copy")


@pytest.mark.postgres
def test_what_the_program_complains_of_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "nowhere")

    with pytest.raises(CommandError, match=r'pg_dump failed: .*"nowhere" does not exist'):
        call_command("backup", tmp_path / "copy")

    assert list(tmp_path.iterdir()) == []


def test_copy_is_consistent_while_others_write(tmp_path: Path) -> None:
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set() and number < 500:
            make_user(f"a{number}@example.org")
            number += 1
            written.set()
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(PATIENCE_SECONDS)
    target = tmp_path / "copy"
    try:
        call_command("backup", target, stdout=io.StringIO())
    finally:
        stop.set()
        writer.join(PATIENCE_SECONDS)

    copied = users_in(target)
    assert copied == [f"a{number}@example.org" for number in range(len(copied))]
    assert 1 <= len(copied) <= User.objects.count()
