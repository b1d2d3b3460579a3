"""What may be done to a plan now, as buttons, and the dialog of each: effect, reason, typed sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.console.formats import money as shown_money
from opsconsole.console.plan_rights import may_do
from opsconsole.console.plan_words import run_of
from opsconsole.console.staff import actor_name
from opsconsole.console.subject_words import counted
from opsconsole.console.sums import accepted_spellings
from runbooks import policies
from runbooks.models import Plan
from runbooks.registry import Action, Touch, find
from runbooks.services import approving
from runbooks.states import FAILED_ROWS, PlanState, Risk, RowState, RunState


@dataclass(frozen=True, kw_only=True)
class Dialog:
    """One deed. `pattern` is of what has to be typed, `hint` the number as it is asked for. `takes_note`: its reason is
    the proposer's, and what is added to it is kept beside it."""

    deed: str
    title: str
    text: str
    button: str
    is_danger: bool = False
    asks_reason: bool = True
    takes_note: bool = False
    pattern: str = ""
    hint: str = ""
    phrase: str = ""

    @property
    def is_one_click(self) -> bool:
        return not (self.asks_reason or self.pattern or self.phrase or self.is_danger)


def deeds_now(plan: Plan, user: Any, counts: dict[str, int]) -> Sequence[str]:
    """What this person may do in this state, the usual one first."""
    return [deed for deed in _possible(plan, user, counts) if may_do(user, plan, deed)]


def _possible(plan: Plan, user: Any, counts: dict[str, int]) -> list[str]:
    mine, run = plan.proposer == actor_name(user), run_of(plan)
    if run is not None:
        return _of_run(plan, run.state, counts, is_mine=mine)
    if plan.state == PlanState.AWAITING_APPROVAL:
        return ["withdraw", "break_glass"] if mine else ["approve", "reject"]
    if plan.state != PlanState.PLANNED or not mine or not plan.eligible:
        return []
    return ["propose", "break_glass", "withdraw"] if plan.risk == Risk.SECOND_PERSON else ["start", "withdraw"]


def _of_run(plan: Plan, state: str, counts: dict[str, int], *, is_mine: bool) -> list[str]:
    review = getattr(plan, "review", None)
    found = ["review"] if review is not None and not review.closed_by and not is_mine else []
    if state == RunState.RUNNING:
        return [*found, "pause", "cancel"]
    if state == RunState.PAUSED:
        return [*found, "resume", "cancel"]
    action = find(plan.action)
    if any(counts.get(each) for each in FAILED_ROWS):
        found.append("retry")
    if action is not None and action.undo and counts.get(RowState.FIXED):
        found.append("reverse")
    return found


def dialog_of(plan: Plan, deed: str) -> Dialog:
    action = find(plan.action)
    return {**_before(plan, action), **_after(plan)}[deed]


def effect_of(plan: Plan, action: Action | None) -> str:
    """In one sentence: what happens to how many subjects, and how much money moves."""
    text = str(action.effect) if action else plan.action
    values = {"subjects": counted(plan.subject, plan.eligible), "sum": sums_of(plan), "effect": text}
    if plan.money:
        return _("%(subjects)s, %(sum)s moves. %(effect)s") % values
    return _("%(subjects)s, no money moves. %(effect)s") % values


def sums_of(plan: Plan) -> str:
    return " + ".join(shown_money(amount, currency=currency) for currency, amount in sorted(plan.money.items()))


def _before(plan: Plan, action: Action | None) -> dict[str, Dialog]:
    effect = effect_of(plan, action)
    dialogs = (*_to_begin(plan, action, effect), *_to_decide(plan, effect))
    return {each.deed: each for each in dialogs}


def _to_begin(plan: Plan, action: Action | None, effect: str) -> tuple[Dialog, Dialog]:
    is_money = action is not None and action.touch == Touch.MONEY
    number = policies.to_type(approving.size_of(plan))
    pattern, hint = (accepted_spellings(number), str(number)) if is_money else ("", "")
    start = Dialog(
        deed="start",
        title=_("Start it?"),
        text=effect,
        button=_("Start"),
        is_danger=is_money,
        asks_reason=plan.risk != Risk.NONE,
        pattern=pattern,
        hint=hint,
    )
    propose = Dialog(
        deed="propose",
        title=_("Ask a second person?"),
        text=effect,
        button=_("Request approval"),
        pattern=pattern,
        hint=hint,
    )
    return start, propose


def _to_decide(plan: Plan, effect: str) -> tuple[Dialog, ...]:
    approve = Dialog(
        deed="approve",
        title=_("Approve it?"),
        text=effect,
        button=_("Approve and start"),
        is_danger=True,
        asks_reason=False,
        takes_note=True,
    )
    alone = Dialog(
        deed="break_glass",
        title=_("Start it alone?"),
        text=_("Only in an emergency: nobody else has looked. It is written down, and somebody reviews it afterwards."),
        button=_("Start alone"),
        is_danger=True,
        phrase=approving.glass_phrase(plan),
    )
    reject = Dialog(deed="reject", title=_("Reject it?"), text=_("Nothing is done."), button=_("Reject"))
    withdraw = Dialog(
        deed="withdraw", title=_("Take it back?"), text=_("Nothing is done."), button=_("Take back"), asks_reason=False
    )
    return approve, alone, reject, withdraw


def _after(plan: Plan) -> dict[str, Dialog]:
    pause = Dialog(
        deed="pause",
        title=_("Pause it?"),
        text=_("What is under way ends; nothing further begins until somebody lets it go on."),
        button=_("Pause"),
    )
    resume = Dialog(deed="resume", title=_("Let it go on?"), text=_("It goes on where it stopped."), button=_("Go on"))
    cancel = Dialog(
        deed="cancel",
        title=_("Stop it for good?"),
        text=_("What has not begun never will. What is done stays done."),
        button=_("Stop for good"),
        is_danger=True,
    )
    retry = Dialog(deed="retry", title="", text="", button=_("Plan again what failed"), asks_reason=False)
    reverse = Dialog(deed="reverse", title="", text="", button=_("Plan the undoing"), asks_reason=False)
    review = Dialog(
        deed="review",
        title=_("What did you find?"),
        text=_("It ran without its second person."),
        button=_("Close the review"),
    )
    return {each.deed: each for each in (pause, resume, cancel, retry, reverse, review)}
