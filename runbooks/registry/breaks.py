"""The repairs of breaks: upstream, where the books differ, or by a decision. ADR 0069.

What is done upstream leaves the break open: a later reading of Head Office or of the gateway's report heals it. Until
then the repair is accepted; "sent" is not "fixed".
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from orders.leases import claim_one, renew
from orders.models import Attempt, Order, Refund
from orders.services import posting, refunds
from orders.services.actions.verb import Result
from orders.states import RefundState
from orders.transitions import lock
from reconciliation.ageing import in_rupiah
from reconciliation.models import Break
from reconciliation.services import repairs
from reconciliation.states import BreakState, BreakType, Resolution, Side, WriteOff
from runbooks.acting import NotYet, once
from runbooks.models import Deed
from runbooks.registry import corrections, previews
from runbooks.registry.action import Action, Input, Preview, Touch
from runbooks.subjects import FoundBreak

NOT_AT_HO: Final = (BreakType.MISSING_IN_HO, BreakType.REFUND_MISSING_IN_HO)
TO_REFUND: Final = (BreakType.DUPLICATE_CHARGE, BreakType.DUPLICATE_CHARGE_ACROSS)
TO_CORRECT: Final = (BreakType.AMOUNT_DIFFERS,)
TO_REVERSE: Final = (BreakType.DUPLICATE_IN_HO, BreakType.HO_WITHOUT_PAYMENT, BreakType.LATE_REVERSAL)
LATE: Final = (*NOT_AT_HO, BreakType.MISSING_AT_GATEWAY, BreakType.STATUS_DIFFERS, BreakType.GATEWAY_WITHOUT_PAYMENT)


class WriteOffInput(Input):
    """Under what the difference is booked."""

    code: WriteOff


class RefundInput(Input):
    """Found by the preview, for each row: which charge goes back, and how much of it in minor units."""

    attempt: int = 0
    amount: int = 0


class ReverseInput(Input):
    """Found by the preview, for each row: Head Office's own ids of the entries."""

    entries: tuple[str, ...] = ()


def _open_and(types: tuple[str, ...], judge: Callable[[FoundBreak], Preview]) -> Callable[[FoundBreak, Input], Preview]:
    """A preview of breaks that are open and of these types; of all types where none is named."""

    def preview(found: FoundBreak, given: Input) -> Preview:
        if found.state != BreakState.OPEN:
            return Preview(why="break_closed")
        if types and found.row.type not in types:
            return Preview(why="break_of_other_type")
        return judge(found)

    return preview


def _repost(found: FoundBreak) -> Preview:
    if found.facts is None:
        return Preview(why="break_of_no_order")
    allowed = previews.post(found.facts, Input())
    return allowed if allowed.why else Preview(target=BreakState.HEALED, amount=_at_stake(found), neighbour="ho")


def _refund(found: FoundBreak) -> Preview:
    """The charge that is one too many goes back by the gateway that took it."""
    facts = found.facts
    if facts is None:
        return Preview(why="break_of_no_order")
    paid = [each for each in facts.attempts if facts.refundable(each) > 0 and each.reference in _references(found)]
    if not paid:
        return Preview(why="break_of_no_payment")
    attempt = paid[-1]
    amount = min(facts.refundable(attempt), found.row.exposure)
    params = {"attempt": attempt.pk, "amount": amount}
    return Preview(
        target=BreakState.HEALED, amount=amount, message="refunded", neighbour=attempt.gateway, params=params
    )


def _references(found: FoundBreak) -> set[str]:
    """The payments that the break is about: our lines of it say so, and where it has none the break. The last one of
    the order where nothing names any."""
    named = {line.reference for line in found.own} or {found.row.reference} - {""}
    return named or {each.reference for each in (found.facts.attempts if found.facts else ())}


def _reverse(found: FoundBreak) -> Preview:
    entries = [line for line in found.lines if line.side == Side.HO and line.external_reference]
    if not entries:
        return Preview(why="break_without_entry")
    params = {"entries": [line.external_reference for line in entries]}
    amount = sum(abs(line.amount) for line in entries)
    return Preview(target=BreakState.HEALED, amount=amount, neighbour="ho", params=params)


def _accept(found: FoundBreak) -> Preview:
    return Preview(target=BreakState.RESOLVED, amount=_at_stake(found))


