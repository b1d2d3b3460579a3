"""What other rules would change: both are tried on the same lines, and what came of each is compared."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from reconciliation.models import Rules
from reconciliation.services import engine
from reconciliation.services.pairings import Comparison, Reach, feeds_of
from reconciliation.services.rules import rules_in_force
from reconciliation.states import Pairing

EXAMPLES: Final = 50  # breaks that are named, of each kind
_FOUND: Final = "SELECT identity, type, currency, exposure, order_reference FROM found_break"
_Found = dict[tuple[str, str], dict[str, Any]]


def effect(trial: Mapping[str, Any], reach: Reach, now: datetime, tell: Callable[[str, int], None]) -> dict[str, Any]:
    """Breaks that would be none, and new ones: counts, sums by currency (minor units) and examples, the largest first.

    Must run inside a transaction that holds the intake lock and is rolled back. Raises pairings.Unproved.
    """
    before = _found(rules_in_force(), reach, now, tell)
    after = _found(Rules(**trial), reach, now, tell)
    return {
        "settled": _told([found for key, found in before.items() if key not in after]),
        "new": _told([found for key, found in after.items() if key not in before]),
        "other": _told(
            [found for key, found in after.items() if key in before and found["type"] != before[key]["type"]]
        ),
        "before": len(before),
        "after": len(after),
    }


def _found(rules: Rules, reach: Reach, now: datetime, tell: Callable[[str, int], None]) -> _Found:
    found: _Found = {}
    for pairing in Pairing:
        if not feeds_of(pairing):
            continue
        Comparison(pairing, reach, rules, now, tell).compare()
        for identity, type_, currency, exposure, order in engine.execute(_FOUND):
            found[pairing.value, identity] = {
                "pairing": pairing.value,
                "identity": identity,
                "type": type_,
                "currency": currency,
                "exposure": exposure,
                "order": order,
            }
    return found


def _told(found: list[dict[str, Any]]) -> dict[str, Any]:
    money: dict[str, int] = {}
    for each in found:
        money[each["currency"]] = money.get(each["currency"], 0) + each["exposure"]
    largest = sorted(found, key=lambda each: (-each["exposure"], each["identity"]))
    return {"count": len(found), "money": money, "examples": largest[:EXAMPLES]}
