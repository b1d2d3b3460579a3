"""docs/dependencies.md has a reason for every direct dependency, and the locks are what bootstrap can trust."""

import re

import pytest

from opsconsole.paths import PROJECT

INPUTS = ("requirements.in", "requirements-dev.in", "requirements-bootstrap.in", "requirements-engines.in")
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-bootstrap.txt", "requirements-engines.txt")


def named(text: str) -> set[str]:
    lines = [line.strip() for line in text.splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
    return {re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0] for line in wanted}


def pinned(lock: str) -> list[str]:
    return re.findall(r"^([\w.-]+)==", (PROJECT / lock).read_text(), re.MULTILINE)


def test_every_direct_dependency_has_its_reason_and_no_other_is_listed() -> None:
    page = (PROJECT / "docs" / "dependencies.md").read_text()
    explained = re.findall(r"^\| ([\w-]+) \| \S.{15,} \|$", page, re.MULTILINE)
    direct = set().union(*(named((PROJECT / name).read_text()) for name in INPUTS))
    assert sorted(explained) == sorted(direct)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_with_a_hash_and_names_no_registry(lock: str) -> None:
    text = (PROJECT / lock).read_text()
    entries = re.split(r"\n(?=[\w.-]+==)", text.partition("\n")[2])
    assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_the_development_lock_contains_the_other() -> None:
    assert set(pinned("requirements.txt")) <= set(pinned("requirements-dev.txt"))
