"""Readings of the environment: right values, and every mistake at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from opsconsole.environment import Environment, kept_secret
from opsconsole.paths import PROJECT


@pytest.mark.parametrize(
    ("_case", "address", "expected"),
    [
        (
            "a server by name",
            "postgresql://anna:p%40ss@db.example:6432/orders",
            {"NAME": "orders", "USER": "anna", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": "6432", "OPTIONS": {}},
        ),
        (
            "a unix socket",
            "postgresql://postgres@/opsconsole?host=%2Frun%2Fsockets",
            {
                "NAME": "opsconsole",
                "USER": "postgres",
                "PASSWORD": "",
                "HOST": "/run/sockets",
                "PORT": "",
                "OPTIONS": {},
            },
        ),
        (
            "two hosts and an option",
            "postgresql://anna@one:5432,two:5433/orders?target_session_attrs=read-write",
            {
                "NAME": "orders",
                "USER": "anna",
                "PASSWORD": "",
                "HOST": "one,two",
                "PORT": "5432,5433",
                "OPTIONS": {"target_session_attrs": "read-write"},
            },
        ),
    ],
)
def test_a_database_address_is_read(_case: str, address: str, expected: dict[str, Any]) -> None:
    environment = Environment({"DATABASE_URL": address})
    assert environment.database("DATABASE_URL") == {"ENGINE": "django.db.backends.postgresql", **expected}
    assert environment.mistakes == []


def test_without_an_address_no_query_can_be_made() -> None:
    assert Environment({}).database("DATABASE_URL") == {"ENGINE": "django.db.backends.dummy"}


def test_every_mistake_is_reported_at_once() -> None:
    environment = Environment({"DATABASE_URL": "mysql://x/y", "SIZE": "many", "DEBUG": "perhaps"})
    environment.database("DATABASE_URL")
    environment.number("SIZE", 3)
    environment.flag("DEBUG")
    with pytest.raises(ImproperlyConfigured) as refusal:
        environment.refuse_mistakes()
    assert str(refusal.value) == (
        "DATABASE_URL must look like postgresql://user@host:5432/database; "
        "SIZE must be a whole number, not 'many'; DEBUG must be yes or no, not 'perhaps'"
    )


def test_values_and_defaults() -> None:
    environment = Environment({"SIZE": " 7 ", "DEBUG": "Yes", "HOSTS": "a, b,,"})
    assert (environment.number("SIZE", 3), environment.number("OTHER", 3)) == (7, 3)
    assert (environment.flag("DEBUG"), environment.flag("OTHER"), environment.flag("OTHER", default=True)) == (
        True,
        False,
        True,
    )
    assert environment.words("HOSTS") == ["a", "b"]
    assert environment.mistakes == []


def test_a_secret_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key"
    with ThreadPoolExecutor(8) as crew:
        secrets = set(crew.map(lambda _: kept_secret(path), range(8)))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["key"]


def test_every_variable_of_the_settings_is_described_in_the_page_about_deployment() -> None:
    settings = (PROJECT / "opsconsole" / "settings.py").read_text()
    read = set(re.findall(r"environment\.\w+\(\s*\"([A-Z_]+)\"", settings))
    page = (PROJECT / "docs" / "deploy.md").read_text()
    assert read
    assert [name for name in sorted(read) if f"`{name}`" not in page] == []
