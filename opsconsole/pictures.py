"""The state machines as pictures, drawn from the edge tables and nothing else.

DOT text is what the tests compare with the table; the SVG made of it by Debian's graphviz carries
classes instead of colours, so that the style sheet of the page it stands in colours it.
"""

import re
import subprocess
from collections import defaultdict
from typing import Final

from opsconsole.console.tones import TONES
from opsconsole.paths import PROJECT
from orders.states import Machine

FOLDER: Final = PROJECT / "docs" / "machines"
_HEAD: Final = """digraph {name} {{
  graph [rankdir=LR, bgcolor=transparent, nodesep=0.3, ranksep=0.5, class="machine", id="machine-{name}"];
  node [shape=box, style=rounded, height=0.3, margin="0.12,0.05", fontname="Inter", fontsize=12];
  edge [fontname="Inter", fontsize=10, arrowsize=0.7];
  "" [shape=point, width=0.1, class="birth"];
"""
# Colours that graphviz writes although none was asked for.
_COLOURS: Final = (
    (re.compile(r'(?<=<text )([^>]*?)(?: fill="[^"]*")?>'), r'\1 fill="currentColor">'),
    (re.compile(r'stroke="black"'), 'stroke="currentColor"'),
    (re.compile(r'fill="black"'), 'fill="currentColor"'),
)


def dot_text(machine: Machine) -> str:
    """The machine in graphviz's language: states in the enum's order, edges in the table's."""
    lines = [_HEAD.format(name=machine.name).rstrip("\n")]
    lines += [_state(machine, str(state)) for state in machine.states.values]
    lines += [f'  "" -> "{birth}" [class="edge birth"];' for birth in sorted(machine.births)]
    lines += [
        f'  "{source}" -> "{target}" [label="{", ".join(verbs)}", class="edge"];'
        for (source, target), verbs in _edges(machine).items()
    ]
    return "\n".join([*lines, "}", ""])


def _state(machine: Machine, state: str) -> str:
    shape = ", peripheries=2" if state in machine.final else ""
    return f'  "{state}" [class="state tone-{TONES[machine.name][state]}"{shape}];'


def _edges(machine: Machine) -> dict[tuple[str, str], list[str]]:
    """Edges between the same two states become one arrow with several verbs."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (source, verb), target in machine.edges.items():
        arrows[str(source), str(target)].append(str(verb))
    return arrows


def svg_text(dot: str) -> str:
    """Drawn by `dot`, without colours, prolog or fixed size. Raises FileNotFoundError without graphviz."""
    drawn = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True, check=True).stdout  # noqa: S607
    svg = drawn[drawn.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg width="[^"]*" height="[^"]*"', '<svg role="img"', svg, count=1)
    for pattern, plain in _COLOURS:
        svg = pattern.sub(plain, svg)
    return svg
