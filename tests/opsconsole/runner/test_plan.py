"""What a run consists of."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from opsconsole.management.commands.run import Command
from opsconsole.runner.plan import Plan


def customers(tmp_path: Path, **more: Any) -> list[tuple[str, ...]]:
    plan = Plan(data=tmp_path, port=8000, act_workers=1, fresh=False, **{"demo": True, **more})
    return [child.arguments for child in plan.children({}) if child.name == "traffic"]


def test_the_night_takes_the_place_of_the_everyday_customers(tmp_path: Path) -> None:
    night = ("--mix", "silence", "--seed", "5")
    assert customers(tmp_path) == [("traffic",)]
    assert customers(tmp_path, night=night) == [("scenario", "january12", "--guided", *night)]
    assert customers(tmp_path, demo=False) == []


def test_there_is_no_night_without_the_demo() -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        call_command(Command(), "--no-demo", "--night")
