from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from greenroom.core import clock
from greenroom.core.clock import OffsetClock


@pytest.fixture(autouse=True)
def sandbox_clock(tmp_path: Path) -> Iterator[OffsetClock]:
    """A sandbox's clock with a file of its own; it moves forward for this test alone."""
    before, source = clock.source(), OffsetClock(tmp_path / "clock.json")
    clock.use_source(source)
    yield source
    clock.use_source(before)


@pytest.fixture
def outside() -> Any:
    """A program without cookies that is held to CSRF checks."""
    return Client(enforce_csrf_checks=True)
