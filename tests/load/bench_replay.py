"""Ten thousand events of a gateway, worked on again in random order, twice, change nothing.

    python tests/load/bench_replay.py

The payments are of every kind: paid, declined, asked about, expired, paid twice, paid wrongly, given back, disputed.
What the gateway told of them is told again as events of their own until there are ten thousand. Then each is worked on
again as if it had only just come, in one process and thread, and everything that stands about money is compared with
before. Exits 1 when anything changed. On SQLite, and besides on the PostgreSQL that GREENROOM_BENCH_DATABASE_URL names.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

EVENTS, ORDERS, TIMES = 10_000, 480, 2


def main() -> int:
    """Replay on each database, each in a process of its own, and return the exit status."""
    failed = 0
    for url in ["", *filter(None, [os.environ.get("GREENROOM_BENCH_DATABASE_URL")])]:
        environment = os.environ | {"GREENROOM_TEST_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": _SETTINGS}
        with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder:
            environment["TMPDIR"] = folder
            failed += subprocess.run([sys.executable, __file__, "once"], env=environment, check=False).returncode  # noqa: S603 -- this very file
    return 1 if failed else 0


_SETTINGS = "greenroom.config.settings.test"


def once() -> int:
    """Replay on the database that the environment names, in a test database that is removed afterwards."""
    import django  # noqa: PLC0415 -- slow import

    django.setup()
    from django.db import connection  # noqa: PLC0415 -- app ready

    logging.disable(logging.WARNING)
    name = connection.creation.create_test_db(verbosity=0)
    try:
        return replay()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def replay() -> int:
    """Make the payments and their events, work on all of them again, and print one line."""
    from django.db import connection  # noqa: PLC0415 -- app ready
    from tests.factories.bookings import make_coach  # noqa: PLC0415 -- app ready
    from tests.factories.clock import SettableClock  # noqa: PLC0415 -- app ready
    from tests.factories.traffic import Traffic, standing  # noqa: PLC0415 -- app ready

    from greenroom.core import clock  # noqa: PLC0415 -- app ready
    from greenroom.integrations.stripe.sandbox.models import Event  # noqa: PLC0415 -- app ready
    from greenroom.payments.models import GatewayEvent  # noqa: PLC0415 -- app ready

    now = SettableClock()
    clock.use_source(now)
    traffic = Traffic(make_coach(), now, seed=1)
    traffic.make(ORDERS)
    told = [json.loads(body) for body in Event.objects.order_by("pk").values_list("body", flat=True)]
    missing = EVENTS - GatewayEvent.objects.count()
    for number in range(missing):
        traffic.tell(told[number % len(told)], name=f"evt_again_{number}")
    traffic.hear()
    events = list(GatewayEvent.objects.values_list("pk", flat=True))
    before = standing()
    began_at = time.monotonic()
    for _ in range(TIMES):
        traffic.replay(events)
        traffic.hear()
    took = time.monotonic() - began_at
    after = standing()
    changed = sum(one != other for name in before for one, other in zip(before[name], after[name], strict=False))
    changed += sum(abs(len(before[name]) - len(after[name])) for name in before)
    print(
        f"{connection.vendor}: {len(events)} events of {ORDERS} orders, {TIMES} times, "
        f"{len(events) * TIMES / took:.0f} a second, changed: {changed}"
    )
    return 1 if changed or len(events) != EVENTS else 0


if __name__ == "__main__":
    sys.exit(once() if "once" in sys.argv else main())
