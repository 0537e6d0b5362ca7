"""The overlap app, installed and migrated for the modules that ask for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test.utils import modify_settings

from greenroom.core import clock


@pytest.fixture(scope="module")
def overlap_app(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:  # noqa: ARG001 -- the database must stand
    """Install the app beside the others and make its tables by its own migration; undo both afterwards."""
    source = clock.source()
    with django_db_blocker.unblock(), modify_settings(INSTALLED_APPS={"append": "tests.core.overlap_app"}):
        call_command("migrate", "overlap_app", verbosity=0)
        yield
        call_command("migrate", "overlap_app", "zero", verbosity=0)
    clock.use_source(source)
