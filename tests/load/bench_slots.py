"""The slots endpoint of one month beside a bare Django view with one query, on the same server.

Prints requests a second of both and their ratio; exits 1 when the ratio is below a half.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.factories.serving import COACH, OFFER, requests_per_second, running_server

LEAST_RATIO = 0.5
ROUNDS = 3


def main() -> int:
    """Measure both in turn and return the exit status."""
    first = datetime.now(UTC).date() + timedelta(days=1)
    last = first + timedelta(days=30)
    slots = f"/api/v1/coaches/{COACH}/offers/{OFFER}/slots?from={first}&to={last}&tz=Europe/Berlin"
    with running_server() as address:
        for path in ("/bare", slots):
            requests_per_second(address, path, seconds=1.0)
        ratios = []
        for _ in range(ROUNDS):
            bare = requests_per_second(address, "/bare")
            month = requests_per_second(address, slots)
            ratios.append(month / bare)
            print(f"bare view {bare:7.0f}/s   slots of a month {month:7.0f}/s   ratio {month / bare:.2f}")
    median = sorted(ratios)[ROUNDS // 2]
    print(f"median ratio {median:.2f}, wanted at least {LEAST_RATIO}")
    return 0 if median >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
