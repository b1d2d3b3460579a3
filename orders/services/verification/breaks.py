"""The kinds of tampering, each said in plain words."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _


class Kind(StrEnum):
    EDITED = "edited"
    OTHER_KEY = "other_key"
    UNSIGNED = "unsigned"
    MISSING = "missing"
    TAIL_MISSING = "tail_missing"
    CHAIN_MISSING = "chain_missing"
    HEAD_CHANGED = "head_changed"
    NO_HISTORY = "no_history"
    STATE_CHANGED = "state_changed"
    REWRITTEN = "rewritten"
    ANCHOR_CHANGED = "anchor_changed"
    ANCHOR_MISSING = "anchor_missing"


def _words(kind: Kind) -> str:
    return {
        Kind.EDITED: _("Row %(seq)s was changed after it was written."),
        Kind.OTHER_KEY: _("The whole chain is signed with another key, from row %(seq)s on."),
        Kind.UNSIGNED: _("Row %(seq)s is not signed: %(actor)s wrote it past the application."),
        Kind.MISSING: _("Row %(seq)s was deleted from the middle."),
        Kind.TAIL_MISSING: _("The rows from %(seq)s on were deleted from the end."),
        Kind.CHAIN_MISSING: _("All %(rows)s rows were deleted."),
        Kind.HEAD_CHANGED: _("The head of the chain does not belong to its last row %(seq)s."),
        Kind.NO_HISTORY: _("The order has no history at all."),
        Kind.STATE_CHANGED: _(
            "%(machine)s %(subject)s is %(state)s, but by its history %(known)s: it was changed behind the guard."
        ),
        Kind.REWRITTEN: _("Row %(seq)s is not the one that was anchored: the chain was rewritten."),
        Kind.ANCHOR_CHANGED: _("Line %(line)s of %(file)s was changed, or a line before it was taken out."),
        Kind.ANCHOR_MISSING: _("The anchors end before line %(line)s, which was written."),
    }[kind]


@dataclass(frozen=True, slots=True)
class Break:
    """The first thing that is broken in one chain (order 0: what belongs to no order; None: the
    anchor files). `seq` is the row it is about, where there is one."""

    kind: Kind
    order_id: int | None = None
    seq: int | None = None
    public_id: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return _words(self.kind) % {"seq": self.seq, **self.facts}
