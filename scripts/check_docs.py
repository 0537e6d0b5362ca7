"""Fail when a document links to a file or heading that does not exist, or when the start page lacks one."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Print each broken link and return how many there are."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    problems = [problem for document in documents for problem in broken_links(document)]
    problems += unreachable(documents)
    print("\n".join(problems) or f"{len(documents)} documents, every link leads somewhere")
    return len(problems)


def broken_links(document: Path) -> Iterator[str]:
    """Yield the links of one document that lead nowhere."""
    for target in LINK.findall(CODE_BLOCK.sub("", document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        if not linked.exists():
            yield f"{document.relative_to(ROOT)}: {target} does not exist"
        elif anchor and anchor not in anchors(linked):
            yield f"{document.relative_to(ROOT)}: {target} names no heading"


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, made as GitHub makes them."""
    headings = HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def unreachable(documents: list[Path]) -> Iterator[str]:
    """Yield the documents that no other document links to."""
    linked: set[Path] = {ROOT / "README.md"}
    for document in documents:
        targets = LINK.findall(document.read_text(encoding="utf-8"))
        linked |= {(document.parent / target.partition("#")[0]).resolve() for target in targets}
    for document in documents:
        if document not in linked:
            yield f"{document.relative_to(ROOT)}: no document links to it"


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
