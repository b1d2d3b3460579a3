"""Runbooks as files: what they must say, what the linter finds with file and line, and the copy that survives."""

import re
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from runbooks.files import LIBRARY, load, load_all, read
from runbooks.files import yaml as plain
from runbooks.files.lint import lint, lint_all
from runbooks.files.rendering import pages, prose

TODAY = date(2026, 11, 28)
WANTED = {
    *("database-failover", "order-orchestrator-down", "tpg-bbd-down", "redis-failure", "payment-processor-down"),
    *("gateway-down", "saga-compensation-stuck", "message-broker-down", "cascading-failure"),
    *("traffic-spike-hanging-orders", "payments-missing-at-ho", "callback-loss", "duplicate-charges"),
}
GOOD = (LIBRARY / "tpg-bbd-down.md").read_text()


def test_the_library_has_every_situation_and_nothing_is_wrong_with_it() -> None:
    assert {book.name for book in load_all()} == WANTED
    assert [str(problem) for problem in lint_all(today=TODAY)] == []


def test_an_infrastructure_step_is_a_command_to_copy_with_a_place_for_its_answer() -> None:
    for book in load_all():
        for step in book.steps:
            if "```sh" in step.prose:
                assert step.kind == "check", (book.name, step.id)
                assert step.spec.paste, (book.name, step.id)


def test_every_runbook_says_what_not_to_do_more_than_once() -> None:
    for book in load_all():
        assert book.sections["Do not"].count("\n- Do not") >= 1, book.name
        assert len(book.sections["Meaning"]) > 100, book.name


BROKEN = [
    ("unknown name in front matter", "owner: dispatch", "ownr: dispatch", "unknown-name", "did you mean “owner”"),
    ("a name missing", "service: tpg\n", "", "missing", "“service” is missing"),
    ("a service that nobody has", "service: tpg", "service: gpt", "service", "“gpt” is no service"),
    ("no such action", "send_to_dispatch@1", "send_to_dispatch@9", "action", "is not registered"),
    ("an action for something else", "select: dispatch_queue", "select: dead_letters", "selection", "selects a letter"),
    ("an input that is not taken", 'given: {minutes: "30"}', 'given: {minuts: "30"}', "given", "minuts"),
    ("a figure nobody has", "expect: {oldest: {max: 10}}", "expect: {eldest: {max: 10}}", "figure", "eldest"),
    ("a text with such a figure", "{waiting} paid orders", "{wating} paid orders", "figure", "wating"),
    ("a risk that is too small", "id: resend\nkind: act", "id: resend\nkind: act\nx: y", "unknown-name", "“x”"),
    (
        "an undo that is not true",
        "undo: reset_breaker@1 sends",
        "undo: none - sends",
        "undo",
        "undone by reset_breaker@1",
    ),
    ("no time", "takes: 30s\nclock", "takes: soon\nclock", "value", "a time like 30s"),
    ("twice the same step", "id: reset\n", "id: resend\n", "step-twice", "another step"),
    ("a section missing", "## Impact", "## Impacts", "section", "“## Impact”"),
    ("nothing that mitigates", "mitigates: true\n", "", "mitigation", "no step of a P0"),
    ("a mitigation that comes too late", "takes: 2m\npaste", "takes: 12m\npaste", "mitigation", "after 13 min"),
    ("a clock that nobody stops", "clock: stakeholder\n", "", "clocks", "stakeholder"),
    ("past its review", "review_by: 2027-06-30", "review_by: 2026-01-01", "review", "by 2026-01-01"),
    ("a name twice", "severity: P0\n", "severity: P0\nseverity: P1\n", "yaml", "stands twice"),
    ("an address", "## Meaning\n", "## Meaning\n\nSee https://admin.internal/x\n", "address", "no addresses"),
    ("no Indonesian title", "title_id: TPG / BBD mati\n", "", "missing", "“title_id” is missing"),
    ("no Indonesian summary", "summary_id: ", "when_id: ", "missing", "“summary_id” is missing"),
    (
        "an English title for Indonesians",
        "title_id: TPG / BBD mati",
        "title_id: TPG / BBD down",
        "indonesian",
        "is the English",
    ),
    ("a secret", "## Meaning\n", "## Meaning\n\npassword = hunter2hunter2\n", "secret", "secret"),
]


