"""The committed pictures are those of the edge tables."""

import re

import pytest

from opsconsole.console.tones import TONES
from opsconsole.pictures import FOLDER, dot_text
from orders.states import MACHINES


@pytest.mark.parametrize("name", MACHINES)
def test_the_committed_picture_is_drawn_from_the_table(name: str) -> None:
    assert (FOLDER / f"{name}.dot").read_text() == dot_text(MACHINES[name]), "run manage.py draw_machines"


@pytest.mark.parametrize("name", MACHINES)
def test_the_drawing_shows_every_state_and_edge_and_no_colour(name: str) -> None:
    machine, svg = MACHINES[name], (FOLDER / f"{name}.svg").read_text()
    for state in machine.states.values:
        assert f">{state}</text>" in svg
        assert f'class="node state tone&#45;{TONES[name][state]}"' in svg
    arrows = {(source, target) for (source, _verb), target in machine.edges.items()}
    for source, target in arrows:
        assert f"<title>{source}&#45;&gt;{target}</title>" in svg
    assert svg.count("<title>&#45;&gt;") == len(machine.births)
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg)) <= {"none", "currentColor", "transparent"}
    assert "style=" not in svg


def test_no_picture_is_left_of_a_machine_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(MACHINES)
