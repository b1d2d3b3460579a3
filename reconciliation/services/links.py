"""Lines that a person links by hand: proposed, agreed to by a second person where one must, and taken back.

A link is what the first pass of the engine reads (`Match` with the rule BY_HAND). Its days are compared again by a
run, which heals the break, or opens it again when the link is taken back. See docs/adr/0065.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed, StaleState
from orders.money import exponent
from reconciliation.models import BookEvent, Entry, HandLink, Match, Run
from reconciliation.services.runs import ask
from reconciliation.states import EntryStatus, LinkState, Pairing, Rule, RunScope, Side

MOST_LINES: Final = 100
# From here on a second person, as for refunds (domain, section 1): major units of the rupiah, others by their order.
SECOND_FROM: Final = 5_000_000
_RUPIAH_A_UNIT: Final = 15_000
_LOCK: Final = 0x117C  # one link at a time: a line must not be linked twice


@dataclass(frozen=True, slots=True)
class Picked:
    """Lines of both books, and what they come to. `difference` is theirs less ours, in minor units."""

    pairing: Pairing
    ours: Sequence[Entry]
    theirs: Sequence[Entry]

    @property
    def currency(self) -> str:
        return self.ours[0].currency

    @property
    def ours_amount(self) -> int:
        return sum(line.amount for line in self.ours)

    @property
    def theirs_amount(self) -> int:
        return sum(line.amount for line in self.theirs)

    @property
    def difference(self) -> int:
        return self.theirs_amount - self.ours_amount

    @property
    def needs_second(self) -> bool:
        """Where money is left over, or much is at stake."""
        most = max(abs(self.ours_amount), abs(self.theirs_amount))
        rupiah = most if self.currency == "IDR" else most * _RUPIAH_A_UNIT // 10 ** exponent(self.currency)
        return self.difference != 0 or rupiah >= SECOND_FROM

    @property
    def days(self) -> tuple[Any, Any]:
        days = [line.business_date for line in (*self.ours, *self.theirs)]
        return min(days), max(days)


def pick(pairing: Pairing, ours: Sequence[int], theirs: Sequence[int]) -> Picked:
    """What these lines come to. Raises NotAllowed where they cannot be linked."""
    if not ours or not theirs:
        raise NotAllowed(_("Choose at least one line of each book."))
    if len(ours) + len(theirs) > MOST_LINES:
        raise NotAllowed(_("A link holds %(most)s lines at most.") % {"most": MOST_LINES})
    picked = Picked(pairing, _lines(ours, Side.OURS), _lines(theirs, _theirs(pairing)))
    if len({line.currency for line in (*picked.ours, *picked.theirs)}) > 1:
        raise NotAllowed(_("Lines of different currencies cannot be linked."))
    if any(line.status != EntryStatus.SETTLED for line in (*picked.ours, *picked.theirs)):
        raise NotAllowed(_("Only settled lines are money; one of these is not."))
    if taken := _taken(pairing, [*ours, *theirs]):
        raise NotAllowed(_("A line of these is linked by hand already: link %(pk)s.") % {"pk": taken.pk})
    return picked


def _lines(ids: Sequence[int], side: Side) -> list[Entry]:
    found = list(Entry.objects.select_related("load").filter(pk__in=ids, side=side).order_by("occurred_at", "pk"))
    if len(found) != len(set(ids)):
        raise NotAllowed(_("A line of these is not in that book."))
    return found


def _theirs(pairing: Pairing) -> Side:
    return Side.HO if pairing == Pairing.HO else Side.GATEWAY


def _taken(pairing: Pairing, ids: Sequence[int]) -> HandLink | None:
    alive = HandLink.objects.filter(pairing=pairing, state__in=(LinkState.PROPOSED, LinkState.LINKED))
    return alive.filter(ours__overlap=list(ids)).first() or alive.filter(theirs__overlap=list(ids)).first()


def link(
    pairing: Pairing, ours: Sequence[int], theirs: Sequence[int], *, actor: str, reason: str
) -> tuple[HandLink, Run | None]:
    """Link the lines, or propose it where a second person must agree. The run that looks at them again, to be rung for.

    Raises NotAllowed.
    """
    said = _said(reason)
    with transaction.atomic():
        _alone()
        picked = pick(pairing, ours, theirs)
        first, last = picked.days
        made = HandLink.objects.create(
            pairing=pairing,
            ours=[line.pk for line in picked.ours],
            theirs=[line.pk for line in picked.theirs],
            currency=picked.currency,
            ours_amount=picked.ours_amount,
            theirs_amount=picked.theirs_amount,
            difference=picked.difference,
            state=LinkState.PROPOSED,
            proposer=actor,
            reason=said,
            first_day=first,
            last_day=last,
        )
        _write(made, "propose", actor, said)
        return made, None if picked.needs_second else _join(made)


def approve(link_id: int, *, actor: str, reason: str) -> tuple[HandLink, Run]:
    """A second person agrees. Raises NotAllowed for the proposer, StaleState where it waits no more."""
    said = _said(reason)
    with transaction.atomic():
        found = _locked(link_id, LinkState.PROPOSED)
        if found.proposer == actor:
            raise NotAllowed(_("Nobody approves an own proposal."))
        found.approver = actor
        _write(found, "approve", actor, said)
        return found, _join(found)


def refuse(link_id: int, *, actor: str, reason: str) -> HandLink:
    """Say no to a proposal; its proposer, who does the same, takes it back. Raises StaleState."""
    said = _said(reason)
    with transaction.atomic():
        found = _locked(link_id, LinkState.PROPOSED)
        is_own = found.proposer == actor
        found.state = LinkState.WITHDRAWN if is_own else LinkState.REFUSED
        found.save(update_fields=["state"])
        _write(found, "withdraw" if is_own else "refuse", actor, said)
    return found


def undo(link_id: int, *, actor: str, reason: str) -> tuple[HandLink, Run]:
    """Take a link back: its lines are looked at again as if it had never been. Raises StaleState."""
    said = _said(reason)
    with transaction.atomic():
        found = _locked(link_id, LinkState.LINKED)
        found.state = LinkState.UNDONE
        if found.match:
            found.match.delete()
        found.match = None
        found.save(update_fields=["state", "match"])
        _write(found, "undo", actor, said)
        return found, _look_again(found)


def _join(found: HandLink) -> Run:
    """Must hold the lock of the links, or that of the row."""
    run = _look_again(found)
    ours = Entry.objects.get(pk=found.ours[0])
    found.match = Match.objects.create(
        pairing=found.pairing,
        rule=Rule.BY_HAND,
        key=ours.order_reference if found.pairing == Pairing.HO else ours.reference,
        currency=found.currency,
        ours=found.ours,
        theirs=found.theirs,
        ours_amount=found.ours_amount,
        theirs_amount=found.theirs_amount,
        difference=found.difference,
        is_timing=found.first_day != found.last_day,
        run=run,
    )
    found.state = LinkState.LINKED
    found.save()
    return run


def _look_again(found: HandLink) -> Run:
    return ask(scope=RunScope.WINDOW, window=(found.first_day, found.last_day), actor=f"link:{found.pk}")


def _locked(link_id: int, state: LinkState) -> HandLink:
    found = HandLink.objects.select_for_update(no_key=True).get(pk=link_id)
    if found.state != state:
        now = str(LinkState(found.state).label)
        raise StaleState(subject=_("Link %(pk)s") % {"pk": link_id}, expected=str(state.label), found=now)
    return found


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _said(reason: str) -> str:
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    return reason.strip()[:400]


def _write(found: HandLink, verb: str, actor: str, reason: str) -> None:
    BookEvent.objects.create(subject=f"link:{found.pk}", verb=verb, actor=actor, reason=reason)