def _write_off(found: FoundBreak, given: Input) -> Preview:
    """The code goes with each row: a spreadsheet may name another one for every break."""
    seen = _open_and((), _may_write_off)(found, given)
    return replace(seen, params=given.model_dump(mode="json"))


def _may_write_off(found: FoundBreak) -> Preview:
    if in_rupiah(_at_stake(found), found.currency) > settings.WRITE_OFF_LIMIT:
        return Preview(why="over_write_off")
    return Preview(target=BreakState.RESOLVED, amount=_at_stake(found))


def _reopen(found: FoundBreak, given: Input) -> Preview:
    return Preview(target=BreakState.OPEN) if found.state == BreakState.RESOLVED else Preview(why="break_open")


def _at_stake(found: FoundBreak) -> int:
    """Minor units: by what the books differ, or where that cannot be said, the money itself."""
    return abs(found.row.difference) or int(found.row.exposure)


def is_healed(found: FoundBreak, amount: int) -> bool:
    return found.state == BreakState.HEALED


def waits_for_books(found: FoundBreak, amount: int) -> bool:
    """Not read yet. Money that did not go back after all will be in no book."""
    last = found.facts.refunds[-1:] if found.facts else ()
    return found.state == BreakState.OPEN and not any(each.state == RefundState.FAILED for each in last)


def is_closed(found: FoundBreak, amount: int) -> bool:
    return found.state != BreakState.OPEN


def is_open(found: FoundBreak, amount: int) -> bool:
    return found.state == BreakState.OPEN


def perform_repost(deed: Deed) -> Result:
    """Safe to begin again: Head Office books an entry once under its reference."""
    order = Order.objects.get(pk=deed.order_id or 0)
    left = posting.post_again(order, actor=deed.actor, reason=deed.reason, renew=lambda: renew(deed))
    said = ", ".join(f"{entry}: {entry.state_label}" for entry in left)
    said = said or _t("Head Office has it. The break closes when its book has been read.")
    return Result(False, said, accepted=not left)


def perform_refund(deed: Deed) -> Result:
    """A gateway that does not answer may have done it: until it says so, or that it will, the deed goes on, by asking.
    The same cause is one refund."""
    cause = f"deed:{deed.pk}"
    with once(deed) as is_first:
        if is_first:
            _ask_refund(deed, cause)
    made = Refund.objects.get(cause=cause)
    mine = claim_one(made)
    if mine is not None:
        refunds.work(mine)
    made.refresh_from_db()
    is_taken = made.state == RefundState.SUCCEEDED or refunds.is_accepted(made)
    if made.state in refunds.UNDER_WAY and not is_taken:
        raise NotYet(f"{made.key}: {made.state}")
    return Result(False, f"{made.key}: {made.state_label}", accepted=is_taken)


def _ask_refund(deed: Deed, cause: str) -> None:
    attempt = Attempt.objects.select_related("order").get(pk=deed.params["attempt"])
    lock(attempt.order)
    made = refunds.request(
        attempt, amount=int(deed.params["amount"]), cause=cause, actor=deed.actor, reason=deed.reason
    )
    if made.state == RefundState.REQUESTED and deed.approver:
        refunds.approve(made, actor=deed.approver)


def perform_reverse(deed: Deed) -> Result:
    said = repairs.reverse_at_ho(deed.params["entries"], key=deed.key)
    told = said or _t("Head Office has reversed it. The break closes when its book has been read.")
    return Result(False, told, accepted=not said)


def perform_accept(deed: Deed) -> Result:
    return _decide(deed, Resolution.TIMING)


def perform_write_off(deed: Deed) -> Result:
    return _decide(deed, Resolution.WRITTEN_OFF)


def _decide(deed: Deed, resolution: Resolution) -> Result:
    pk, code = _break_of(deed), str(deed.params.get("code", ""))
    with once(deed) as is_first:
        if is_first:
            told = {"actor": deed.actor, "reason": deed.reason, "approver": deed.approver, "code": code}
            repairs.resolve(pk, resolution, **told)
    return _reads(pk, BreakState.RESOLVED)


