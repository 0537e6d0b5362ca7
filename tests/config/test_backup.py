"""`greenroom backup`: a whole copy, for its owner's eyes, while others write."""

import io
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from tests.factories.accounts import make_user

from greenroom.accounts.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the copy with SQLite"),
]


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    """The command narrows the process's umask; the tests after it keep theirs."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def users_in(copy: Path) -> list[str]:
    opened = sqlite3.connect(copy)
    try:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
        return [email for (email,) in opened.execute("SELECT email FROM accounts_user ORDER BY id")]
    finally:
        opened.close()


def test_copy_opens_is_whole_and_has_the_rows(tmp_path: Path) -> None:
    make_user("ann@example.org")
    make_user("bob@example.org")
    out, target = io.StringIO(), tmp_path / "new" / "copy.sqlite3"

    call_command("backup", target, stdout=out)

    assert users_in(target) == ["ann@example.org", "bob@example.org"]
    assert out.getvalue() == f"{target} ({target.stat().st_size} bytes)\n"
    assert sorted(path.name for path in target.parent.iterdir()) == ["copy.sqlite3"]


def test_copy_and_its_folder_are_for_the_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "new" / "copy.sqlite3"

    call_command("backup", target, stdout=io.StringIO())

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700


def test_default_place_is_in_the_data_folder(tmp_path: Path, settings: Any, frozen_clock: object) -> None:
    settings.DATA_DIR = tmp_path

    call_command("backup", stdout=io.StringIO())

    assert users_in(tmp_path / "backups" / "greenroom-20260302T100000Z.sqlite3") == []
    assert frozen_clock


def test_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite3"
    target.write_text("mine")

    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", target)

    assert target.read_text() == "mine"


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match="cannot be made"):
        call_command("backup", tmp_path / "file" / "copy.sqlite3")


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
    assert written.wait(20)
    target = tmp_path / "copy.sqlite3"
    try:
        call_command("backup", target, stdout=io.StringIO())
    finally:
        stop.set()
        writer.join(30)

    copied = users_in(target)
    assert copied == [f"a{number}@example.org" for number in range(len(copied))]
    assert 1 <= len(copied) <= User.objects.count()
