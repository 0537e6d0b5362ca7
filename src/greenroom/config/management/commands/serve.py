"""`greenroom serve`: the web server with its ticker; in the demo also the database and the demo data."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

from greenroom.config.demo import ensure_demo
from greenroom.config.server import Server


class Command(BaseCommand):
    help = "Serve the site on loopback. In the demo, bring the database up to date and fill it first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="", help="address:port; default 127.0.0.1 and PORT")

    def handle(self, *_args: Any, **options: Any) -> None:
        if settings.SANDBOX_ENABLED:
            call_command("migrate", verbosity=0, interactive=False)
            ensure_demo()
            self.stdout.write(f"Greenroom is at {settings.BASE_URL} (everything outside is simulated)")
        self.check(databases=["default"])
        connections.close_all()
        bind = options["bind"] or f"127.0.0.1:{settings.ENVIRONMENT.port}"
        Server(bind=bind, with_ticker=settings.ENVIRONMENT.is_ticker_on).run()
