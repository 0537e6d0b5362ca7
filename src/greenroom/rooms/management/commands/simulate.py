"""`greenroom simulate rooms`: whole lives of sessions by dice, with everything going wrong, on a database in memory."""

import json
import logging
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from greenroom.rooms.simulation import PARTS, Tally, play_seeds
from greenroom.rooms.simulation.tally import HAPPENED, WRONG

_MOST_NOTES = 20


class Command(BaseCommand):
    help = (
        "Play sessions and their rooms against chance: crashes, lost answers, outages, two machines at once, changed "
        "minds and meddling hands. Everything happens in memory: neither this site's database nor Discord is asked. "
        "Ends with 1 when anybody saw too much or too little, or anything was left over."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["rooms"], help="what is simulated")
        parser.add_argument("--seeds", type=_count, default=20, metavar="N", help="how many lives (20)")
        parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first life's seed (0)")
        parser.add_argument("--json", action="store_true", help="print one JSON line")
        parser.add_argument(
            "--without",
            type=_parts,
            default=(),
            metavar=",".join(PARTS),
            help="play without these nets; with neither of them rooms are left over, which is wrong",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        first, count = options["first"], options["seeds"]
        # Thousands of foreseen failures would be reported as if they were this site's.
        logging.disable(logging.CRITICAL)
        try:
            tally = play_seeds(range(first, first + count), without=options["without"])
        finally:
            logging.disable(logging.NOTSET)
        self.stdout.write(json.dumps(tally.as_json()) if options["json"] else _in_words(tally))
        if tally.has_failed:
            raise CommandError(_what_was_wrong(tally), returncode=1)


def _in_words(tally: Tally) -> str:
    numbers = tally.as_json()
    happened = ", ".join(f"{numbers[what]} {what.replace('_', ' ')}" for what in HAPPENED)
    wrong = [f"{numbers[what]} {what.replace('_', ' ')}: {WRONG[what]}" for what in WRONG if numbers[what]]
    return "\n".join([f"{tally.seeds} seeds, {happened}.", *(wrong or ["Nothing was wrong."])])


def _what_was_wrong(tally: Tally) -> str:
    notes = tally.notes[:_MOST_NOTES]
    more = len(tally.notes) - len(notes)
    return "\n".join([*notes, *([f"and {more} more"] if more else [])])


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    if not set(parts) <= set(PARTS):
        raise ArgumentTypeError(f"{text!r} is not made of {' and '.join(PARTS)}")
    return parts
