"""The checks a person would run by hand, run as tests, so that one command says whether the tree is sound."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from opsconsole.paths import PROJECT

BIN = Path(sys.executable).parent


def run(*command: str) -> None:
    """Fail with the tool's own words."""
    finished = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if finished.returncode != 0:
        pytest.fail(f"{' '.join(command[:3])}\n{finished.stdout}\n{finished.stderr}", pytrace=False)


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", "--output-format", "concise")


def test_every_file_is_formatted() -> None:
    run("ruff", "format", "--check")


@pytest.mark.timeout(300)
def test_types_hold_in_strict_mode() -> None:
    run("mypy")


def test_imports_point_one_way() -> None:
    run("lint-imports", "--no-cache")


def test_every_template_is_formatted() -> None:
    templates = sorted(str(path) for path in (PROJECT / "templates").rglob("*.html"))
    run("djade", "--target-version", "5.2", "--check", *templates)


@pytest.mark.django_db
def test_every_model_change_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_django_checks_pass() -> None:
    call_command("check", fail_level="WARNING")
