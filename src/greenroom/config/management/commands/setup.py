"""`greenroom setup`: the first admin, coach and offer, asked for or given as options."""

import re
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any
from zoneinfo import available_timezones

from django.core.management.base import BaseCommand, CommandError

from greenroom.catalog.queries import price_of
from greenroom.config.setup import FirstSteps, set_up
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.notifications import display

# option, question, default
_QUESTIONS = (
    ("email", "Your e-mail address", ""),
    ("name", "Your name, as students see it", ""),
    ("slug", "Your page's address, such as ilse-marchetti", ""),
    ("tz", "Your time zone", "Europe/Berlin"),
    ("offer", "What you offer", "Coaching session"),
    ("minutes", "How many minutes", "60"),
    ("price", "Price, in whole units", "80"),
    ("currency", "Currency", "EUR"),
    ("video-url", "Address of your video room (empty: sessions take place on Discord)", ""),
)
_MAY_BE_EMPTY = {"video-url"}
_WHOLE_NUMBER = re.compile(r"\d{1,7}", re.ASCII)


class Command(BaseCommand):
    help = "Make the first admin, who is also the first coach, with weekday hours and one offer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, question, _default in _QUESTIONS:
            parser.add_argument(f"--{name}", help=question)
        parser.add_argument("--no-input", action="store_true", help="ask nothing; take defaults, set no password")

    def handle(self, *_args: Any, **options: Any) -> None:
        asks = not options["no_input"] and sys.stdin.isatty()
        answers = {name: self._answer(name, options, asks=asks) for name, _question, _default in _QUESTIONS}
        password = getpass("A password (empty: sign in by mailed codes): ") if asks else ""
        try:
            offer = set_up(self._first_steps(answers, password))
        except InvalidInputError as error:
            raise CommandError(f"{error.field or 'input'}: {error.message}", returncode=2) from None
        price = display.money(price_of(offer, offer.durations.get()).amount)
        self.stdout.write(f"“{offer.title}” for {price} can be booked at /{offer.coach.slug}/")

    def _answer(self, name: str, options: dict[str, Any], *, asks: bool) -> str:
        _name, question, default = next(row for row in _QUESTIONS if row[0] == name)
        given = options[name.replace("-", "_")]
        if given is None and asks:
            given = input(f"{question}{f' [{default}]' if default else ''}: ").strip()
        answer = str(given or default)
        if not answer and name not in _MAY_BE_EMPTY:
            raise CommandError(f"--{name}: {question} is needed.", returncode=2)
        return answer

    def _first_steps(self, answers: dict[str, str], password: str) -> FirstSteps:
        for name in ("minutes", "price"):
            if not _WHOLE_NUMBER.fullmatch(answers[name]):
                raise CommandError(f"--{name}: use a whole number.", returncode=2)
        if answers["tz"] not in available_timezones():
            raise CommandError("--tz: use a name such as Europe/Berlin.", returncode=2)
        try:
            exponent = Money(0, answers["currency"]).exponent
        except ValueError as error:
            raise CommandError(f"--currency: {error}", returncode=2) from None
        return FirstSteps(
            email=answers["email"],
            name=answers["name"],
            password=password,
            slug=answers["slug"],
            tz=answers["tz"],
            offer_title=answers["offer"],
            minutes=int(answers["minutes"]),
            price=Money(int(answers["price"]) * 10**exponent, answers["currency"]),
            video_url=answers["video-url"],
        )
