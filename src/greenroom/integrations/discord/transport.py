"""One HTTP exchange, and what the rules above it must know: whether it was sent, and whether it was answered.

The protocol is small so that another HTTP library can take httpx's place in a day.
"""

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

import httpx

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
# A read timeout counts between two packets only; a server that drips must not hold a worker for ever.
WHOLE_ANSWER_SECONDS = 15.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_CONNECTIONS = 8
# Shorter than servers keep an idle connection (gunicorn: 2 s): one that dies as we write to it leaves a riddle.
_KEEPALIVE_SECONDS = 1.5


class NotSent(Exception):  # noqa: N818 -- reads as what happened; never leaves this package
    """The request did not leave: no connection."""


class Unanswered(Exception):  # noqa: N818 -- reads as what happened; never leaves this package
    """The request left, wholly or in part, and no complete answer came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and body of an answer that arrived whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class Transport(Protocol):
    """Sends one request once. Raises: NotSent, Unanswered."""

    def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """Exchange one request for one answer; follows no redirects, keeps no cookies."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class HttpxTransport:
    """A Transport on one pooled httpx client; safe for several threads."""

    def __init__(self, base_url: str, *, read_seconds: float = READ_SECONDS) -> None:
        self._client = httpx.Client(
            timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
            limits=httpx.Limits(
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=_KEEPALIVE_SECONDS,
            ),
            follow_redirects=False,
            # The embedded sandbox is on this machine: a proxy from the environment could not reach it.
            trust_env=not _is_loopback(base_url),
        )

    def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """Exchange one request for one answer. Raises: NotSent, Unanswered."""
        try:
            with self._client.stream(method, url, headers=headers, content=content) as response:
                self._client.cookies.clear()
                return Answer(response.status_code, dict(response.headers), _read_whole(response))
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
        ) as error:
            raise NotSent(type(error).__name__) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Unanswered(type(error).__name__) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _read_whole(response: httpx.Response) -> bytes:
    started = time.monotonic()
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MAX_ANSWER_BYTES or time.monotonic() - started > WHOLE_ANSWER_SECONDS:
            raise Unanswered("the answer is too long or too slow")
    return bytes(body)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
