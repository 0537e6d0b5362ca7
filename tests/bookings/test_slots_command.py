import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from tests.bookings.steps import at, hold
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock

from greenroom.availability.models import WeeklyWindow
from greenroom.bookings.management.commands.slots import Command

CASE_FILE = Path(__file__).parents[1] / "cases" / "slots_public.json"
CASES = json.loads(CASE_FILE.read_text())["cases"]


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command(Command(), *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    """Write the scenario of the case `busy-03`."""
    scenario = next(case["input"] for case in CASES if case["id"] == "busy-03")
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(scenario))
    return file


def test_slots_one_scenario_prints_one_instant_a_line(scenario_file: Path) -> None:
    assert run("--scenario", str(scenario_file)) == [
        "2026-01-14T14:00:00Z",
        "2026-01-14T16:00:00Z",
        "2026-01-14T17:00:00Z",
    ]


def test_slots_scenario_with_byte_order_mark_is_read(scenario_file: Path) -> None:
    scenario_file.write_bytes(b"\xef\xbb\xbf" + scenario_file.read_bytes())

    assert len(run("--scenario", str(scenario_file))) == 3


def test_slots_case_file_prints_one_json_line_a_case() -> None:
    lines = [json.loads(line) for line in run("--scenario", str(CASE_FILE))]

    assert lines == [{"id": case["id"], "slots": case["expected"]} for case in CASES]


def test_slots_dash_reads_standard_input(scenario_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with io.TextIOWrapper(io.BytesIO(scenario_file.read_bytes())) as standard_input:
        monkeypatch.setattr("sys.stdin", standard_input)

        assert len(run("--scenario", "-")) == 3


def test_slots_explain_says_why_not(scenario_file: Path) -> None:
    assert run("--scenario", str(scenario_file), "--explain", "2026-01-14T15:00:00Z") == [
        "2026-01-14T15:00:00Z is not offered:",
        (
            "- The session would overlap busy time, 2026-01-14 10:00 America/New_York"
            " to 2026-01-14 10:01 America/New_York. [busy]"
        ),
        "+ Weekly hours: Wednesday 09:00-13:00 (America/New_York).",
    ]


def test_slots_explain_says_that_it_is(scenario_file: Path) -> None:
    assert run("--scenario", str(scenario_file), "--explain", "2026-01-14T14:00:00Z") == [
        "2026-01-14T14:00:00Z is offered.",
        "+ Weekly hours: Wednesday 09:00-13:00 (America/New_York).",
    ]


@pytest.mark.django_db
def test_slots_of_an_offer_are_those_that_students_see(frozen_clock: SettableClock) -> None:
    offer = make_offer()
    WeeklyWindow.objects.exclude(weekday=3).delete()
    WeeklyWindow.objects.update(start_minute=600, end_minute=690)

    assert run("--offer", "maya/call")[:3] == [
        "2026-03-04T10:00:00Z",
        "2026-03-04T10:30:00Z",
        "2026-03-11T10:00:00Z",
    ]
    assert run("--offer", "maya/call", "--explain", "2026-03-04T10:15:00Z") == [
        "2026-03-04T10:15:00Z is not offered:",
        (
            "- It is not on the grid of a start every 30 minutes;"
            " nearest: 2026-03-04 10:00 UTC or 2026-03-04 10:30 UTC. [off_grid]"
        ),
        "+ Weekly hours: Wednesday 10:00-11:30 (UTC).",
    ]
    hold_ends = frozen_clock() + timedelta(minutes=15)
    hold(offer, at(10))
    assert f"a hold until {hold_ends:%H:%M}" in run("--offer", "maya/call", "--explain", "2026-03-04T10:00:00Z")[1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--offer", "maya"), "maya: There is no such offer."),
        (("--offer", "maya/nothing"), "maya/nothing: There is no such offer."),
        (("--offer", "maya/call", "--duration", "45"), "maya/call: This can be booked for 60 minutes."),
        (("--offer", "maya/call", "--explain", "noon"), "maya/call: --explain: expected an instant"),
        (("--offer", "maya/call", "--explain", "2400-01-14T14:00:00Z"), "maya/call: range_from: 2400-01-14"),
    ],
)
def test_slots_of_an_offer_bad_input_is_named(arguments: tuple[str, ...], message: str) -> None:
    make_offer()

    with pytest.raises(CommandError) as refusal:
        run(*arguments)

    assert refusal.value.returncode == 2
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"{", (), "not valid JSON: Expecting property name"),
        (b"\xff", (), "'utf-8' codec can't decode byte 0xff"),
        (b"{}", (), "tz: missing; give an IANA time zone"),
        (b'{"cases": 5}', (), "cases: expected a list, found 5"),
        (b'{"cases": []}', ("--explain", "2026-01-14T14:00:00Z"), "--explain: give a file with one scenario"),
        (None, ("--explain", "noon"), "--explain: expected an instant with Z or an offset"),
        (None, ("--explain", "2400-01-14T14:00:00Z"), "--explain: 2400-01-14 14:00:00+00:00 is outside the years"),
    ],
)
def test_slots_bad_input_is_named_and_ends_with_status_2(
    scenario_file: Path, content: bytes | None, arguments: tuple[str, ...], message: str
) -> None:
    if content is not None:
        scenario_file.write_bytes(content)

    with pytest.raises(CommandError) as refusal:
        run("--scenario", str(scenario_file), *arguments)

    assert refusal.value.returncode == 2
    assert str(refusal.value).startswith(f"{scenario_file}: {message}")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_slots_unreadable_file_ends_with_status_2(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError) as refusal:
        run("--scenario", str(tmp_path / name))

    assert refusal.value.returncode == 2


def test_slots_from_the_command_line_shows_no_traceback(
    scenario_file: Path, capsys: pytest.CaptureFixture[Any]
) -> None:
    scenario_file.write_text("[]")

    with pytest.raises(SystemExit) as ending:
        Command().run_from_argv(["greenroom", "slots", "--scenario", str(scenario_file)])

    assert ending.value.code == 2
    assert capsys.readouterr().err == f"CommandError: {scenario_file}: scenario: expected an object, found []\n"
