"""Fail when a file, a function, its nesting or its parameter list outgrows what a reader can hold in mind."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_ENGINE_FUNCTION_LINES = 80
MAX_NESTING = 3
MAX_PARAMETERS = 8

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)


def main(folder: str) -> int:
    """Print each breach and return how many there are."""
    paths = [path for path in sorted(Path(folder).rglob("*.py")) if "migrations" not in path.parts]
    breaches = [breach for path in paths for breach in breaches_of(path)]
    print("\n".join(breaches) or f"{len(paths)} files within limits")
    return len(breaches)


def breaches_of(path: Path) -> Iterator[str]:
    """Yield what is too big in one file."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{path}: {lines} lines, at most {MAX_FILE_LINES}"
    most_lines = MAX_ENGINE_FUNCTION_LINES if "engine" in path.parts else MAX_FUNCTION_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS):
            yield from function_breaches(path, node, most_lines)


def function_breaches(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef, most_lines: int) -> Iterator[str]:
    """Yield what is too big in one function."""
    where = f"{path}:{node.lineno} {node.name}"
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    length = (node.end_lineno or node.lineno) - first + 1
    parameters = len(node.args.args) + len(node.args.kwonlyargs) + len(node.args.posonlyargs)
    if length > most_lines:
        yield f"{where}: {length} lines, at most {most_lines}"
    if nesting(node.body) > MAX_NESTING:
        yield f"{where}: nested {nesting(node.body)} deep, at most {MAX_NESTING}"
    if parameters > MAX_PARAMETERS:
        yield f"{where}: {parameters} parameters, at most {MAX_PARAMETERS}"


def nesting(body: list[ast.stmt], *, is_else: bool = False) -> int:
    """Return how many compound statements stand around the deepest one; `elif` adds no level."""
    depths = [0]
    for node in body:
        if not isinstance(node, COMPOUND):
            continue
        is_elif = is_else and len(body) == 1 and isinstance(node, ast.If)
        depths.append((0 if is_elif else 1) + max(nesting(part, is_else=alt) for part, alt in parts_of(node)))
    return max(depths)


def parts_of(node: ast.stmt) -> list[tuple[list[ast.stmt], bool]]:
    """Return the bodies of a compound statement; true marks an `else` of an `if`."""
    parts = [(getattr(node, "body", []), False), (getattr(node, "orelse", []), isinstance(node, ast.If))]
    parts.append((getattr(node, "finalbody", []), False))
    parts += [(handler.body, False) for handler in getattr(node, "handlers", [])]
    parts += [(case.body, False) for case in getattr(node, "cases", [])]
    return parts


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
