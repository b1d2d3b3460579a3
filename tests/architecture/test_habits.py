"""House rules that no linter knows."""

import re
from pathlib import Path

from opsconsole.paths import PROJECT

# Put together here, so that this file does not find itself.
BANNED_IN_TESTS = {
    "waiting by the clock": re.compile(r"\btime\.sle" + r"ep\("),
    "a skipped test": re.compile(
        r"pytest\.(ski" + r"p|xfai" + r"l|importorski" + r"p)\b|mark\.(ski" + r"p|xfai" + r"l)"
    ),
    "a mock of our own code": re.compile(r"\bmo" + r"ck\.patch|\bmonkeypatch\.setat" + r"tr"),
}
APPS = ("orders", "reconciliation", "runbooks", "opsconsole")


def lines_with(pattern: re.Pattern[str], folder: Path) -> list[str]:
    return [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in sorted(folder.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]


def test_tests_wait_for_conditions_skip_nothing_and_mock_nothing_of_ours() -> None:
    found = {what: lines_with(pattern, PROJECT / "tests") for what, pattern in BANNED_IN_TESTS.items()}
    assert not any(found.values()), found


def test_a_lock_leaves_the_key_free_for_what_refers_to_the_row() -> None:
    """Two who wait, one for a row and one for the check of a foreign key, had ended in deadlocks."""
    whole = re.compile(r"select_for_update\((?!.*no_key=True)|\bFOR UPDATE\b")
    found = [line for app in APPS for line in lines_with(whole, PROJECT / app)]
    assert not found, found
