"""`greenroom slots`: ask the slot engine without a database."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from greenroom.availability.engine import SlotQuery, explain, iso_instants, open_starts
from greenroom.availability.engine.json_fields import Fields, ScenarioError
from greenroom.availability.engine.scenario import parse_cases, parse_json, parse_scenario

_BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Print the bookable starts of a scenario, one UTC instant a line. For a file of cases, print one JSON line "
        'a case: {"id", "slots"}.'
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scenario", required=True, metavar="FILE", help="a JSON file, or - for standard input")
        parser.add_argument("--explain", metavar="INSTANT", help="say why 2026-01-31T09:30:00Z is or is not offered")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            lines = _answer(_read(options["scenario"]), options["explain"])
        except (ScenarioError, OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['scenario']}: {error}", returncode=_BAD_INPUT) from error
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


def _explained(query: SlotQuery, asked: str) -> list[str]:
    instant = Fields({"--explain": asked}, "").instant("--explain")
    try:
        explanation = explain(query, instant)
    except ValueError as error:
        raise ScenarioError(str(error).replace("instant:", "--explain:", 1)) from error
    if explanation.is_open:
        return [f"{asked} is offered."]
    return [
        f"{asked} is not offered:",
        *(f"- {reason.sentence} [{reason.code}]" for reason in explanation.reasons),
    ]
