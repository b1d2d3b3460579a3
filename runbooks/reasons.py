"""Why a row is left out or skipped, and why a run stands still: codes that are kept, words that are shown.

A worker has no reader and a plan outlives its reader's language, so rows keep a code and values. The words
of an action's own refusals are those of `orders.services.actions`; a test holds both together.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders import names
from orders.queries.phrases import retold, state_label
from orders.queries.telling import who
from orders.services import others

WORDS: Final[Mapping[str, Promise]] = {
    # An action's own.
    "imported_gateway": _("An imported order has no gateway to ask."),
    "imported_booking": _("An imported order was booked elsewhere."),
    "imported_cancel": _("An imported order is cancelled where it came from."),
    "imported_refund": _("An imported order is refunded where it was paid."),
    "no_attempt": _("There is no payment attempt to ask about."),
    "no_link": _("No payment link can be paid any more."),
    "nothing_to_pay": _("Nothing is to be paid: the order is %(state)s."),
    "not_offered": _("%(gateway)s does not offer %(method)s."),
    "nothing_to_book": _("There is nothing to book: the order is %(state)s."),
    "ho_has_it": _("Head Office has every entry of this order, or none is due yet."),
    "cannot_cancel": _("It cannot be cancelled any more: it is %(state)s."),
    "transferred_by_hand": _("The gateway cannot give this money back: finance transfers it by hand."),
    "no_money": _("There is no money to give back."),
    "more_than_held": _("It is more than what is held."),
    "no_excess": _("No more is held than the order costs."),
    "carried_out": _("It is still being carried out: cancel the order instead."),
    "not_held": _("It is not on hold."),
    "breaker_closed": _("Its breaker is closed and nothing is forced."),
    "no_fallback": _("Nothing stands in for it."),
    "on_fallback": _("It is on its fallback already."),
    "no_message": _("A message for the customers is needed."),
    "not_paused": _("The channel is not paused."),
    "nothing_waits": _("Nothing of it waits for a worker."),
    "not_undoable": _("The saga is %(state)s: there is nothing to undo now."),
    "not_waiting": _("It does not wait for a car any more."),
    "being_sent": _("It is being sent to the dispatch system at this moment."),
    "being_undone": _("Its booking is being undone."),
    "car_assigned": _("A car is assigned by hand; the dispatch system would send a second one."),
    "claimed": _("%(actor)s has it in hand."),
    "imported_message": _("An imported order's customer is told where it came from."),
    "told_already": _("Its customer has had this message."),
    "not_true_now": _("The message is not true for an order that is %(state)s."),
    "letter_moved": _("Not possible: the event is %(state)s."),
    "break_closed": _("The break is not open any more."),
    "break_open": _("The break is open."),
    "break_of_no_order": _("It belongs to no order of ours."),
    "break_of_no_payment": _("It belongs to no payment that still holds money."),
    "break_of_other_type": _("This does not repair a break of this type."),
    "break_without_entry": _("Head Office's entry is not known."),
    "over_write_off": _("It is more than may be written off."),
    # A row of a spreadsheet that was loaded back.
    "row_without_break": _("The number of the break is missing."),
    "row_of_no_repair": _("There is no repair “%(name)s”: %(all)s."),
    "row_without_code": _("A write-off needs one of the codes %(all)s."),
    "row_again": _("The same break stands further up."),
    "row_of_no_break": _("There is no such break."),
    "row_moved": _("Its difference has changed since the file was made."),
    # The mechanism's.
    "is_gone": _("It is not there any more."),
    **others.WORDS,
    "drifted": _("It changed after the plan was made: it was %(was)s and is now %(now)s."),
    "refused": _("%(text)s"),
    "cancelled": _("The run was stopped before its turn."),
    # Why a run stands still.
    "by_hand": _("Paused by %(actor)s: %(text)s"),
    "stopped": _("A switch stops this action: %(text)s"),
    "stopped_by": _("%(actor)s stopped this action: %(text)s"),
    "wave_failed": _("Wave %(wave)s: %(bad)s of %(ended)s did not come out well."),
    "wave_drifted": _("Wave %(wave)s: %(skipped)s of %(ended)s had changed since the plan was made."),
    "tampered": _("The rows are not those that were approved."),
    "unknown_action": _("This worker does not know %(action)s in the version that was planned."),
    "breaker": _("Waits for %(neighbour)s: its breaker is open."),
    "overdue": _("Not ended after %(seconds)s s; it is still being tried."),
    "done_since": _("It was accepted, and is done since."),
    "not_done": _("It was accepted, and has not been done."),
    "too_long": _("It was accepted a week ago, and is still not done."),
    "later": _("A later look shows that it is as wanted."),
    "came_back": _("It was as wanted, and is not any more."),
}


def words(code: str, values: Mapping[str, Any], *, people: Mapping[str, str] | None = None) -> str:
    """The reason in the reader's language; "" for no reason. `people`: names of those in it, by actor."""
    if not code:
        return ""
    told = {name: _value(name, value) for name, value in values.items()}
    if "actor" in told:
        told["actor"] = who(told["actor"], people or {})
    return str(WORDS[code]) % told if code in WORDS else code


def about(code: str) -> str:
    """The reason without its values, for a sum of many: what they would name is a dash."""
    return str(WORDS[code]) % defaultdict(lambda: "…") if code in WORDS else code


def _value(name: str, value: Any) -> str:
    text = str(value)
    if name in ("state", "was", "now"):
        return state_label(text) or text
    if name in ("gateway", "neighbour"):
        return names.system(text)
    if name == "method":
        return names.method(text)
    return retold(text).text if name == "text" else text
