"""Two hundred people book one time at once, over HTTP: first a session of two, then one of a group with twelve seats.

Prints how they were answered; exits 1 unless exactly as many won as there were seats, nothing is left, the others got
409 or 429, and all were answered within two seconds, or within six for the group, whose calendar changes with every
seat. On SQLite, and besides on the PostgreSQL that GREENROOM_BENCH_DATABASE_URL names, as often as one likes: each
round takes a time at which nobody has booked yet.
"""

import http.client
import json
import os
import secrets
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.factories.serving import COACH, GROUP, OFFER, running_server

PEOPLE = 200
ROUNDS = 3
SEATS = 12
# What is wanted, the seats it has, and the seconds in which everybody is answered.
RACES = ((OFFER, 1, 2.0), (GROUP, SEATS, 6.0))
LOSING = {409, 429}


def main() -> int:
    """Run every round on every database and return the exit status."""
    urls = ["", *filter(None, [os.environ.get("GREENROOM_BENCH_DATABASE_URL")])]
    failed = 0
    for url in urls:
        print("PostgreSQL" if url else "SQLite")
        with running_server(url, seats=SEATS) as address:
            host = address.removeprefix("http://").replace("localhost", "127.0.0.1")
            for offer, seats, seconds in RACES:
                failed += sum(not is_won_by(host, offer, seats, seconds) for _ in range(ROUNDS))
    return 1 if failed else 0


def is_won_by(host: str, offer: str, seats: int, seconds: float) -> bool:
    """Let everybody want one time with so many seats, print the answers and tell whether they are right."""
    starts_at = next(start for start, left in free_times(host, offer).items() if left == seats)
    answers = rush(host, offer, starts_at)
    statuses = Counter(status for status, _seconds in answers)
    slowest = max(seconds for _status, seconds in answers)
    is_full = starts_at not in free_times(host, offer)
    is_right = statuses[201] == seats and set(statuses) - {201} <= LOSING and slowest < seconds and is_full
    verdict = "ok" if is_right else "NOT OK"
    print(f"{seats:2} to be had: {dict(sorted(statuses.items()))}, slowest {slowest:.2f} s  {verdict}")
    return is_right


def free_times(host: str, offer: str) -> dict[str, int]:
    """Return the starts that can be booked from tomorrow on, in order, with the seats that are left."""
    first = datetime.now(UTC).date() + timedelta(days=1)
    asked = f"from={first}&to={first + timedelta(days=40)}&tz=UTC"
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", f"/api/v1/coaches/{COACH}/offers/{offer}/slots?{asked}")
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return {slot["starts_at"]: slot["seats_left"] for day in found["days"] for slot in day["slots"]}


def rush(host: str, offer: str, starts_at: str) -> list[tuple[int, float]]:
    """Let everybody post at the same moment; returns status and seconds of each answer."""
    barrier = threading.Barrier(PEOPLE)
    answers: list[tuple[int, float]] = []
    crowd = secrets.token_hex(4)

    def book(person: int) -> None:
        connection = http.client.HTTPConnection(host, timeout=60)
        body = {"coach": COACH, "offer": offer, "starts_at": starts_at}
        body |= {"name": f"Person {person}", "email": f"person{person}.{crowd}@example.org"}
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
