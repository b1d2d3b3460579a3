"""The pictures of the state machines, and the table beside each."""

import re

from orders.states import MACHINES
from tests.console.people import World


def test_every_machine_has_its_picture_and_its_whole_table(people: World) -> None:
    html = people.client("agus").get("/machines/").content.decode()
    assert html.count('<svg role="img" aria-label=') == len(MACHINES)
    for machine in MACHINES.values():
        section = html[html.index(f'<section class="sheet" id="{machine.name}"') :].split("</section>")[0]
        assert section.count("<tr>") - 1 == len(machine.edges) + len(machine.births)
        for state in machine.states.values:
            assert f"<title>{state}</title>" in section
    assert "style=" not in html


def test_a_state_can_be_marked(people: World) -> None:
    html = people.client("sari").get("/machines/?machine=order&state=paid").content.decode()
    assert re.findall(r'class="node state [^"]* here">\s*<title>([^<]+)', html) == ["paid"]


def test_nonsense_marks_nothing(people: World) -> None:
    html = people.client("sari").get("/machines/?machine=order&state=%3Cscript%3E").content.decode()
    assert not re.search(r'class="node state [^"]* here"', html)
    assert "<script>" not in html
