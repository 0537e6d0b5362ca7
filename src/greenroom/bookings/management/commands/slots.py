"""`greenroom slots`: ask the slot engine about a scenario without a database, or about a coach's offer with one."""

import json
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from greenroom.availability.engine import SlotQuery, explain, iso_instants, open_starts
from greenroom.availability.engine.json_fields import Fields, ScenarioError
from greenroom.availability.engine.scenario import parse_cases, parse_json, parse_scenario
from greenroom.core import clock
from greenroom.core.errors import GreenroomError
from greenroom.core.instants import iso

_BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Print the bookable starts of a scenario, or of an offer for as far ahead as it can be booked, one UTC "
        'instant a line. For a file of cases, print one JSON line a case: {"id", "slots"}.'
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        asked = parser.add_mutually_exclusive_group(required=True)
        asked.add_argument("--scenario", metavar="FILE", help="a JSON file, or - for standard input")
        asked.add_argument("--offer", metavar="COACH/OFFER", help="an offer of this site, as in its address")
        parser.add_argument("--duration", type=int, metavar="MINUTES", help="with --offer: one of its lengths")
        parser.add_argument("--explain", metavar="INSTANT", help="say why 2026-01-31T09:30:00Z is or is not offered")

    def handle(self, *_args: Any, **options: Any) -> None:
        scenario, asked = options["scenario"], options["explain"]
        try:
            lines = _answer(_read(scenario), asked) if scenario else _answer_offer(options, asked)
        except (ValueError, OSError, GreenroomError) as error:
            raise CommandError(f"{scenario or options['offer']}: {error}", returncode=_BAD_INPUT) from error
        self.stdout.writelines(f"{line}\n" for line in lines)


def _read(name: str) -> str:
    """Return the text of a file, a byte order mark taken off."""
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return content.decode("utf-8-sig")


def _answer(text: str, asked: str | None) -> list[str]:
    """Return the lines to print; nothing is printed of a file of which a part is wrong."""
    document = parse_json(text)
    has_cases = isinstance(document, dict) and "cases" in document
    if asked is not None:
        if has_cases:
            raise ScenarioError("--explain: give a file with one scenario; this one holds cases")
        return _explained(parse_scenario(document), asked)
    if has_cases:
        return [
            json.dumps({"id": case.id, "slots": iso_instants(open_starts(case.query))})
            for case in parse_cases(document)
        ]
    return iso_instants(open_starts(parse_scenario(document)))


def _answer_offer(options: dict[str, Any], asked: str | None) -> list[str]:
    from greenroom.bookings.explaining import explain_for_owner  # noqa: PLC0415 -- scenarios need no database
    from greenroom.bookings.queries import open_slots  # noqa: PLC0415 -- as above
    from greenroom.catalog.queries import find_duration, get_offer  # noqa: PLC0415 -- as above

    coach, _, slug = options["offer"].partition("/")
    offer, now = get_offer(coach, slug), clock.now()
    duration = find_duration(offer, options["duration"])
    if asked is None:
        last = now + offer.horizon + timedelta(seconds=1)
        return [
            iso(start) for start in open_slots(offer, length=duration.length, range_from=now, range_to=last, now=now)
        ]
    answer = explain_for_owner(duration, _instant(asked), now=now)
    return _lines(asked, [(reason.sentence, reason.code) for reason in answer.reasons], answer.openings)


def _explained(query: SlotQuery, asked: str) -> list[str]:
    try:
        explanation = explain(query, _instant(asked))
    except ValueError as error:
        raise ScenarioError(str(error).replace("instant:", "--explain:", 1)) from error
    return _lines(asked, [(reason.sentence, reason.code) for reason in explanation.reasons], explanation.openings)


def _instant(asked: str) -> datetime:
    return Fields({"--explain": asked}, "").instant("--explain")


def _lines(asked: str, reasons: Iterable[tuple[str, str]], openings: Iterable[str]) -> list[str]:
    refusals = [f"- {sentence} [{code}]" for sentence, code in reasons]
    verdict = "is not offered:" if refusals else "is offered."
    return [f"{asked} {verdict}", *refusals, *(f"+ {sentence}" for sentence in openings)]
