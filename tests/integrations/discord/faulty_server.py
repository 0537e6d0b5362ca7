"""A small HTTP server on loopback that answers as it is told: in time, late, wrongly, or not at all."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = field(default_factory=dict)  # JSON, unless bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False  # close the connection without a word
    hang: bool = False  # say nothing until the server stops

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class FaultyServer:
    """Gives the queued replies in order, then asks `respond`; remembers what it was sent."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.respond: Callable[[Seen], Reply] = lambda _seen: Reply()
        self.seen: list[Seen] = []
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/api/v10"

    def queue(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    def paths(self) -> list[str]:
        return [f"{seen.method} {seen.path.removeprefix('/api/v10')}" for seen in self.seen]

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An idle kept-alive connection must not keep the server from stopping.
            timeout = 1

            def handle_one_request(self) -> None:
                super().handle_one_request()
                if outer._stopping.is_set():
                    self.close_connection = True

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                outer.seen.append(seen)
                reply = outer.replies.popleft() if outer.replies else outer.respond(seen)
                if reply.hang:
                    outer._stopping.wait(10)
                if reply.drop or reply.hang:
                    self.close_connection = True
                    return
                content = reply.encoded()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 -- http.server's names

            def log_message(self, *_args: object) -> None:
                """Stay silent."""

        return Handler
