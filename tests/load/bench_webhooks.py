"""Callbacks of a gateway, as fast as a few connections can send them.

    python tests/load/bench_webhooks.py

Every event is another one, genuinely signed, and about a payment of somebody else's, so that what is measured is the
door: verify, keep, answer. The first half stands alone; then the same events come again, as gateways send them twice.
The server's own due work is off: it would share the processor. Exits 1 below 300 a second, or when an answer is no 200.
On SQLite, and besides on the PostgreSQL that GREENROOM_BENCH_DATABASE_URL names.
"""

import http.client
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.factories.serving import running_server

from greenroom.integrations.stripe import signature

EVENTS, CONNECTIONS = 3000, 4
LEAST_A_SECOND = 300


def main() -> int:
    """Send everything twice to each database and return the exit status."""
    failed = 0
    for url in ["", *filter(None, [os.environ.get("GREENROOM_BENCH_DATABASE_URL")])]:
        print("PostgreSQL" if url else "SQLite")
        with (
            tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder,
            running_server(url, GREENROOM_DATA_DIR=folder, GREENROOM_TICKER="off") as address,
        ):
            host = address.removeprefix("http://").replace("localhost", "127.0.0.1")
            secret = json.loads((Path(folder) / "secrets.json").read_text())["STRIPE_WEBHOOK_SECRET"]
            bodies = [event(secrets.token_hex(12)) for _ in range(EVENTS)]
            failed += sum(not is_quick(host, secret, bodies, name) for name in ("new", "again"))
    return 1 if failed else 0


def event(name: str) -> bytes:
    """Return an event about a payment of another site, as Stripe prints it."""
    thing = {"id": f"pi_{name}", "object": "payment_intent", "metadata": {"greenroom_site": "https://other.example"}}
    shown = {
        "id": f"evt_{name}",
        "object": "event",
        "created": 1,
        "livemode": False,
        "type": "payment_intent.succeeded",
    }
    return json.dumps(shown | {"data": {"object": thing}}).encode()


def is_quick(host: str, secret: str, bodies: list[bytes], name: str) -> bool:
    """Send the events over a few kept-alive connections, print how it went and tell whether it is good enough."""
    waiting = list(bodies)
    lock = threading.Lock()
    answers: list[tuple[int, float]] = []

    def send() -> None:
        connection = http.client.HTTPConnection(host, timeout=60)
        while True:
            with lock:
                if not waiting:
                    break
                body = waiting.pop()
            headers = {signature.HEADER: signature.sign(body, secret=secret, at=datetime.now(UTC))}
            began_at = time.monotonic()
            connection.request("POST", "/api/webhooks/stripe", body, headers | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            answers.append((answer.status, time.monotonic() - began_at))
        connection.close()

    began_at = time.monotonic()
    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(answers) / (time.monotonic() - began_at)
    slow = sorted(seconds for _status, seconds in answers)[int(len(answers) * 0.99)]
    is_right = {status for status, _seconds in answers} == {200} and rate >= LEAST_A_SECOND
    print(
        f"{name:5} {rate:6.0f} a second, one of a hundred takes {slow * 1000:.0f} ms  {'ok' if is_right else 'NOT OK'}"
    )
    return is_right


if __name__ == "__main__":
    sys.exit(main())
