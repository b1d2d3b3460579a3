"""The phases of a run, and the rules and reasons in its totals, in the reader's words."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reconciliation.states import BreakType, Excluding, Expecting, Outcome, Pairing, Rule

PHASES: Final[Mapping[str, str | Promise]] = {
    "scope_changes": gettext_lazy("What changed since the last run"),
    "scope_window": gettext_lazy("Orders with a line on these days"),
    "scope_together": gettext_lazy("What was matched together with these"),
    "pass_payouts": gettext_lazy("Payouts against their batches"),
    "pass_0_one_each": gettext_lazy("One line each, same amount"),
    "pass_fees": gettext_lazy("Fees against what was agreed"),
    "pool": gettext_lazy("Lines that stay open"),
    "pass_1_by_hand": gettext_lazy("Linked by hand"),
    "pass_2_duplicates": gettext_lazy("Duplicates in one book"),
    "pass_3_reference": gettext_lazy("Same payment reference"),
    "pass_4_external_reference": gettext_lazy("Same reference of the other party"),
    "pass_5_order": gettext_lazy("Same order and amount"),
    "pass_6_tolerance": gettext_lazy("Same order, amount within tolerance"),
    "pass_known": gettext_lazy("Known differences"),
    "pass_7_sums": gettext_lazy("Sums of one order"),
    "pass_8_batches": gettext_lazy("Sums of a batch"),
    "pass_9_look_alikes": gettext_lazy("Same amount, day and method; unique"),
    "suspects": gettext_lazy("Charged twice, refunded too much, reversed"),
    "expect": gettext_lazy("What may still come"),
    "classify": gettext_lazy("Naming the breaks"),
    "causes": gettext_lazy("Causes of what is missing"),
    "found_match": gettext_lazy("Matches that took judgement"),
    "signatures": gettext_lazy("Breaks of one cause"),
    "write_breaks": gettext_lazy("Writing the breaks"),
    "heal": gettext_lazy("Healing what is in order now"),
    "heal_resolved": gettext_lazy("Healing what was resolved and is in order now"),
    "write_matches": gettext_lazy("Writing matches and lines that wait"),
    "write_cases": gettext_lazy("Adding up the cases"),
    "fold_totals": gettext_lazy("Adding up what is open"),
}
REASONS: Final[Mapping[str, Promise]] = {
    "line": gettext_lazy("A new line came"),
    "rules": gettext_lazy("The rules changed"),
    "time": gettext_lazy("It is no longer waited for"),
}


def phase(name: str) -> tuple[str, str]:
    """`ho: pass_5_order` as the pairing and the step; a step nobody named stays as it is."""
    pairing, _colon, step = name.partition(": ")
    label = str(Pairing(pairing).label) if pairing in Pairing.values else pairing
    return label, str(PHASES.get(step, step))


def why(outcome: str, reason: str) -> str:
    """What a line of the totals came to it by."""
    words: dict[str, str] = {
        **{str(value): str(label) for value, label in (*Rule.choices, *Expecting.choices, *Excluding.choices)},
        **({str(value): str(label) for value, label in BreakType.choices} if outcome == Outcome.BREAK else {}),
    }
    return words.get(reason, reason) or _("by no rule")
