"""Breakers in words: labels and tones of their states, why they changed, when they open."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsconsole.console.tones import Tone
from orders.models import BreakerChange
from orders.resilience.breaker import Policy, State, policy_of

LABELS: Final[Mapping[str, Promise]] = {
    State.CLOSED: gettext_lazy("Closed"),
    State.HALF_OPEN: gettext_lazy("Probing"),
    State.OPEN: gettext_lazy("Open"),
    State.FORCED_OPEN: gettext_lazy("Forced open"),
    State.FORCED_CLOSED: gettext_lazy("Forced closed"),
}
TONES: Final[Mapping[str, Tone]] = {
    State.CLOSED: Tone.DONE,
    State.HALF_OPEN: Tone.ATTENTION,
    State.OPEN: Tone.FAILED,
    State.FORCED_OPEN: Tone.FAILED,
    State.FORCED_CLOSED: Tone.ATTENTION,
}


def why(change: BreakerChange, *, who: str) -> str:
    """One sentence on what made it change. `who` names the operator, where it was one."""
    if change.cause == "operator":
        return _("%(who)s: %(reason)s") % {"who": who, "reason": change.reason}
    told = {
        "failures": _failures(change),
        "probe": _("a probe failed"),
        "probes": _("the probes succeeded"),
        "time": _("its time was over"),
        "expiry": _("the operator's word ended"),
    }[change.cause]
    if change.process:
        return _("%(why)s; process %(process)s alone, without Redis") % {"why": told, "process": change.process}
    return told


def _failures(change: BreakerChange) -> str:
    """What opened it by the neighbour's own rule: the share of a window says nothing about failures in a row."""
    policy = policy_of(change.upstream)
    if policy is not None and policy.consecutive and not policy.calls:
        return _("%(count)d calls in a row failed") % {"count": policy.consecutive}
    counted = {"failures": change.failures, "calls": change.calls}
    return _("%(failures)d of the last %(calls)d calls failed") % counted


def rule(policy: Policy) -> str:
    """When it opens and how it closes, short."""
    parts = []
    if policy.consecutive:
        parts.append(_("%(count)d in a row") % {"count": policy.consecutive})
    if policy.calls:
        given = {"share": round(policy.ratio * 100), "calls": policy.calls, "window": policy.window}
        parts.append(_("%(share)d%% of %(calls)d or more in %(window)d s") % given)
    probes = ngettext("%(count)d probe", "%(count)d probes", policy.probes) % {"count": policy.probes}
    return _("%(when)s; %(open)d s, then %(probes)s") % {
        "when": _(" or ").join(parts),
        "open": policy.open,
        "probes": probes,
    }
