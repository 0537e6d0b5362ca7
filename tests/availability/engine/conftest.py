import os
import time
from collections.abc import Iterator

import pytest


@pytest.fixture(params=["UTC", "America/New_York", "Pacific/Apia", "Asia/Kathmandu"])
def machine_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the machine another local zone: a slip into local time then changes the answer."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()
