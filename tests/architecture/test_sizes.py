"""Short functions, short files, no drawers for odds and ends."""

import ast
from collections.abc import Iterator
from pathlib import Path

from opsconsole.paths import PROJECT

CODE = ("opsconsole", "orders", "reconciliation", "runbooks")
LONGEST_FUNCTION = 30
LONGEST_FILE = 400
DRAWERS = {"utils.py", "helpers.py", "misc.py"}


def code_files() -> list[Path]:
    files = [path for folder in CODE for path in (PROJECT / folder).rglob("*.py")]
    return [path for path in files if "migrations" not in path.parts]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of code from `def` to the end, its docstring not counted."""
    documented = ast.get_docstring(function, clean=False)
    docstring = documented.count("\n") + 1 if documented is not None else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_no_function_is_longer_than_thirty_lines() -> None:
    long = [
        f"{path.relative_to(PROJECT)}:{function.lineno} {function.name} has {length(function)} lines"
        for path in code_files()
        for function in functions(path)
        if length(function) > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    files = [*code_files(), *(PROJECT / "tests").rglob("*.py")]
    long = [str(path.relative_to(PROJECT)) for path in files if len(path.read_text().splitlines()) > LONGEST_FILE]
    assert long == []


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    assert [str(path) for path in code_files() if path.name in DRAWERS] == []
