"""The report of a run: what was found stands out, and the last line says how it ended."""

from collections import Counter

from opsconsole.chaos import report
from opsconsole.chaos.findings import Finding
from opsconsole.chaos.run import Report, Request
from opsconsole.paths import PROJECT

FIGURES = {
    "placed": 60,
    "asked_for": 61,
    "orders": {"completed": 58, "cancelled": 2},
    "effects": {"charged": 59, "refunded": 1, "booked": 58, "cancelled": 0, "completed": 58, "recorded": 58},
    "callbacks": 240,
    "forged": 3,
    "dropped": 4,
    "answers": {"200": 230, "none": 10},
    "late_cancels": 5,
    "late_cancels_taken": 0,
    "goodwill_refunds": 1,
    "breakers_opened": 2,
    "commit_answers_lost": 4,
}


def told(*findings: Finding, bug: str = "") -> list[str]:
    made = Report(
        Request(seconds=120, seed=7, per_minute=120, settle=600, bug=bug),
        findings=list(findings),
        tasks=Counter({"refund failed": 2}),
        accidents={"kill worker": 20, "redis dark": 3},
        figures=FIGURES,
        seconds={"faults": 120.4, "settled": 201.6},
    )
    return list(report.lines(made))


def test_a_run_that_proves_something_says_so_in_its_last_line() -> None:
    lines = told()
    assert lines[-1] == "Verdict: safety holds, liveness holds."
    assert max(map(len, lines[:-3])) <= report.WIDTH
    assert "with people refund failed 2" in "\n".join(lines)


def test_what_was_found_is_told_with_its_meaning_and_what_was_not_in_one_line() -> None:
    lines = told(*(Finding("callback lost", f"MRG-{number}", "a message of xendit") for number in range(14)))
    text = "\n".join(lines)
    assert "     14  callback lost: said 2xx to a message that is not stored" in lines
    assert "           MRG-0: a message of xendit" in lines
    assert "           and 2 more" in lines
    assert "0  order lost, order doubled, charged but unexplained" in text
    assert lines[-1] == "Verdict: safety VIOLATED, liveness holds."


def test_a_planted_bug_is_caught_or_not() -> None:
    assert told(bug="no-guard")[-1].endswith("The bug no-guard was NOT caught.")
    caught = told(Finding("illegal edge", "order 1", "completed -cancel-> cancelled"), bug="no-guard")
    assert caught[-1].endswith("The bug no-guard was caught.")


def test_its_row_fits_the_table_of_the_document() -> None:
    [row] = [line for line in told() if line.startswith("| ")]
    assert row == (
        "| 7 | 120 s | 60 of 61 | 59 | 240 (3, 4) | 23 | 202 s | 0 of 11 kinds | 0 of 5 kinds | refund failed 2 |"
    )
    table = [line for line in (PROJECT / "docs" / "chaos.md").read_text().splitlines() if line.startswith("| seed ")]
    assert {line.count("|") for line in table} == {row.count("|")}