def perform_reopen(deed: Deed) -> Result:
    pk = _break_of(deed)
    with once(deed) as is_first:
        if is_first:
            repairs.reopen(pk, actor=deed.actor, reason=deed.reason)
    return _reads(pk, BreakState.OPEN)


def _reads(pk: int, wanted: BreakState) -> Result:
    with transaction.atomic():
        state = BreakState(Break.objects.values_list("state", flat=True).get(pk=pk))
    return Result(state == wanted, _t("The break is now: %(state)s.") % {"state": state.label})


def _break_of(deed: Deed) -> int:
    return int(deed.resource.partition(":")[2])


BREAK_ACTIONS: Final = (
    Action(
        name="repost_break",
        version=1,
        subject="break",
        perform=perform_repost,
        label=_("Re-post to Head Office"),
        effect=_("Sends what Head Office lacks again, under the same reference; it is booked once."),
        right="propose_repair",
        touch=Touch.VISIBLE,
        rate=20,
        preview=_open_and(NOT_AT_HO, _repost),
        holds=is_healed,
        goes_on=waits_for_books,
        irreversible=_("What Head Office has booked is reversed entry by entry, not taken back."),
        cool_down=timedelta(minutes=5),
    ),
    Action(
        name="refund_break",
        version=1,
        subject="break",
        perform=perform_refund,
        label=_("Refund what was charged twice"),
        effect=_("Gives each customer the later charge back, by the gateway that took it. It cannot be undone."),
        right="propose_repair",
        touch=Touch.MONEY,
        is_idempotent=False,
        rate=5,
        timeout=timedelta(minutes=5),
        input=RefundInput,
        preview=_open_and(TO_REFUND, _refund),
        holds=is_healed,
        goes_on=waits_for_books,
        irreversible=_("Money that went back cannot be called back."),
        cool_down=timedelta(minutes=30),
    ),
    Action(
        name="reverse_break",
        version=1,
        subject="break",
        perform=perform_reverse,
        label=_("Reverse at Head Office"),
        effect=_("Has Head Office take each entry back by a second one. It cannot be undone."),
        right="propose_repair",
        touch=Touch.MONEY,
        rate=10,
        input=ReverseInput,
        preview=_open_and(TO_REVERSE, _reverse),
        holds=is_healed,
        goes_on=waits_for_books,
        irreversible=_("A reversed entry stays reversed; what is right is posted anew."),
        cool_down=timedelta(minutes=5),
    ),
    Action(
        name="correct_break",
        version=1,
        subject="break",
        perform=corrections.perform,
        label=_("Correct the amount at Head Office"),
        effect=_("Has Head Office reverse each wrong entry and book the right amount anew, both in one step."),
        right="propose_repair",
        touch=Touch.MONEY,
        rate=10,
        input=corrections.CorrectInput,
        preview=_open_and(TO_CORRECT, corrections.preview),
        holds=is_healed,
        goes_on=waits_for_books,
        irreversible=_("A reversed entry stays reversed; what was booked anew can be corrected once more."),
        cool_down=timedelta(minutes=5),
    ),
    Action(
        name="accept_timing",
        version=1,
        subject="break",
        perform=perform_accept,
        label=_("Accept as a matter of time"),
        effect=_("Closes each break as one that time will settle. It opens again if its money changes."),
        right="propose_repair",
        touch=Touch.VISIBLE,
        rate=100,
        preview=_open_and(LATE, _accept),
        holds=is_closed,
        undo="reopen_break@1",
    ),
    Action(
        name="write_off",
        version=1,
        subject="break",
        perform=perform_write_off,
        label=_("Write off"),
        effect=_("Closes each break as a loss or a gain under the code given. It opens again if its money changes."),
        right="propose_repair",
        touch=Touch.MONEY,
        rate=100,
        input=WriteOffInput,
        preview=_write_off,
        holds=is_closed,
        undo="reopen_break@1",
    ),
    Action(
        name="reopen_break",
        version=1,
        subject="break",
        perform=perform_reopen,
        label=_("Take a decision back"),
        effect=_("Opens each break again that was written off or accepted."),
        right="propose_repair",
        touch=Touch.VISIBLE,
        rate=100,
        preview=_reopen,
        holds=is_open,
        irreversible=_("Decide about the break again."),
        cool_down=timedelta(0),
    ),
)
