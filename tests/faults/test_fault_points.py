"""Every named point at which the process may die is reached by code and killed in a test."""

import re
from pathlib import Path

from greenroom.core.faults import FAULT_POINTS

_ROOT = Path(__file__).resolve().parents[2]
_CALL = re.compile(r'fault_point\(\s*"([a-z_.]+)"')


def _texts(folder: str) -> str:
    paths = [path for path in sorted((_ROOT / folder).rglob("*.py")) if path != Path(__file__)]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_every_listed_point_is_reached_by_code() -> None:
    assert set(_CALL.findall(_texts("src"))) == FAULT_POINTS


def test_every_listed_point_is_named_by_a_test_that_dies_there() -> None:
    tests = _texts("tests")

    assert {point for point in FAULT_POINTS if f'"{point}"' not in tests} == set()
