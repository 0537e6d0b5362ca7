"""Other processes of Greenroom on the test's own database."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection
from tests.factories.waiting import PATIENCE_SECONDS


def process_environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a demo process that uses the test's database and `data_dir`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "LANG") if name in os.environ}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "greenroom.config.settings.base",
        "GREENROOM_DATA_DIR": str(data_dir),
        "GREENROOM_DATABASE_URL": database_url(),
        **settings,
    }


def database_url() -> str:
    """Return the address of the database that this test runs on."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


def run_python(
    code: str, *, data_dir: Path, timeout: float = PATIENCE_SECONDS, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter, with Django set up before it."""
    return subprocess.run(  # noqa: S603 -- our own interpreter and our own text
        [sys.executable, "-c", f"import django; django.setup()\n{code}"],
        env=process_environment(data_dir, **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
