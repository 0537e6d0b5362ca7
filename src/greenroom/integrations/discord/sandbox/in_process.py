"""The sandbox without a socket: a Transport whose requests reach the sandbox's own views as bytes in this process.

Only the wire is missing, and what becomes of a request on it can be decided: lost, late, refused, cut short.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import urlsplit

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.urls import resolve

from greenroom.integrations.discord.sandbox.ratelimit import WINDOWS
from greenroom.integrations.discord.transport import Answer

BASE_URL = "http://discord.invalid/api/v10"
_URLS = "greenroom.integrations.discord.sandbox.urls"


# Given the method, what follows the base address, and what carries the request out, returns the answer that the sender
# gets. Raises: NotSent, Unanswered, or what ends a process.
Meddler = Callable[[str, str, Callable[[], Answer]], Answer]


def deliver(_method: str, _path: str, perform: Callable[[], Answer]) -> Answer:
    """Let a request and its answer pass."""
    return perform()


@dataclass
class InProcessTransport:
    """A Transport that ends in the sandbox's views. `meddler` decides what becomes of each request."""

    meddler: Meddler = deliver
    requests: list[str] = field(default_factory=list)

    def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """Exchange one request for one answer. Raises: NotSent, Unanswered, when the meddler does."""
        parts = urlsplit(url)

        def perform() -> Answer:
            return _answer(method, parts.path, parts.query, headers, content or b"")

        path = parts.path.removeprefix(urlsplit(BASE_URL).path)
        self.requests.append(f"{method} {path}")
        return self.meddler(method, path, perform)

    def close(self) -> None:
        """Close nothing: there is no connection."""

    def count(self, method: str) -> int:
        """Tell how many requests of a method were sent."""
        return sum(line.startswith(f"{method} ") for line in self.requests)


def as_answer(response: HttpResponse) -> Answer:
    """Read a view's response as the client reads one from the network."""
    lowered = {name.lower(): value for name, value in response.items()}
    return Answer(response.status_code, lowered, response.content)


def _answer(method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
    # They count real seconds, and here the clock is moved: pacing is tried against the sandbox over HTTP.
    WINDOWS.forget()
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    request = WSGIRequest(
        {
            **environ,
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("Content-Type", "application/json"),
            "CONTENT_LENGTH": str(len(content)),
            "SERVER_NAME": "discord.invalid",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(content),
        }
    )
    found = resolve(path, urlconf=_URLS)
    return as_answer(found.func(request, *found.args, **found.kwargs))
