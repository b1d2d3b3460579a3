"""The rules, most telling first. Each is a small pure function: evidence in, a finding or None out."""

from collections.abc import Callable, Sequence
from typing import Final

from orders.diagnosis.causes import Cause
from orders.diagnosis.evidence import Evidence
from orders.diagnosis.findings import GUESS, Finding
from orders.diagnosis.rules import booking, ending, imported, paying, platform, refunding

Rule = Callable[[Evidence], Finding | None]

RULES: Final[Sequence[Rule]] = (
    *platform.RULES,
    *refunding.RULES,
    *booking.RULES,
    *paying.RULES,
    *ending.RULES,
)


def judge(evidence: Evidence) -> Finding:
    """The most certain finding; of equals, the earlier rule's. Never none: what no rule explains
    is said to be unexplained."""
    # Nothing here ever worked on an imported order, so what is missing here says nothing.
    rules = imported.RULES if evidence.imported and evidence.machine == "order" else RULES
    found = [finding for finding in (rule(evidence) for rule in rules) if finding is not None]
    return max(found, key=lambda finding: finding.confidence, default=Finding(Cause.UNEXPLAINED, GUESS))
