import json
from pathlib import Path
from typing import Any

import pytest

from greenroom.availability.engine import explain, group_by_day, iso_instants, open_slots, open_starts
from greenroom.availability.engine.instants import floor_seconds
from greenroom.availability.engine.scenario import parse_scenario

CASES = json.loads((Path(__file__).parents[2] / "cases" / "slots_public.json").read_text())["cases"]

each_case = pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])


@pytest.mark.usefixtures("machine_zone")
@each_case
def test_open_starts_reference_case_gives_its_answer(case: dict[str, Any]) -> None:
    query = parse_scenario(case["input"])

    assert iso_instants(open_starts(query)) == case["expected"]


@pytest.mark.usefixtures("machine_zone")
@each_case
def test_group_by_day_reference_case_gives_the_viewers_days(case: dict[str, Any]) -> None:
    groups = group_by_day(open_slots(parse_scenario(case["input"])), case["input"]["viewer_tz"])

    printed = {day.isoformat(): iso_instants(map(floor_seconds, starts)) for day, starts in groups.items()}
    assert printed == case["expected_by_viewer_day"]


@each_case
def test_explain_reference_case_finds_no_reason_against_its_slots(case: dict[str, Any]) -> None:
    query = parse_scenario(case["input"])

    assert all(explain(query, start).is_open for start in open_slots(query))


def test_reference_cases_are_all_there() -> None:
    assert len(CASES) == 43