@pytest.mark.parametrize(("_case", "old", "new", "rule", "said"), BROKEN, ids=[case[0] for case in BROKEN])
def test_the_linter_says_what_is_wrong_and_where(_case: str, old: str, new: str, rule: str, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    found = [problem for problem in lint(text, path="x.md", today=TODAY) if problem.rule == rule]
    assert found, [str(each) for each in lint(text, path="x.md", today=TODAY)]
    assert any(said in problem.said for problem in found), found
    assert all(0 < problem.line <= len(text.splitlines()) for problem in found)
    assert re.match(r"x\.md:\d+: [a-z-]+: ", str(found[0]))


def test_a_choice_leads_onward_and_never_back() -> None:
    text = (LIBRARY / "saga-compensation-stuck.md").read_text().replace("to: money", "to: see")
    assert [each.rule for each in lint(text, path="x.md", today=TODAY)] == ["choice"]


def test_two_files_do_not_answer_the_same_alert(tmp_path: Path) -> None:
    for name in ("tpg-bbd-down", "copy"):
        (tmp_path / f"{name}.md").write_text(GOOD)
    rules = {problem.rule for problem in lint_all(tmp_path, today=TODAY)}
    assert rules == {"file-name", "id-twice", "trigger-twice"}


def test_yaml_guesses_nothing() -> None:
    found = plain.read("a: no\nb: 1:30\nc: [x, 007]\nd: {e: ~}\n").values
    assert found == {"a": "no", "b": "1:30", "c": ["x", "007"], "d": {"e": "~"}}
    for text in ("- a\n", "a: [\n", "a: 1\na: 2\n"):
        with pytest.raises(plain.Malformed):
            plain.read(text)


def test_what_is_no_runbook_is_refused_with_a_line() -> None:
    for text in ("", "# no front matter", "---\nid: x\n"):
        book, problems = read(text, path="x.md")
        assert book is None
        assert problems[0].line >= 1
    assert load("../settings") is None
    assert load("nobody") is None


def test_prose_is_safe_to_show() -> None:
    html = prose("<script>alert(1)</script> [x](javascript:alert(1)) **b**")
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<strong>b</strong>" in html


def test_the_copy_that_survives_needs_nothing_else(tmp_path: Path) -> None:
    out = StringIO()
    call_command("runbook", "render", "--to", str(tmp_path), stdout=out)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"index.html", *(f"{name}.html" for name in WANTED)}
    for path in tmp_path.iterdir():
        html = path.read_text()
        assert not re.search(r"""(?:src|href)=['"](?:https?:|/)""", html), path.name
        assert "<script" not in html
    page = (tmp_path / "database-failover.html").read_text()
    assert "patronictl -c /etc/patroni.yml list" in page
    assert "Pemindahan basis data" in page
    assert pages(load_all())["index.html"].index("database-failover") < pages(load_all())["index.html"].index(
        "gateway-down.html"
    )


def test_the_command_names_problems_and_fails(tmp_path: Path) -> None:
    out = StringIO()
    call_command("runbook", "lint", stdout=out)
    assert out.getvalue() == "13 runbooks, nothing wrong.\n"
    bad = tmp_path / "bad.md"
    bad.write_text(GOOD.replace("service: tpg", "service: gpt"))
    out = StringIO()
    with pytest.raises(CommandError, match="1 problems"):
        call_command("runbook", "lint", str(bad), stdout=out)
    assert re.fullmatch(rf"{bad}:\d+: service: “gpt” is no service: .+\n", out.getvalue())
    with pytest.raises(CommandError, match="no runbook “nobody”"):
        call_command("runbook", "plan", "nobody")


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "one.md"
    text = (LIBRARY / "redis-failure.md").read_text()
    file.write_text(text)
    first = load("one", library=tmp_path)
    assert first is not None
    assert load("one", library=tmp_path) is first
    file.write_text(text.replace("title: Redis failure", "title: Redis is away"))
    again = load("one", library=tmp_path)
    assert again is not None
    assert (first.front.title, again.front.title) == ("Redis failure", "Redis is away")
