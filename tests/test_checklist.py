"""The lists of promised capabilities and of rules about money name tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHECKLIST = ROOT / "docs" / "architecture" / "checklist.md"
MONEY_RULES = CHECKLIST.with_name("money-rules.md")
# A link to a file of tests, and the tests named behind it.
NAMED = re.compile(r"\]\(\.\./\.\./(tests/[^)]+\.py)\)((?:,? `test_\w+`)+)")


@pytest.mark.parametrize("document", [CHECKLIST, MONEY_RULES], ids=lambda path: path.stem)
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = [
        (path, name)
        for path, names in NAMED.findall(document.read_text(encoding="utf-8"))
        for name in re.findall(r"test_\w+", names)
    ]

    missing = [(path, name) for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")]

    assert missing == []
    assert len(named) > 40


def test_every_row_without_a_tick_says_what_is_missing() -> None:
    rows = re.findall(
        r"^\| ((?:[J-MO-QX]|AA|AB)\d\d?) \| [^|]+ \| (✓?) ?\| (.+) \|$",
        CHECKLIST.read_text(encoding="utf-8"),
        re.MULTILINE,
    )

    assert [ref for ref, tick, told in rows if not tick and "Missing: " not in told] == []
    assert len(rows) == 26 + 22 + 19 + 6 + 10 + 5 + 23 + 8 + 18
