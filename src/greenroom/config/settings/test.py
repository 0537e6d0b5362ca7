"""Settings of the test suite: a demo in a folder of its own, on SQLite unless a PostgreSQL is named."""

import os
import tempfile

_FROM_OUTSIDE = ("GREENROOM_TEST_DATABASE_URL",)
_given = {name: os.environ[name] for name in _FROM_OUTSIDE if os.environ.get(name)}
# What came from outside stays: the workers of pytest-xdist inherit this environment and read it again.
for _name in set(os.environ) - set(_given):
    if _name.startswith(("GREENROOM_", "DISCORD_", "STRIPE_", "CRON_")) or _name in {"PORT", "DATABASE_URL"}:
        del os.environ[_name]
os.environ["GREENROOM_DATA_DIR"] = tempfile.mkdtemp(prefix="greenroom-test-")
if _given:
    os.environ["GREENROOM_DATABASE_URL"] = _given["GREENROOM_TEST_DATABASE_URL"]

from greenroom.config.settings.base import *  # noqa: E402, F403 -- the environment had to be cleaned first
from greenroom.config.settings.base import DATA_DIR, DATABASES, ENVIRONMENT  # noqa: E402 -- as above

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if not _given:
    # A file, not memory: races are tested with two real connections. What a power cut loses does not matter here.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"] = ENVIRONMENT.database["OPTIONS"] | {
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF;"
    }
