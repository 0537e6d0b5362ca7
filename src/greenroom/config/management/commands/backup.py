"""`greenroom backup`: one consistent copy of the database, while the site runs."""

import os
import shutil
import sqlite3
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from greenroom.core import clock


class Command(BaseCommand):
    help = "Write a consistent copy of the database. Keep GREENROOM_ENCRYPTION_KEYS elsewhere: it is not in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path", nargs="?", type=Path, help="the file to write; default: backups/ in the data folder"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        suffix = "sqlite3" if connection.vendor == "sqlite" else "dump"
        default = settings.DATA_DIR / "backups" / f"greenroom-{clock.now():%Y%m%dT%H%M%SZ}.{suffix}"
        target: Path = options["path"] or default
        if target.exists():
            raise CommandError(f"{target} exists already; name another file.", returncode=2)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{target.parent} cannot be made: {error}", returncode=2) from None
        # Readable by the owner alone from the first byte: it holds people's names and addresses.
        before = os.umask(0o077)
        # A copy that is not whole never bears the name that was asked for.
        unfinished = target.with_name(f".{target.name}.unfinished")
        try:
            unfinished.unlink(missing_ok=True)
            _COPIERS[connection.vendor](unfinished)
            unfinished.rename(target)
        finally:
            os.umask(before)
            unfinished.unlink(missing_ok=True)
        self.stdout.write(f"{target} ({target.stat().st_size} bytes)")


def _copy_sqlite(target: Path) -> None:
    """Write a compact copy from one read transaction, and check it (SQLite: VACUUM INTO)."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(target)])
    copy = sqlite3.connect(target)
    try:
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    finally:
        copy.close()
    if verdict != "ok":
        raise CommandError(f"The copy is damaged: {verdict}")


def _dump_postgres(target: Path) -> None:
    """Let pg_dump write its own compressed format, from one snapshot; `pg_restore` reads it."""
    program = shutil.which("pg_dump")
    if program is None:
        raise CommandError("pg_dump is not installed; it comes with PostgreSQL's client programs.", returncode=2)
    values = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    known = {name: str(values[key]) for name, key in names.items() if values[key]}
    known |= {f"PG{name.upper()}": text for name, text in values["OPTIONS"].items() if name.startswith("ssl")}
    command = [program, "--format=custom", f"--file={target}"]
    done = subprocess.run(command, env=os.environ | known, capture_output=True, text=True, check=False)  # noqa: S603 -- a fixed command; the path is the operator's own
    if done.returncode:
        raise CommandError(f"pg_dump failed: {done.stderr.strip()}")


_COPIERS = {"sqlite": _copy_sqlite, "postgresql": _dump_postgres}
