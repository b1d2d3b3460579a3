"""Every edge, fact and anomaly has a sentence in both languages, and the sentence can be told."""

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.functional import Promise

from opsconsole.paths import PROJECT
from orders.queries import sentences
from orders.queries.telling import Values
from orders.services.settlement import FACT
from orders.services.trips import TOLD
from orders.states import MACHINES

EDGES = sorted({(machine.name, str(verb)) for machine in MACHINES.values() for verb in machine.verbs})
TABLES = {
    "facts": sentences.FACTS,
    "general": sentences.GENERAL,
    "anomalies": sentences.ANOMALIES,
    "actions": sentences.ACTIONS,
    "statuses": sentences.STATUSES,
    "fields": sentences.FIELDS,
    "entries": sentences.ENTRIES,
}
LOAN_WORDS = {"Refund", "refund", "%(action)s: %(status)s"}
PLACES = {
    "attempt": {"number", "gateway"},
    "refund": {"number", "gateway", "reference"},
    "step": {"partner", "item"},
    "posting": {"entry"},
    "inbound": {"source", "claim"},
    "order": {"channel"},
    "notice": {"message", "provider"},
}


def _in(language: str, text: Promise) -> str:
    with translation.override(language):
        return str(text)


def _places(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize(("machine", "verb"), EDGES, ids=str)
def test_every_verb_of_every_machine_has_a_sentence_in_both_languages(machine: str, verb: str) -> None:
    english, indonesian = (_in(language, sentences.MOVES[machine, verb]) for language in ("en", "id"))
    assert english != indonesian
    assert _places(english) == _places(indonesian)
    assert _places(english) <= PLACES.get(machine, set())


def test_no_sentence_is_left_of_a_verb_that_is_gone() -> None:
    assert set(sentences.MOVES) == set(EDGES)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_other_word_is_in_both_languages(table: dict[str, Promise]) -> None:
    same = {_in("en", text) for text in table.values()} & {_in("id", text) for text in table.values()}
    assert same <= LOAN_WORDS


def _recorded_verbs() -> set[str]:
    """The second argument of every call that writes a fact, wherever it is a literal."""
    found = set()
    for path in Path(PROJECT / "orders").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or len(node.args) < 2:
                continue
            if node.func.id in {"record", "_remember"}:
                found |= {each.value for each in ast.walk(node.args[1]) if isinstance(each, ast.Constant)}
    return {verb for verb in found if isinstance(verb, str) and re.fullmatch(r"[a-z_]+", verb)}


def test_every_fact_that_the_services_record_has_a_sentence() -> None:
    verbs = _recorded_verbs()
    assert {"note", "action_requested", "assigned", "issue_token"} <= verbs
    assert verbs - set(sentences.FACTS) - set(sentences.GENERAL) == set()


def test_every_fact_of_a_trip_or_of_money_has_a_sentence() -> None:
    assert {*TOLD.values(), *FACT.values()} <= set(sentences.FACTS)


def test_every_anomaly_that_an_import_may_find_has_words() -> None:
    sql = "".join(path.read_text() for path in (PROJECT / "orders" / "sql" / "import").glob("*.sql"))
    kinds = set(re.findall(r"^\s*\('([a-z_]+)',", sql, flags=re.MULTILINE)) | {"import_contradicts"}
    assert len(kinds) > 15
    assert kinds <= set(sentences.ANOMALIES)


@pytest.mark.parametrize("language", ["en", "id"])
def test_a_value_that_is_not_known_is_a_question_mark_and_never_an_error(language: str) -> None:
    with translation.override(language):
        told = str(sentences.MOVES["attempt", "pay"]) % Values()
    assert "?" in told


def test_an_action_that_ended_well_says_so_in_its_own_words() -> None:
    with translation.override("en"):
        assert sentences.status_words("recheck_payment", "fixed") == "everybody answered"
        assert sentences.status_words("repost_ho", "fixed") == "fixed"
        assert sentences.status_words("repost_ho", "something new") == "something new"
