"""What became of the actions on an order: running ones and those that just ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import segno
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from opsconsole.console.order_choices import RUNNING
from opsconsole.console.order_lines import STATUS_TONES
from opsconsole.console.tones import Tone
from orders.models import OperatorAction
from orders.queries.phrases import Retold, retold
from orders.queries.sentences import ACTIONS, status_words
from orders.queries.telling import who

SHOWN_FOR: Final = timedelta(minutes=15)
AT_MOST: Final = 3


@dataclass(frozen=True, kw_only=True)
class ShownAction:
    """`link` is a payment link that was made, with its QR code; `is_mine` when the reader asked for it."""

    action: OperatorAction
    label: str
    status: str
    tone: Tone
    outcome: Retold
    by: str
    is_running: bool
    is_mine: bool
    link: str = ""
    qr: str = ""

    @property
    def waits_for_approval(self) -> bool:
        return self.action.status == OperatorAction.Status.AWAITING_APPROVAL


def shown_actions(rows: Sequence[OperatorAction], names: Mapping[str, str], *, reader: str) -> list[ShownAction]:
    """Newest first. What ended long ago is on the timeline only."""
    since = timezone.now() - SHOWN_FOR
    recent = [row for row in rows if row.status in RUNNING or (row.finished_at and row.finished_at > since)]
    return [_shown(row, names, reader=reader) for row in recent[: -AT_MOST - 1 : -1]]


def _shown(action: OperatorAction, names: Mapping[str, str], *, reader: str) -> ShownAction:
    link = _link(action)
    return ShownAction(
        action=action,
        label=str(ACTIONS.get(action.name, action.name)),
        status=status_words(action.name, action.status, action.outcome),
        tone=STATUS_TONES.get(action.status, Tone.NEUTRAL),
        outcome=retold("" if link else action.outcome),
        by=who(action.actor, names),
        is_running=action.status in RUNNING,
        is_mine=action.actor == reader,
        link=link,
        qr=qr_code(link) if link else "",
    )


def _link(action: OperatorAction) -> str:
    is_link = action.name == "make_link" and action.outcome.startswith(("http://", "https://"))
    return action.outcome if is_link else ""


def qr_code(text: str) -> SafeString:
    """An SVG without a style attribute, which the policy would refuse; black on white in both themes,
    because that is what cameras read."""
    drawn = segno.make(text, micro=False).svg_inline(
        border=2, light="white", omitsize=True, svgclass="qr", lineclass=None
    )
    return mark_safe(drawn)  # noqa: S308 segno writes numbers, not the text
