"""The list of all events in docs/events.md, made from the edge tables and the sentences of the timeline."""

import re
from collections.abc import Iterator
from typing import Final

from django.utils import translation

from opsconsole.paths import PROJECT
from orders.queries import sentences
from orders.states import MACHINES, SILENT, Machine

PAGE: Final = PROJECT / "docs" / "events.md"
BEGIN: Final = "<!-- made by manage.py draw_machines: begin -->\n"
END: Final = "<!-- made by manage.py draw_machines: end -->\n"
_PLACE: Final = re.compile(r"%\((\w+)\)s")


def catalogue_text() -> str:
    """One line for each machine and verb, and one for each fact that changes no state."""
    with translation.override("en"):
        moves = ["| event | from → to | what happened |", "|---|---|---|", *_moves()]
        facts = ["| event | what happened |", "|---|---|", *_facts()]
    return "\n".join([*moves, "", "Facts change no state; `from` and `to` are the same.", "", *facts, ""])


def written(page: str) -> str:
    """The page with its list as it has to be."""
    before, _begin, rest = page.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}{catalogue_text()}{END}{after}"


def _moves() -> Iterator[str]:
    for name, machine in MACHINES.items():
        for verb in machine.verbs:
            if verb != "create" or name not in SILENT:
                yield f"| `{name}.{verb}` | {_edges(machine, verb)} | {_told(sentences.MOVES[name, verb])} |"


def _edges(machine: Machine, verb: str) -> str:
    if verb == "create":
        return ", ".join(f"→ {birth}" for birth in sorted(machine.births))
    by_target: dict[str, list[str]] = {}
    for (source, of), target in machine.edges.items():
        if of == verb:
            by_target.setdefault(target, []).append(source)
    return ", ".join(f"{' · '.join(sources)} → {target}" for target, sources in by_target.items())


def _facts() -> Iterator[str]:
    for verb, sentence in {**sentences.FACTS, **sentences.GENERAL}.items():
        yield f"| `….{verb}` | {_told(sentence)} |"


def _told(sentence: object) -> str:
    return _PLACE.sub(r"‹\1›", str(sentence))
