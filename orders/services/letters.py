"""What people do with dead letters: replay, edited or as it is, or discard. Each with an actor and a reason."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import events
from orders.errors import NotAllowed, Refusal, StaleState
from orders.models import DeadLetter
from orders.states import LetterVerb
from orders.transitions import lock, move


def replay(letter: DeadLetter, *, version: int, actor: str, reason: str, body: str = "") -> None:
    """Have the consumer try it again at once, with this body or the one it has. What came first is kept as `raw`.

    Raises NotAllowed for a body that is no event or is another event, StaleState when the letter has moved on since.
    """
    with transaction.atomic():
        found = _as_seen(letter, version)
        text = _checked(found, body or found.body)
        move(
            found,
            LetterVerb.REPLAY,
            actor=actor,
            reason=reason,
            detail={"edited": text != found.body},
            body=text,
            due_at=timezone.now(),
            tries=0,
            last_error="",
        )


def discard(letter: DeadLetter, *, version: int, actor: str, reason: str) -> None:
    """Nobody needs it. It can still be replayed. Raises StaleState, IllegalEdge."""
    with transaction.atomic():
        found = _as_seen(letter, version)
        move(found, LetterVerb.DISCARD, actor=actor, reason=reason, due_at=None)


def replay_many(letters: Iterable[DeadLetter], *, actor: str, reason: str) -> tuple[int, int]:
    """Replay each as it is. (replayed, left out): one that moved on or cannot be read is left out."""
    done = left_out = 0
    for letter in letters:
        try:
            replay(letter, version=letter.version, actor=actor, reason=reason)
            done += 1
        except Refusal:
            left_out += 1
    return done, left_out


def _as_seen(letter: DeadLetter, version: int) -> DeadLetter:
    """The letter, locked after its order, as the person saw it."""
    if letter.order is not None:
        lock(letter.order)
    found = lock(letter)
    if found.version != version:
        raise StaleState(subject=str(found), expected=f"v{version}", found=found.state_label)
    return found


def _checked(letter: DeadLetter, text: str) -> str:
    """An event with the letter's own id: under another one it would count as another event."""
    try:
        event = events.parse(text.encode())
    except events.Malformed as problem:
        raise NotAllowed(_("This is no event: %(why)s.") % {"why": problem}) from None
    if letter.event_id != event.event_id and not letter.event_id.startswith("x-"):
        raise NotAllowed(_("The event id must stay %(event_id)s.") % {"event_id": letter.event_id})
    return text
