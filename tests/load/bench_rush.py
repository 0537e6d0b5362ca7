"""Two hundred people book one time at once, over HTTP.

Prints how they were answered; exits 1 unless exactly one won, the others got 409 or 429, and all were answered within
two seconds. GREENROOM_BENCH_DATABASE_URL names a PostgreSQL to use instead of SQLite.
"""

import http.client
import json
import os
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.factories.serving import COACH, OFFER, running_server

PEOPLE = 200
ROUNDS = 3
LONGEST_SECONDS = 2.0
LOSING = {409, 429}


def main() -> int:
    """Run three rounds on three different times and return the exit status."""
    tomorrow = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
    failed = 0
    with running_server(os.environ.get("GREENROOM_BENCH_DATABASE_URL", "")) as address:
        for number in range(ROUNDS):
            answers = rush(address, tomorrow + timedelta(hours=2 * number), number)
            statuses = Counter(status for status, _seconds in answers)
            slowest = max(seconds for _status, seconds in answers)
            print(f"round {number + 1}: {dict(statuses)}, slowest {slowest:.2f} s")
            is_right = statuses[201] == 1 and set(statuses) - {201} <= LOSING and slowest < LONGEST_SECONDS
            failed += not is_right
    return 1 if failed else 0


def rush(address: str, starts_at: datetime, number: int) -> list[tuple[int, float]]:
    """Let everybody post at the same moment; returns status and seconds of each answer."""
    barrier = threading.Barrier(PEOPLE)
    answers: list[tuple[int, float]] = []

    def book(person: int) -> None:
        connection = http.client.HTTPConnection(
            address.removeprefix("http://").replace("localhost", "127.0.0.1"), timeout=60
        )
        body = {"coach": COACH, "offer": OFFER, "starts_at": f"{starts_at:%Y-%m-%dT%H:%M:%SZ}"}
        body |= {"name": f"Person {person}", "email": f"person{person}.{number}@example.org"}
        barrier.wait()
        began = time.monotonic()
        connection.request("POST", "/api/v1/bookings", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        answers.append((answer.status, time.monotonic() - began))
        connection.close()

    threads = [threading.Thread(target=book, args=(person,)) for person in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


if __name__ == "__main__":
    sys.exit(main())
