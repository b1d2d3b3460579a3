"""The whole of it on a bare folder: own servers, own processes, own accidents, and nothing left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from opsconsole.paths import PROJECT

ORDERS = 40
HANGING_AT_LEAST = 16


@pytest.fixture
def bare(tmp_path: Path) -> Mapping[str, str]:
    """The environment of somebody who has only the project."""
    named = ("DATABASE_URL", "REDIS_URL", "SANDBOX_PORT", "OPSCONSOLE_URL", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in named}
    return {**kept, "OPSCONSOLE_DATA_DIR": str(tmp_path / "data"), "STATIC_MANIFEST": "no"}


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        env=dict(environment),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    return finished.stdout


@pytest.mark.processes
@pytest.mark.timeout(400)
def test_a_run_of_its_own_leaves_the_stuck_list_that_the_truth_has(bare: Mapping[str, str], tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    scenario = ("scenario", "january12", "--orders", str(ORDERS), "--seed", "5", "--rate", "1200")

    summary = json.loads(manage(bare, *scenario, "--truth", str(truth), "--standalone", "--json"))
    stuck = [json.loads(line) for line in manage(bare, "stuck", "--json").splitlines()]
    compared = json.loads(manage(bare, "scenario", "compare", "--truth", str(truth), "--json"))

    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    assert summary["settled"]
    assert len(lines) == summary["orders"] == ORDERS
    assert all(set(line) == {"order_id", "hanging", "cause", "amount"} for line in lines)
    hanging = {line["order_id"]: line["cause"] for line in lines if line["hanging"]}
    assert len(hanging) >= HANGING_AT_LEAST
    assert {line["order_id"] for line in stuck} == set(hanging)
    assert (compared["recall"], compared["precision"]) == (1.0, 1.0)
    assert compared["cause_accuracy"] >= 0.95
    assert left_behind(str(tmp_path)) == []


def left_behind(folder: str) -> list[str]:
    """Processes that still know the folder of the run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"OPSCONSOLE_DATA_DIR={folder}" in environment:
            found.append((process / "comm").read_text().strip())
    return found
