"""What a state machine is: a name, its states, and one table of edges."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices

Edges = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Machine:
    """One state machine: `edges[(state, verb)]` is the state the verb leads to."""

    name: str
    states: type[TextChoices]
    verbs: type[StrEnum]
    births: frozenset[str]
    edges: Edges

    @property
    def final(self) -> frozenset[str]:
        """States that no edge leaves."""
        left = {source for source, _verb in self.edges}
        return frozenset(set(self.states.values) - left)

    def target(self, state: str, verb: str) -> str | None:
        """The state `verb` leads to from `state`, or None where the table has no such edge."""
        return self.edges.get((state, verb))

    def verbs_from(self, state: str) -> list[str]:
        """The verbs the table allows from `state`, in table order."""
        return [verb for source, verb in self.edges if source == state]
