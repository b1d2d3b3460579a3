"""The actions on the dead-letter queue: replay what can be used now, drain what nobody needs."""

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from orders.models import DeadLetter
from orders.services import letters
from orders.services.actions.verb import Result
from orders.states import LetterState, LetterVerb
from runbooks.acting import once
from runbooks.models import Deed
from runbooks.registry.action import Action, Input, Preview, Touch
from runbooks.subjects import Found


def replay(found: Found, given: Input) -> Preview:
    return _along(found, LetterVerb.REPLAY)


def drain(found: Found, given: Input) -> Preview:
    return _along(found, LetterVerb.DISCARD)


def _along(found: Found, verb: LetterVerb) -> Preview:
    target = found.row.machine.target(found.state, verb)
    if target is None:
        return Preview(why="letter_moved", why_values={"state": found.state})
    return Preview(target=target)


def is_used(found: Found, amount: int) -> bool:
    return found.state == LetterState.HANDLED


def is_taken_on(found: Found, amount: int) -> bool:
    return found.state not in (LetterState.DEAD, LetterState.DISCARDED)


def is_discarded(found: Found, amount: int) -> bool:
    return found.state == LetterState.DISCARDED


def perform_replay(deed: Deed) -> Result:
    """Due for its consumer at once: what that makes of it is what a later look shows."""
    with once(deed) as is_first:
        if is_first:
            letters.replay(_letter(deed), version=deed.expected_version, actor=deed.actor, reason=deed.reason)
    now = _letter(deed)
    said, is_taken = _t("The event is now: %(state)s.") % {"state": now.state_label}, now.state != LetterState.DEAD
    return Result(now.state == LetterState.HANDLED, said, accepted=is_taken)


def perform_drain(deed: Deed) -> Result:
    with once(deed) as is_first:
        if is_first:
            letters.discard(_letter(deed), version=deed.expected_version, actor=deed.actor, reason=deed.reason)
    now = _letter(deed)
    is_gone = now.state == LetterState.DISCARDED
    return Result(is_gone, _t("The event is now: %(state)s.") % {"state": now.state_label})


def _letter(deed: Deed) -> DeadLetter:
    return DeadLetter.objects.select_related("order").get(pk=deed.resource.partition(":")[2])


LETTER_ACTIONS: Final = (
    Action(
        name="replay_letter",
        version=1,
        subject="letter",
        perform=perform_replay,
        label=_("Replay dead letters"),
        effect=_("Has the consumer try each event again, as it is. A consumer takes each event only once."),
        right="operate_letters",
        touch=Touch.VISIBLE,
        rate=20,
        preview=replay,
        holds=is_used,
        goes_on=is_taken_on,
        irreversible=_("What a consumer has taken cannot be taken from it again."),
        cool_down=timedelta(minutes=1),
    ),
    Action(
        name="drain_letter",
        version=1,
        subject="letter",
        perform=perform_drain,
        label=_("Drain dead letters"),
        effect=_("Sets each event aside as not needed. It is kept, and can still be replayed."),
        right="operate_letters",
        touch=Touch.VISIBLE,
        rate=50,
        preview=drain,
        holds=is_discarded,
        undo="replay_letter@1",
    ),
)
