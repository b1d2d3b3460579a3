"""A break's cause in the reader's language. The engine writes it (`engine/causes.sql`), and cases are named by it."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.states import OrderState, PostingState
from reconciliation.states import BreakType

_ROWS = re.compile(r"(\d+) rows of (.*)", re.DOTALL)


def told_cause(cause: str, type_: str = "") -> str:
    """`posting unknown: timed out after # s` and its like as a sentence; one that nobody named stays as it is.

    What the neighbour said itself stays in its words.
    """
    if type_ == BreakType.INVALID_ROW and (rows := _ROWS.fullmatch(cause)):
        count = int(rows[1])
        return ngettext("%(count)d row of %(name)s", "%(count)d rows of %(name)s", count) % {
            "count": count,
            "name": rows[2],
        }
    if cause == "order unknown":
        return _("we know no such order")
    if cause == "recorded, not in the book":
        return _("Head Office says it has recorded it, and its book does not have it")
    word, _space, rest = cause.partition(" ")
    if word == "posting":
        return _posting(rest)
    never, _order, state = cause.partition(": order ")
    return _untold(state) if never == "never due" and state in OrderState.values else cause


def _untold(state: str) -> str:
    """Of an order without a posting: orders that came from elsewhere have none even when they are finished."""
    said = {"state": OrderState(state).label}
    if state == OrderState.COMPLETED:
        return _("nobody told it, although the order is “%(state)s”") % said
    return _("it was never due: the order is “%(state)s”") % said


def _posting(rest: str) -> str:
    state, _colon, said = rest.partition(": ")
    label = str(PostingState(state).label) if state in PostingState.values else state
    if not said:
        return _("the posting is “%(state)s”") % {"state": label}
    return _("the posting is “%(state)s”: %(said)s") % {"state": label, "said": said}
