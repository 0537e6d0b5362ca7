"""gunicorn, set up in code: one worker with sixteen threads, and the ticker beside them in the same process.

One process because SQLite has one writer: with more, a writer can starve for seconds (measured).
"""

from typing import Any

from gunicorn.app.base import BaseApplication

THREADS = 16
_BACKLOG = 512


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    """The web server of one machine. It binds to loopback: a proxy in front speaks to the world."""

    def __init__(self, *, bind: str, with_ticker: bool) -> None:
        self._bind = bind
        self._with_ticker = with_ticker
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options; nothing is read from files or the environment."""
        options = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "backlog": _BACKLOG,
            "timeout": 60,
            "graceful_timeout": 10,
            "keepalive": 5,
            "max_requests": 0,
            "limit_request_line": 8190,
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": self._start_ticker,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:  # noqa: ANN401 -- gunicorn is untyped
        """Return the WSGI application."""
        from greenroom.config.wsgi import application  # noqa: PLC0415 -- slow import

        return application

    def _start_ticker(self, _worker: object) -> None:
        # After the fork, never before: threads do not survive one.
        if self._with_ticker:
            from greenroom.jobs.ticker import start_in_background  # noqa: PLC0415 -- app ready

            start_in_background("server")
