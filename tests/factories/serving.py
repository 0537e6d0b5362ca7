"""A real server, for benchmarks and journeys: the demo in a folder of its own, with one bare view to compare with."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.factories.waiting import PATIENCE_SECONDS, wait_until

COACH, OFFER, GROUP = "maya-lindqvist", "game-review", "rush-group"
_ROOT = Path(__file__).resolve().parents[2]
_SEATS = "SERVED_GROUP_SEATS"


@contextmanager
def running_server(database_url: str = "", *, seats: int = 0, **more: str) -> Iterator[str]:
    """Start the server and yield its address; it is stopped and its folder removed afterwards.

    With `seats` the coach also has a group with so many of them. `more` are settings besides.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GREENROOM_")}
    with tempfile.TemporaryDirectory(prefix="greenroom-served-") as folder:
        environment = inherited | {
            "PORT": str(port),
            "GREENROOM_DATA_DIR": folder,
            "GREENROOM_DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "greenroom.config.settings.base",
            _SEATS: str(seats),
            **more,
        }
        process = subprocess.Popen([sys.executable, "-m", __name__], env=environment, cwd=_ROOT)  # noqa: S603 -- this very file
        try:
            wait_until(lambda: process.poll() is not None or _is_ready(f"http://127.0.0.1:{port}"), "the server")
            if process.poll() is not None:
                raise RuntimeError(f"The server ended with {process.returncode} before it could serve.")
            yield f"http://localhost:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=PATIENCE_SECONDS):  # noqa: S310 -- our own loopback address
            return True
    except OSError:
        return False


def requests_per_second(address: str, path: str, *, connections: int = 4, seconds: float = 4.0) -> float:
    """Ask for one path over a few kept-alive connections; every answer must be 200."""
    host = address.removeprefix("http://").replace("localhost", "127.0.0.1")
    counts = [0] * connections
    ends_at = time.monotonic() + seconds

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection(host, timeout=30)
        while time.monotonic() < ends_at:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{path} answered {answer.status}")
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _serve() -> None:
    import django  # noqa: PLC0415 -- slow import

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 -- app ready
    from django.http import HttpRequest, JsonResponse  # noqa: PLC0415 -- app ready
    from django.urls import path  # noqa: PLC0415 -- app ready

    from greenroom.coaches.models import Coach  # noqa: PLC0415 -- app ready
    from greenroom.config import urls  # noqa: PLC0415 -- app ready

    def bare(_request: HttpRequest) -> JsonResponse:
        return JsonResponse({"id": Coach.objects.values_list("pk", flat=True).get(slug=COACH)})

    urls.urlpatterns.insert(0, path("bare", bare))
    if int(os.environ[_SEATS]):
        _make_group(int(os.environ[_SEATS]))
    call_command("serve")


def _make_group(seats: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415 -- app ready

    from greenroom.catalog.models import Offer, OfferDuration  # noqa: PLC0415 -- app ready
    from greenroom.catalog.types import OfferStatus, Venue  # noqa: PLC0415 -- app ready
    from greenroom.coaches.models import Coach  # noqa: PLC0415 -- app ready
    from greenroom.config.demo import ensure_demo  # noqa: PLC0415 -- app ready

    call_command("migrate", verbosity=0, interactive=False)
    ensure_demo()
    values = {"title": "Rush", "status": OfferStatus.PUBLISHED, "venue": Venue.IN_PERSON, "capacity": seats}
    group, _made = Offer.objects.update_or_create(coach=Coach.objects.get(slug=COACH), slug=GROUP, defaults=values)
    OfferDuration.objects.update_or_create(offer=group, minutes=60, defaults={"price_minor": 1000})


if __name__ == "__main__":
    _serve()
