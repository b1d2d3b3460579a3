"""The service catalogue: its files are checked, what they say of the code is so, and failing spreads as it should."""

from pathlib import Path

import pytest

from opsconsole import upstreams
from opsconsole.degradation import TABLE
from runbooks.catalogue import CATALOGUE, Broken, blast_of, read, service_named, spread

GOOD = """
title = "A"
kind = "service"
severity = "high"
page = "P1"
owner = "o"
blast_radius = 10
risk = 10
[recovery]
rto = 60
said = "quick"
[protection]
fallback = ""
"""


@pytest.mark.parametrize(
    ("_case", "files", "says"),
    [
        ("a word that is not known", {"a": GOOD.replace("owner", "ownr")}, "ownr"),
        ("a share above the whole", {"a": GOOD.replace("blast_radius = 10", "blast_radius = 101")}, "blast_radius"),
        ("no recovery", {"a": GOOD.split("[recovery]", maxsplit=1)[0]}, "recovery"),
        ("a number for a word", {"a": GOOD.replace('"o"', "7")}, "owner"),
        ("not TOML", {"a": "title = "}, "a.toml"),
        ("a need without a file", {"a": GOOD + '[[needs]]\nservice = "b"\n'}, "has no file"),
        ("a ring", {n: GOOD + f'[[needs]]\nservice = "{o}"\n' for n, o in (("a", "b"), ("b", "a"))}, "by a ring"),
        ("one name for two", dict.fromkeys(("a", "b"), 'aliases = ["x"]\n' + GOOD), "names two services"),
    ],
)
def test_a_mistake_is_found_by_file(tmp_path: Path, _case: str, files: dict[str, str], says: str) -> None:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(Broken, match=says):
        read(tmp_path)


def test_the_facts_of_the_programme_are_in_it() -> None:
    blast = {name: each.blast_radius for name, each in CATALOGUE.items()}
    facts = {"postgresql": 100, "orders": 90, "upg": 80, "redis": 70, "tpg": 60, "users": 50, "session_manager": 45}
    assert facts.items() <= blast.items()
    rto = {"postgresql": 300, "orders": 180, "upg": 180, "redis": 120, "tpg": 300, "ho": 3600}
    assert {name: CATALOGUE[name].recovery.rto for name in rto} == rto
    assert {each.page for each in (CATALOGUE["orders"], CATALOGUE["upg"], CATALOGUE["tpg"])} == {"P0"}


def test_what_it_says_of_the_code_is_so() -> None:
    """Time limits, tries, breakers: of the defaults in `opsconsole/upstreams.py`."""
    policies = upstreams.breakers({})
    for service in CATALOGUE.values():
        said = service.protection
        for name in service.neighbours:
            timeout, tries = upstreams.LIMITS[name]
            assert said.timeout in (None, timeout), service.name
            assert said.tries in (None, tries), service.name
            assert said.breaker in (None, name in policies), service.name


def test_every_neighbour_of_the_code_is_in_it_and_every_fallback_is_a_line_of_degradation() -> None:
    known = {name for service in CATALOGUE.values() for name in service.neighbours}
    assert set(upstreams.LIMITS) - known == {"pagerduty", "slack", "mail"}  # who is told, not what is needed
    lines = {name for line in TABLE for name in line.neighbours}
    assert {name for each in CATALOGUE.values() if each.has_fallback for name in each.neighbours} <= lines


def test_failing_spreads_along_what_is_needed() -> None:
    assert dict(spread(["bbd"])) == {"bbd": "down", "tpg": "down", "orders": "less"}
    assert spread(["midtrans"])["upg"] == "less"
    assert spread(["midtrans", "xendit", "nicepay"])["upg"] == "down"
    assert spread(["postgresql"])["orders"] == "down"
    assert spread([]) == {}
    failures = (["bbd"], ["midtrans", "xendit", "nicepay"], ["postgresql"], [])
    assert [blast_of(each) for each in failures] == [60, 80, 100, 0]


def test_names_of_other_systems_are_understood() -> None:
    names = {"Taxi-Partner-Gateway": "tpg", "user_service": "users", "HO-Gateway": "ho", "postgres": "postgresql"}
    for given, meant in names.items():
        found = service_named(given)
        assert found is not None, given
        assert found.name == meant
    assert service_named("moon") is None


def test_what_stands_in_and_how_long_it_is_away_is_said_in_indonesian_too() -> None:
    names = {"", "none", "PostgreSQL", "outbox"}
    for service in CATALOGUE.values():
        assert service.protection.fallback_id or service.protection.fallback in names, service.name
        assert service.recovery.said_id or service.recovery.said in names, service.name
