"""`greenroom tick`: run what is due, once or until stopped."""

import signal
import threading
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from greenroom.jobs.ticker import Ticker, run_until_idle


class Command(BaseCommand):
    help = "Run the due jobs once, or with --forever until stopped. Any number of these may run at the same time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--forever", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument("--seconds", type=float, default=50.0, help="stop taking new jobs after this long")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["forever"]:
            self._run_forever()
            return
        report = run_until_idle(source="command", budget=timedelta(seconds=options["seconds"]))
        self.stdout.write(
            f"{report.done_count} done, {report.retried_count} to be tried again, {report.failed_count} failed"
        )

    def _run_forever(self) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Ticker("command").run_forever(stop)
